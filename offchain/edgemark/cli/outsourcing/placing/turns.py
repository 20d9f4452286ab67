"""Whose turn it is with the jobs of a home: one command stays with all of them, the next one waits.

A journal and a lane belong to one process. A second submission waits until the first one has left,
and begins nothing before; a `result` reads in the journal what the first one does for its job.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from edgemark.cli.spending.command import Spending
from edgemark.files import find_holder
from edgemark.journal.journal import JournalInUse
from edgemark.party.evm.station import LANE_FILE
from edgemark.systems.outsourcing.device.device import Device, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.metrics import keep_metrics_file
from edgemark.systems.outsourcing.device.staying import not_there_yet
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.order import ordering
from edgemark.systems.outsourcing.order.looking import JOBS_FILE, look_at_job

POLL_S = 1.0
OPENING_S = 5.0  # from the lock of a lane to that of the jobs, in a command that stays with them
IN_USE = (
    "A server or another command of this account has it: wait until it ends, or use another home. "
    "`edgemark outsourcing status` looks meanwhile."
)


@dataclass(frozen=True)
class Countdown:
    """Seconds that a command may take, whoever does the work.

    Args:
        ends_at: monotonic; None: as long as it takes.
    """

    ends_at: float | None

    @classmethod
    def start(cls, timeout_s: float | None) -> Countdown:
        """From now on."""
        return cls(None if timeout_s is None else time.monotonic() + timeout_s)

    @property
    def left_s(self) -> float | None:
        """What is left, >= 0."""
        return None if self.ends_at is None else max(0.0, self.ends_at - time.monotonic())


@contextmanager
def open_device(spending: Spending, metrics_file: Path | None = None) -> Iterator[Device]:
    """The device of this home folder, with all its open jobs taken up, when it is its turn.

    Raises:
        JournalInUse: what has the home is no command that stays with jobs.
    """
    home = spending.invocation.settings().home
    with ExitStack() as stack:
        device: Device | None = None
        while device is None:
            try:
                device = _enter_device(stack, spending, metrics_file)
            except JournalInUse as used:
                await_turn(home, used)
        yield device


def follow_or_open(
    stack: ExitStack,
    spending: Spending,
    job: JobId,
    until: Until,
    countdown: Countdown,
    metrics_file: Path | None = None,
) -> Device | DeviceJob:
    """What a job has come to by another command; the device, when none stays with it any more.

    Of several that follow, one takes the device, and the others follow that one.

    Args:
        stack: closes the device.
        spending: whose home.
        job: of this home.
        until: how far it is awaited.
        countdown: for all of it.
        metrics_file: kept while this command has the device.

    Raises:
        JournalInUse: what has the home is no command that stays with jobs.
        RefusedInput, NotThereYet: as `watch`.
    """
    home = spending.invocation.settings().home
    while True:
        state = watch(home, job, until, countdown.left_s)
        if state is not None:
            return state
        try:
            return _enter_device(stack, spending, metrics_file)
        except JournalInUse as used:
            find_stayer(home, used)


def _enter_device(stack: ExitStack, spending: Spending, metrics_file: Path | None) -> Device:
    device = stack.enter_context(ordering.open_device(spending.invocation.settings()))
    if metrics_file is not None:
        stack.enter_context(keep_metrics_file(device, metrics_file))
    return device


def await_turn(home: Path, used: JournalInUse) -> None:
    """Wait until the command that stays with the jobs of this home has left, and say for which.

    Raises:
        JournalInUse: it is `used` by something else, which may never end.
    """
    stayer = find_stayer(home, used)
    if not stayer:
        return
    click.echo(
        f"Process {stayer} stays with the jobs of this home; this command waits for its turn. "
        "Nothing of it has begun: it may be left, and another home need not wait.",
        err=True,
    )
    while find_holder(home / JOBS_FILE) == stayer:
        time.sleep(POLL_S)


def find_stayer(home: Path, used: JournalInUse) -> str:
    """The process that stays with the jobs of this home; empty when the home is free again.

    Raises:
        JournalInUse: it is `used` by something else, which may never end.
    """
    begun = time.monotonic()
    while find_holder(home / LANE_FILE):
        stayer = find_holder(home / JOBS_FILE)
        if stayer:
            return stayer
        if time.monotonic() - begun > OPENING_S:
            used.remedy = IN_USE
            raise used
        time.sleep(POLL_S)
    return ""


def watch(home: Path, job: JobId, until: Until, timeout_s: float | None) -> DeviceJob | None:
    """What a job has come to while another command stays with it; None once none does.

    Args:
        home: of the device.
        job: of this home.
        until: how far it is awaited.
        timeout_s: seconds at most; None: as long as the other one stays.

    Raises:
        RefusedInput: this home never ordered it.
        NotThereYet: it is not as far in that time.
    """
    ends_at = math.inf if timeout_s is None else time.monotonic() + timeout_s
    path, is_told = home / JOBS_FILE, False
    seen, state = (0, 0), DeviceJob()
    while stayer := find_holder(path):
        found = path.stat()
        if (found.st_ino, found.st_size) != seen:  # a long journal is read when it has grown
            seen = found.st_ino, found.st_size
            state = look_at_job(home, job)
            if until.is_reached(state):
                return state
        if time.monotonic() >= ends_at:
            raise not_there_yet(job, state, until)
        if not is_told:
            is_told = True
            click.echo(
                f"Process {stayer} does what this job needs; it is told here how it ends. "
                "This command may be left.",
                err=True,
            )
        time.sleep(POLL_S)
    return None
