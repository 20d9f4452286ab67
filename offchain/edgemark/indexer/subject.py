"""What a file is an index of: chain, first block, contracts; its name follows from all of them.

Law: two deployments that differ in anything an index depends on have two files. A home is used with
     several groups of contracts at once (those of a party, all of them, the registry of identities
     alone), and each finds the file of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from edgemark.deployment.deployment import Deployment
from edgemark.indexer.schema import SCHEMA_VERSION
from edgemark.indexer.sqlite_file import REBUILD
from edgemark.ledger.evm.faults import IndexOfAnother

FOLDER = "index"
ENDING = ".sqlite"
NAME_DIGITS = 16  # of the hash: files of one home, which nobody else names
MOST_NAMED = 4  # contracts that differ
CONTRACTS = "contracts"


def index_path(home: Path, deployment: Deployment) -> Path:
    """Where the index of a deployment is kept: one file per chain, first block and contracts."""
    return home / FOLDER / name_index(facts_of(deployment))


def facts_of(deployment: Deployment) -> dict[str, str]:
    """What a file is an index of, as its table `facts` has it."""
    return {
        "version": str(SCHEMA_VERSION),
        "chain_id": str(deployment.chain_id),
        "from_block": str(deployment.block),
        CONTRACTS: json.dumps(dict(deployment.contracts), sort_keys=True),
    }


def name_index(facts: Mapping[str, str]) -> str:
    """The name of the file of an index, by its facts but for the version."""
    parts = [facts["chain_id"], facts["from_block"], facts[CONTRACTS]]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{facts['chain_id']}-{digest[:NAME_DIGITS]}{ENDING}"


def check_facts(found: Mapping[str, str], wanted: Mapping[str, str], path: Path) -> None:
    """Check that a file is the index that it is opened as.

    Args:
        found: what the file says of itself.
        wanted: of the deployment.
        path: of the file.

    Raises:
        IndexOfAnother: it is of another deployment or version; of contracts, with what differs.
    """
    for name, value in wanted.items():
        had = found.get(name)
        if had == value:
            continue
        is_list = name == CONTRACTS and had is not None
        raise IndexOfAnother(
            "is an index of other contracts" if is_list else f"is an index with another {name}",
            who=path,
            had=tell_difference(had, value) if is_list and had else had,
            needed="" if is_list else value,
            remedy=REBUILD,
        )


def tell_difference(had: str, wanted: str) -> str:
    """In which contracts two lists differ, by name: `without A; with B besides; another C`."""
    try:
        there, needed = json.loads(had), json.loads(wanted)
        lists = {
            "without ": sorted(needed.keys() - there.keys()),
            "besides ": sorted(there.keys() - needed.keys()),
            "another ": sorted(k for k in needed.keys() & there.keys() if needed[k] != there[k]),
        }
    except (ValueError, RecursionError, AttributeError):
        return "no list of contracts"
    return "; ".join(word + _shorten(names) for word, names in lists.items() if names)


def _shorten(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
