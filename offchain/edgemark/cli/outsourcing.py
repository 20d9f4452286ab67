"""`edgemark outsourcing submit|status|result`: the device's side of its jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from edgemark.cli.account import parse_tokens
from edgemark.cli.exits import Exit
from edgemark.cli.invocation import Invocation, takes_settings
from edgemark.crypto.field import FIELD, Q
from edgemark.crypto.fixed_point import to_signed
from edgemark.crypto.polynomial import Polynomial, parse_polynomial
from edgemark.crypto.randomness import Randomness
from edgemark.crypto.secp256k1 import SecretKey
from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import Address, JobId, Timestamp, parse_address, parse_job_id
from edgemark.systems.outsourcing.client import Device, Until
from edgemark.systems.outsourcing.drafting import Wish, check_node_list, draft_terms
from edgemark.systems.outsourcing.joining import join_as_device, provide_balance
from edgemark.systems.outsourcing.parameters import MAX_FUNCTION_BYTES
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.station import Station

MAX_INPUT_FILE_BYTES = 256 * 2**20
CHARGES_S = 60  # beyond the windows of a job: for what was filed at the last moment

until_option = click.option(
    "--until",
    type=click.Choice([each.value for each in Until]),
    default=Until.SETTLED.value,
    show_default=True,
    help="Stay for the result; until payments, charges and evidence are out; until all is paid.",
)


class PostingRefused(RefusedInput):
    """The contract refused the job; nothing was locked."""


@click.group()
def outsourcing() -> None:
    """Private, accountable outsourced computation."""


@contextmanager
def open_device(invocation: Invocation) -> Iterator[Device]:
    """The device of this home folder, with all its open jobs taken up."""
    with Station.open(invocation.settings()) as station:
        device = Device(station)
        try:
            device.start()
            yield device
        finally:
            device.stop()


@outsourcing.command("submit")
@takes_settings
@click.option(
    "--function",
    "function_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Canonical bytes of F.",
)
@click.option(
    "--input",
    "input_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="JSON: a list of inputs, each a list of k integers.",
)
@click.option("--node", "nodes", multiple=True, required=True, help="Account of a node; m times.")
@click.option("--threshold", default=1, show_default=True, help="t: colluders that learn nothing.")
@click.option("--errors", default=1, show_default=True, help="e: liars that are survived.")
@click.option("--fee", default="10", show_default=True, help="MTC for each node.")
@click.option("--judge-fee", default="5", show_default=True, help="MTC to the judges, a charge.")
@click.option("--accept", "accept_s", default=60, show_default=True, help="Seconds to accept.")
@click.option("--compute", "compute_s", default=600, show_default=True, help="Seconds to compute.")
@click.option("--collect", "collect_s", default=3600, show_default=True, help="Seconds to charge.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Stay for the result.")
@until_option
def submit(  # noqa: PLR0913, PLR0917 - one argument an option
    invocation: Invocation,
    function_file: Path,
    input_file: Path,
    nodes: tuple[str, ...],
    threshold: int,
    errors: int,
    fee: str,
    judge_fee: str,
    accept_s: int,
    compute_s: int,
    collect_s: int,
    wait: bool,
    until: str,
) -> int:
    """Share the inputs among the nodes, post the job, and wait for the checked result."""
    function = read_function(function_file)
    batch = read_inputs(input_file, function.inputs)
    accounts = [parse_address(node, who="--node") for node in nodes]
    wish = Wish(
        threshold=threshold,
        errors=errors,
        fee=parse_tokens(fee),
        judge_fee=parse_tokens(judge_fee),
        accept_s=accept_s,
        compute_s=compute_s,
        collect_s=collect_s,
    )
    check_order(function, batch, accounts, wish)
    with open_device(invocation) as device:
        join_as_device(device.station)
        provide_balance(device.station, wish.compute_costs(function.degree))
        job = device.submit(function, batch, accounts, wish)
        if not wait:
            device.wait_posted(job, accept_s)
            return show_job(invocation, device, job)
        windows = accept_s + compute_s + collect_s
        return wait_and_show(invocation, device, job, windows + CHARGES_S, Until(until))


@outsourcing.command("status")
@takes_settings
@click.argument("job", required=False)
def status(invocation: Invocation, job: str | None) -> int:
    """Print one job of this home folder, or all."""
    with open_device(invocation) as device:
        if job is not None:
            return show_job(invocation, device, parse_job_id(job))
        lines = {key.hex(): state.phase.value for key, state in device.runtime.states().items()}
        invocation.show(lines or {"jobs": 0})
        return Exit.DONE


@outsourcing.command("result")
@takes_settings
@click.argument("job")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to wait.")
@until_option
def result(invocation: Invocation, job: str, timeout: float, until: str) -> int:
    """Take the job up again, wait for its result and print it."""
    with open_device(invocation) as device:
        job_id = parse_job_id(job)
        device.job(job_id)
        return wait_and_show(invocation, device, job_id, timeout, Until(until))


def check_order(function: Polynomial, batch: bytes, nodes: Sequence[Address], wish: Wish) -> None:
    """Check what can be checked without a chain, before anything is paid.

    Raises:
        RefusedInput: what `Device.submit` would say.
    """
    anybody = SecretKey.generate(Randomness()).public_key
    terms = draft_terms(function, batch, anybody, wish, Timestamp(0))
    check_node_list(nodes, terms.node_count)


def wait_and_show(
    invocation: Invocation, device: Device, job: JobId, timeout_s: float, until: Until
) -> int:
    """Wait with a sign of life at a terminal, then print what is there.

    Raises:
        LedgerUnavailable: no result within `timeout_s`; the job goes on.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True, disable=invocation.as_json) as progress:
        progress.add_task(f"job {job.hex()[:16]}")
        try:
            device.wait(job, timeout_s, until)
        except LedgerUnavailable:
            if not Until.RESULT.is_reached(device.job(job)):
                raise
    return show_job(invocation, device, job)


