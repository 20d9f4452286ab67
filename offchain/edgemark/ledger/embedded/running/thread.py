"""A development ledger in a thread of this process: for tests, which need not start a program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from edgemark.closing import Closing
from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.ledger.embedded.running.hosting import hosted
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.owner import Owner
from edgemark.ledger.embedded.running.place import DEFAULT_ORGANISATIONS, Place, Served

T = TypeVar("T")


class LedgerThread(Closing):
    """A ledger that runs in a thread with a loop of its own, from the start on.

    Args:
        folder: of the ledger; made when it is not there.
        organisations: how many.
        served: as what.

    Attributes:
        ledger: that runs; belongs to the thread's loop.
        loop: of the thread.

    Raises:
        PortInUse, FileInUse, RefusedInput: as `hosted`.
    """

    def __init__(
        self,
        folder: Path,
        organisations: int = DEFAULT_ORGANISATIONS,
        served: Served | None = None,
    ) -> None:
        self.place = Place(folder)
        make_ledger(self.place, organisations, served or Served(metrics_port=-1))
        self.loop = asyncio.new_event_loop()
        self._ends = asyncio.Event()
        self._ready: Future[DevelopmentLedger] = Future()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()
        try:
            self.ledger = self._ready.result()
        except BaseException:
            self._thread.join()
            raise
        self._owner = Owner(self.ledger)

    def snapshot(self) -> int:
        """Remember the state of all channels; answers its number."""
        return self.run(self._owner.snapshot())

    def revert(self, number: int) -> None:
        """Take all channels back to a snapshot.

        Raises:
            RefusedInput: there is none of that number.
        """
        self.run(self._owner.revert(number))

    def advance(self, seconds: int) -> int:
        """Move the ledger's clocks ahead; answers by how much they are ahead in all.

        Raises:
            RefusedInput: too far, or back.
        """
        return self.run(self._owner.advance(seconds))

    def set_advance(self, seconds: int) -> None:
        """Let the ledger's clocks be ahead by so much, which may be less than they were."""
        self.run(self._owner.set_advance(seconds))

    def revoke(self, msp_id: str) -> None:
        """Let an organisation's revocation list count."""
        self.run(self._owner.revoke(msp_id))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the ledger's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        """End the ledger; a second call does nothing."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._ends.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            self.loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self.loop.close()

    async def _serve(self) -> None:
        async with hosted(self.place) as ledger:
            self._ready.set_result(ledger)
            await self._ends.wait()
