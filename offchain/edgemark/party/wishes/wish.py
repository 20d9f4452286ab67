"""The files of a wish and of its answer: strict JSON, written whole, for their owner alone."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import (
    EdgemarkError,
    LedgerUnavailable,
    PeerFault,
    RefusedInput,
    Unrecoverable,
)
from edgemark.files import OWNER_ONLY_FILE, check_private, read_limited, write_whole
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.fields import BadFile, Fields
from edgemark.untrusted.strict_json import parse_object_strictly

FOLDER = "wishes"
MAX_WISHES = 64  # that wait in one home
MAX_WISH_BYTES = 64 * 2**10  # of a wish, and of an answer
MAX_WAIT_S = 3600.0  # a command waits no longer
KEPT_S = 600.0  # an answer that nobody fetched
VERSION = 1
NAME = re.compile(r"[0-9a-f]{32}")
FAMILIES = {each.__name__: each for each in (RefusedInput, PeerFault, LedgerUnavailable)}


class WishDamaged(BadFile):
    """A file is no wish, or no answer to one."""


@dataclass(frozen=True)
class Wish:
    """What a command wants.

    Attributes:
        kind: of the wish, a word that its party knows.
        facts: names and values of JSON.
        until: Unix seconds of this machine; nobody waits for it any longer.
    """

    kind: str
    facts: Mapping[str, Any]
    until: float

    def to_json(self) -> bytes:
        """The file.

        Raises:
            RefusedInput: longer than a wish may be.
        """
        told = {"version": VERSION, "kind": self.kind, "facts": self.facts, "until": self.until}
        raw = json.dumps(told).encode()
        if len(raw) > MAX_WISH_BYTES:
            had, needed = f"{len(raw)} bytes", f"<= {MAX_WISH_BYTES}"
            raise RefusedInput("is too long", who=f"wish, {self.kind}", had=had, needed=needed)
        return raw

    @staticmethod
    def read(path: Path) -> Wish:
        """Read one.

        Raises:
            WishDamaged: others can open it, or it is no wish.
        """
        fields = _read(path)
        kind, until, facts = fields.text("kind"), fields.real("until"), fields.part("facts")
        fields.finish()
        return Wish(kind, facts.all(), until)


def make_name() -> str:
    """A name that no other wish has."""
    return Randomness().octets(16).hex()


def path_of(folder: Path, name: str, form: str) -> Path:
    """Where a wish is, as `wish`, `taken` or `answer`."""
    return folder / f"{name}.{form}"


def find(folder: Path, form: str) -> list[str]:
    """Names of those of a form, in any order; other files are none of them."""
    suffix = f".{form}"
    names = (path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}"))
    return [name for name in names if NAME.fullmatch(name)]


def write_granted(path: Path, granted: Mapping[str, object]) -> None:
    """Answer what came of a wish."""
    _write(path, {"version": VERSION, "granted": granted})


def write_refused(path: Path, error: EdgemarkError) -> None:
    """Answer with an error."""
    family = next((name for name, kind in FAMILIES.items() if isinstance(error, kind)), "")
    _write(path, {"version": VERSION, "refused": error.as_dict(), "family": family})


def _write(path: Path, told: Mapping[str, object]) -> None:
    write_whole(path, json.dumps(told, default=str).encode(), mode=OWNER_ONLY_FILE)


def read_answer(path: Path) -> dict[str, Any]:
    """What came of a wish.

    Raises:
        EdgemarkError: of the kind and family with which it was refused.
        WishDamaged: it is no answer.
    """
    fields = _read(path)
    if fields.holds("granted"):
        granted = fields.part("granted")
        fields.finish()
        return granted.all()
    family, refused = fields.text("family"), fields.part("refused").all()
    fields.finish()
    _raise(FAMILIES.get(family, Unrecoverable), refused)


def _raise(family: type[EdgemarkError], told: Mapping[str, Any]) -> NoReturn:
    """The error as its party raised it: of its kind's name, and of its remedy's family."""
    name = str(told.get("error"))
    kind = type(name, (family,), {}) if name.isidentifier() else family
    words = {part: told.get(part) for part in ("who", "had", "needed")}
    raise kind(str(told.get("what")), **words, remedy=str(told.get("remedy") or ""))


def _read(path: Path) -> Fields:
    """The fields of one of these files, but for its version."""
    try:
        check_private(path)
        if not stat.S_ISREG(path.lstat().st_mode):
            raise NotThatFormat("what is no file")
        told = parse_object_strictly(read_limited(path, MAX_WISH_BYTES), most=MAX_WISH_BYTES)
    except (NotThatFormat, RefusedInput, Unrecoverable, OSError) as error:
        had = str(getattr(error, "what", error))
        raise WishDamaged("is no wish, and no answer", who=path.name, had=had) from error
    fields = Fields(told, path.name, WishDamaged)
    if (version := fields.whole("version")) != VERSION:
        raise WishDamaged("is of another version", who=path.name, had=version, needed=VERSION)
    return fields
