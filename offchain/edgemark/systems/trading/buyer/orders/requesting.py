"""Which requests of a channel go out, and when: in order, not too far ahead of the answers."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.buyer.orders.answers import Answers
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.station.speaking import Sent

AHEAD = 8  # requests that are out at a time; a seller takes no more


class InLine(UnderWay):
    """A request waits for its turn behind others: a seller takes them in their order."""

    after_s = 0.2


class Requesting:
    """The requests that went out, in this life of a buyer.

    Args:
        shelf: has the lots.
        answers: brings the parts of an order before it is asked for.
        say: sends a letter to the seller; raises `Sent`.
    """

    def __init__(
        self, shelf: Shelf, answers: Answers, say: Callable[[Purchase, Request], None]
    ) -> None:
        self._shelf, self._answers, self._say = shelf, answers, say
        self._guard = threading.Lock()
        self._asked: dict[ChannelId, int] = {}  # the newest that went out; they go in order

    def send(self, state: Purchase, number: int) -> None:
        """Ask for one, once its parts are there.

        Raises:
            InLine: others come first.
            Sent: it is out, and is sent again until it is answered.
        """
        channel, request = state.known.channel, state.request(number)
        lot = self._shelf.lot_of(channel, number)
        if request is None:
            return
        first = state.requests[0].number
        with self._guard:
            is_next = number == first or number - 1 <= self._asked.get(channel, 0)
        if not is_next or number >= first + AHEAD:
            raise InLine("waits for its turn", who=f"request {number}")
        if lot is not None:
            self._answers.bring_parts(state, lot, number)
        try:
            self._say(state, request)
        except Sent:
            with self._guard:
                self._asked[channel] = max(number, self._asked.get(channel, 0))
            raise

    def forget(self, channel: ChannelId) -> None:
        """A channel that is over."""
        with self._guard:
            self._asked.pop(channel, None)
