"""Files of a signed statement that somebody else sends: one way to write, to read, to refuse them.

They are for people to look at, so they are indented; of equal statements they have equal bytes, and
nothing else may be in one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from edgemark.errors import RefusedInput
from edgemark.untrusted.json_text import load_json

MALFORMED = (LookupError, AttributeError, TypeError, ValueError, RecursionError, RefusedInput)

T = TypeVar("T")


@dataclass(frozen=True)
class StatementForm:
    """What one kind of statement is called, and bound by.

    Attributes:
        version: of the file.
        what: it is not, when it is refused: "is no signed registration".
        refusal: kind of error.
        remedy: how such a file is made.
    """

    version: int
    what: str
    refusal: type[RefusedInput]
    remedy: str

    def write(self, facts: Mapping[str, Any]) -> bytes:
        """The file of these facts."""
        return _canonical({"version": self.version, **facts})

    def parse(
        self,
        raw: bytes,
        place: object,
        read: Callable[[Any], T],
        facts_of: Callable[[T], Mapping[str, Any]],
    ) -> T:
        """The statement of a file.

        Args:
            raw: the file.
            place: where it is, for errors.
            read: the statement of its facts; raises for what is none.
            facts_of: a statement, for `write`.

        Raises:
            RefusedInput: of the form's kind; it is none.
        """
        try:
            facts = load_json(raw)
            if facts["version"] != self.version:
                raise ValueError(f"version {facts['version']!r}")
            found = read(facts)
            if self.write(facts_of(found)) != _canonical(facts):  # true is no 1
                raise ValueError("has more in it, or something in another form")
        except MALFORMED as error:
            why = f"{type(error).__name__}: {error}"[:200]
            needed = f"a file of version {self.version}"
            told = {"had": why, "needed": needed, "remedy": self.remedy}
            raise self.refusal(self.what, who=place, **told) from error
        return found


def _canonical(facts: Any) -> bytes:
    return json.dumps(facts, indent=2, sort_keys=True).encode() + b"\n"
