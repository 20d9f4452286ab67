"""Every state-changing function of trading, as the honest call it; and what a window costs.

Tokens are in the anchor already, and it has let the escrow lock them: Raiden's figures, beside
which these stand (docs/gas.md), pay a deposit in each opening.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tools.gas_lab import GasLab, key_of
from tools.gas_offers import run_offers

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.merkle import MAX_LEAVES
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy_by
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.trading.contract.evidence.records import MAX_PIECES, Claim
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, EvidenceDomain
from edgemark.systems.trading.contract.records import MAX_CHANNELS, Limits, Signers, Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.contract.towers.records import Receipt, TowerTerms
from edgemark.systems.trading.contract.towers.statements import TowersDomain
from edgemark.systems.trading.identifiers import NO_OFFER, ChannelId, OfferId
from edgemark.systems.trading.station.contracts import (
    CONTROLLER,
    DEFAULT_BONDING,
    WATCHTOWER,
    draft_contracts,
)
from edgemark.token.plans import DEFAULT_MIN_STAKE, YEAR_S
from edgemark.token.records import Purpose

COIN = 10**18
DEPOSIT, BOND, OWED = 100 * COIN, 10 * COIN, 37 * COIN
WINDOW_S, SERVICE_S = 3600, 86_400
LIMITS = Limits(60, 86_400, 30 * 86_400, Tokens(10**6 * COIN))
NAMES = (
    "TemplateRegistry",
    "OfferBook",
    "ChannelEscrow",
    "Controllers",
    "EvidenceRegistry",
    "Watchtowers",
)
_, BOOK, ESCROW, CONTROLLERS, EVIDENCE, TOWERS = NAMES
TEMPLATE = Hash32(keccak256(b"settlement template"))
CHANNEL = ChannelId(keccak256(b"a channel with evidence"))


@dataclass
class Channels:
    """A deployed escrow, and channels of one buyer with one seller."""

    lab: GasLab
    nonce: int = 0
    deployment: Deployment = field(init=False)
    domain: EscrowDomain = field(init=False)

    def __post_init__(self) -> None:
        owner = self.key("owner")
        base = BaseContracts(owner.address, self.key("pool").address)
        self.deployment = deploy_by(
            lambda name, *args: self.lab.make("" if name in NAMES else None, owner, name, *args),
            self.lab.chain.chain_id,
            draft_contracts(base, self.key("guardian").address, LIMITS),
        )
        at = self.deployment.contracts
        self.domain = EscrowDomain(self.lab.chain.chain_id, at[ESCROW])
        self.send("outsider", "Allocations", "release", int(Purpose.COMMUNITY))
        self.send("owner", "MetaCoin", "approve", at["AssetAnchor"], 2**255)
        for role in ("payer", "seller", "tower"):  # who was paid before
            amount = 10**5 * COIN
            self.send("owner", "AssetAnchor", "deposit", self.key(role).address, amount)
        until = self.lab.now() + YEAR_S
        self.send("payer", "AssetAnchor", "allowLocker", at[ESCROW], 10**5 * COIN, until)
        self.send("seller", "AssetAnchor", "allowLocker", at[BOOK], 10**5 * COIN, until)

    def key(self, role: str) -> SecretKey:
        """Somebody around these channels."""
        return key_of(f"{role} of channels")

    def send(self, role: str, contract: str, function: str, *args: object) -> None:
        """A call that is not measured."""
        self.lab.send(self.key(role), self.deployment.contract(contract), function, *args)

    def measure(self, case: str, role: str, function: str, *args: object) -> None:
        """A call of the escrow that is."""
        self.measure_of(ESCROW, case, role, function, *args)

    def measure_of(self, name: str, case: str, role: str, function: str, *args: object) -> None:
        """The same of any contract."""
        contract = self.deployment.contract(name)
        self.lab.measure(case, self.key(role), contract, function, *args)

    def terms(self, offer: OfferId = NO_OFFER) -> Terms:
        """Of one channel more."""
        self.nonce += 1
        expires_at = self.lab.now() + SERVICE_S
        return Terms(
            payer=self.key("payer").address,
            seller=self.key("seller").address,
            payer_key=self.key("payer's key").address,
            seller_key=self.key("seller's key").address,
            deposit=Tokens(DEPOSIT),
            bond=Tokens(BOND),
            window=WINDOW_S,
            expires_at=Timestamp(expires_at),
            close_by=Timestamp(expires_at + 2 * WINDOW_S),
            initiation_template=Hash32(keccak256(b"initiation template")),
            settlement_template=TEMPLATE,
            initiation=Hash32(keccak256(b"initiation credential")),
            controller=self.key("controller").address,
            offer=offer,
            nonce=self.nonce,
        )

    def id(self, terms: Terms) -> ChannelId:
        """Of the channel that these terms open."""
        return compute_channel_id(self.lab.chain.chain_id, self.domain.contract, terms)

    def until(self) -> Timestamp:
        """As long as anything signed here counts."""
        return Timestamp(self.lab.now() + SERVICE_S)

    def opening(self, terms: Terms) -> tuple[object, ...]:
        """What `open` takes, sent by the payer."""
        until = self.until()
        signed = self.key("seller").sign(self.domain.opening(self.id(terms), until))
        return (terms.as_abi(), until, signed, b"")

    def open(self) -> Terms:
        """A channel, not measured."""
        terms = self.terms()
        self.send("payer", ESCROW, "open", [self.opening(terms)])
        return terms

    def both(self, digest: Hash32) -> tuple[bytes, bytes]:
        """Signatures of both keys."""
        return self.key("payer's key").sign(digest), self.key("seller's key").sign(digest)

    def voucher(self, terms: Terms, amount: int = OWED) -> tuple[Voucher, bytes, bytes]:
        """A voucher with both signatures."""
        voucher = Voucher(1440, Tokens(amount), TEMPLATE, terms.controller)
        return (voucher, *self.both(self.domain.voucher(self.id(terms), voucher)))

    def claim(self, terms: Terms, amount: int = OWED) -> tuple[object, ...]:
        """What `checkpoint` takes of somebody who is no party."""
        voucher, by_payer, by_seller = self.voucher(terms, amount)
        return (terms.as_abi(), voucher.as_abi(), by_payer, by_seller)

    def response(self, terms: Terms, tower: Address = NOBODY) -> tuple[object, ...]:
        """What `respond` takes, with a delegation or without."""
        voucher, by_payer, _ = self.voucher(terms)
        delegated = b""
        if tower != NOBODY:
            digest = self.domain.delegation(self.id(terms), tower, 1)
            delegated = self.key("seller's key").sign(digest)
        number = int(tower != NOBODY)
        return (terms.as_abi(), voucher.as_abi(), by_payer, tower, number, delegated)

    def settlement_claim(self, index: int, credential: bytes = b"credential") -> Claim:
        """A settlement of one channel."""
        controller = self.key("controller").address
        voucher = Voucher(index, Tokens(OWED), TEMPLATE, controller)
        return Claim(CHANNEL, voucher, Hash32(keccak256(credential)))

    def voucher_digest(self, claim: Claim) -> Hash32:
        """What both parties sign of a settlement."""
        return self.domain.voucher(claim.channel, claim.voucher)

    def issue(self, claim: Claim) -> bytes:
        """The controller's signature under a settlement."""
        domain = ControllersDomain(self.domain.chain_id, self.deployment.contracts[CONTROLLERS])
        return self.key("controller").sign(domain.issuance(claim, self.voucher_digest(claim)))

    def settlement(self, claim: Claim) -> tuple[object, ...]:
        """What `recordSettlements` takes."""
        return (claim.as_abi(), (*self.both(self.voucher_digest(claim)), self.issue(claim)))

    def initiation(self, number: int) -> tuple[object, ...]:
        """What `recordInitiations` takes."""
        credential = Hash32(keccak256(b"initiation %d" % number))
        return (CHANNEL, credential, *self.both(self.evidence.initiation(CHANNEL, credential)))

    def qualification(self, number: int) -> tuple[object, ...]:
        """What `recordQualifications` takes."""
        holder = self.key("seller").address
        credential = Hash32(keccak256(b"qualification %d" % number))
        signed = self.key("issuer").sign(self.evidence.qualification(holder, credential))
        return (holder, credential, signed)

    def register(self, role: str, number: int) -> None:
        """A server of the provider, not measured."""
        registry, provider = "ParticipantRegistry", self.key("provider").address
        self.send("provider", registry, "admit", self.key(role).address)
        server = (number, provider, keccak256(b"TLS key"), "https://127.0.0.1:8443")
        self.send(role, registry, "registerServer", *server, (1, 1, 1, 1))

    def receipt(self, terms: Terms, until: Timestamp) -> tuple[object, ...]:
        """What `claim` takes, of the tower."""
        said = Receipt(self.id(terms), Tokens(OWED), *terms.signers.keys, until)
        domain = TowersDomain(self.domain.chain_id, self.deployment.contracts[TOWERS])
        tower = self.key("tower")
        return (tower.address, terms.as_abi(), OWED, until, tower.sign(domain.receipt(said)))

    @property
    def evidence(self) -> EvidenceDomain:
        """What parties and issuers sign for evidence."""
        return EvidenceDomain(self.domain.chain_id, self.deployment.contracts[EVIDENCE])

    def closing(self, terms: Terms) -> tuple[object, ...]:
        """What `closeTogether` takes, sent by neither party."""
        until = self.until()
        signed = self.both(self.domain.closing(self.id(terms), Tokens(OWED), until))
        return (terms.as_abi(), OWED, until, *signed)


