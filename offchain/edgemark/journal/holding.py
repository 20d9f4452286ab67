"""Whether another process has a journal, for who is to open it in a moment."""

from __future__ import annotations

from pathlib import Path

from edgemark.files import find_holder
from edgemark.journal.journal import JournalInUse


def check_free(path: Path) -> None:
    """Check that no other process has this journal open.

    Raises:
        JournalInUse: one has.
    """
    holder = find_holder(path)
    if holder:
        raise JournalInUse(
            "is in use",
            who=path,
            had=f"process {holder}",
            needed="one process per journal",
            remedy="Wait until that process ends, or stop it if it is a server; `show`, "
            "`status` and `doctor` look meanwhile.",
        )
