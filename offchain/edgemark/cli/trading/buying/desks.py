"""Who does what a buyer's command wants: the command itself, or the party that holds the home.

A journal and a lane belong to one process. Where `edgemark buyer run`, or another `buy`, has them,
a command leaves its wishes there, and looks into the journal for what comes of them.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgemark.cli.spending.command import Spending
from edgemark.files import find_holder
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.journal.journal import JournalInUse
from edgemark.loop.replay import look_at_open, look_up
from edgemark.party.wishes.asking import ask
from edgemark.systems.trading.buyer.buyer import NAME, Buyer
from edgemark.systems.trading.buyer.granting import (
    BEGIN,
    CLOSE,
    ORDER,
    REDUCE,
    TOP_UP,
    facts_of_openings,
    facts_of_order,
)
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.outlook import require_known
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Agreement, Opening
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.station.accords.asking import AMEND, RENEW, facts_of_controller
from edgemark.systems.trading.station.station import TradingStation

JOURNAL = f"{NAME}.journal"
WISH_S = 120.0  # for what sends transactions
OPENING_S = 10.0  # from the lock of a lane to that of the journal, in a buyer that starts
LOOK_S = 0.3
IN_USE = (
    "A server or another command of this account has it: wait until it ends, or use another home. "
    "`edgemark trading status` looks meanwhile."
)


class Desk(ABC):
    """Where a buyer's command gets things done.

    Attributes:
        station: of the home; sends nothing where another process holds it.
        shelf: of the home.
    """

    station: TradingStation
    shelf: Shelf

    @abstractmethod
    def begin(self, openings: Mapping[ChannelId, Opening]) -> None:
        """Take the terms of deals that are kept, to be opened by one transaction."""

    @abstractmethod
    def order(self, channel: ChannelId, wanted: Wanted, *, sample: int, out: str) -> int:
        """Order work; number of the first order."""

    @abstractmethod
    def top_up(self, channel: ChannelId, amount: Tokens) -> int:
        """Add to a deposit; what it will be in all, smallest units."""

    @abstractmethod
    def stop(self, channel: ChannelId) -> None:
        """Ask for nothing more."""

    @abstractmethod
    def reduce(self, channel: ChannelId, amount: Tokens) -> int:
        """Ask for deposit back; what it will be then, smallest units."""

    @abstractmethod
    def amend(self, channel: ChannelId, controller: Address) -> int:
        """Want another controller; its epoch."""

    @abstractmethod
    def renew(self, channel: ChannelId) -> Address:
        """Want to sign with a new key; its address."""

    @abstractmethod
    def state(self, channel: ChannelId) -> Purchase:
        """What is remembered of a channel; raises `ChannelUnknown`."""

    @abstractmethod
    def check(self) -> None:
        """Raise what ended the party, if anything did."""


class OwnDesk(Desk):
    """This process is the buyer."""

    def __init__(self, buyer: Buyer) -> None:
        self.buyer, self.station, self.shelf = buyer, buyer.station, buyer.shelf

    def begin(self, openings: Mapping[ChannelId, Opening]) -> None:
        """See `Buyer.begin`."""
        self.buyer.begin(openings)

    def order(self, channel: ChannelId, wanted: Wanted, *, sample: int, out: str) -> int:
        """See `Buyer.order`."""
        return self.buyer.order(channel, wanted, sample=sample, out=out).first

    def top_up(self, channel: ChannelId, amount: Tokens) -> int:
        """See `Buyer.top_up`."""
        return int(self.buyer.top_up(channel, amount))

    def stop(self, channel: ChannelId) -> None:
        """See `Buyer.stop`."""
        self.buyer.stop(channel)

    def reduce(self, channel: ChannelId, amount: Tokens) -> int:
        """See `Agreeing.reduce`."""
        return int(self.buyer.agreeing.reduce(channel, amount))

    def amend(self, channel: ChannelId, controller: Address) -> int:
        """See `Agreeing.amend`."""
        return self.buyer.agreeing.amend(channel, controller)

    def renew(self, channel: ChannelId) -> Address:
        """See `Agreeing.renew`."""
        return self.buyer.agreeing.renew(channel)

    def recover(self, agreement: Agreement) -> None:
        """See `Buyer.recover`."""
        self.buyer.recover(agreement)

    def state(self, channel: ChannelId) -> Purchase:
        """As the loop has it."""
        return self.buyer.state(channel)

    def check(self) -> None:
        """A loop that ended ends the command."""
        self.buyer.check_running()


class WishDesk(Desk):
    """Another process is the buyer of this home."""

    def __init__(self, station: TradingStation) -> None:
        self.station, self.shelf = station, Shelf(station.home)

    def begin(self, openings: Mapping[ChannelId, Opening]) -> None:
        """By a wish; the deals are in the home."""
        self._ask(BEGIN, facts_of_openings(openings))

    def order(self, channel: ChannelId, wanted: Wanted, *, sample: int, out: str) -> int:
        """By a wish; the bytes are on the shelf."""
        self.shelf.keep(wanted)
        return int(self._ask(ORDER, facts_of_order(channel, wanted, sample, out))["first"])

    def top_up(self, channel: ChannelId, amount: Tokens) -> int:
        """By a wish."""
        facts = {"channel": channel.hex(), "amount": int(amount)}
        return int(self._ask(TOP_UP, facts)["deposit"])

    def stop(self, channel: ChannelId) -> None:
        """By a wish."""
        self._ask(CLOSE, {"channel": channel.hex()})

    def reduce(self, channel: ChannelId, amount: Tokens) -> int:
        """By a wish."""
        facts = {"channel": channel.hex(), "amount": int(amount)}
        return int(self._ask(REDUCE, facts)["deposit"])

    def amend(self, channel: ChannelId, controller: Address) -> int:
        """By a wish."""
        return int(self._ask(AMEND, facts_of_controller(channel, controller))["epoch"])

    def renew(self, channel: ChannelId) -> Address:
        """By a wish."""
        return parse_address(self._ask(RENEW, {"channel": channel.hex()})["key"])

    def state(self, channel: ChannelId) -> Purchase:
        """As the journal has it."""
        return look_at_channel(self.station.home, channel)

    def check(self) -> None:
        """Whether the other goes on is told by what comes of its channels."""

    def _ask(self, kind: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        home = self.station.home
        return ask(home, kind, facts, WISH_S, lambda: bool(find_holder(home / JOURNAL)))


def look_at_channel(home: Path, channel: ChannelId) -> Purchase:
    """What a home remembers of a channel; no lock is taken, and nothing written.

    Raises:
        ChannelUnknown: it never bought in it.
        Unrecoverable: its journal is damaged, or others can read it.
    """
    return require_known(look_up(home, NAME, PartyMachine(Purchase), channel), channel)


def look_at_channels(home: Path) -> dict[ChannelId, Purchase]:
    """The same of all that are at hand: open, or over and not archived yet."""
    found = look_at_open(home, NAME, PartyMachine(Purchase))
    return {ChannelId(key): state for key, state in found.items() if state.agreement is not None}


@contextmanager
def open_desk(spending: Spending) -> Iterator[Desk]:
    """The desk of this home: the buyer that holds it, else a buyer of this process.

    Raises:
        JournalInUse: what has the home is no buyer.
    """
    settings, begun = spending.invocation.settings(), time.monotonic()
    station: TradingStation | None = None
    while station is None:
        if find_holder(settings.home / JOURNAL):
            with TradingStation.look(settings) as seen:
                yield WishDesk(seen)
            return
        try:
            station = TradingStation.open(settings)
        except JournalInUse as used:  # by a buyer that is about to open its journal, or by another
            if time.monotonic() - begun > OPENING_S:
                used.remedy = IN_USE
                raise
            time.sleep(LOOK_S)
    with station, Buyer(station) as buyer:
        buyer.start()
        yield OwnDesk(buyer)


@contextmanager
def open_to_look(spending: Spending) -> Iterator[TradingStation]:
    """The station of this home, for what only rehearses."""
    with TradingStation.rehearse(spending.invocation.settings()) as station:
        yield station
