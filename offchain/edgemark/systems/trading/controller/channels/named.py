"""Channels that name one controller, as events of the escrow tell; those nobody logs in for too.

Rule 1: a channel is here from the event that names this controller to the one that names another,
        or that ends it, or begins a window of it.
Rule 2: nothing of it outlives the process. While a channel is here that is not written down
        elsewhere, its block is not passed over: a later life reads it again.
Rule 3: of too many that nobody logged in for those leave that lock least, by the events of the
        escrow, and of these the oldest.
Rule 4: of one that names this controller by an amendment no event tells the terms: a party brings
        them, and their hash is the channel. What it locks, who reads the chain measures.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId

MOST_NAMED = 8192  # that nobody logged in for: some 5 MB


@dataclass(frozen=True)
class Named:
    """A channel that names this controller.

    Attributes:
        terms: that it was opened with; None where no event told them.
        block: of the event that named it.
        locked: deposit and bond, less what is paid; None where nobody measured it.
        paid: in all.
    """

    terms: Terms | None
    block: int
    locked: int | None = None
    paid: int = 0


class NamedChannels:
    """One thread at a time changes it, any reads.

    Args:
        is_kept: whether what is known of a channel is written down elsewhere.
        most: that are not.
    """

    def __init__(self, is_kept: Callable[[ChannelId], bool], most: int = MOST_NAMED) -> None:
        self._is_kept = is_kept
        self._most = most
        self._named: dict[ChannelId, Named] = {}
        self.displaced = 0

    def __len__(self) -> int:
        return len(self._named)

    def find(self, channel: ChannelId) -> Named | None:
        """A channel that names this controller; None for any other."""
        return self._named.get(channel)

    def note(self, channel: ChannelId, terms: Terms | None, block: int) -> None:
        """It does from now on; with the terms of its opening, or by an amendment."""
        locked = None if terms is None else terms.deposit + terms.bond
        self._named.pop(channel, None)
        self._named[channel] = Named(terms, block, locked)

    def deposit(self, channel: ChannelId, amount: int) -> None:
        """So much was locked more; below 0: so much went back. Of any controller's channel."""
        if (named := self._named.get(channel)) is not None and named.locked is not None:
            self._named[channel] = replace(named, locked=named.locked + amount)

    def pay(self, channel: ChannelId, paid: int) -> None:
        """So much is paid in all."""
        if (named := self._named.get(channel)) is not None and named.locked is not None:
            locked = named.locked - paid + named.paid
            self._named[channel] = replace(named, locked=locked, paid=paid)

    def unmeasured(self) -> list[ChannelId]:
        """Those of which nobody knows what they lock."""
        return [channel for channel, named in list(self._named.items()) if named.locked is None]

    def measure(self, channel: ChannelId, locked: int, paid: int) -> None:
        """What the chain says that a channel locks."""
        if (named := self._named.get(channel)) is not None:
            self._named[channel] = replace(named, locked=locked, paid=paid)

    def drop(self, channel: ChannelId) -> None:
        """It does so no more, or is over, or is written down."""
        self._named.pop(channel, None)

    def drop_lapsed(self, now: int, exit_grace: int) -> None:
        """Those whose lock has expired are over, also where nobody said so on the chain."""
        for channel, named in list(self._named.items()):
            if named.terms is not None and named.terms.lock_expiry(exit_grace) < now:
                self.drop(channel)

    def strangers(self) -> list[ChannelId]:
        """Those of which nothing is written down, the oldest first."""
        return [channel for channel in list(self._named) if not self._is_kept(channel)]

    def passed(self, block: int) -> int:
        """The block up to which a later life needs no events, when all up to `block` were read."""
        blocks = [self._named[each].block for each in self.strangers() if each in self._named]
        return min([block, *(each - 1 for each in blocks)])

    def trim(self) -> list[ChannelId]:
        """Let those leave that are too many, and say which; after the events of a round."""
        strangers = self.strangers()
        strangers.sort(key=lambda each: self._named[each].locked or 0)
        leaving = strangers[: max(0, len(strangers) - self._most)]
        for channel in leaving:
            self.drop(channel)
            self.displaced += 1
        return leaving
