"""Controllers with their provider, the evidence about channels, and what is signed for both.

What is signed, `edgemark.systems.trading.contract.evidence` computes, not the contracts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from eth_utils import keccak
from tests.contracts.trading.escrow_world import ALLOWED_SECONDS, WEALTH, EscrowWorld, address
from tests.contracts.world import MIN_STAKE, PAUSE, sign
from tests.offchain.systems.trading.channel_cast import KEYS, draft_voucher

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Hash32
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.evidence.statements import (
    ControllersDomain,
    EvidenceDomain,
    compute_leaf,
)
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.identifiers import ChannelId

MIN_BOND, UNBONDING = 5003, 2000
CONTROLLER, COMPUTE_NODE = 48, 16  # roles
THIEF = KEYS["a thief"]


def hash_of(text: str) -> Hash32:
    """Some hash."""
    return Hash32(keccak(text=text))


CHANNEL = ChannelId(hash_of("a channel"))


@dataclass
class EvidenceWorld:
    """The deployed contracts, and the accounts in their roles."""

    escrow: EscrowWorld
    registry: Any
    controllers: Any
    evidence: Any
    provider: Any
    controller: Any
    rival: Any
    issuer: Any
    controllers_domain: ControllersDomain = field(init=False)
    domain: EvidenceDomain = field(init=False)

    def __post_init__(self) -> None:
        chain_id = self.escrow.domain.chain_id
        self.controllers_domain = ControllersDomain(chain_id, address(self.controllers))
        self.domain = EvidenceDomain(chain_id, address(self.evidence))

    @property
    def anchor(self) -> Any:
        return self.escrow.anchor

    @property
    def outsider(self) -> Any:
        return self.escrow.people["outsider"]

    @property
    def pool(self) -> Any:
        return self.controllers.pool()

    def free(self, account: Any) -> int:
        """Tokens of an account in the anchor that are free."""
        return int(self.anchor.freeBalanceOf(account))

    def fund(self, account: Any) -> None:
        """Tokens that Controllers may lock."""
        self.anchor.deposit(account, WEALTH, sender=self.escrow.deployer)
        until = self.escrow.now() + ALLOWED_SECONDS
        self.anchor.allowLocker(self.controllers, WEALTH, until, sender=account)

    def bond(self, amount: int = MIN_BOND, controller: Any = None) -> int:
        """Bond a controller; the second at which it did."""
        self.controllers.bond(amount, sender=controller or self.controller)
        return self.escrow.now()

    # What is signed.

    def claim(self, index: int = 1, text: str = "credential", **changes: Any) -> Claim:
        """A settlement of the channel, issued by the controller."""
        voucher = replace(draft_voucher(600, index), controller=address(self.controller), epoch=2)
        return Claim(CHANNEL, replace(voucher, **changes), hash_of(text))

    def voucher_digest(self, voucher: Voucher) -> Hash32:
        """What the parties sign."""
        return self.escrow.domain.voucher(CHANNEL, voucher)

    def issuance(self, claim: Claim) -> Hash32:
        """What the controller signs."""
        return self.controllers_domain.issuance(claim, self.voucher_digest(claim.voucher))

    def signatures(
        self, claim: Claim, payer: str = "payer's key", seller: str = "seller's key", by: Any = None
    ) -> Signatures:
        """Of all three, under a settlement."""
        voucher = self.voucher_digest(claim.voucher)
        issued = sign(by or self.controller, self.issuance(claim))
        return Signatures(KEYS[payer].sign(voucher), KEYS[seller].sign(voucher), issued)

    def settlement(self, claim: Claim, **by: Any) -> tuple[Any, ...]:
        """What `recordSettlements` takes."""
        return claim.as_abi(), self.signatures(claim, **by).as_abi()

    def version(self, claim: Claim, by: Any = None) -> tuple[Any, ...]:
        """What `convict` takes of one of two issuances."""
        signed = sign(by or self.controller, self.issuance(claim))
        return self.voucher_digest(claim.voucher), claim.credential_hash, signed

    def leaf(self, claim: Claim, signatures: Signatures) -> Hash32:
        """Of a settlement, in the tree that is anchored."""
        return compute_leaf(claim, self.issuance(claim), signatures)

    def initiation(
        self, text: str = "initiation", payer: str = "payer's key", seller: str = "seller's key"
    ) -> tuple[Any, ...]:
        """What `recordInitiations` takes."""
        digest = self.domain.initiation(CHANNEL, hash_of(text))
        return CHANNEL, hash_of(text), KEYS[payer].sign(digest), KEYS[seller].sign(digest)

    def qualification(self, text: str, by: SecretKey = THIEF) -> tuple[Any, ...]:
        """What `recordQualifications` takes, of the seller."""
        holder = self.escrow.who("seller")
        return holder, hash_of(text), by.sign(self.domain.qualification(holder, hash_of(text)))


def register(world: EvidenceWorld, server: Any, role: int = CONTROLLER) -> None:
    """Admit a server of the provider and register it."""
    world.registry.admit(server, sender=world.provider)
    world.registry.registerServer(
        role,
        world.provider,
        keccak(text=f"TLS key of {server}"),
        "https://127.0.0.1:8443",
        (2, 1024, 1024, 100),
        sender=server,
    )


def deploy_evidence(project: Any, accounts: Any, escrow: EscrowWorld, pool: Any) -> EvidenceWorld:
    """Registry, Controllers and EvidenceRegistry beside an escrow; two controllers, not bonded."""
    deployer, anchor = escrow.deployer, escrow.anchor
    provider, controller, rival, issuer = accounts[8:12]
    registry = deployer.deploy(project.ParticipantRegistry, anchor, MIN_STAKE, UNBONDING, PAUSE)
    controllers = deployer.deploy(project.Controllers, anchor, registry, pool, MIN_BOND, UNBONDING)
    evidence = deployer.deploy(project.EvidenceRegistry, escrow.escrow, controllers)
    world = EvidenceWorld(
        escrow, registry, controllers, evidence, provider, controller, rival, issuer
    )
    escrow.token.approve(anchor, 10 * WEALTH, sender=deployer)
    registry.registerProvider("Some Provider", sender=provider)
    anchor.deposit(provider, MIN_STAKE, sender=deployer)
    until = escrow.now() + ALLOWED_SECONDS
    anchor.allowLocker(registry, MIN_STAKE, until, sender=provider)
    registry.stake(MIN_STAKE, sender=provider)
    for server in (controller, rival):
        register(world, server)
        world.fund(server)
    return world
