"""What an EVM adds to a party's station: chain, contracts, lane, registry, anchor and token."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.deployment.deployment import Deployment, measure_block_s, open_deployment
from edgemark.deployment.group import ContractGroup
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry, ServerEntry
from edgemark.identity.visiting import Visitor
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import ContractRefused, NoFunds, OtherChainsFile
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.follower import LogFollower
from edgemark.ledger.evm.sending.closed_lane import ClosedLane
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import check_owner, identify
from edgemark.ledger.evm.sending.rehearsed_lane import RehearsedLane
from edgemark.loop.machine import TryAgain, UnderWay
from edgemark.party.evm.block_time import BlockTime
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.same_chain import SameChain
from edgemark.party.evm.settings import SECTIONS
from edgemark.party.evm.steady_time import SteadyTime
from edgemark.party.settings import PartySettings
from edgemark.party.station import Station
from edgemark.settings.settings import Settings
from edgemark.token.metacoin import MetaCoin
from edgemark.transport.asking.http import HttpClient

LANE_FILE = "lane.journal"
LOOKS_APART = 0.75  # of the pause between two ticks: each of these is a look that counts


@dataclass(frozen=True)
class EvmStation(Station):
    """Everything a shell of a party on an EVM uses, opened once; its clock is chain time.

    A system's own station names its contracts and adds fields for them.

    Attributes:
        lane_path: file of the lane, whether or not this station holds it.
        allowing: held from the look at an allowance until another is on the chain: what one thread
            allows takes the place of what another did.
    """

    SECTIONS = SECTIONS
    GROUPS: ClassVar[tuple[type[ContractGroup], ...]] = (BaseContracts,)  # that it deals with
    CONTRACTS: ClassVar[tuple[str, ...]] = ()  # of the system: followed

    clock: SteadyTime
    chain: EvmChain
    deployment: Deployment
    lane: TransactionLane
    registry: ParticipantRegistry
    accounts: AnchorAccounts
    token: MetaCoin
    visitor: Visitor
    block_time: BlockTime
    same_chain: SameChain
    lane_path: Path
    allowing: threading.RLock = field(
        default_factory=threading.RLock, init=False, repr=False, compare=False
    )

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], int] | None = None) -> Self:
        """Open keys and chain as the settings say, and check that the contracts are there.

        Args:
            settings: of the party.
            clock: chain time; of the latest block when None.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
        """
        return cls._open(settings, KeyStore.of(settings), clock, is_sending=True)

    @classmethod
    def look(cls, settings: Settings, *, may_make: bool = False) -> Self:
        """The same to look only: nothing is locked, so that the party of this home may be at work.

        Args:
            settings: say where.
            may_make: make keys where there are none yet; else a home that was mistyped is refused.

        Raises:
            RefusedInput: this home has no keys, and none may be made.
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: as `open`.
            OtherChainsFile: this home was used on another chain.
        """
        keys = KeyStore.of(settings, may_make=may_make)
        return cls._open(settings, keys, None, is_sending=False)

    @classmethod
    def rehearse(cls, settings: Settings) -> Self:
        """The same to try what would be sent: nothing is locked, nothing made, nothing sent.

        Raises:
            RefusedInput: this home has no keys yet.
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid, OtherChainsFile: as `look`.
        """
        keys = KeyStore.of(settings, may_make=False)
        station = cls._open(settings, keys, None, is_sending=False)
        return replace(station, lane=station.rehearsed_lane())

    @classmethod
    def _open(
        cls,
        settings: Settings,
        keys: KeyStore,
        clock: Callable[[], int] | None,
        *,
        is_sending: bool,
    ) -> Self:
        paces = settings.of(PartySettings)
        chain, deployment = open_deployment(settings, cls.GROUPS)
        furniture = cls.furnish(settings, chain, deployment)
        registry = ParticipantRegistry(chain, deployment.contract("ParticipantRegistry"))
        block_time = BlockTime(lambda: measure_block_s(chain))
        block_time.look()
        most, genesis = settings.of(ChainSettings).max_fee_gwei, chain.block(0).hash
        owner = identify(chain.chain_id, genesis, keys.account.address)
        path = find_lane(settings.home, chain.chain_id, owner, is_main=True)
        parts: dict[str, Any] = {
            "settings": settings,
            "keys": keys,
            "client": HttpClient(timeout_s=paces.request_timeout_s),
            "clock": SteadyTime(clock or chain.now, apart_s=LOOKS_APART * paces.poll_s),
            "chain": chain,
            "deployment": deployment,
            "registry": registry,
            "accounts": AnchorAccounts(chain, deployment.contract("AssetAnchor")),
            "token": MetaCoin(chain, deployment.contract("MetaCoin")),
            "visitor": Visitor(keys.account, registry.domain()),
            "block_time": block_time,
            "same_chain": SameChain(chain, genesis),
            "lane_path": path,
            **furniture,
        }
        # Last: of an opening that fails, no lock stays behind.
        if is_sending:
            return cls(lane=TransactionLane(chain, keys.account, path, max_fee_gwei=most), **parts)
        check_owner(path, owner)
        return cls(lane=ClosedLane(keys.account), **parts)

    @classmethod
    def furnish(
        cls,
        settings: Settings,  # noqa: ARG003 - for the stations of systems
        chain: EvmChain,  # noqa: ARG003
        deployment: Deployment,  # noqa: ARG003
    ) -> Mapping[str, Any]:
        """The fields that a system's station adds, by name."""
        return {}

    def rehearsed_lane(self) -> RehearsedLane:
        """A lane that sends nothing and says what sending would come to."""
        return rehearse_lane(self.lane, self.settings, self.keys, self.chain)

    def with_lane(self, lane: TransactionLane) -> Self:
        """The same with another lane."""
        return replace(self, lane=lane)

    @property
    def is_rehearsed(self) -> bool:
        """Whether nothing is really sent: what else lasts is not to be done either."""
        return isinstance(self.lane, RehearsedLane)

    def close(self) -> None:
        """Let another process send for this account."""
        super().close()
        self.lane.close()

    def time_of(self, block: int) -> Timestamp:
        """Chain time of a block.

        Raises:
            TimeInDoubt: its header says one that is too late to be believed.
        """
        return Timestamp(self.clock.check(self.chain.block(block).timestamp))

    def block_s(self) -> int:
        """Seconds from block to block; 0 while the chain is too young, or too fast, to tell."""
        return self.block_time.seconds

    def seeing_s(self) -> float:
        """Seconds until this party sees what stands in a block: its confirmations, and a look."""
        return self.chain.confirmations * self.block_s() + self.paces.poll_s

    @property
    def contracts(self) -> list[Contract]:
        """The system's contracts."""
        return [self.deployment.contract(name) for name in self.CONTRACTS]

    @property
    def lockers(self) -> list[Address]:
        """The contracts that this party lets lock its tokens."""
        deployment = self.deployment
        return [deployment.contracts[name] for group in deployment.groups for name in group.LOCKERS]

    def follow(self, first: int | None = None) -> LogFollower:
        """News of the system's contracts.

        Args:
            first: the first block whose events matter; the confirmed one when None, for what
                happened before is in the views.
        """
        start = self.chain.confirmed() if first is None else first
        return LogFollower(self.chain, self.contracts, start)

    def keep_on(self) -> None:
        """Help on the transactions that nobody waits for; look at the chain itself."""
        self.same_chain.look()
        self.lane.keep_on()
        self.block_time.look()

    def push(self, call: Call) -> Receipt:
        """Send a call, if it is not under way, and hold no thread until it is final.

        Raises:
            UnderWay: it is not final; an equal call, or one about the same, asks again.
            ContractRefused, NoFunds: it reverts, or cannot be paid for.
        """
        receipt = self.lane.push(call)
        if receipt is None:
            raise UnderWay("is sent, and not final yet", who=call.function)
        return receipt

    def submit(self, call: Call) -> Receipt:
        """Push a call that others may send too.

        Raises:
            UnderWay: it is not final.
            TryAgain: the contract refuses it now, and the next view of the chain tells why; or the
                account cannot pay for it, and somebody may fund it.
        """
        try:
            return self.push(call)
        except NoFunds as poor:
            raise TryAgain(poor.what, who=poor.who, had=poor.had, needed=poor.needed) from poor
        except ContractRefused as refused:
            raise TryAgain(
                f"{call.function} is refused for the moment",
                who=refused.contract,
                had=refused.error_name,
            ) from refused

    def ask(
        self,
        server: Address,
        path: str,
        body: bytes,
        *,
        most: int,
        method: str = "POST",
        by: float = math.inf,
    ) -> bytes:
        """Ask a registered server over TLS, with the key that it registered, and say who asks.

        Of what is long and waits for its turn, that goes first which has to be there `by` then.

        Raises:
            PeerUnreachable, WrongCertificate, PeerRefused, AnswerTooLarge, AnswerMalformed.
            TryAgain: it registered no endpoint; a stranger's entry must not stop this party.
        """
        try:
            entry = self.server(server)
        except RefusedInput as unusable:
            raise TryAgain(unusable.what, who=server, had=unusable.had) from unusable
        return self.client.request(
            entry.endpoint,
            entry.pin,
            method,
            path,
            body,
            most_bytes=most,
            card=self.visitor.card_for(server),
            by=by,
        )

    def server(self, account: Address) -> ServerEntry:
        """Endpoint and TLS pin of a registered server."""
        return self.registry.server(account)


E = TypeVar("E", bound=EvmStation)


def find_lane(home: Path, chain_id: int, owner: bytes, *, is_main: bool) -> Path:
    """Where an account keeps what it sends on a chain: one file for each chain, whoever asks.

    Args:
        home: of the account.
        chain_id: of the chain.
        owner: account and chain, as `identify` has them.
        is_main: it is the chain of transactions, whose file is `LANE_FILE`; another one's is beside
            it, unless that file is of the same chain, or the other was there first.

    Raises:
        JournalDamaged: a file that is there cannot be read.
    """
    main, beside = home / LANE_FILE, home / f"lane-{chain_id}.journal"
    if is_main:
        return beside if beside.exists() and not main.exists() else main
    try:
        check_owner(main, owner)
    except OtherChainsFile:
        return beside
    return main if main.exists() else beside


def rehearse_lane(
    lane: TransactionLane, settings: Settings, keys: KeyStore, chain: EvmChain
) -> RehearsedLane:
    """A lane beside this one, which sends nothing and knows what an open one has begun."""
    most = settings.of(ChainSettings).max_fee_gwei
    begun = None if isinstance(lane, ClosedLane) else lane.has_begun
    return RehearsedLane(chain, keys.account, max_fee_gwei=most, was_sent=begun)
