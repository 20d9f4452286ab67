"""What is known of the mutants of a file, kept between runs.

A verdict holds as long as the mutated file is the same, of a contract also what it imports, and
with them the text of the test that killed the mutant; of one that survived, all tests that concern
it. What a Python file imports is not looked at: nearly all of the package imports nearly all of it,
and no verdict would last a day. Remove the file of a record to try its mutants anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools.mutation.verdict import State, Verdict


def digest_of(root: Path, names: Iterable[str]) -> str:
    """One hash over the names and texts of files; a file that is not there counts as empty."""
    whole = hashlib.sha256()
    for name in names:
        path = root / name
        text = path.read_bytes() if path.is_file() else b""
        whole.update(hashlib.sha256(name.encode() + b"\0" + text).digest())
    return whole.hexdigest()


def digest_of_test(root: Path, file: str, name: str) -> str:
    """One hash over the text of a test, so that others may join it in its file.

    What it calls is not looked at. Of what is no function of the file (a fixture that failed, a
    `setUp` of a parent), the whole file counts.
    """
    text = (root / file).read_text() if (root / file).is_file() else ""
    begin = re.search(rf"^( *)(?:def|function) {re.escape(name)}\b", text, re.MULTILINE)
    if not name or begin is None:
        return digest_of(root, [file])
    # It ends where something else begins that stands as far to the left.
    ends = re.compile(rf"^{begin[1]}(?:def |class |@|function |///|[A-Za-z_])", re.MULTILINE)
    end = ends.search(text, begin.end())
    whole = text[begin.start() : end.start() if end else len(text)].strip()
    return hashlib.sha256(f"{file}::{whole}".encode()).hexdigest()


@dataclass
class Record:
    """The verdicts of one file's mutants.

    Attributes:
        root: of the checkout.
        file: where they are kept.
        sources: the mutated file and all that it imports.
        tests: every test that concerns it.
    """

    root: Path
    file: Path
    sources: list[str]
    tests: list[str]
    verdicts: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._source = digest_of(self.root, sorted(self.sources))
        self._tests = digest_of(self.root, sorted(self.tests))
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.verdicts = kept["verdicts"] if kept.get("source") == self._source else {}

    def find(self, key: str) -> Verdict | None:
        """The verdict of a mutant, when there is one that still holds."""
        entry = self.verdicts.get(key)
        if entry is None:
            return None
        verdict = Verdict(State(entry["state"]), entry["by"])
        return verdict if entry["tests"] == self._digest(verdict) else None

    def find_survivor(self, key: str) -> Verdict | None:
        """The verdict of a mutant that survived, whichever tests have come since."""
        entry = self.verdicts.get(key)
        survived = entry is not None and entry["state"] == State.SURVIVED.value
        return Verdict(State.SURVIVED) if survived else None

    def put(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict; it is on disk when this returns."""
        self.verdicts[key] = {
            "state": verdict.state.value,
            "by": verdict.by,
            "tests": self._digest(verdict),
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".tmp")
        kept = {"source": self._source, "verdicts": self.verdicts}
        temporary.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        temporary.replace(self.file)

    def _digest(self, verdict: Verdict) -> str:
        if verdict.state in {State.INVALID, State.EQUIVALENT}:
            return ""
        file, _, name = verdict.by.partition("::")
        if verdict.state is State.KILLED and file in self.tests:
            return digest_of_test(self.root, file, name.partition("[")[0])
        return self._tests
