"""What became of a mutant."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """INVALID does not compile; EQUIVALENT is the same code; the others ran."""

    INVALID = "invalid"
    EQUIVALENT = "equivalent"
    KILLED = "killed"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Verdict:
    """Attributes: state; by: the test that failed first, as `file::test`, when one did."""

    state: State
    by: str = ""