def show_job(invocation: Invocation, device: Device, job: JobId) -> int:
    """Print a job's facts; a result as signed integers.

    Raises:
        PostingRefused: the contract did not take the job.
    """
    state = device.job(job)
    if state.reason:
        raise PostingRefused(
            "posting was refused",
            who=f"job {job.hex()}",
            had=state.reason,
            remedy="Nothing was locked. Fix the call and submit again.",
        )
    facts = describe(state)
    facts["refused_answers"] = [
        {"index": refusal.index, "reason": refusal.reason}
        for refusal in device.refusals
        if refusal.job == job
    ]
    invocation.show(facts)
    return Exit.CHECK_FAILED if state.undecided_because else Exit.DONE


def describe(state: DeviceJob) -> dict[str, Any]:
    """What the device knows of a job; nothing of its secrets."""
    order = state.known
    return {
        "job": order.job.hex(),
        "phase": state.phase.value,
        "indices": [phase.name.lower() for phase in state.indices],
        "liars": list(state.wrong),
        "silent": list(state.silent),
        "result": None if state.result is None else rows(state.result, order.terms.outputs),
        "undecided_because": state.undecided_because or None,
        "may_leave": Until.SETTLED.is_reached(state),
    }


def rows(packed: bytes, outputs: int) -> list[list[int]]:
    """A packed result as signed integers, one row an input."""
    values = [to_signed(element) for element in FIELD.unpack(packed)]
    return [values[i : i + outputs] for i in range(0, len(values), outputs)]


def read_function(path: Path) -> Polynomial:
    """Parse the canonical bytes of F from a file."""
    size = path.stat().st_size
    if size > MAX_FUNCTION_BYTES:
        raise RefusedInput(
            "function file too large", who=path, had=size, needed=f"<= {MAX_FUNCTION_BYTES} bytes"
        )
    return parse_polynomial(path.read_bytes())


def read_inputs(path: Path, width: int) -> bytes:
    """Parse inputs from JSON: a list of lists of `width` integers, |value| <= (q-1)/2.

    Raises:
        RefusedInput: not JSON, another shape, or a value outside the field.
    """
    size = path.stat().st_size
    if size > MAX_INPUT_FILE_BYTES:
        raise RefusedInput("input file too large", who=path, had=size, needed=MAX_INPUT_FILE_BYTES)
    try:
        given = json.loads(path.read_text())
    except ValueError as error:
        raise RefusedInput("is not JSON", who=path, needed="a list of lists of integers") from error
    if not isinstance(given, list) or not given:
        raise RefusedInput("holds no inputs", who=path, needed="a list of lists of integers")
    values: list[int] = []
    for number, row in enumerate(given):
        where = f"{path}, input {number}"
        if not isinstance(row, list) or len(row) != width:
            had = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
            raise RefusedInput("input has the wrong length", who=where, had=had, needed=width)
        for value in row:
            if not isinstance(value, int) or isinstance(value, bool) or abs(value) > Q // 2:
                raise RefusedInput(
                    "value is out of the field",
                    who=where,
                    had=repr(value)[:40],
                    needed="|x| <= q/2",
                )
            values.append(value % Q)
    return FIELD.pack(values)
