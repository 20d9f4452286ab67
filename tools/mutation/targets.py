"""What is mutated, with which tests, and which survivors are explained (`tools/mutants.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.mutant import Mutant

LIST = Path("tools/mutants.toml")


@dataclass(frozen=True)
class Reason:
    """Why a mutant survives; `same`: because nothing that can be seen differs."""

    file: str
    before: str
    after: str
    same: bool
    why: str


@dataclass(frozen=True)
class Targets:
    """Attributes: folders, of the tests of each mutated file; reasons, of the survivors."""

    folders: dict[str, list[str]]
    reasons: list[Reason]

    def reason_of(self, mutant: Mutant, source: bytes) -> Reason | None:
        """The reason why a mutant survives, when it stands in the list."""
        place = (mutant.path, mutant.before(source), mutant.after(source))
        for reason in self.reasons:
            if (reason.file, reason.before, reason.after) == place:
                return reason
        return None


def read_targets(root: Path) -> Targets:
    """Read the list.

    Raises:
        SystemExit: an entry names a file that is not there.
    """
    text = tomllib.loads((root / LIST).read_text())
    folders: dict[str, list[str]] = {}
    for entry in text["target"]:
        for pattern in entry["files"]:
            found = sorted(root.glob(pattern))
            if not found:
                raise SystemExit(f"{LIST}: no file {pattern}")
            for path in found:
                folders.setdefault(str(path.relative_to(root)), []).extend(entry["tests"])
    reasons = [
        Reason(one["file"], one["before"], one["after"], one.get("same", False), one["why"])
        for one in text.get("survivor", ())
    ]
    return Targets(folders, reasons)
