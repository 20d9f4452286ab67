"""Ids of jobs as people type them: whole, or begun and found here, or by the TAB key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from edgemark.cli.terminal.begun_ids import KindOfId, Known
from edgemark.cli.terminal.invocation import read_settings
from edgemark.errors import EdgemarkError
from edgemark.loop.replay import list_keys
from edgemark.systems.outsourcing.identifiers import JobId, parse_job_id
from edgemark.systems.outsourcing.protocol.keys import JOB_ID_BYTES, job_of

DEVICE = "device"
PARTIES = (DEVICE, "node", "judge")
JOB: KindOfId[JobId] = KindOfId("job", 2 * JOB_ID_BYTES, parse_job_id)


def of_home(home: Path) -> Known:
    """The jobs that any party of a home ever heard of; see `list_jobs`."""
    return Known("this home", lambda: list_jobs(home))


def of_device(home: Path) -> Known:
    """The jobs that the device of a home ordered; see `list_jobs`."""
    return Known("this home's device", lambda: list_jobs(home, (DEVICE,)))


def complete_job(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Ids of the jobs in the home folder that the command line, environment or file names.

    Anything that is wrong gives no suggestions: the command itself will say what it is.
    """
    home = context.params.get("home")
    try:
        overrides = {} if home is None else {"home": home}
        jobs = list_jobs(read_settings(context.params.get("config"), overrides).home)
    except (EdgemarkError, OSError):
        return []
    return [CompletionItem(job) for job in jobs if job.startswith(incomplete.lower())]


def list_jobs(home: Path, parties: Sequence[str] = PARTIES) -> list[str]:
    """Ids of all jobs of a home folder, open and archived, in hex; read without any lock.

    Raises:
        EdgemarkError: a file is damaged, or others can open it.
        OSError: it cannot be read.
    """
    keys = [key for party in parties for key in list_keys(home, party)]
    return sorted({job_of(key).hex() for key in keys if len(key) >= JOB_ID_BYTES})
