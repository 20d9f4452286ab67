"""Looks at the chain again and again, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.logs import get_logger
from edgemark.loop.machine import TryAgain

LOST_AFTER_S = 5.0  # a node that is busy for a moment is no loss


class Watcher:
    """Reads the chain every `poll_s` and tells the loop what is new, in a thread of its own.

    Args:
        look: one round; what it cannot do now it leaves to the next.
        poll_s: seconds between rounds.
        name: of the thread, in logs.
        on_fault: told of an exception that nobody planned; the watch ends with it.
        is_telling: whether the log says when the chain is lost, and found again.
    """

    def __init__(
        self,
        look: Callable[[], None],
        poll_s: float,
        name: str,
        on_fault: Callable[[Exception], None],
        *,
        is_telling: bool = False,
    ) -> None:
        self.looked_at: float | None = None  # monotonic; end of the last round
        self._look = look
        self._on_fault = on_fault
        self._poll_s = poll_s
        self._is_telling = is_telling
        self._failing_since: float | None = None
        self._is_lost = False
        self._log = get_logger(name)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round in hand; also when it never began, as after a start that failed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(self._poll_s):
            began = time.monotonic()
            try:
                self._look()
            except (LedgerUnavailable, RefusedInput, PeerFault, TryAgain) as error:
                self._log.debug("round put off", error=error)
                if isinstance(error, LedgerUnavailable):
                    self._note_failure(error, began)
            except Exception as error:  # noqa: BLE001 - handed to the owner, who stops the process
                self._on_fault(error)
                return
            else:
                self._note_round()
            self.looked_at = time.monotonic()

    def _note_failure(self, error: LedgerUnavailable, began: float) -> None:
        """A node that says nothing at all takes as long as a request may; that counts."""
        if self._failing_since is None:
            self._failing_since = began
        lasts_s = time.monotonic() - self._failing_since
        if self._is_telling and not self._is_lost and lasts_s >= LOST_AFTER_S:
            self._is_lost = True
            self._log.warning("chain lost", error=error)

    def _note_round(self) -> None:
        since, self._failing_since = self._failing_since, None
        if self._is_lost and since is not None:
            self._is_lost = False
            self._log.info("chain found", after_s=round(time.monotonic() - since))
