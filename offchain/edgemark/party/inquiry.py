"""Asks several peers for what any of them may have, or for what each of them has.

Law 1: nothing that one peer is, says or leaves unsaid keeps another from being asked: one that
       registered nothing, refuses, or sends what cannot be read has failed, and no more.
Law 2: nobody is waited for alone: who takes a connection and says nothing holds one thread until
       its request is over, while the others are asked.
Law 3: once one has given it, nobody who has not had its turn is asked for the same.
Law 4: who failed, or said nothing, is asked behind the others in every later inquiry of the same
       party, and not at all by those that wait in the line for it now: it is waited for once.
"""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address
from edgemark.logs import get_logger
from edgemark.loop.machine import TryAgain
from edgemark.party.standing import Standing
from edgemark.transport.asking.line import in_line, stalls, wanted

PAUSE_S = 1.0  # for one peer, before another one is asked beside it
AT_A_TIME = 16  # peers that are asked for what each of them has
OF_ONE_PEER = (PeerFault, RefusedInput, TryAgain)  # whatever else goes wrong is not its doing

T = TypeVar("T")

_log = get_logger("inquiry")


def ask_until_one(
    peers: Sequence[Address],
    ask: Callable[[Address], T],
    *,
    what: str,
    who: str,
    standing: Standing | None = None,
    pause_s: float = PAUSE_S,
) -> T:
    """The answer of the first peer that has one.

    They are asked by their standing: the next one when one failed, or did not end within
    `pause_s`. Those that failed are asked again as long as others have not ended: they may have it
    by then.

    Args:
        peers: whom to ask.
        ask: asks one of them, within a time of its own; checks what it says.
        what: that nobody had, for the error.
        who: whom it is about.
        standing: how they did in other inquiries; none is remembered when None.
        pause_s: seconds, > 0.

    Raises:
        TryAgain: nobody had it.
    """
    is_over = threading.Event()
    try:
        return _ask_until_one(
            peers, _Asking(ask, standing or Standing(), is_over, pause_s), what, who
        )
    finally:
        is_over.set()


def _ask_until_one(peers: Sequence[Address], asking: _Asking[T], what: str, who: str) -> T:
    left, failed, heard = list(peers), list[Address](), set[Address]()
    while left or asking.under_way:
        if left:
            peer = asking.standing.first_of(left)
            left.remove(peer)
            asking.start(peer)
        asked = asking.wait()
        if asked is None:
            if not left:
                left, failed = failed, left
            continue
        if asked.error is None:
            return asked.answer  # type: ignore[return-value]  # set whenever there is no error
        if not isinstance(asked.error, OF_ONE_PEER):
            raise asked.error
        if asking.had_no_turn(asked):
            left.append(asked.peer)
            continue
        _log.debug(what, peer=asked.peer, error=asked.error)
        heard.add(asked.peer)
        failed.append(asked.peer)
        if len(heard) == len(peers):
            left, failed = [], []
    raise TryAgain(what, who=who)


@dataclass(eq=False)
class _Asked(Generic[T]):
    """One peer that is asked, for the first time or again, and what came of it.

    Attributes:
        place: its standing then.
        began: when, or when it had its turn; monotonic seconds.
        is_long: it had to wait for a turn: how long it may take is the line's business.
        is_in_line: it waits for its turn.
        is_late: that is held against it already.
    """

    peer: Address
    place: int
    began: float
    is_long: bool = False
    is_in_line: bool = False
    is_late: bool = False
    answer: T | None = None
    error: BaseException | None = None

    def note_line(self, waits: bool) -> None:
        """It waits for its turn, or has it."""
        self.is_long, self.is_in_line, self.began = True, waits, time.monotonic()


class _Asking(Generic[T]):
    """The requests of one inquiry, and how its peers do in it."""

    def __init__(
        self,
        ask: Callable[[Address], T],
        standing: Standing,
        is_over: threading.Event,
        pause_s: float,
    ) -> None:
        self.standing = standing
        self.under_way: list[_Asked[T]] = []
        self._ask, self._is_over, self._pause_s = ask, is_over, pause_s
        self._ended: queue.SimpleQueue[_Asked[T]] = queue.SimpleQueue()

    def start(self, peer: Address) -> None:
        """Ask one, in a thread."""
        asked = _Asked[T](peer, self.standing.place_of(peer), time.monotonic())

        def run() -> None:
            wanted.set(lambda: not self._is_over.is_set() and not self._has_fallen(asked))
            in_line.set(asked.note_line)
            stalls.set(partial(self._note_late, asked))
            try:
                asked.answer = self._ask(peer)
            except BaseException as error:  # noqa: BLE001 - looked at by whoever waits
                asked.error = error
            self._ended.put(asked)

        self.under_way.append(asked)
        context = contextvars.copy_context()  # its lines in the log name the matter too
        threading.Thread(target=context.run, args=(run,), daemon=True).start()

    def wait(self) -> _Asked[T] | None:
        """The next one that ended; None after a pause."""
        try:
            asked = self._ended.get(timeout=self._pause_s)
        except queue.Empty:
            for one in self.under_way:
                if not one.is_long:
                    self._note_late(one)
            return None
        self.under_way.remove(asked)
        if asked.error is None:
            self._note_given(asked)
        elif isinstance(asked.error, OF_ONE_PEER) and not asked.is_in_line:
            self._note_late(asked)
        return asked

    def had_no_turn(self, asked: _Asked[T]) -> bool:
        """Whether it was not asked at all, as it failed elsewhere while it waited in the line."""
        return asked.is_in_line and self._has_fallen(asked)

    def _has_fallen(self, asked: _Asked[T]) -> bool:
        return self.standing.place_of(asked.peer) > max(0, asked.place)

    def _note_given(self, asked: _Asked[T]) -> None:
        if not asked.is_late:
            self.standing.note_given(asked.peer)
        for one in self.under_way:  # it was asked later, and was faster
            if one.began < asked.began and not one.is_in_line:
                self._note_late(one)

    def _note_late(self, one: _Asked[T]) -> None:
        if not one.is_late:
            one.is_late = True
            self.standing.note_failed(one.peer)


def ask_each(peers: Sequence[Address], ask: Callable[[Address], T]) -> dict[Address, T]:
    """What each peer has, as far as it has it; in the order of the peers.

    Args:
        peers: whom to ask, each once.
        ask: asks one of them, within a time of its own; checks what it says.
    """
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="inquiry") as threads:
        asked = {peer: threads.submit(contextvars.copy_context().run, ask, peer) for peer in peers}
    found = {}
    for peer, running in asked.items():
        error = running.exception()
        if error is None:
            found[peer] = running.result()
        elif not isinstance(error, OF_ONE_PEER):
            raise error
    return found
