"""What a revert is about to do, in a file until it is done: all channels go back, or none.

reverting.json     number of the snapshot, and the height that each channel goes back to
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from edgemark.errors import LedgerUnavailable
from edgemark.files import OWNER_ONLY_FILE, sync_folder, write_whole
from edgemark.ledger.embedded.state.tables import REMEDY, StoreDamaged, explain_file

NAME = "reverting.json"


class RevertUnfinished(LedgerUnavailable):
    """Some channels went back, and others may not have: the next revert or start goes on.

    Until then nothing is committed: it would be taken back.
    """


class Intent(NamedTuple):
    """What a revert is about to do.

    Attributes:
        snapshot: its number; later ones are forgotten.
        heights: that each channel goes back to, by name.
    """

    snapshot: int
    heights: Mapping[str, int]


def write_intent(folder: Path, intent: Intent) -> None:
    """Keep it, durably."""
    raw = json.dumps({"snapshot": intent.snapshot, "heights": dict(intent.heights)})
    write_whole(folder / NAME, raw.encode(), mode=OWNER_ONLY_FILE)


def read_intent(folder: Path) -> Intent | None:
    """That of a revert which did not come to its end; None when there is none.

    Raises:
        StoreDamaged: the file holds something else.
        StoreUnavailable: the disk does not read it.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with explain_file(path):
            raw = path.read_bytes()
        found = json.loads(raw)
        intent = Intent(found["snapshot"], dict(found["heights"]))
        if not all(type(each) is int for each in (intent.snapshot, *intent.heights.values())):
            raise TypeError(NAME)
    except (ValueError, TypeError, KeyError) as error:
        needed = "heights of channels"
        raise StoreDamaged("cannot be read", who=path, needed=needed, remedy=REMEDY) from error
    return intent


def remove_intent(folder: Path) -> None:
    """It is done, or nothing of it is."""
    (folder / NAME).unlink(missing_ok=True)
    sync_folder(folder)
