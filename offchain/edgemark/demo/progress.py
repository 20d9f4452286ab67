"""How far a demonstration is: each part is shown while it runs, and its seconds are noted.

A part that takes long says every `TELL_S` what it waits for, also where there is no terminal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

from rich.console import Console

from edgemark.receipt import Receipt

TELL_S = 10.0
P = ParamSpec("P")
T = TypeVar("T")


class Waits:
    """What each who acts is waiting for; any thread notes and reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[str, str] = {}

    def note(self, who: str, words: str) -> None:
        """Who waits for what; empty words: for nothing any more."""
        with self._lock:
            self._now.pop(who, None)
            if words:
                self._now[who] = words

    def line(self) -> str:
        """All of it in a line; empty when nobody waits."""
        with self._lock:
            told = sorted(self._now.items())
        return "; ".join(f"{who}: {words}" if who else words for who, words in told)


WAITS: ContextVar[Waits | None] = ContextVar("WAITS", default=None)  # of the part that runs
ACTS: ContextVar[str] = ContextVar("ACTS", default="")  # who, in this thread


@contextmanager
def awaiting(words: str) -> Iterator[None]:
    """Let whoever watches the demonstration know what is waited for within."""
    waits, who = WAITS.get(), ACTS.get()
    if waits is None:
        yield
        return
    waits.note(who, words)
    try:
        yield
    finally:
        waits.note(who, "")


def act_beside(
    threads: Executor, who: str, act: Callable[P, T], *args: P.args, **more: P.kwargs
) -> Future[T]:
    """Let somebody act in a thread beside the part that runs; what it waits for is told as theirs.

    Args:
        threads: that it runs in.
        who: name of whoever acts.
        act: what it does.
        args: of that.
        more: of that, by name.
    """
    context = copy_context()
    context.run(ACTS.set, who)
    return threads.submit(lambda: context.run(act, *args, **more))


@contextmanager
def step(
    console: Console, receipt: Receipt, name: str, *, tell_s: float = TELL_S
) -> Iterator[None]:
    """Show a part of the story while it runs, and note its seconds.

    Args:
        console: where.
        receipt: has the seconds.
        name: of the part.
        tell_s: seconds between two lines on what it waits for.
    """
    began = time.perf_counter()
    waits, is_over = Waits(), threading.Event()

    def tell() -> None:
        while not is_over.wait(tell_s):
            passed = f"{name}, {time.perf_counter() - began:.0f} s"
            line = waits.line()
            said = f"{passed}: {line}" if line else passed
            console.print(said, style="dim", markup=False, highlight=False, soft_wrap=True)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    token = WAITS.set(waits)
    teller.start()
    try:
        with console.status(f"{name} ..."):
            yield
    finally:
        is_over.set()
        teller.join()
        WAITS.reset(token)
    receipt.seconds[name] = time.perf_counter() - began
    console.print(f"[green]done[/] {name} ({receipt.seconds[name]:.1f} s)")
