"""Every index file of a home: which can be used, and those that cannot are put away.

An index is made anew from the chain by whoever needs it, so a file that cannot be used is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edgemark.errors import EdgemarkError
from edgemark.indexer.keeping import remove_index
from edgemark.indexer.schema import SCHEMA_VERSION, TABLES
from edgemark.indexer.sqlite_file import REBUILD, connect, damage_is_told, mode_to_read
from edgemark.indexer.subject import CONTRACTS, ENDING, FOLDER, name_index
from edgemark.ledger.evm.faults import IndexBusy, IndexDamaged, IndexOfAnother

MOST_FILES = 256  # of one home that are looked at
NEEDED = ("version", "chain_id", "from_block", CONTRACTS)


def list_indexes(home: Path) -> list[Path]:
    """The index files of a home, in order of their names."""
    folder = home / FOLDER
    return sorted(folder.glob(f"*{ENDING}"))[:MOST_FILES] if folder.is_dir() else []


def inspect_index(path: Path, *, is_whole: bool = False) -> None:
    """Check that a file is an index of this version, and of what its name says.

    Args:
        path: the file.
        is_whole: read all of it, and look for damage.

    Raises:
        IndexDamaged, IndexOfAnother: it cannot be used.
        IndexBusy: nobody knows; another process is at it.
    """
    mode = mode_to_read(path)
    with damage_is_told(path, may_write=mode == "rw"), closing(connect(path, mode)) as file:
        file.execute("PRAGMA query_only = ON")
        kinds = dict(file.execute("SELECT name, type FROM sqlite_master LIMIT 99"))
        if not kinds:  # a process was killed before it had begun: the next one goes on
            return
        if any(kinds.get(name) != "table" for name in TABLES):
            raise IndexDamaged("is no index", who=path, needed=", ".join(TABLES), remedy=REBUILD)
        facts = {str(k): str(v) for k, v in file.execute("SELECT name, value FROM facts LIMIT 99")}
        if any(name not in facts for name in NEEDED):
            raise IndexDamaged("does not say what it is of", who=path, remedy=REBUILD)
        if facts["version"] != str(SCHEMA_VERSION):
            raise IndexOfAnother(
                "is an index of another version",
                who=path,
                had=facts["version"][:20],
                needed=SCHEMA_VERSION,
                remedy=REBUILD,
            )
        if name_index(facts) != path.name:
            raise IndexOfAnother(
                "is an index of other contracts than its name says", who=path, remedy=REBUILD
            )
        if is_whole and file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise IndexDamaged("is damaged", who=path, remedy=REBUILD)


def put_away_unusable(home: Path) -> Iterator[Path]:
    """Remove each index file of a home that cannot be used and that no process writes into."""
    for path in list_indexes(home):
        try:
            inspect_index(path, is_whole=True)
        except (IndexDamaged, IndexOfAnother):
            try:
                remove_index(path)
            except IndexBusy:  # whoever writes into it says itself what is wrong
                continue
            yield path
        except EdgemarkError:
            continue
