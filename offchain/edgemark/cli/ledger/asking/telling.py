"""`edgemark ledger events|history`: what chaincodes told, and what became of a key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from edgemark.cli.ledger.asking.choosing import (
    chooses_ledger,
    open_chosen,
    open_running,
    show_bytes,
    waits_for,
)
from edgemark.cli.ledger.asking.naming import Named, saying_what_is_there
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.free_texts import FREE
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.streams import say
from edgemark.errors import RefusedInput
from edgemark.identifiers import Moment
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.blocks import list_writes
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.messages import NANOSECONDS, encode_text
from edgemark.words import printable

MAX_BLOCK = 2**63 - 1
COLUMNS = ("block", "transaction", "time", "value")
LOOK_WAIT_S = 300.0  # for all blocks that a history is told from


@click.command("events")
@chooses_ledger
@click.argument("chaincode")
@click.option(
    "--from-block", type=WholeRange(0, MAX_BLOCK), help="First block.  [default: what comes now]"
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that says where it was; the next call goes on behind it.",
)
@click.option("--count", type=WholeRange(1, MAX_BLOCK), help="End after so many.  [default: go on]")
@waits_for("go on")
def events(
    invocation: Invocation,
    chaincode: str,
    from_block: int | None,
    checkpoint: Path | None,
    count: int | None,
    wait_s: float | None,
) -> Exit:
    """Print a chaincode's events as they are committed, a line each, until interrupted.

    Status 4: the time of --wait was over before there were as many as --count.
    """
    held = CheckpointFile(checkpoint.absolute()) if checkpoint else None
    if checkpoint and not checkpoint.absolute().parent.is_dir():
        raise RefusedInput("folder is not there", who=checkpoint.parent, remedy="Make it first.")
    encode_text("name of a chaincode", chaincode)
    access = open_chosen(invocation)
    alone = held.held() if held else nullcontext()
    with alone, access.client(submits=False) as client:
        named = Named(access, client, chaincode)
        with saying_what_is_there(named):
            after = _begin(client, from_block, held)
            if missing := named.find_missing_channel():
                raise missing
        if missing := named.find_missing():
            say(f"Beware: {missing}")
        number = 0
        for number, event in enumerate(client.chaincode_events(chaincode, after, wait_s=wait_s), 1):
            click.echo(_line(event, as_json=invocation.as_json))
            if held:
                held.write(event.checkpoint)
            if number == count:
                return Exit.DONE
    if count is not None:
        say(f"{number} of {count} events came before the time was over")
        return Exit.LEDGER_UNAVAILABLE
    return Exit.DONE


def _begin(
    client: GatewayClient, from_block: int | None, held: CheckpointFile | None
) -> Checkpoint | None:
    """Behind what it begins; a new file begins where the chain is, so that nothing is lost."""
    found = held.read() if held else None
    if found is not None:
        return found
    if from_block is None and held is None:
        return None
    begun = client.checkpoint(from_block)
    if held:
        held.write(begun)
    return begun


def _line(event: ChaincodeEvent, *, as_json: bool) -> str:
    told = event.event
    facts = {
        "block": event.block,
        "transaction_id": told.transaction_id,
        "name": told.name,
        "payload": show_bytes(told.payload),
    }
    if as_json:
        return json.dumps(facts)
    line = f"block {event.block}  {told.transaction_id}  {told.name}  {facts['payload']}"
    return printable(line)


@click.command("history")
@chooses_ledger
@click.argument("chaincode")
@click.argument("key", type=FREE, nargs=-1, required=True)
@click.option(
    "--from-block", type=WholeRange(0, MAX_BLOCK), default=0, show_default=True, help="First block."
)
@waits_for(f"{LOOK_WAIT_S:g}")
def history(
    invocation: Invocation,
    chaincode: str,
    key: tuple[str, ...],
    from_block: int,
    wait_s: float | None,
) -> None:
    """Print every value that a key had, the newest first, told from the blocks themselves.

    Several words are a composite key: its type, then its parts. The blocks are walked and checked
    here, each against the last; which transactions count the peer says.

    What begins with - stands behind `--`, and options before that.
    """
    for what, text in (("name of a chaincode", chaincode), *(("key", each) for each in key)):
        encode_text(what, text)
    name = key[0] if len(key) == 1 else "\0" + "".join(f"{each}\0" for each in key)
    rows: list[dict[str, Any]] = []
    access = open_running(invocation)
    with access.client(submits=False) as client:
        named = Named(access, client, chaincode)
        with saying_what_is_there(named):
            last = client.height() - 1
        if from_block <= last:
            for block in client.blocks(from_block, last, wait_s=wait_s or LOOK_WAIT_S):
                rows += _rows_of(block, chaincode, name)
        if not rows and (missing := named.find_missing()):
            raise missing
    rows.reverse()
    shown = [{**row, "value": "(deleted)" if row["deleted"] else row["value"]} for row in rows]
    text = in_columns(shown, COLUMNS) if rows else f"{chaincode} never wrote this key"
    invocation.show({"history": rows}, text)


def _rows_of(block: Block, chaincode: str, key: str) -> Iterator[dict[str, Any]]:
    for transaction, write in list_writes(block, chaincode, key):
        yield {
            "block": block.number,
            "transaction": transaction.transaction_id,
            "time": Moment(transaction.timestamp_ns // NANOSECONDS),
            "value": None if write.value is None else show_bytes(write.value),
            "deleted": write.value is None,
        }
