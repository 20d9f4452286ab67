"""Who gives way when room that many share is full.

Law 1: strangers give way before known parties, and of these the one that holds most.
Law 2: who would hold most itself gives way to nobody but gets no more. So a party that holds no
       more than its even share is never refused and never gives way, whatever the others hold.
Law 3: room on a disk ends where the disk does, less what its owner needs for himself.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

Holder = tuple[bool, str]  # whether it is a known party, and who it is


def find_greediest(held: Mapping[Holder, int], asker: Holder, wanted: int) -> Holder | None:
    """The party that gives way to another.

    Args:
        held: bytes by party, of those that can give way.
        asker: who needs room.
        wanted: what it would hold in all.

    Returns:
        None when `asker` itself would hold most.
    """
    others = {_rank(party, count): party for party, count in held.items() if party != asker}
    most = max(others, default=_rank(asker, wanted))
    return others[most] if most > _rank(asker, wanted) else None


def _rank(party: Holder, count: int) -> tuple[bool, int]:
    return not party[0], count


def count_room(folder: Path | None, most: int, held: int, reserve: int) -> int:
    """Bytes that may be held in a folder at a time, of which so many are held now."""
    free = shutil.disk_usage(folder or tempfile.gettempdir()).free
    return min(most, held + max(0, free - reserve))
