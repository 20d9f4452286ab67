"""The tower as a server: takes states of channels, and brings them where their sellers do not.

| step                              | face or effect                                     |
|-----------------------------------|----------------------------------------------------|
| a seller hands in a state         | POST /v1/states -> receipt                         |
| before the first receipt          | retainer read from the chain; `SubmitCover`        |
| a window below what is held       | `SubmitResponse`, with the seller's delegation     |
| a margin before `close_by`        | `SubmitCheckpoint`                                 |
| after the window; after `close_by`| `SubmitSettle`, `SubmitEndUnclosed`                |
| when nothing can be claimed       | `SubmitUncover`                                    |

Nothing is held of a channel whose retainer does not stand on the chain, so places are for who pays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from edgemark.amounts import Amount
from edgemark.errors import LedgerUnavailable, Overloaded
from edgemark.identifiers import NO_HASH, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.party.agenda import Agenda
from edgemark.party.evm.server import EvmServer
from edgemark.party.rounds import Rounds
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.towers.records import Receipt, TowerTerms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import check_fresh
from edgemark.systems.trading.settings import TowerSettings
from edgemark.systems.trading.station.pace.answering import Answering
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.calls import call_of, read_views
from edgemark.systems.trading.tower.messages import (
    LEAST_CLOSE,
    MAX_COVER,
    MAX_STATE_BYTES,
    PLACES_LEFT,
    PROMISED,
    STATES,
    BroughtState,
    SignedReceipt,
)
from edgemark.systems.trading.tower.retainers import RetainerMissing, Retainers, read_retainer
from edgemark.systems.trading.tower.taking import (
    NotWatchedNow,
    TowerView,
    check_newer,
    check_suitable,
    check_times,
    hold,
    observe_as_tower,
)
from edgemark.systems.trading.tower.watch import Keys, TowerMachine, TowerPhase, Watch, WatchTime
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving.crowd import group_of
from edgemark.transport.serving.server import Request, Response, Route

LOOKS_PER_S, LOOKS_PER_S_OF_ASKER, LOOKS_BURST_S = 8.0, 2.0, 10.0  # at the chain, by strangers
_OPEN = (TowerPhase.COVERING, TowerPhase.WATCHING, TowerPhase.WINDOW)


class Tower(EvmServer[TradingStation]):
    """One tower.

    Args:
        station: keys, chain, contracts.
    """

    def __init__(self, station: TradingStation) -> None:
        self._decided = station.settings.of(TowerSettings)
        # What it sees late by so much, it brings in the other half of the margin, or of a window.
        self._stale_s = min(self._decided.stale_after_s, self._decided.margin_s // 2)
        self._limits = station.decided.limits
        self._claim_s = station.decided.watching.claim_seconds
        self._retainers = Retainers(station.home / "retainers.json")
        self._admitting, self._asking = threading.Lock(), threading.Lock()
        self._looks = RateLimit(LOOKS_PER_S, LOOKS_PER_S_OF_ASKER, LOOKS_BURST_S)
        self._looked_at: float | None = None  # monotonic; when a round was whole
        super().__init__(station, TowerMachine(), "tower")
        self._answering = Answering(station, self.log)
        self.agenda = Agenda(station.follow(), lambda event: getattr(event, "channel", None))
        self._rounds: Rounds[Watch, TowerView] = Rounds(
            self, views_of=self._views_of, observe=observe_as_tower, hear=self._hear
        )

    def routes(self) -> Sequence[Route]:
        """States."""
        return [Route("POST", STATES, self._take_state, MAX_STATE_BYTES)]

    def status(self) -> dict[str, object]:
        """Role, channels by phase, what is set aside for them, which times it asks for."""
        watches = self._watches()
        phases = [watch.phase.value for watch in watches]
        return {
            "role": "tower",
            "channels": {phase: phases.count(phase) for phase in sorted(set(phases))},
            "covered": str(Amount(sum(watch.covered for watch in watches))),
            "too_slow_for": self._answering.late,
            LEAST_CLOSE: self._decided.margin_s + self.station.bringing_s(),
            PLACES_LEFT: self._decided.max_channels - self._count_open(watches),
            MAX_COVER: int(self._decided.max_cover),
            PROMISED: self._count_promised(watches),
        }

    def locked_tokens(self) -> int:
        """What is set aside for channels."""
        return sum(watch.covered for watch in self._watches())

    def start(self) -> None:
        """As any server; who is in no standing to watch says so.

        Raises:
            RefusedInput: its margin is too short for a chain of this pace.
        """
        self.station.check_answering("trading.tower.margin_s", self._decided.margin_s)
        super().start()
        try:
            if not self.station.towers.is_watching(self.station.address):
                self.log.warning(
                    "takes no channels",
                    why="no bond, retired, no terms that last, or no good standing",
                )
        except LedgerUnavailable as error:
            self.log.warning("standing is not known", error=error)

    @staticmethod
    def _count_open(watches: Sequence[Watch]) -> int:
        return sum(each.phase in _OPEN for each in watches)

    @staticmethod
    def _count_promised(watches: Sequence[Watch]) -> int:
        """Smallest units of covers that are not on the chain yet."""
        under_way = (each for each in watches if not each.is_finished and not each.covered)
        return sum(each.known.cover for each in under_way)

    def _watches(self) -> list[Watch]:
        return [each for each in self.runtime.states().values() if each.promise is not None]

    # --- faces ---------------------------------------------------------------------------------

    def _take_state(self, request: Request) -> Response:
        """A receipt for a state: the same again for the same; its cover is made before."""
        brought = BroughtState.from_wire(request.body)
        channel = self.station.escrow.id_of(brought.terms)
        watch: Watch | None = self.runtime.state_at_hand(channel)
        if watch is None or watch.promise is None:
            watch, keys = self._take_up(request, channel, brought)
        else:
            watch, keys = self._take_newer(channel, watch, brought)
        return Response(body=self._give(channel, watch, keys).to_wire())

    def _take_newer(
        self, channel: ChannelId, watch: Watch, brought: BroughtState
    ) -> tuple[Watch, Keys]:
        signers = watch.signers or brought.terms.signers
        me, domain = self.station.address, self.station.escrow.domain
        held = hold(brought, channel, signers, domain, me)
        if not check_newer(watch, held):
            return watch, held.keys
        self._check_pace(watch)
        if not watch.covered:  # what is newer waits for the receipt, which waits for the cover
            return self._ask(channel, held), held.keys
        self._check_awake()
        return self._ask(channel, self._sign(watch, held)), held.keys

    def _give(self, channel: ChannelId, watch: Watch, keys: Keys) -> SignedReceipt:
        """The receipt for what is held under these keys, signed and written down by now."""
        if not watch.covered:
            raise Overloaded(
                "cover is not on the chain yet",
                who=f"channel {channel.hex()}",
                retry_after_s=max(1.0, self.station.seeing_s()),
            )
        held = watch.under(keys) or watch.newest
        if not held.receipt:
            if watch.phase is not TowerPhase.WATCHING or watch.is_over(WatchTime.MARGIN):
                raise NotWatchedNow("is not watched", who="channel", had=watch.phase.value)
            self._check_awake()
            self._check_pace(watch)
            held = self._sign(watch, held)
            self._ask(channel, held)
        return SignedReceipt(self._receipt(watch, held), held.receipt)

    def _ask(self, channel: ChannelId, held: on.HeldState) -> Watch:
        watch: Watch = self.runtime.ask(channel, on.HeardState(held))
        return watch

    def _sign(self, watch: Watch, held: on.HeldState) -> on.HeldState:
        digest = self.station.towers.domain.receipt(self._receipt(watch, held))
        return replace(held, receipt=self.station.keys.account.sign(digest))

    def _receipt(self, watch: Watch, held: on.HeldState) -> Receipt:
        promise = watch.known
        return Receipt(promise.channel, held.amount, *held.keys, promise.lock_expiry)

    def _check_awake(self) -> None:
        """Check that no window can be missed: blocks come, and the watch sees them.

        Raises:
            NotWatchedNow: blocks come so slowly that what is brought in the margin is too late.
            BlocksStopped: the newest block is old.
            LedgerUnavailable: no round was whole for as long.
        """
        if not self.station.may_answer(margin := self._decided.margin_s):
            needed = f"> {self.station.bringing_s()} s, as blocks come now"
            raise NotWatchedNow("is too short", who="margin", had=f"{margin} s", needed=needed)
        most = self._stale_s
        check_fresh(self.station.head(), most)
        looked_at = self._looked_at
        if looked_at is None:
            raise LedgerUnavailable("has not looked at its channels yet", who="tower")
        if (age := time.monotonic() - looked_at) > most:
            raise LedgerUnavailable(
                "did not see its channels lately",
                who="tower",
                had=f"{age:.0f} s",
                needed=f"<= {most} s",
            )

    def _check_pace(self, watch: Watch) -> None:
        """Check that it is still one that can be served, now that the chain's pace is known.

        What it was given a receipt for is brought whatever this says.

        Raises:
            TimeShort: blocks come too slowly for its times; no more is taken of it.
        """
        if self.station.block_s():
            promise, least_s = watch.known, self._decided.margin_s + self.station.bringing_s()
            check_times(promise.terms, promise.lock_expiry, least_s)

    # --- a channel that is new -----------------------------------------------------------------

    def _take_up(
        self, request: Request, channel: ChannelId, brought: BroughtState
    ) -> tuple[Watch, Keys]:
        if self.runtime.is_archived(channel):
            raise NotWatchedNow("is over", who=f"channel {channel.hex()}", needed="an open one")
        self._count_look(request)
        self._check_awake()
        station, terms = self.station, brought.terms
        stored = station.escrow.channel(terms)
        now = station.time_of(station.chain.confirmed())
        offered, lock_expiry = self._offered(), terms.lock_expiry(self._limits.exit_grace)
        margin, bringing_s = self._decided.margin_s, station.bringing_s()
        check_suitable(terms, stored, offered, lock_expiry, now, margin, bringing_s)
        held = hold(brought, channel, stored.signers, station.escrow.domain, station.address)
        moved_at = self._moved_at(brought, offered.retainer)
        with self._admitting:
            watch: Watch | None = self.runtime.state_at_hand(channel)
            if watch is not None and watch.promise is not None:
                return self._take_newer(channel, watch, brought)  # brought meanwhile
            cover = self._make_room(stored, terms.bond)
            if offered.retainer:
                self._retainers.take(brought.retainer, channel, moved_at, now)
            expires = Timestamp(lock_expiry)
            claimed_by = Timestamp(lock_expiry + self._claim_s)
            promise = on.Promise(channel, terms, expires, claimed_by, cover, margin)
            money = (stored.deposit(terms.bond), stored.paid)
            taken: Watch = self.runtime.ask(
                channel, on.HeardPromise(promise, stored.signers, *money, held)
            )
        self.door.expect(terms.seller)
        return taken, held.keys

    def _offered(self) -> TowerTerms:
        me = self.station.address
        if not self.station.towers.is_watching(me):
            raise NotWatchedNow("takes no channels now", who=me, needed="a bond and terms")
        return self.station.towers.terms_of(me)

    def _moved_at(self, brought: BroughtState, price: Tokens) -> int:
        if not price:
            return 0
        if brought.retainer == NO_HASH:
            raise RetainerMissing("is not named", who="retainer", needed=Amount(price))
        return read_retainer(self.station, brought.retainer, brought.terms.seller, price)

    def _make_room(self, stored: StoredChannel, bond: Tokens) -> Tokens:
        """What is set aside for a channel: all that its seller may be owed, within the setting.

        Raises:
            Overloaded: as many channels are watched as are taken, or the bond has too little left.
        """
        watches = [watch for watch in self._watches() if not watch.is_finished]
        if self._count_open(watches) >= self._decided.max_channels:
            raise Overloaded(
                "watches as many channels as it takes",
                who=self.station.address,
                had=len(watches),
                needed=f"< {self._decided.max_channels}",
            )
        wanted = min(stored.deposit(bond) - stored.paid, self._decided.max_cover)
        held = self.station.towers.bond_of(self.station.address)
        free = held.free - self._count_promised(watches)
        if not 0 < wanted <= free:
            raise Overloaded(
                "has too little of its bond left to cover this channel",
                who=self.station.address,
                had=Amount(max(0, free)),
                needed=Amount(wanted),
                retry_after_s=60,
            )
        return Tokens(wanted)

    def _count_look(self, request: Request) -> None:
        known = request.account
        with self._asking:
            wait_s = self._looks.take(
                known or group_of(request.peer), time.monotonic(), is_known=known is not None
            )
        if wait_s:
            raise Overloaded(
                "too many requests that ask the chain", who=request.path, retry_after_s=wait_s
            )

    # --- effects and chain ---------------------------------------------------------------------

    def perform(self, state: Watch, effect: on.TowerEffect) -> Sequence[on.TowerEvent]:
        """Carry out one effect; what came of it, the next view tells."""
        self.station.submit(call_of(self.station, state, effect))
        return []

    def look(self) -> None:
        """One round over the chain, at confirmed depth."""
        self._rounds.look()
        self._looked_at = time.monotonic()
        self._answering.look(self._left_to_answer())

    def _left_to_answer(self) -> dict[ChannelId, int]:
        """Of each channel that is watched the seconds that it leaves beside the margin, and one."""
        grace, margin = self._limits.exit_grace, self._decided.margin_s
        known = (each.known for each in self._watches() if each.phase in _OPEN)
        return {e.channel: e.terms.shortest_s(grace) - margin + 1 for e in known}

    def _views_of(self, watches: Sequence[Watch], block: int) -> list[TowerView]:
        return read_views(self.station, watches, block)

    def _hear(self, events: Sequence[ChainEvent]) -> None:  # noqa: ARG002 - views tell all
        """Sellers of open channels are known at the door."""
        open_ = [each for each in self._watches() if each.phase in _OPEN]
        self.door.expect(*(each.known.terms.seller for each in open_))
