"""The line of a process for long bodies: threads wait here for their turn.

How long a thread has waited is no fault of the peer that it asks: `take_waited_s` tells.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from edgemark.transport.asking.turns import LONG_BYTES, Transfer, Turns
from edgemark.transport.faults import PeerUnreachable

LOOK_S = 0.1  # between two looks at what moves

wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)
"""Whether what waits for its turn is needed still: somebody else may have given it meanwhile."""

in_line: ContextVar[Callable[[bool], None]] = ContextVar("in_line", default=lambda _: None)
"""Told when a thread begins to wait for its turn, and when it does no more."""

stalls: ContextVar[Callable[[], None]] = ContextVar("stalls", default=lambda: None)
"""Told when others wait no more for what had its turn, as the line stood idle: it asks no lock."""

_of_thread = threading.local()


def take_waited_s() -> float:
    """Seconds for which this thread has waited for turns, since it was asked last."""
    waited: float = getattr(_of_thread, "waited_s", 0.0)
    _of_thread.waited_s = 0.0
    return waited


class Line:
    """One direction of a line; safe for many threads.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._turns = Turns()
        self._is_closed = False

    @contextlib.contextmanager
    def turn(self, length: int, by: float = math.inf) -> Iterator[Transfer]:
        """Wait for a turn, and keep it until the end.

        Args:
            length: of the body, at most; a short one waits for nothing.
            by: when it has to be there.

        Raises:
            PeerUnreachable: it is not `wanted` any more, or the line was closed meanwhile.
        """
        transfer = Transfer(length, by, stalled=stalls.get())
        if length <= LONG_BYTES:
            yield transfer
            return
        with self._changed:
            self._turns.enter(transfer)
        tell = in_line.get()
        try:
            tell(True)
            self._wait(transfer)
            tell(False)
            yield transfer
        finally:
            with self._changed:
                self._turns.leave(transfer, self._clock())
                self._changed.notify_all()

    def close(self) -> None:
        """Whoever waits for a turn has none any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _wait(self, transfer: Transfer) -> None:
        began, is_wanted = self._clock(), wanted.get()
        with self._changed:
            while not self._is_closed and is_wanted():
                if self._turns.may_begin(transfer, self._clock()):
                    _of_thread.waited_s = take_waited_s() + self._clock() - began
                    return
                self._changed.wait(LOOK_S)
        raise PeerUnreachable("was not asked: it had no turn, and is not needed any more")
