"""Which kinds of development chain there are, and the one chain of a folder.

A chain that `chain_up` started outlives the process that asked for it; `chain.json` in its folder
(kind, process id, its start time, port, time between blocks; a checksum) says how to find it.
`chain_down` ends exactly that process and no other, even when its id was given away since. Where
somebody keeps the chain company (`keeping.py`), it ends with that process.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.development.anvil import AnvilNode
from edgemark.ledger.evm.development.hardhat import HardhatNode
from edgemark.ledger.evm.development.keeping import NOTE_OF_KEEPER, find_keeper
from edgemark.ledger.evm.development.node import ChainOptions, DevelopmentNode
from edgemark.ledger.launching.notes import number_in, read_note, write_note
from edgemark.ledger.launching.program import Program

NOTE = "chain.json"
KINDS: dict[str, type[DevelopmentNode]] = {kind.KIND: kind for kind in (AnvilNode, HardhatNode)}
DEFAULT_KIND = AnvilNode.KIND
DEFAULT_PORT = 8545
DEFAULT_BLOCK_TIME_S = 1
STOP_FIRST = "Stop it first (`edgemark chain down`), or use another home folder."


def kind_of(name: str) -> type[DevelopmentNode]:
    """The kind of chain of that name.

    Raises:
        RefusedInput: there is none.
    """
    if name not in KINDS:
        raise RefusedInput("is no kind of chain", who=name[:40], needed=" or ".join(KINDS))
    return KINDS[name]


def chain_up(
    folder: Path, options: ChainOptions | None = None, kind: str = DEFAULT_KIND
) -> DevelopmentNode:
    """Start the chain of a folder, to stay when this process ends; or find it running.

    Args:
        folder: its files.
        options: what chain to start.
        kind: one of `KINDS`.

    Raises:
        ToolMissing, PortInUse, ProgramDied: as `DevelopmentNode.start`.
        RefusedInput: a chain of another kind runs there, one with company is being brought up, or
            there is no such kind.
        NoteDamaged: see `chain_status`.
    """
    wanted = kind_of(kind)
    keeper = find_keeper(folder)
    if keeper is not None and keeper.is_running:
        keeper.done()
    running = chain_status(folder)
    if running is None:
        options = options or ChainOptions()
        node = wanted.start(folder, options, stays=True)
        note_chain(folder, node, {"block_time_s": options.block_time_s})
        return node
    if kind != running.KIND:
        raise RefusedInput(
            "runs another kind of chain",
            who=folder,
            had=running.KIND,
            needed=kind,
            remedy=STOP_FIRST,
        )
    return running


def note_chain(folder: Path, node: DevelopmentNode, more: Mapping[str, object]) -> None:
    """Write down how to find the running chain of a folder, and what else it was asked for."""
    facts = {"kind": node.KIND, **node.program.facts, "port": node.port}
    write_note(folder / NOTE, {**facts, **more})


def check_wished(folder: Path, wished: Mapping[str, object]) -> None:
    """Check that the chain of a folder, where one runs, is the one that somebody wishes.

    Args:
        folder: its files.
        wished: facts of its note by name, `port` or `block_time_s`; None for what is all the same.

    Raises:
        RefusedInput: it runs otherwise.
    """
    running = chain_status(folder)
    facts = (running and read_note(folder / NOTE)) or {}
    for name, wish in wished.items():
        had = facts.get(name)  # none: no chain, or a note of before
        if None not in (had, wish) and had != wish:
            raise RefusedInput(
                "chain of this folder runs already, and otherwise",
                who=running and running.url,
                had=f"{name} {had}",
                needed=f"{name} {wish}",
                remedy=STOP_FIRST,
            )


def chain_status(folder: Path) -> DevelopmentNode | None:
    """The running chain of a folder, or None.

    Raises:
        NoteDamaged: the note is not as it was written; whether one runs is not known.
    """
    path = folder / NOTE
    facts = read_note(path)
    if facts is None:
        return None
    kind = kind_of(str(facts.get("kind")))
    program = Program.from_note(kind.KIND, folder, facts, path)
    node = kind(folder, number_in(facts, "port", path), program)
    return node if node.is_running else None


def chain_down(folder: Path) -> bool:
    """End the chain of a folder, and who keeps it company; False when none was running."""
    keeper = find_keeper(folder)
    was_kept = keeper is not None and keeper.is_running
    if keeper is not None:
        keeper.close()
    node = chain_status(folder)
    if node is not None:
        node.close()
    (folder / NOTE).unlink(missing_ok=True)
    (folder / NOTE_OF_KEEPER).unlink(missing_ok=True)
    return was_kept or node is not None
