"""What stands behind the doors: channels, who orders, who simulates, the time of the ledger."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc

from edgemark.errors import Overloaded
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.ordering import Orderer
from edgemark.ledger.embedded.doors.serving.places import DoorPlaces
from edgemark.ledger.embedded.doors.serving.refusing import refusal
from edgemark.ledger.embedded.simulation.endorsing import Endorser
from edgemark.ledger.embedded.state.store import MAX_HEIGHTS
from edgemark.ledger.embedded.state.views import StateView

MAX_HEIGHTS_OF_CHAINCODE = MAX_HEIGHTS // 2
CATCH_UP_S = 2.0  # a client that tries again meets peers that are at the same height


@dataclass
class Clock:
    """The time of a ledger.

    Attributes:
        advance_s: seconds by which clients' timestamps may be ahead of real time.
    """

    advance_s: int = 0

    def now(self) -> datetime:
        """Real time, with its zone."""
        return datetime.now(UTC)

    def latest(self) -> datetime:
        """The time of a client that was moved ahead as far as the ledger was."""
        return self.now() + timedelta(seconds=self.advance_s)


@dataclass
class Snapshots:
    """Which state a simulation reads: the newest, or one some blocks older.

    Attributes:
        channel: whose.
        skew: blocks by which organisations that are asked second are behind; 0 for none.
        catch_up_s: seconds without a block until they are not behind any more.
    """

    channel: Channel
    skew: int = 0
    catch_up_s: float = CATCH_UP_S
    _old: list[StateView] = field(default_factory=list)
    _used: Counter[StateView] = field(default_factory=Counter)
    _grew_at: float = 0.0

    def note_block(self) -> None:
        """Keep the state after a block that was just committed, while it may be read.

        Once the channel has to empty its write-ahead file, for which nobody may read an older
        state, nothing is kept for one block.
        """
        if self.skew and self.channel.wants_to_fold:
            self.close()
        elif self.skew:
            self._grew_at = time.monotonic()
            self._old.append(self.channel.view())
            while len(self._old) > self.skew + 1:
                self._let_go(self._old.pop(0))

    def oldest(self) -> StateView | None:
        """The state that a skewed organisation reads; None for the newest."""
        is_quiet = time.monotonic() - self._grew_at > self.catch_up_s
        return None if is_quiet or not self._old else self._old[0]

    @contextmanager
    def older(self) -> Iterator[StateView | None]:
        """The same, open for as long as it is read."""
        view = self.oldest()
        if view is None:
            yield None
            return
        self._used[view] += 1
        try:
            yield view
        finally:
            self._used[view] -= 1
            if view not in self._old:
                self._let_go(view)

    def close(self) -> None:
        """Let go of all of them."""
        while self._old:
            self._let_go(self._old.pop())

    def _let_go(self, view: StateView) -> None:
        if not self._used[view]:
            del self._used[view]
            view.close()


@dataclass(frozen=True)
class Heights:
    """How many heights of a channel each chaincode reads at once.

    A chaincode that takes long has its calls read many; others keep enough to go on.
    """

    _held: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)

    @contextmanager
    def view(self, channel: Channel, chaincode: str) -> Iterator[StateView]:
        """The newest height of a channel, for a call of a chaincode.

        Raises:
            Overloaded: the chaincode, or all together, read too many heights.
        """
        key = channel.name, chaincode
        held = self._held.get(key, Counter())
        if channel.height not in held and len(held) >= MAX_HEIGHTS_OF_CHAINCODE:
            who, most = f"chaincode {chaincode[:64]}", MAX_HEIGHTS_OF_CHAINCODE
            raise Overloaded("reads too many heights at once", who=who, needed=most)
        with channel.view() as view:
            self._held[key] = held
            held[view.height] += 1
            try:
                yield view
            finally:
                held[view.height] -= 1
                held += Counter()  # forgets what is zero
                if not held:
                    self._held.pop(key, None)


@dataclass(frozen=True)
class Behind:
    """What stands behind all doors of a ledger.

    Attributes:
        channels: by name.
        orderers: of each channel, by its name.
        snapshots: of each channel, by its name.
        endorser: simulates and signs for every organisation.
        addresses: HOST:PORT of each organisation's server, by MSP id; filled as they start.
        runs: whether an organisation (MSP id) has installed the package with which it approved
            the definition of a chaincode on a channel.
        clock: of the ledger.
        heights: that chaincodes read.
    """

    channels: Mapping[str, Channel]
    orderers: Mapping[str, Orderer]
    snapshots: Mapping[str, Snapshots]
    endorser: Endorser
    addresses: dict[str, str]
    runs: Callable[[str, Channel, str], bool]
    clock: Clock
    heights: Heights = field(default_factory=Heights)
    _places: dict[str | None, DoorPlaces] = field(default_factory=dict)

    def places_of(self, msp_id: str | None) -> DoorPlaces:
        """The places at the port of an organisation; None for the orderer's."""
        return self._places.setdefault(msp_id, DoorPlaces(msp_id))

    def channel_of(self, name: str, msp_id: str) -> Channel | None:
        """A channel that an organisation is on."""
        channel = self.channels.get(name)
        return channel if channel is not None and msp_id in channel.organisations else None

    def tell_channels(self, msp_id: str) -> str:
        """Which channels an organisation is on, for who named another."""
        known = sorted(each for each, of in self.channels.items() if msp_id in of.organisations)
        return f"{msp_id} is on {', '.join(known) or 'none'}"

    def ordering_of(self, name: str) -> Orderer:
        """Who orders a channel.

        Raises:
            CallRefused: there is no such channel.
        """
        if name not in self.orderers:
            text = f"channel {name[:64]} is not known here; had {', '.join(sorted(self.orderers))}"
            raise refusal(grpc.StatusCode.FAILED_PRECONDITION, text)
        return self.orderers[name]

    def having(self, channel: Channel, chaincode: str) -> list[str]:
        """Organisations of a channel whose peer can run a chaincode, by MSP id."""
        members = sorted(channel.organisations)
        if self.endorser.is_system(chaincode):
            return members
        if channel.definition(chaincode) is None:
            return []
        return [each for each in members if self.runs(each, channel, chaincode)]
