"""Asks several peers for what any of them may have, or for what each of them has.

Law 1: nothing that one peer is, says or leaves unsaid keeps another from being asked: one that
       registered nothing, refuses, or sends what cannot be read has failed, and no more.
Law 2: nobody is waited for alone: who takes a connection and says nothing holds one thread until
       its request is over, while the others are asked.
Law 3: once one has given it, nobody who has not had its turn is asked for the same.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address
from edgemark.logs import get_logger
from edgemark.loop.machine import TryAgain
from edgemark.transport.asking.line import wanted

PAUSE_S = 2.0  # for one peer, before another one is asked beside it
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
    pause_s: float = PAUSE_S,
) -> T:
    """The answer of the first peer that has one.

    They are asked in order: the next one when one failed, or did not end within `pause_s`. Those
    that failed are asked again as long as others have not ended: they may have it by then.

    Args:
        peers: whom to ask.
        ask: asks one of them, within a time of its own; checks what it says.
        what: that nobody had, for the error.
        who: whom it is about.
        pause_s: seconds, > 0.

    Raises:
        TryAgain: nobody had it.
    """
    is_over = threading.Event()
    token = wanted.set(lambda: not is_over.is_set())  # for the threads that ask
    try:
        return _ask_until_one(peers, ask, what, who, pause_s)
    finally:
        is_over.set()
        wanted.reset(token)


def _ask_until_one(
    peers: Sequence[Address], ask: Callable[[Address], T], what: str, who: str, pause_s: float
) -> T:
    ended: queue.SimpleQueue[_Asked[T]] = queue.SimpleQueue()
    left: list[_Asked[T]] = [_Asked(peer, True) for peer in peers]
    failed: list[_Asked[T]] = []
    under_way, unheard = 0, len(left)
    while left or under_way:
        if left:
            _start(left.pop(0), ask, ended)
            under_way += 1
        try:
            asked = ended.get(timeout=pause_s if left or failed else None)
        except queue.Empty:
            if not left:
                left, failed = failed, left
            continue
        under_way -= 1
        unheard -= asked.is_first
        if asked.error is None:
            return asked.answer  # type: ignore[return-value]  # set whenever there is no error
        if not isinstance(asked.error, OF_ONE_PEER):
            raise asked.error
        _log.debug(what, peer=asked.peer, error=asked.error)
        failed.append(_Asked(asked.peer, False))
        if not unheard:
            left, failed = [], []
    raise TryAgain(what, who=who)


@dataclass
class _Asked(Generic[T]):
    """One peer that is asked, for the first time or again, and what came of it."""

    peer: Address
    is_first: bool
    answer: T | None = None
    error: BaseException | None = None


def _start(
    asked: _Asked[T], ask: Callable[[Address], T], ended: queue.SimpleQueue[_Asked[T]]
) -> None:
    def run() -> None:
        try:
            asked.answer = ask(asked.peer)
        except BaseException as error:  # noqa: BLE001 - looked at by whoever waits
            asked.error = error
        ended.put(asked)

    context = contextvars.copy_context()  # its lines in the log name the job too
    threading.Thread(target=context.run, args=(run,), daemon=True).start()


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
