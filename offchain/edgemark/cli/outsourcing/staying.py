"""How a command stays with a job: what it says meanwhile, and when it has waited long enough."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.text import Text

from edgemark.cli.options.plain_numbers import RealRange
from edgemark.cli.outsourcing.asking import Reading
from edgemark.cli.terminal.invocation import Invocation
from edgemark.errors import RefusedInput
from edgemark.models.files import rows
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.device.device import Device, NotThereYet, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import find_awaited
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.words import in_words

if TYPE_CHECKING:
    from edgemark.systems.outsourcing.contract.terms import Terms

MARGIN_S = 60  # beyond a deadline of the chain: for what was sent at the last moment
MOST_WAIT_S = 10.0 * 365 * 86_400  # longer than the longest windows that a deployment can have
_BEFORE_RESULT = (Until.POSTED, Until.DELIVERED, Until.RESULT)
_FORMER = "closed"  # of `settled`, when index and device had two words for it


class Patience(RealRange):
    """Seconds of `--timeout`, 0 to `MOST_WAIT_S`."""

    def __init__(self) -> None:
        super().__init__(0, MOST_WAIT_S)


class UntilChoice(click.Choice):
    """The words of `--until`."""

    def __init__(self) -> None:
        super().__init__([each.value for each in Until])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, if it is one.

        Raises:
            BadParameter: it is none; with the one that it is now, where it was.
        """
        if value == _FORMER:
            settled = Until.SETTLED.value
            self.fail(f"{value!r} is called {settled!r} now, as everywhere.", param, ctx)
        return str(super().convert(value, param, ctx))


def choose_last(until: str, *, wait: bool) -> Until:
    """How far a job is to be before its submission leaves it.

    Raises:
        RefusedInput: it is to leave at once, and by the same command to stay.
    """
    if wait:
        return Until(until)
    source = click.get_current_context().get_parameter_source("until")
    if source is ParameterSource.COMMANDLINE and until != Until.POSTED.value:
        raise RefusedInput(
            "contradict each other",
            who="--no-wait and --until",
            had=f"--until {until}",
            needed="one of them",
            remedy="Submit with --no-wait, then `edgemark outsourcing result JOB --until ...`.",
        )
    return Until.POSTED


def stay(
    invocation: Invocation,
    device: Device,
    job: JobId,
    until: Until,
    reading: Reading,
    timeout_s: float | None = None,
) -> None:
    """Wait, and tell the result as soon as it is known, whatever a charge still waits for.

    Args:
        invocation: says whether anybody looks.
        device: has the job.
        job: its id.
        until: how long.
        reading: of the result; also writes it to its file.
        timeout_s: seconds at most; as long as the job's own deadlines need when None.

    Raises:
        NotThereYet: there is no result, or the job is not as far as it was to be without one.
    """
    if timeout_s is None:
        limits = device.station.deployment.group(OutsourcingContracts).limits
        now = device.station.chain.now()
        timeout_s = compute_patience(device.job(job), until, limits, now)
    ends_at = time.monotonic() + timeout_s
    with _telling(invocation, device, job):
        if until not in _BEFORE_RESULT:
            state = device.wait(job, timeout_s, Until.RESULT)
            if state.result is not None and not until.is_reached(state):
                _tell_early(invocation, state, until, reading)
        try:
            device.wait(job, max(0.0, ends_at - time.monotonic()), until)
        except NotThereYet:
            if not Until.RESULT.is_reached(device.job(job)):
                raise


@contextmanager
def naming_when_interrupted(device: Device, job: JobId) -> Iterator[None]:
    """Tell who interrupts how to come back: what is in the journal cannot be unasked."""
    try:
        yield
    except KeyboardInterrupt:
        is_known = device.runtime.state(job) is not None  # else its record may be on the way
        goes_on = "the job goes on" if is_known else "the job may have begun; if it did, it goes on"
        home = shlex.quote(str(device.station.home))
        click.echo(f"{goes_on}: edgemark outsourcing result {job.hex()} --home {home}", err=True)
        raise


def compute_patience(state: DeviceJob, until: Until, limits: Limits, now: int) -> float:
    """Seconds that it takes at most until a job is so far, by its own deadlines.

    Args:
        state: of the job.
        until: how far.
        limits: of the deployment; for what the judges may take.
        now: chain time.
    """
    by = _deadline_of(state, until, limits)
    return float(max(0, by - now) + MARGIN_S)


def _deadline_of(state: DeviceJob, until: Until, limits: Limits) -> int:
    order = state.known
    terms: Terms = order.terms
    match until:
        case Until.POSTED:
            return terms.accept_by
        case Until.DELIVERED:
            return terms.compute_by
        case Until.RESULT:
            return order.gather_until
        case Until.CLEARED:
            return terms.collect_by
        case Until.SETTLED:
            return terms.collect_by + limits.longest_tail_s - limits.exit_grace


def tell_waiting(state: DeviceJob) -> str:
    """What a job waits for, in one line."""
    known = f"job {state.known.job.hex()[:16]}" if state.order else "job"
    has = "its result is there, " if state.result is not None else ""
    return f"{known} is {state.phase.value}: {has}waits for {find_awaited(state)}"


class _Waiting(ProgressColumn):
    """What is awaited, of whom and until when; anew with each turn of the spinner."""

    def __init__(self, device: Device, job: JobId) -> None:
        super().__init__()
        self._device, self._job = device, job

    def render(self, task: Task) -> Text:  # noqa: ARG002 - rich's signature
        words = tell_waiting(self._device.job(self._job))
        return Text(words, no_wrap=True, overflow="ellipsis")


@contextmanager
def _telling(invocation: Invocation, device: Device, job: JobId) -> Iterator[None]:
    """A line at a terminal that lives; what is logged meanwhile stands above it."""
    columns = (SpinnerColumn(), _Waiting(device, job), TimeElapsedColumn())
    console = Console(stderr=True)
    shown = Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=False,
        disable=invocation.as_json or not console.is_interactive,  # else it leaves an empty line
    )
    with shown as progress:
        progress.add_task("")
        yield


def _tell_early(invocation: Invocation, state: DeviceJob, until: Until, reading: Reading) -> None:
    """The result, beside the output: what the command prints at its end is whole all the same."""
    if state.result is None:
        return
    facts = reading.describe(state.result, state.known.terms.outputs)
    if invocation.as_json:
        return
    where = f"written to {facts['output']}" if "output" in facts else ""
    raw = in_words(rows(state.result, state.known.terms.outputs))
    click.echo(
        f"The result is checked: {where or reading.tell(state.result) or raw}\n"
        f"Staying until the job is {until.value}; waits for {find_awaited(state)}.",
        err=True,
    )
