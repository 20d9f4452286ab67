"""`edgemark outsourcing submit|status|result`: the device's side of its jobs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from edgemark.cli.options.amounts import MTC
from edgemark.cli.options.plain_numbers import Whole
from edgemark.cli.outsourcing.asking import (
    Asking,
    Reading,
    choose_plan,
    choose_sharing,
    read_asking,
)
from edgemark.cli.outsourcing.job_ids import JOB, complete_job, of_device
from edgemark.cli.outsourcing.models import existing_file
from edgemark.cli.outsourcing.naming import Naming, node_option, nodes_option
from edgemark.cli.outsourcing.placing.pricing import say_owed, show_owed
from edgemark.cli.outsourcing.placing.submission import place, rehearse_submission
from edgemark.cli.outsourcing.placing.turns import Countdown, follow_or_open, open_device
from edgemark.cli.outsourcing.staying import (
    Patience,
    UntilChoice,
    choose_last,
    naming_when_interrupted,
    stay,
)
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import find_id
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.cli.terminal.outputs import check_apart
from edgemark.cli.terminal.page import html_option, save_page
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.outsourcing.contract.terms import warn_of_judges
from edgemark.systems.outsourcing.device.beginning import TOO_LATE
from edgemark.systems.outsourcing.device.device import Device, Refusal, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import find_awaited
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import (
    Wish,
    draft_terms,
    draft_terms_for,
)
from edgemark.systems.outsourcing.offline.sharing import Sharing
from edgemark.systems.outsourcing.order.looking import look_at_job, look_at_jobs
from edgemark.systems.outsourcing.order.outlook import tell_outlook
from edgemark.systems.outsourcing.story.exhibiting import write_receipt
from edgemark.systems.outsourcing.story.reading import Lookout

until_option = click.option(
    "--until",
    type=UntilChoice(),
    default=Until.CLEARED.value,
    show_default=True,
    help="Stay until it is on the chain; until all tasks are out; for the result; until payments, "
    "charges and evidence are out; until all is paid. The result is told as soon as it is there.",
)
output_option = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file for the answers of a model.",
)


metrics_option = click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File *.prom that a textfile collector reads; kept up to date until the command ends.",
)


class PostingRefused(RefusedInput):
    """The contract refused the job; nothing was locked."""


class PostedTooLate(LedgerUnavailable):
    """Nothing was wrong with the job; chain or device were away too long. Nothing was locked."""


@click.command("submit")
@spends()
@click.option(
    "--model",
    "model_file",
    type=existing_file,
    help="Plan that `compile` wrote, or a model file of save_model.",
)
@click.option("--function", "function_file", type=existing_file, help="Raw: canonical bytes of F.")
@click.option(
    "--input",
    "input_file",
    type=existing_file,
    help="With --model: CSV with a header. Raw: JSON, a list of lists of k integers.",
)
@click.option(
    "--sharing",
    "sharing_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Instead of --input: a folder that `outsourcing share` wrote.",
)
@click.option("--drop", multiple=True, help="A column of the CSV to leave out.")
@output_option
@node_option
@nodes_option
@click.option(
    "--threshold",
    type=Whole(),
    default=1,
    show_default=True,
    help="t: colluders that learn nothing.",
)
@click.option(
    "--errors", type=Whole(), default=1, show_default=True, help="e: liars that are survived."
)
@click.option("--fee", type=MTC, default="10", show_default=True, help="For each node.")
@click.option("--judge-fee", type=MTC, help="To the judges, a verdict; else the least they take.")
@click.option(
    "--accept", "accept_s", type=Whole(), default=60, show_default=True, help="Seconds to accept."
)
@click.option(
    "--compute",
    "compute_s",
    type=Whole(),
    default=600,
    show_default=True,
    help="Seconds to compute.",
)
@click.option(
    "--collect", "collect_s", type=Whole(), help="Seconds to charge; else enough for two rounds."
)
@click.option("--wait/--no-wait", default=True, help="Stay, or leave once it is posted.")
@until_option
@metrics_option
def submit(  # noqa: PLR0913, PLR0917 - one argument an option
    spending: Spending,
    model_file: Path | None,
    function_file: Path | None,
    input_file: Path | None,
    sharing_folder: Path | None,
    drop: tuple[str, ...],
    output: Path | None,
    named: tuple[str, ...],
    listed: str | None,
    threshold: int,
    errors: int,
    fee: Tokens,
    judge_fee: Tokens | None,
    accept_s: int,
    compute_s: int,
    collect_s: int | None,
    wait: bool,
    until: str,
    metrics_file: Path | None,
) -> int:
    """Share the inputs among the nodes, post the job, and wait for the checked result.

    More nodes than it takes are asked before, in their order: the first that would accept get it.
    """
    inputs = {"--model": model_file, "--function": function_file, "--input": input_file}
    check_apart({"--output": output, "--metrics-file": metrics_file}, inputs)
    last, sharing = choose_last(until, wait=wait), choose_sharing(input_file, sharing_folder)
    asking = read_asking(function_file, model_file, input_file, drop)
    naming, reading = Naming.read(named, listed), Reading(asking.plan, output)
    wish = Wish(threshold, errors, fee, judge_fee, accept_s, compute_s, collect_s)
    check_order(asking, naming, wish, sharing)
    if caveat := warn_of_judges(threshold, errors):
        click.echo(caveat, err=True)
    if spending.is_dry:
        rehearse_submission(spending, asking, naming, wish, sharing)
        return Exit.DONE
    with open_device(spending, metrics_file) as device:
        order = place(spending, device, asking, naming, wish, sharing)
        with naming_when_interrupted(device, order.job):
            device.begin(asking.function, order)
            stay(spending.invocation, device, order.job, last, reading)
            return show_job(spending.invocation, device, order.job, reading)


@click.command("status")
@takes_settings
@click.argument("job", required=False, shell_complete=complete_job)
def status(invocation: Invocation, job: str | None) -> int:
    """Print one job of this home folder, or all; another command may be staying with them."""
    settings = invocation.settings()
    home = Path(settings.home)
    if job is None:
        lines = {job.hex(): state.phase.value for job, state in look_at_jobs(home).items()}
        invocation.show(lines or {"jobs": 0})
        return Exit.DONE
    state = look_at_job(home, find_id(JOB, job, of_device(home)))
    reading = Reading(choose_plan(home, state.known.terms.function_hash, None))
    now = Timestamp(Lookout.open(settings).chain.now())
    return show_state(invocation, state, reading, now)


@click.command("result")
@spends()
@click.argument("job", shell_complete=complete_job)
@click.option(
    "--timeout",
    type=Patience(),
    help="Seconds to wait; else as long as the job's own deadlines need.",
)
@until_option
@click.option("--model", "model_file", type=existing_file, help="Plan; else the one submitted.")
@output_option
@html_option
@metrics_option
def result(
    spending: Spending,
    job: str,
    timeout: float | None,
    until: str,
    model_file: Path | None,
    output: Path | None,
    html: Path | None,
    metrics_file: Path | None,
) -> int:
    """Take the job up again, wait for its result and print it.

    While another command stays with it, that one does what it needs, and this one tells.
    """
    outputs = {"--output": output, "--html": html, "--metrics-file": metrics_file}
    check_apart(outputs, {"--model": model_file})
    invocation, settings = spending.invocation, spending.invocation.settings()
    home = Path(settings.home)
    job_id = find_id(JOB, job, of_device(home))
    if spending.is_dry:
        known = look_at_job(home, job_id)
        show_owed(invocation, known)
        return exit_of_job(known)
    countdown, wanted = Countdown.start(timeout), Until(until)
    with ExitStack() as stack:
        found = follow_or_open(stack, spending, job_id, wanted, countdown, metrics_file)
        state = found if isinstance(found, DeviceJob) else found.job(job_id)
        reading = choose_reading(home, state, model_file, output)
        if isinstance(found, Device):
            say_owed(state)
            with naming_when_interrupted(found, job_id):
                stay(invocation, found, job_id, wanted, reading, countdown.left_s)
            status = show_job(invocation, found, job_id, reading)
            state = found.job(job_id)
        else:
            now = Timestamp(Lookout.open(settings).chain.now())
            status = show_state(invocation, state, reading, now)
        if html is not None:
            story = Lookout.open(settings).chronicle.read(job_id)
            answers = reading.list_answers(state.result, story.terms.outputs)
            model = reading.plan.source if reading.plan else ""
            save_page(html, write_receipt(story, state, answers, model))
        return status


def choose_reading(
    home: Path, state: DeviceJob, model_file: Path | None, output: Path | None
) -> Reading:
    """How to read the result of a job of this home.

    Raises:
        RefusedInput: the plan belongs to another function.
    """
    return Reading(choose_plan(home, state.known.terms.function_hash, model_file), output)


def check_order(asking: Asking, naming: Naming, wish: Wish, sharing: Sharing | None) -> None:
    """Check what can be checked without a chain, before anything is paid.

    Raises:
        RefusedInput: what `Device.submit` would say.
    """
    function, anybody = asking.function, SecretKey.generate(Randomness()).public_key
    if sharing is None:
        terms = draft_terms(function, asking.batch, anybody, wish, Timestamp(0))
    else:
        sharing.check_fits(function, wish.threshold, wish.errors)
        terms = draft_terms_for(function, sharing.batch, anybody, wish, Timestamp(0))
    naming.check(terms.node_count)


def show_job(invocation: Invocation, device: Device, job: JobId, reading: Reading) -> int:
    """Print a job's facts; a result of a model as real numbers, a raw one as signed integers.

    Returns:
        `CHECK_FAILED` where there is no result and there will be none.

    Raises:
        PostingRefused: the contract did not take the job.
        PostedTooLate: it came to the contract after its own `accept_by`.
    """
    now = Timestamp(device.station.chain.now())
    return show_state(invocation, device.job(job), reading, now, device.refusals)


def show_state(
    invocation: Invocation,
    state: DeviceJob,
    reading: Reading,
    now: Timestamp,
    refusals: Iterable[Refusal] = (),
) -> int:
    """Print a job's facts as `show_job` does, at this chain time; with answers that were refused.

    Raises:
        PostingRefused, PostedTooLate: as `show_job`.
    """
    if state.reason:
        check_posting(state)
    facts = describe(state, reading)
    facts["outlook"] = tell_outlook(state, now)
    facts["refused_answers"] = [
        {"index": refusal.index, "reason": refusal.reason}
        for refusal in refusals
        if refusal.job == state.known.job
    ]
    facts["refused_offers"] = [
        {"index": said.index, "node": state.known.nodes[said.index - 1], "reason": said.reason}
        for said in sorted(state.refused, key=lambda said: said.index)
    ]
    answers = "" if state.result is None else reading.tell(state.result)
    text = align({name: fact for name, fact in facts.items() if name not in _IN_TABLE})
    invocation.show(facts, f"{text}\n\n{answers}" if answers else None)
    return exit_of_job(state)


def check_posting(state: DeviceJob) -> None:
    """Check that the contract took the job, or may have.

    Raises:
        PostingRefused: it did not.
        PostedTooLate: it came to the contract after its own `accept_by`.
    """
    job = state.known.job
    if state.reason == TOO_LATE:
        remedy = "Nothing was locked. Submit again, perhaps with a longer --accept."
        raise PostedTooLate(TOO_LATE, who=f"job {job.hex()}", remedy=remedy)
    if state.reason:
        raise PostingRefused(
            "posting was refused",
            who=f"job {job.hex()}",
            had=state.reason,
            remedy="Nothing was locked. Fix the call and submit again.",
        )


def exit_of_job(state: DeviceJob) -> Exit:
    """Not `DONE` where a script that goes on would go on without a result."""
    ended_without = state.is_finished and state.result is None
    return Exit.CHECK_FAILED if state.undecided_because or ended_without else Exit.DONE


_IN_TABLE = frozenset({"result", "outputs", "labels"})


def describe(state: DeviceJob, reading: Reading) -> dict[str, Any]:
    """What the device knows of a job; nothing of its secrets."""
    order = state.known
    result: dict[str, Any] = {"result": None}
    if state.result is not None:
        result = reading.describe(state.result, order.terms.outputs)
    return {
        "job": order.job.hex(),
        "phase": state.phase.value,
        "waits_for": str(find_awaited(state)),
        "indices": [phase.name.lower() for phase in state.indices],
        "liars": list(state.wrong),
        "silent": list(state.silent),
        **result,
        "undecided_because": state.undecided_because or None,
        "may_leave": Until.CLEARED.is_reached(state),
    }
