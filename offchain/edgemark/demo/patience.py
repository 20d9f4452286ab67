"""What a demonstration says of whatever did not come in time, with what to do about it."""

from __future__ import annotations

from typing import Self

from edgemark.errors import Unrecoverable

BUSY = "A machine that is busy with much else is enough for that: run it again."


class NotInTime(Unrecoverable):
    """Something that a demonstration waits for did not come about in time."""

    @classmethod
    def after(cls, limit_s: float, who: str, seen: str = "") -> Self:
        """That it did not, after so many seconds.

        Args:
            limit_s: that it had.
            who: what is waited for, or whoever is slow.
            seen: of it meanwhile.
        """
        had = f"{limit_s:g} s" + (f"; {seen}" if seen else "")
        return cls("did not come about in time", who=who, had=had, remedy=BUSY)
