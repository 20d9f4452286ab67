"""What `edgemark doctor` finds on this machine: programs, disk, keys, journals."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from edgemark.cli.catalogue import CONTRACTS
from edgemark.cli.doctor.findings import Finding, look
from edgemark.crypto.field import kernel
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import check_private, find_holder
from edgemark.identity.keys import ACCOUNT_FILE, TLS_FILE
from edgemark.indexer.inspecting import inspect_index, list_indexes
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.contract.interface import load_bytecode
from edgemark.ledger.evm.development.anvil import find_anvil
from edgemark.ledger.evm.development.hardhat import find_hardhat
from edgemark.ledger.launching.program import ToolMissing
from edgemark.words import count

LEAST_PYTHON = (3, 11)
LEAST_DISK_BYTES = 256 * 2**20  # a journal of some thousand records, the largest function thrice
EXTRAS = {  # module: the package that brings it, and its use
    "sklearn": ("scikit-learn>=1.5", "demonstrations and models"),
    "onnx": ("onnx>=1.22", "models from ONNX files"),
    "grpc": ("edgemark[fabric]", "the consortium ledger"),
}


def find_on_machine(home: Path, *, serves: bool = False) -> Iterator[Finding]:
    """Everything that can be seen without a chain.

    Args:
        home: home folder; need not exist.
        serves: whether it is a server's, which needs nothing of what is for development or models.
    """
    yield from _programs()
    yield look("contract bytecode", False, _bytecode)
    if not serves:
        yield from _development(Path.cwd())
        yield from _packages()
    yield look("disk space", True, lambda: _disk(home))
    for name in (ACCOUNT_FILE, TLS_FILE):
        yield look(f"key {name}", True, partial(_key, home / "keys" / name))
    for path in sorted(home.glob("*.journal")) if home.is_dir() else []:
        yield look(path.name, True, partial(describe_journal, path))
    if list_indexes(home):
        yield look("index", False, lambda: _indexes(home))


def _programs() -> Iterator[Finding]:
    yield Finding(
        "python",
        sys.version_info >= LEAST_PYTHON,
        True,
        platform.python_version(),
        f"Install Python {'.'.join(map(str, LEAST_PYTHON))} or newer.",
    )
    path = kernel.path()
    remedy = "Everything works, more slowly. Install a C compiler, then install edgemark again."
    yield Finding("field kernel", path not in {"plain", "flint"}, False, path, remedy)


def _development(start: Path) -> Iterator[Finding]:
    """What demonstrations and development chains need; outside a checkout only what a chain is."""
    yield look("anvil", False, _anvil)
    if not is_checkout(start):
        return
    node = shutil.which("node")
    yield Finding("node.js", node is not None, False, node or "not there", "Only for development.")
    yield look("hardhat", False, lambda: str(find_hardhat(start)[1]))


def _anvil() -> str:
    """Where Anvil is, by this folder or by that of the package.

    Raises:
        RefusedInput: it is nowhere, which matters to chains of one's own alone.
    """
    try:
        return str(find_anvil())
    except ToolMissing as missing:
        raise RefusedInput(
            "is not installed; whoever uses a chain needs none",
            who="anvil",
            remedy=f"Only for demonstrations and chains of your own. {missing.remedy}",
        ) from missing


def is_checkout(start: Path) -> bool:
    """Whether a folder, or one around it, has our contracts' sources and ape's settings."""
    here = start.resolve()
    return any(
        (folder / "ape-config.yaml").is_file() and (folder / "contracts" / "identity").is_dir()
        for folder in (here, *here.parents)
    )


def _packages() -> Iterator[Finding]:
    for module, (package, use) in EXTRAS.items():
        there = find_spec(module) is not None
        seen = "installed" if there else "not installed"
        yield Finding(module, there, False, seen, f'Only for {use}: `pip install "{package}"`.')


def _bytecode() -> str:
    for name in reversed(CONTRACTS):
        load_bytecode(name)
    return "compiled"


def _disk(home: Path) -> str:
    place = home.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    shown = f"{free / 2**30:.1f} GiB free at {place}"
    if free < LEAST_DISK_BYTES:
        raise Unrecoverable(
            "disk is nearly full",
            who=place,
            had=shown,
            needed=f"{LEAST_DISK_BYTES / 2**30:.2f} GiB",
            remedy="Free space: a server that cannot write its journal stops.",
        )
    if not os.access(place, os.W_OK):
        raise Unrecoverable("cannot be written", who=place, remedy="Use another home folder.")
    return shown


def _key(path: Path) -> str:
    if not path.exists():
        return "made on first run"
    check_private(path)
    return "owner only"


def _indexes(home: Path) -> str:
    """How many index files there are.

    Raises:
        IndexDamaged, IndexOfAnother: of the first that cannot be used.
    """
    files = list_indexes(home)
    for path in files:
        inspect_index(path)
    return count(len(files), "file")


def describe_journal(path: Path) -> str:
    """Records of a journal, who holds it, and what is left behind its last whole record.

    Raises:
        RefusedInput: bytes behind the last whole record of a journal that nobody holds.
        Unrecoverable: others may open it.
    """
    holder = find_holder(path)
    with Journal.look_at(path) as journal:
        records, rest = journal.count, path.stat().st_size - journal.end
    if rest > 0 and not holder:
        raise RefusedInput(
            "has bytes behind its last whole record",
            who=path,
            had=f"{count(records, 'record')}, then {count(rest, 'byte')}",
            remedy="A record that was cut short is dropped at the next start; damage is refused.",
        )
    return f"{count(records, 'record')}, {f'in use by process {holder}' if holder else 'free'}"
