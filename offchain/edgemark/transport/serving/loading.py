"""Memory for longer bodies: how many of them are loaded at a time, and who is next.

Law 1: each party's first body comes before anybody's second, whichever was there first.
Law 2: a body that fits passes one that does not, but only so many pass the same one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from edgemark.errors import Overloaded
from edgemark.transport.limits import MOST_PASSING


@dataclass(eq=False)
class _Waiting:
    """A body that waits for its memory.

    Attributes:
        turn: lower ones are served first.
        passed: how many passed it, as it did not fit and they did.
    """

    account: str
    count: int
    turn: int
    came: asyncio.Future[None]
    passed: int = 0


class Memory:
    """Bytes of longer bodies in memory; for one thread.

    Args:
        most: at a time; of one party half of it, or one body.
        most_waiting: bodies of one party that wait.
    """

    def __init__(self, most: int, most_waiting: int) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self._own: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []
        self._turn = 0  # of the one that was served last
        self._turns: dict[str, int] = {}  # the last one given to each party

    @property
    def held(self) -> int:
        """Of all parties."""
        return self._own.total()

    async def take(self, account: str, count: int, *, patience_s: float) -> Callable[[], None]:
        """Take so many, after waiting for them; gives what gives them back, once.

        Raises:
            Overloaded: not free in time, or too many of this party wait.
        """
        count = min(count, self._most)  # more than all is all
        entry = self._enter(account, count)
        self._serve()
        try:
            async with asyncio.timeout(patience_s):
                await entry.came
        except BaseException as error:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._serve()  # it may have held others up
            else:
                self._give_back(account, count)
            if isinstance(error, TimeoutError):
                raise Overloaded(
                    "no memory for another body", had=self.held, needed=self._most
                ) from error
            raise
        return lambda: self._give_back(account, count)

    def _enter(self, account: str, count: int) -> _Waiting:
        own = sum(one.account == account for one in self._waiting)
        if own >= self._most_waiting:
            raise Overloaded(
                "no memory for another body", who=account, had=own, needed=f"< {self._most_waiting}"
            )
        if not self._waiting:
            self._turns.clear()
        turn = max(self._turn, self._turns.get(account, 0)) + 1
        self._turns[account] = turn
        entry = _Waiting(account, count, turn, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._waiting.sort(key=lambda one: one.turn)
        return entry

    def _give_back(self, account: str, count: int) -> None:
        self._own[account] -= count
        self._own += Counter()
        self._serve()

    def _serve(self) -> None:
        """Whoever holds its share waits for itself only; the others in turn."""
        held_up: list[_Waiting] = []
        for entry in list(self._waiting):
            own = self._own[entry.account]
            if own and own + entry.count > self._most // 2:
                continue
            if self.held + entry.count > self._most:
                held_up.append(entry)
            else:
                self._grant(entry)
                for other in held_up:
                    other.passed += 1
            if any(other.passed >= MOST_PASSING for other in held_up):
                break

    def _grant(self, entry: _Waiting) -> None:
        self._own[entry.account] += entry.count
        self._waiting.remove(entry)
        self._turn = max(self._turn, entry.turn)
        if not entry.came.done():
            entry.came.set_result(None)
