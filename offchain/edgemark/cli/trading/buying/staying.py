"""How a command stays with a channel: until it is open, its results are there, it has ended."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from edgemark.cli.trading.buying.desks import Desk
from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.systems.trading.buyer.orders.shelf import Done
from edgemark.systems.trading.buyer.outlook import REASONS, find_awaited, tell
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.life import BuyerPhase

POLL_S = 0.3
OVER = (BuyerPhase.ENDED, BuyerPhase.DROPPED)


class NotThereYet(LedgerUnavailable):
    """What is waited for has not come in the time that was given to it; the channel goes on."""


class OpeningRefused(RefusedInput):
    """The contract refused the channel; nothing was locked."""


class NeverOpened(LedgerUnavailable):
    """The chain was away too long; nothing was locked."""


class NotDelivered(PeerFault):
    """The channel ended before its results were there; only what came is paid."""


@dataclass
class Waiting:
    """One command's patience with one channel.

    Args:
        desk: knows it.
        channel: of it.
        ends_at: monotonic; None: as long as it takes.
        is_quiet: nothing is told meanwhile.
    """

    desk: Desk
    channel: ChannelId
    ends_at: float | None
    is_quiet: bool
    _told: str = ""

    def until(self, is_there: Callable[[Purchase], bool]) -> Purchase:
        """Wait until it holds of the channel's state.

        Raises:
            NotThereYet: not in time.
            Unrecoverable: what ended the party.
        """
        while True:
            self.desk.check()
            state = self.desk.state(self.channel)
            if is_there(state):
                return state
            self._tell(state)
            if self.ends_at is not None and time.monotonic() >= self.ends_at:
                raise NotThereYet(
                    "is not as far",
                    who=f"channel {self.channel.hex()}",
                    had=f"{state.phase.value}, waits for {find_awaited(state)}",
                    remedy="It goes on: `edgemark trading status`, `edgemark buyer run`.",
                )
            time.sleep(POLL_S)

    def until_open(self) -> Purchase:
        """Wait until it stands on chain.

        Raises:
            OpeningRefused, NeverOpened: it does not, and will not.
            NotThereYet: as `until`.
        """
        waits = (BuyerPhase.UNKNOWN, BuyerPhase.AGREED)
        state = self.until(lambda each: each.phase not in waits)
        if state.phase is not BuyerPhase.DROPPED:
            return state
        who = f"channel {self.channel.hex()}"
        if state.reason is Reason.OPENING_REFUSED:
            raise OpeningRefused("is refused by the contract", who=who, had=state.refused)
        raise NeverOpened("was not opened in time", who=who, had=state.reason.name.lower())

    def until_done(self, first: int) -> Done:
        """Wait until the result of a lot is there.

        Raises:
            NotDelivered: the channel ended before, or an answer was wrong.
            NotThereYet: as `until`.
        """
        shelf = self.desk.shelf

        def is_there(state: Purchase) -> bool:
            has_stopped = state.phase is not BuyerPhase.BUYING and not state.requests
            is_over = state.phase in (*OVER, BuyerPhase.WINDOW, BuyerPhase.CLOSING)
            is_done = shelf.done(self.channel, first) is not None
            return is_done or is_over or has_stopped or bool(shelf.wrong(self.channel))

        state = self.until(is_there)
        done = shelf.done(self.channel, first)
        if done is not None:
            return done
        wrong = [str(path) for path in shelf.wrong(self.channel)]
        raise NotDelivered(
            "gave a wrong answer" if wrong else "gave no result",
            who=f"seller {state.known.terms.seller}",
            had=", ".join(wrong) or REASONS[state.reason],
            remedy="Nothing of it is paid; the evidence is kept." if wrong else "",
        )

    def until_ended(self) -> Purchase:
        """Wait until nothing of it is held any more; raises as `until`."""
        return self.until(lambda each: each.phase in OVER)

    def _tell(self, state: Purchase) -> None:
        line = tell(state)
        if not self.is_quiet and line != self._told:
            self._told = line
            click.echo(line, err=True)


@contextmanager
def naming_when_interrupted(desk: Desk, *channels: ChannelId) -> Iterator[None]:
    """Tell who interrupts how to come back: what is in the journal cannot be unasked."""
    try:
        yield
    except KeyboardInterrupt:
        home = shlex.quote(str(desk.station.home))
        ways = f"edgemark buyer run --home {home}"
        click.echo(f"the channel goes on, and wants its buyer: {ways}", err=True)
        for channel in channels:
            if not is_ordered_in(desk, channel):
                order = f"edgemark trading buy --in {channel.hex()} --home {home}"
                click.echo(
                    f"nothing is ordered in it yet, and that orders nothing: {order} does, "
                    "with the options of the work",
                    err=True,
                )
            click.echo(f"to end it: edgemark trading close {channel.hex()} --home {home}", err=True)
        raise


def is_ordered_in(desk: Desk, channel: ChannelId) -> bool:
    """Whether anything was ordered in a channel, as far as this home can tell."""
    try:
        return bool(desk.state(channel).last_number or desk.shelf.lots(channel))
    except EdgemarkError:
        return False
