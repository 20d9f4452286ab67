"""Two more users of a stage, each with a home of its own and every step a process of its own.

The leaver hands out the tasks, goes, and asks later. The owner of a sharing made it without a
chain; a sender orders the job from it and exports the answers; the owner alone reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.stage.command_line import Finished, edgemark
from tests.stage.desk import let_in

from edgemark.systems.outsourcing.demo.cast import OutsourcingStage

LEAVER, SENDER, OWNER = "leaver", "sender", "owner"
WINDOWS = ("--accept", "60", "--compute", "60", "--collect", "300")  # for a machine that is busy


@dataclass(frozen=True)
class Visits:
    """Each process in order, and the files of the sharing."""

    leaver: list[Finished]
    sender: list[Finished]
    sharing: Path
    answers: Path


def visit(stage: OutsourcingStage, asking: Sequence[str | Path], table: Path) -> Visits:
    """Let both come at once.

    Args:
        stage: where a liar may be among the nodes.
        asking: words that name the function.
        table: the input.
    """
    let_in(stage, (LEAVER, SENDER))
    nodes = [word for actor in stage.nodes for word in ("--node", actor.account)]
    files = (stage.folder / "sharing", stage.folder / "exported.json")
    with ThreadPoolExecutor(2) as pool:
        leaver = pool.submit(leave_and_come_back, stage, [*asking, "--input", table, *nodes])
        sender = pool.submit(share_and_send, stage, asking, table, nodes, *files)
        return Visits(leaver.result(), sender.result(), *files)


def leave_and_come_back(stage: OutsourcingStage, asking: Sequence[str | Path]) -> list[Finished]:
    """Submit until all tasks are handed out; then, each time as a new process, look and collect."""
    here = ("--home", stage.folder / LEAVER, "--json")
    asked = (*asking, *WINDOWS, "--until", "delivered")
    left = edgemark("outsourcing", "submit", *asked, *here, *measured(stage, "left"))
    assert left.status == 0, left.error
    job = left.value["job"]
    looked = edgemark("outsourcing", "status", job, *here)
    result = edgemark("outsourcing", "result", job, *here, *measured(stage, "back"))
    return [left, looked, result]


def measured(stage: OutsourcingStage, name: str) -> tuple[str, Path]:
    """Where a command of the leaver puts its metrics."""
    return ("--metrics-file", stage.folder / LEAVER / f"{name}.prom")


def share_and_send(
    stage: OutsourcingStage,
    asking: Sequence[str | Path],
    table: Path,
    nodes: Sequence[str],
    sharing: Path,
    answers: Path,
) -> list[Finished]:
    """Share without a chain, submit, export, and decode without a chain again."""
    alone = ("--home", stage.folder / OWNER, "--chain-url", "http://127.0.0.1:9", "--json")
    there = ("--home", stage.folder / SENDER, "--json")
    shared = edgemark("outsourcing", "share", *asking, "--input", table, "--out", sharing, *alone)
    assert shared.status == 0, shared.error
    ordering = [*asking, "--sharing", sharing, *nodes, *WINDOWS]
    sent = edgemark("outsourcing", "submit", *ordering, *there)
    assert sent.status == 0, sent.error
    job = sent.value["job"]
    exported = edgemark("outsourcing", "export-answers", job, "-o", answers, *there)
    secret = ("--secret", sharing / "secret.json")
    decoded = edgemark("outsourcing", "decode", answers, *secret, *asking, *alone)
    return [shared, sent, exported, decoded]
