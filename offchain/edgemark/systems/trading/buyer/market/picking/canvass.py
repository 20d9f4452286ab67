"""Asks sellers side by side, in threads, as a window says; and tells what came, as it comes.

A thread that hangs in what nobody can end (a name that does not resolve) ends with the process; its
place in the window is free when its time is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from edgemark.systems.trading.buyer.market.choosing import SellerUnreachable
from edgemark.systems.trading.buyer.market.picking.window import Asked, Window
from edgemark.transport.asking.deadline import asked_until

LOOK_AGAIN_S = 1.0  # a clock that is handed in may be another than the one by which threads wait

R = TypeVar("R")


@dataclass(frozen=True)
class Heard(Generic[R]):
    """What came of a step.

    Attributes:
        asked: the step.
        found: what was answered, or raised.
    """

    asked: Asked
    found: R | BaseException


@dataclass
class Canvass(Generic[R]):
    """One canvass of sellers.

    Args:
        window: whom to ask when.
        ask: carries out a step, in a thread of its own; raises why it cannot.
        clock: seconds that never go back.
    """

    window: Window
    ask: Callable[[Asked], R]
    clock: Callable[[], float] = time.monotonic
    _came: SimpleQueue[Heard[R]] = field(default_factory=SimpleQueue)

    def hear(self, ends_at: float) -> Heard[R] | None:
        """What came next; of a seller whose time is over, `SellerUnreachable`.

        Args:
            ends_at: when to wait no more.

        Returns:
            None when nothing more comes, or in no time.
        """
        window = self.window
        while (now := self.clock()) < ends_at:
            late = window.take_overdue(now)
            if late is not None:
                return Heard(late, _say_late(window.seconds_of(late)))
            for asked in window.begin(now):
                self._begin(asked)
            if window.is_over:
                return None
            wait_s = min(window.wakes_at(), ends_at) - now
            try:
                heard = self._came.get(timeout=min(max(0.0, wait_s), LOOK_AGAIN_S))
            except Empty:
                continue
            if window.hear(heard.asked):
                return heard
        return None

    def _begin(self, asked: Asked) -> None:
        until = time.monotonic() + self.window.seconds_of(asked)

        def run() -> None:
            asked_until.set(until)
            try:
                found: R | BaseException = self.ask(asked)
            except BaseException as error:  # noqa: BLE001 - raised by who asked, if it is awaited
                found = error
            self._came.put(Heard(asked, found))

        threading.Thread(target=run, name="canvass", daemon=True).start()


def _say_late(seconds: float) -> SellerUnreachable:
    needed = f"an answer in {seconds:.1f} s"
    return SellerUnreachable("does not answer in time", who="seller", needed=needed)