def run(lab: GasLab) -> None:
    """Channels by one and by 32, through every end."""
    channels = Channels(lab)
    terms = run_openings(channels)
    run_open(channels, terms)
    run_ends(channels)
    run_windows(channels)
    run_offers(channels)
    run_controllers(channels)
    run_towers(channels)
    channels.measure("", "guardian", "deprecate")


def run_openings(channels: Channels) -> Terms:
    """One, ten, as many as there may be."""
    first = channels.terms()
    channels.measure("one channel", "payer", "open", [channels.opening(first)])
    for count in (10, MAX_CHANNELS):
        with channels.lab.undone():
            openings = [channels.opening(channels.terms()) for _ in range(count)]
            channels.measure(f"{count} channels", "payer", "open", openings)
    return first


def run_open(channels: Channels, terms: Terms) -> None:
    """What leaves a channel open."""
    channels.measure("", "payer", "topUp", [(terms.as_abi(), COIN)])
    until = channels.until()
    digest = channels.domain.reduction(channels.id(terms), 0, Tokens(COIN), until)
    reduction = (terms.as_abi(), 0, COIN, until, *channels.both(digest))
    channels.measure("", "outsider", "reduce", [reduction])
    channels.measure("one channel", "outsider", "checkpoint", [channels.claim(terms, COIN)])
    with channels.lab.undone():
        claims = [channels.claim(channels.open()) for _ in range(MAX_CHANNELS)]
        channels.measure(f"{MAX_CHANNELS} channels", "outsider", "checkpoint", claims)
    next_signers = replace(terms.signers, controller=channels.key("next").address, epoch=1)
    run_amendment(channels, terms, next_signers)


