"""Errors, sorted by what the caller can do about them.

Four families, one remedy each; a module that needs a finer type derives it from one of these:

| family              | meaning                                    | what to do               |
|---------------------|--------------------------------------------|--------------------------|
| `RefusedInput`      | the call is wrong                          | fix the call             |
| `PeerFault`         | another party broke the protocol           | keep the evidence        |
| `LedgerUnavailable` | the chain did not answer; nothing changed  | retry later              |
| `Unrecoverable`     | our own state or installation is damaged   | stop and look            |

Every error says who it is about, what there was, what was needed and what to do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from edgemark.words import in_words, printable


class EdgemarkError(Exception):
    """Base of all errors that Edgemark raises on purpose.

    Args:
        what: one clause that names the fault.
        who: the party or part it is about ("node 3", "settings", an endpoint).
        had: the value that was there; never a secret.
        needed: the value or range that was needed.
        remedy: what the reader should do.
    """

    is_told = False  # by a line of the log: it is not said twice

    def __init__(
        self,
        what: str,
        *,
        who: object = None,
        had: object = None,
        needed: object = None,
        remedy: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.who = who
        self.had = had
        self.needed = needed
        self.remedy = remedy

    def __str__(self) -> str:
        text = self.without_remedy
        return f"{text}. {printable(self.remedy)}" if self.remedy else text

    @property
    def without_remedy(self) -> str:
        """What it says of the fault, and not what to do."""
        parts = [f"{self.who}: {self.what}" if self.who is not None else self.what]
        if self.had is not None:
            parts.append(f"had {in_words(self.had)}")
        if self.needed is not None:
            parts.append(f"needed {in_words(self.needed)}")
        return printable("; ".join(parts))

    def as_dict(self) -> dict[str, object]:
        """The same facts for `--json` output and structured logs."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "who": None if self.who is None else str(self.who),
            "had": None if self.had is None else in_words(self.had),
            "needed": None if self.needed is None else in_words(self.needed),
            "remedy": self.remedy or None,
        }


class RefusedInput(EdgemarkError):
    """The call cannot be right as it stands. Fix the call."""


class PeerFault(EdgemarkError):
    """Another party broke the protocol. Keep the evidence."""


class LedgerUnavailable(EdgemarkError):
    """The chain did not answer or is not the one expected. Nothing changed; retry later."""


class Unrecoverable(EdgemarkError):
    """Our own state or installation is damaged. Stop and look."""


class Overloaded(RefusedInput):
    """Whoever was asked has as much to do as it takes. Ask again later.

    Args:
        what, who, had, needed, remedy: as in every error; the remedy says when, unless given.
        retry_after_s: seconds after which asking again makes sense, > 0.
    """

    def __init__(
        self,
        what: str,
        *,
        who: object = None,
        had: object = None,
        needed: object = None,
        remedy: str = "",
        retry_after_s: float = 1.0,
    ) -> None:
        self.retry_after_s = math.ceil(retry_after_s)
        said = remedy or f"Ask again after {self.retry_after_s} s."
        super().__init__(what, who=who, had=had, needed=needed, remedy=said)

    def as_dict(self) -> dict[str, object]:
        """With the seconds as a number."""
        return {**super().as_dict(), "retry_after_s": self.retry_after_s}


@contextmanager
def about(place: object) -> Iterator[None]:
    """Let what is refused within say of which file it is: `place`, before what it says itself."""
    try:
        yield
    except RefusedInput as error:
        error.who = place if error.who is None else f"{place}, {error.who}"
        raise


def lacks_extra(missing: ModuleNotFoundError, extra: str) -> RefusedInput:
    """What is said where a package is not installed that comes with an extra of this one."""
    return RefusedInput(
        "is not installed",
        who=missing.name,
        needed=f"the extra `{extra}`",
        remedy=f"pip install 'edgemark[{extra}]'",
    )
