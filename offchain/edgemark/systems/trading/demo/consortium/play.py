"""The demonstration: one ledger, two organisations, the registry of evidence, act by act."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from edgemark.demo.consortium.stage import ConsortiumStage
from edgemark.demo.progress import step
from edgemark.ledger.fabric.settings import DEVELOPMENT
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.consortium import acts, killing
from edgemark.systems.trading.demo.consortium.scene import Scene

CLOCK_S = 2.0  # between two ticks: a held endorsement dies within it
ANCHOR_S = 45  # in which roots are anchored; the acts before take a third of it
ONE_OPERATOR = "One operator has the keys of all organisations: it shows the code, not their trust."
COMMANDS = ("evidence by the commands of a chain", acts.act_commands)
PARALLEL = ("many at once", acts.act_parallel)
CONFLICT = ("the same again", acts.act_conflict)
ALONE = ("endorsed by one organisation alone", acts.act_under_endorsed)
DISAGREEMENT = ("two organisations that disagree", acts.act_disagreement)
KILLED_CLIENT = ("a client killed before its answer", killing.act_killed_client)
KILLED_LEDGER = ("a ledger killed by force", killing.act_killed_ledger)
EVENTS = ("what the ledger tells of", acts.act_events)
VERIFY = ("everything checked anew, and one byte changed", acts.act_verify)
ROOTS = "roots: one anchored, one endorsed and held back"
WHILE_HELD = (COMMANDS, PARALLEL, CONFLICT, ALONE, DISAGREEMENT, KILLED_CLIENT)
AFTERWARDS = (KILLED_LEDGER, EVENTS, VERIFY)


def tell(folder: Path, console: Console, *, kind: str = DEVELOPMENT) -> Receipt:
    """Play it and return the receipt.

    Args:
        folder: keys, journals and logs, and the ledger.
        console: where progress goes.
        kind: of the ledger, "development" or "fabric".
    """
    receipt = Receipt("ledger", about={"ledger": kind}, caveats=[ONE_OPERATOR])
    with ConsortiumStage(folder, kind=kind, clock_s=CLOCK_S) as stage:
        with step(console, receipt, "a ledger with two organisations"):
            stage.set()
        with step(console, receipt, "the chaincode, its clocks, who may anchor"):
            scene = Scene.open(stage, ANCHOR_S)
        with step(console, receipt, ROOTS):
            submit_held = acts.act_root(scene, receipt)
        for name, act in WHILE_HELD:
            with step(console, receipt, name):
                act(scene, receipt)
        with step(console, receipt, "what was held back is submitted after its phase"):
            submit_held()
        for name, act in AFTERWARDS:
            with step(console, receipt, name):
                act(scene, receipt)
    return receipt