def run_amendment(channels: Channels, terms: Terms, signers: Signers) -> None:
    """Another controller."""
    until = channels.until()
    arguments = (1, Tokens(2 * COIN), signers, until)
    signed = channels.both(channels.domain.amendment(channels.id(terms), *arguments))
    said = (terms.as_abi(), 1, 2 * COIN, signers.as_abi(), until, *signed)
    channels.measure("", "outsider", "amend", [said])


def run_ends(channels: Channels) -> None:
    """Without a window."""
    terms = channels.open()
    channels.measure("one channel", "outsider", "closeTogether", [channels.closing(terms)])
    with channels.lab.undone():
        closings = [channels.closing(channels.open()) for _ in range(MAX_CHANNELS)]
        channels.measure(f"{MAX_CHANNELS} channels", "outsider", "closeTogether", closings)
    terms = channels.open()
    channels.measure("by the seller", "seller", "close", [channels.claim(terms)])
    terms = channels.open()
    with channels.lab.undone():
        channels.lab.wait_until(terms.close_by + 1)
        channels.measure("", "outsider", "endUnclosed", [terms.as_abi()])


def run_windows(channels: Channels) -> None:
    """A payer closes below what it owes, with a voucher and without, and is answered."""
    lab = channels.lab
    terms = channels.open()
    voucher, *_ = channels.voucher(terms, COIN)
    claim = (terms.as_abi(), voucher.as_abi(), b"", b"")
    with lab.undone():
        channels.measure("by the payer", "payer", "close", [claim])
        channels.measure("after a voucher", "tower", "respond", [channels.response(terms)])
    channels.measure("", "payer", "closeBare", [terms.as_abi()])
    with lab.undone():
        channels.measure("first", "seller", "respond", [channels.response(terms)])
        lab.wait_until(lab.now() + 2 * WINDOW_S + 1)
        channels.measure("answered", "outsider", "settle", [terms.as_abi()])
    tower = channels.key("tower").address
    response = channels.response(terms, tower)
    channels.measure("first, with a delegation", "tower", "respond", [response])
    lab.wait_until(lab.now() + 2 * WINDOW_S + 1)
    channels.measure("answered by a tower", "outsider", "settle", [terms.as_abi()])


