"""Whose turn it is with the jobs of a home: one command stays with all of them, the next one waits.

A journal and a lane belong to one process. A second submission waits until the first one has left,
and begins nothing before; a `result` reads in the journal what the first one does for its job.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
OPENING_S = 2.0  # from the lock of a lane to that of the jobs, in a command that stays with them
IN_USE = (
    "A server or another command of this account has it: wait until it ends, or use another home. "
    "`edgemark outsourcing status` looks meanwhile."
)


@contextmanager
def open_device(spending: Spending, metrics_file: Path | None = None) -> Iterator[Device]:
    """The device of this home folder, with all its open jobs taken up, when it is its turn.

    Raises:
        JournalInUse: what has the home is no command that stays with jobs.
    """
    settings = spending.invocation.settings()
    with ExitStack() as stack:
        device: Device | None = None
        while device is None:
            try:
                device = stack.enter_context(ordering.open_device(settings))
            except JournalInUse as used:
                await_turn(settings.home, used)
        if metrics_file is not None:
            stack.enter_context(keep_metrics_file(device, metrics_file))
        yield device


def await_turn(home: Path, used: JournalInUse) -> None:
    """Wait while another command stays with the jobs of this home, and say so.

    Raises:
        JournalInUse: it is `used` by something else, which may never end.
    """
    is_told, begun = False, time.monotonic()
    while find_holder(home / LANE_FILE):
        stayer = find_holder(home / JOBS_FILE)
        if stayer and not is_told:
            is_told = True
            click.echo(
                f"Process {stayer} stays with the jobs of this home; this command waits for its "
                "turn. Nothing of it has begun: it may be left, and another home need not wait.",
                err=True,
            )
        if not is_told and time.monotonic() - begun > OPENING_S:
            used.remedy = IN_USE
            raise used
        time.sleep(POLL_S)


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
