"""The side of the party that holds a home: takes wishes one by one, and answers each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.files import make_private_folder, sync_folder
from edgemark.logs import get_logger
from edgemark.party.wishes import wish as wishes
from edgemark.party.wishes.wish import KEPT_S, MAX_WAIT_S, MAX_WISHES, Wish, path_of
from edgemark.untrusted.fields import Fields

Grant = Callable[[Fields], Mapping[str, object]]
"""Does what is wished for and says what came of it; raises an `EdgemarkError` that answers it."""

log = get_logger("wishes")


class WishUnknown(RefusedInput):
    """The party that runs here grants nothing of this kind."""


class WishInterrupted(RefusedInput):
    """The party ended while it did this; it may be done, or not."""


class WishLate(RefusedInput):
    """Nobody waits for this any more, or its time cannot be meant."""


class Wishes:
    """The wishes of one home, for the party that holds it; one thread at a time.

    Args:
        folder: of the home's wishes; made when missing.
        grants: what is granted, by kind.
        clock: Unix seconds of this machine.

    Raises:
        Unrecoverable: others can enter the folder.
    """

    def __init__(
        self, folder: Path, grants: Mapping[str, Grant], clock: Callable[[], float] = time.time
    ) -> None:
        make_private_folder(folder)
        self._folder, self._grants, self._clock = folder, grants, clock
        self._answer_interrupted()

    def look(self) -> None:
        """Take and answer what waits, the oldest first; forget what nobody fetched."""
        ages = {name: self._age(name, "wish") for name in wishes.find(self._folder, "wish")}
        for name in sorted(ages, key=lambda each: -ages[each])[:MAX_WISHES]:
            self._take(name)
        for name in wishes.find(self._folder, "answer"):
            if self._age(name, "answer") > KEPT_S:
                self._path(name, "answer").unlink(missing_ok=True)

    def _take(self, name: str) -> None:
        taken = self._path(name, "taken")
        try:
            os.rename(self._path(name, "wish"), taken)
        except FileNotFoundError:
            return  # withdrawn
        sync_folder(self._folder)
        try:
            granted = self._grant(taken)
        except WishLate as late:
            log.info("wish dropped", wish=name, error=late)
        except EdgemarkError as error:
            self._answer(name, partial(wishes.write_refused, error=error))
        else:
            self._answer(name, partial(wishes.write_granted, granted=granted))
        self._remove(taken)

    def _grant(self, path: Path) -> Mapping[str, object]:
        wish, now = Wish.read(path), self._clock()
        if not now <= wish.until <= now + MAX_WAIT_S:
            needed = f"{now:.0f} to {now + MAX_WAIT_S:.0f}"
            raise WishLate(
                "has no time left", who=wish.kind, had=f"{wish.until:.0f}", needed=needed
            )
        grant = self._grants.get(wish.kind)
        if grant is None:
            raise WishUnknown(
                "is nothing that the party of this home does",
                who="wish",
                had=wish.kind[:80],
                needed=", ".join(sorted(self._grants)),
                remedy="Stop it first, or use another home.",
            )
        return grant(Fields(dict(wish.facts), f"wish, {wish.kind}"))

    def _answer_interrupted(self) -> None:
        for name in wishes.find(self._folder, "taken"):
            error = WishInterrupted(
                "was under way when its party ended",
                who="wish",
                remedy="Look what came of it before you ask again.",
            )
            self._answer(name, partial(wishes.write_refused, error=error))
            self._remove(self._path(name, "taken"))

    def _answer(self, name: str, write: Callable[[Path], None]) -> None:
        """Who waits hears nothing where the disk takes no answer; what was done is done."""
        try:
            write(self._path(name, "answer"))
        except OSError as error:
            log.warning("answer not written", wish=name, why=error.strerror)

    def _remove(self, path: Path) -> None:
        """Let a file go; a folder that somebody put there is no wish, and stays."""
        with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
            path.unlink()

    def _path(self, name: str, form: str) -> Path:
        return path_of(self._folder, name, form)

    def _age(self, name: str, form: str) -> float:
        try:
            return self._clock() - self._path(name, form).lstat().st_mtime
        except FileNotFoundError:
            return 0.0
