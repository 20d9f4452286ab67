"""What `edgemark doctor` finds on the chain: the node, the contracts, this account."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgemark.amounts import Amount, Coin
from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.cli.catalogue import GROUPS
from edgemark.cli.doctor.findings import Finding, look, refused
from edgemark.cli.servers import STAYING, UNREGISTERED
from edgemark.deployment.deployment import Deployment
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.identity.keys import ACCOUNT_FILE, KeyStore
from edgemark.identity.records import Participant, Role
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.development.node import DEV_CHAIN_ID
from edgemark.ledger.evm.reading.answers import quantity_of
from edgemark.ledger.evm.reading.blocks import MOST_PRICE
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.fees import WEI_PER_GWEI
from edgemark.ledger.evm.sending.pending import check_owner, identify
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.evm.station import LANE_FILE
from edgemark.settings.settings import Settings
from edgemark.words import count

MOST_AHEAD_S = 15  # a block's time may be as far ahead of ours; more is a wrong clock
MOST_BEHIND_S = 120  # a live chain makes a block more often
ANSWER_S = 5.0
FAR_S = 3600  # a development chain that is as far from this clock is no small matter


@dataclass(frozen=True)
class OnChain:
    """What was reached; None where it was not."""

    chain: EvmChain | None
    deployment: Deployment | None
    entry: Participant | None = None


def names_chain(settings: Settings) -> bool:
    """Whether a home has anything of a chain, or names one."""
    wanted = settings.of(ChainSettings)
    has_keys = (settings.home / "keys" / ACCOUNT_FILE).exists()
    has_manifest = wanted.manifest_file(settings.home, wanted.id or DEV_CHAIN_ID).exists()
    return has_keys or has_manifest or wanted != ChainSettings()


def find_on_chain(settings: Settings) -> tuple[list[Finding], OnChain]:
    """Everything about chain and contracts, each as far as the one before allows."""
    wanted = settings.of(ChainSettings)
    chain = EvmChain(
        wanted.url,
        chain_id=wanted.id or None,
        confirmations=wanted.confirmations,
        timeout_s=ANSWER_S,
        attempts=1,
    )
    first = look("chain", True, lambda: _describe_chain(chain))
    if not first.fine:
        file = wanted.manifest_file(settings.home, wanted.id or DEV_CHAIN_ID)
        return [first, look("deployment", True, lambda: _describe(file))], OnChain(None, None)
    findings = [
        first,
        look("chain clock", False, lambda: compare_clocks(chain)),
        look("gas price", True, lambda: _compare_fee(chain, wanted.max_fee_gwei)),
    ]
    if (settings.home / LANE_FILE).exists():
        findings.append(look("home", True, lambda: _check_home(settings, chain)))
    try:
        file = wanted.manifest_file(settings.home, chain.chain_id)
        deployment = Deployment.load(file, GROUPS, chain.chain_id)
        deployment.verify(chain)
    except EdgemarkError as error:
        return [*findings, refused("deployment", True, error)], OnChain(chain, None)
    seen = f"{name_contracts(deployment)}, code and wiring as they should be"
    findings.append(Finding("deployment", True, True, seen))
    if not (settings.home / "keys" / ACCOUNT_FILE).exists():
        return findings, OnChain(chain, deployment)
    account = _Account(settings, chain, deployment)
    return [*findings, *account.findings()], OnChain(chain, deployment, account.entry)


def _check_home(settings: Settings, chain: EvmChain) -> str:
    """Whether what this home has sent was sent on this chain.

    Raises:
        OtherChainsFile: it was on another.
    """
    account = KeyStore.open(settings.home / "keys").account.address
    owner = identify(chain.chain_id, chain.block(0).hash, account)
    check_owner(settings.home / LANE_FILE, owner)
    return "was used on this chain"


def _describe(manifest: Path) -> str:
    named = name_contracts(Deployment.load(manifest, GROUPS))
    return f"{named}, not compared with the chain"


def name_contracts(deployment: Deployment) -> str:
    """Of each system the contract that is made last, for it stands on the others."""
    of_systems = [each for each in deployment.groups if not isinstance(each, BaseContracts)]
    names = [group.KINDS[-1].name for group in of_systems or deployment.groups]
    return ", ".join(f"{name} at {deployment.contracts[name]}" for name in names)


def tell_unregistered(provider: str) -> str:
    """What is said of an account without a role, whose settings name this provider, or none."""
    if provider:
        return "none yet; the first start registers"
    needless = " or ".join((*UNREGISTERED, *STAYING))
    return f"none, and a {needless} needs none; a device has one from its first start on"


def _describe_chain(chain: EvmChain) -> str:
    chain.connect()
    return (
        f"{chain.place}, chain id {chain.chain_id}, block {chain.head()}, "
        f"{count(chain.confirmations, 'confirmation')}"
    )


def compare_clocks(chain: EvmChain) -> str:
    """How old the last block is by this machine's clock.

    Raises:
        RefusedInput: it is from the future, or older than a live chain's would be.
    """
    behind = time.time() - chain.now()
    seen = f"last block {abs(behind):.0f} s {'ago' if behind >= 0 else 'ahead of this clock'}"
    if chain.chain_id == DEV_CHAIN_ID:
        remark = ": deadlines are chain time, not this clock's" if abs(behind) > FAR_S else ""
        return f"{seen}; a development chain keeps a time of its own{remark}"
    if behind < -MOST_AHEAD_S:
        remedy = "Set this machine's clock (NTP): deadlines are chain time."
        raise RefusedInput("is behind the chain's", who="this clock", had=seen, remedy=remedy)
    if behind > MOST_BEHIND_S:
        remedy = "Check that the node is in step; a development chain may wait for transactions."
        raise RefusedInput("made no block lately", who=chain.place, had=seen, remedy=remedy)
    return seen


def _compare_fee(chain: EvmChain, most_gwei: float) -> str:
    price = quantity_of(chain.rpc("eth_gasPrice"), "gas price", most=MOST_PRICE) / WEI_PER_GWEI
    seen = f"{price:g} gwei now, at most {most_gwei:g}"
    if price > most_gwei:
        raise RefusedInput(
            "gas costs more than this account pays",
            who="chain.max_fee_gwei",
            had=seen,
            remedy="Raise chain.max_fee_gwei, or wait; deadlines do not wait.",
        )
    return seen


class _Account:
    """The account of a home folder that has a key."""

    def __init__(self, settings: Settings, chain: EvmChain, deployment: Deployment) -> None:
        self._settings = settings.of(RegistrationSettings)
        self._chain = chain
        self._deployment = deployment
        self._keys = KeyStore.open(settings.home / "keys")
        self._me: Address = self._keys.account.address
        self._registry = ParticipantRegistry(chain, deployment.contract("ParticipantRegistry"))
        self.entry = self._registry.participant(self._me)

    def findings(self) -> Iterator[Finding]:
        """Coins, registration, tokens."""
        serves = bool(self._settings.provider)
        yield look("account", serves, self._coins)
        yield look("registration", serves, self._registration)
        if serves and self.entry.role is Role.NONE:
            yield look("admission", True, self._admission)
        yield look("free balance", serves, self._free_balance)

    def _coins(self) -> str:
        wei = self._chain.balance(self._me)
        if not wei:
            raise RefusedInput(
                "has no coins", who=self._me, remedy="Send it coins: every transaction costs gas."
            )
        return f"{self._me}, {Coin(wei).rounded()} for gas"

    def _registration(self) -> str:
        entry = self.entry
        if entry.role is Role.NONE:
            return tell_unregistered(self._settings.provider)
        if not entry.role.is_server:
            return entry.role.word
        if bytes(entry.tls_key_hash) != bytes(self._keys.tls.pin):
            raise RefusedInput(
                "is registered with another TLS key",
                who=self._me,
                had=entry.tls_key_hash.hex(),
                needed=self._keys.tls.pin.hex(),
                remedy="Restore keys/tls.pem of this home, or run `edgemark account rotate`.",
            )
        if not self._registry.is_active(self._me):
            raise RefusedInput(
                "takes no new work",
                who=self._me,
                had=f"retired, dismissed, pausing, or without the stake of {entry.provider}",
                needed="good standing",
                remedy="The provider runs `edgemark provider show`, `stake` or `admit`.",
            )
        return f"{entry.role.word} of {entry.provider} at {entry.endpoint}"

    def _admission(self) -> str:
        provider = parse_address(self._settings.provider, who="provider")
        if not self._registry.is_admitted(provider, self._me):
            raise RefusedInput(
                "is not admitted by its provider",
                who=self._me,
                had=provider,
                remedy=f"The provider runs `edgemark provider admit {self._me}`.",
            )
        had, needed = self._registry.active_stake(provider), self._registry.min_stake()
        if had < needed:
            raise RefusedInput(
                "works for a provider with too little at stake",
                who=self._me,
                had=Amount(had),
                needed=Amount(needed),
                remedy="The provider runs `edgemark provider stake`.",
            )
        return f"admitted by {provider}, which has {Amount(had)} at stake"

    def _free_balance(self) -> str:
        accounts = AnchorAccounts(self._chain, self._deployment.contract("AssetAnchor"))
        free, wanted = accounts.free_balance(self._me), self._settings.deposit
        seen = f"{Amount(free)} free"
        if free < wanted:
            raise RefusedInput(
                "is below the deposit",
                who="free balance",
                had=seen,
                needed=Amount(wanted),
                remedy="The start fills it from the wallet; what is locked comes back.",
            )
        return seen
