"""The side of a command: leaves a wish, and waits for what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgemark.errors import Overloaded, RefusedInput
from edgemark.files import OWNER_ONLY_FILE, write_new
from edgemark.party.wishes.wish import (
    FOLDER,
    MAX_WAIT_S,
    MAX_WISHES,
    Wish,
    find,
    make_name,
    path_of,
    read_answer,
)

POLL_S = 0.1
STATUS = "Look what came of it before you ask again."


class WishNotTaken(Overloaded):
    """The party of this home took no notice in time; nothing of it was done."""


class WishUnanswered(RefusedInput):
    """The party took a wish and did not say in time what came of it."""


def ask(
    home: Path,
    kind: str,
    facts: Mapping[str, Any],
    timeout_s: float,
    is_there: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """Let the party that holds a home do something, and wait for what came of it.

    Args:
        home: its folder.
        kind: of the wish.
        facts: names and values of JSON.
        timeout_s: seconds, at most `MAX_WAIT_S`.
        is_there: whether the party still runs; nobody is waited for who does not.

    Raises:
        EdgemarkError: what the party answered, of the kind and family that it raised.
        WishNotTaken: nothing was done; it takes no wishes, has too many, or has left.
        WishUnanswered: it may be done, or not.
        RefusedInput: longer than a wish may be.
    """
    limit_s = min(timeout_s, MAX_WAIT_S)
    folder, name = home / FOLDER, make_name()
    if not folder.is_dir():
        raise WishNotTaken("takes no wishes", who=f"party of {home}")
    if (waiting := len(find(folder, "wish"))) >= MAX_WISHES:
        raise WishNotTaken("has too many wishes", who=home, had=waiting, needed=f"< {MAX_WISHES}")
    path, answer = path_of(folder, name, "wish"), path_of(folder, name, "answer")
    raw = Wish(kind, facts, time.time() + limit_s).to_json()
    write_new(path, raw, mode=OWNER_ONLY_FILE)
    try:
        if _await(answer, limit_s, is_there):
            return _fetch(answer)
    finally:
        is_withdrawn = _withdraw(path)
    if is_withdrawn:
        raise WishNotTaken("did not take the wish", who=f"party of {home}", had=f"{limit_s:g} s")
    if answer.exists():
        return _fetch(answer)
    raise WishUnanswered(
        "took the wish, and did not say what came of it",
        who=f"party of {home}",
        had=f"{limit_s:g} s",
        remedy=STATUS,
    )


def _await(answer: Path, limit_s: float, is_there: Callable[[], bool]) -> bool:
    ends_at = time.monotonic() + limit_s
    while not answer.exists():
        if time.monotonic() >= ends_at or not is_there():
            return answer.exists()
        time.sleep(POLL_S)
    return True


def _withdraw(path: Path) -> bool:
    """Whether the wish was still there, so that nobody takes it any more."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _fetch(answer: Path) -> dict[str, Any]:
    try:
        return read_answer(answer)
    finally:
        answer.unlink(missing_ok=True)