def run_controllers(channels: Channels) -> None:
    """A controller comes, anchors, leaves; another time it is convicted; and evidence."""
    at, lab = channels.deployment.contracts, channels.lab
    controller = channels.key("controller")
    for role in ("provider", "controller"):
        account = channels.key(role).address
        channels.send("owner", "AssetAnchor", "deposit", account, 10 * DEFAULT_MIN_STAKE)
        until = lab.now() + YEAR_S
        for locker in ("ParticipantRegistry", CONTROLLERS):
            allowed = (at[locker], 3 * DEFAULT_MIN_STAKE, until)
            channels.send(role, "AssetAnchor", "allowLocker", *allowed)
    registry = "ParticipantRegistry"
    channels.send("provider", registry, "registerProvider", "Some Provider Ltd")
    channels.send("provider", registry, "stake", DEFAULT_MIN_STAKE)
    channels.register("controller", CONTROLLER)
    minimum = DEFAULT_MIN_STAKE
    channels.measure_of(CONTROLLERS, "first", "controller", "bond", minimum)
    channels.measure_of(CONTROLLERS, "again", "controller", "bond", 1)
    run_evidence(channels)
    with lab.undone():
        channels.measure_of(CONTROLLERS, "", "controller", "unbond")
        lab.wait_until(lab.now() + DEFAULT_BONDING.unbonding_seconds + 1)
        channels.measure_of(CONTROLLERS, "", "outsider", "release", controller.address)
    claims = [channels.settlement_claim(1, credential) for credential in (b"one", b"another")]
    versions = [
        (channels.voucher_digest(claim), claim.credential_hash, channels.issue(claim))
        for claim in claims
    ]
    said = (claims[0].channel, 1, 0, *versions)
    channels.measure_of(CONTROLLERS, "", "outsider", "convict", *said)


def run_evidence(channels: Channels) -> None:
    """One piece of each kind, as many as there may be; and the anchored form beside it."""
    for count in (1, MAX_PIECES):
        case = "one piece" if count == 1 else f"{count} pieces"
        numbers = range(count)
        pieces = [channels.settlement(channels.settlement_claim(one)) for one in numbers]
        with channels.lab.undone():
            channels.measure_of(EVIDENCE, case, "outsider", "recordSettlements", pieces)
        initiations = [channels.initiation(one) for one in numbers]
        with channels.lab.undone():
            channels.measure_of(EVIDENCE, case, "outsider", "recordInitiations", initiations)
        held = [channels.qualification(one) for one in numbers]
        with channels.lab.undone():
            channels.measure_of(EVIDENCE, case, "outsider", "recordQualifications", held)
    root = (keccak256(b"root"), MAX_LEAVES, "b" * 59)  # CIDs of version 1 have 59 letters
    channels.measure_of(EVIDENCE, f"{MAX_LEAVES} leaves", "controller", "anchorRoot", *root)


def run_towers(channels: Channels) -> None:
    """A tower comes, covers channels, pays for one and leaves."""
    at, lab = channels.deployment.contracts, channels.lab
    until = Timestamp(lab.now() + YEAR_S)
    channels.send("tower", "AssetAnchor", "allowLocker", at[TOWERS], 10**4 * COIN, until)
    channels.register("tower", WATCHTOWER)
    tower = channels.key("tower").address
    channels.measure_of(TOWERS, "first", "tower", "bond", 10**3 * COIN)
    channels.measure_of(TOWERS, "again", "tower", "bond", COIN)
    offered = TowerTerms(Tokens(BOND), Tokens(COIN), until)
    channels.measure_of(TOWERS, "", "tower", "publish", offered.as_abi())
    opened = [channels.open() for _ in range(MAX_CHANNELS)]
    covers = [(channels.id(terms), COIN, until) for terms in opened]
    with lab.undone():
        channels.measure_of(TOWERS, f"{MAX_CHANNELS} channels", "tower", "cover", covers)
        closings = [channels.closing(terms) for terms in opened]
        channels.send("outsider", ESCROW, "closeTogether", closings)
        ended = [channel for channel, *_ in covers]
        channels.measure_of(TOWERS, f"{MAX_CHANNELS} channels", "outsider", "uncover", tower, ended)
    terms = opened[0]
    channels.measure_of(TOWERS, "one channel", "tower", "cover", [(*covers[0][:1], OWED, until)])
    channels.send("payer", ESCROW, "closeBare", [terms.as_abi()])
    lab.wait_until(lab.now() + 2 * WINDOW_S + 1)
    channels.send("outsider", ESCROW, "settle", [terms.as_abi()])
    channels.measure_of(TOWERS, "", "outsider", "claim", channels.receipt(terms, until))
    channels.measure_of(TOWERS, "one channel", "outsider", "uncover", tower, [channels.id(terms)])
    channels.measure_of(TOWERS, "", "tower", "retire")
    channels.measure_of(TOWERS, "", "outsider", "release", tower)
