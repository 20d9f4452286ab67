"""`edgemark outsourcing explain|claim`: what became of a job, and what is due in it."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from edgemark.cli.exits import Exit
from edgemark.cli.invocation import Invocation, takes_settings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, parse_job_id
from edgemark.systems.outsourcing.claiming import claim
from edgemark.systems.outsourcing.lookout import Lookout
from edgemark.systems.outsourcing.station import Station
from edgemark.systems.outsourcing.story import check_amounts
from edgemark.systems.outsourcing.telling import as_facts, tell


def show_time(second: Timestamp) -> str:
    """A Unix second for people, in UTC."""
    return datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@click.command("explain")
@takes_settings
@click.argument("job")
def explain_job(invocation: Invocation, job: str) -> int:
    """Tell the whole life of JOB from the chain alone; needs no key.

    Status 1 when the contracts paid anything else than the table of amounts says.
    """
    story = Lookout.open(invocation.settings()).chronicle.read(parse_job_id(job))
    invocation.show(as_facts(story), tell(story, show_time))
    agrees = all(check.agrees for check in check_amounts(story))
    return Exit.DONE if agrees else Exit.CHECK_FAILED


@click.command("claim")
@takes_settings
@click.argument("jobs", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every job in which something is open.")
def claim_jobs(invocation: Invocation, jobs: tuple[str, ...], every: bool) -> None:
    """Settle whatever the deadlines allow in JOBS; anyone may, for gas only.

    Jobs that never started go back to their payers, uncharged indices are collected, charges that
    nobody served are void, charges without verdict lapse, expired locks return.
    """
    if every == bool(jobs):
        raise RefusedInput("name jobs, or --all", who="claim", had=f"{len(jobs)} jobs")
    named = None if every else [parse_job_id(job) for job in jobs]
    with Station.open(invocation.settings()) as station:
        done = claim(station, named)
    facts = {
        "looked_at": done.looked,
        "due": [job.hex() for job in done.due],
        "ended": [{"job": job.hex(), "index": index} for job, index in done.ended],
        "expired_locks": list(done.expired),
        "transactions": [f"0x{tx.hex()}" for tx in done.transactions],
    }
    text = (
        f"looked at {done.looked} jobs; {len(done.due)} had something due; "
        f"ended {len(done.ended)} indices; returned {len(done.expired)} expired locks; "
        f"{len(done.transactions)} transactions"
    )
    invocation.show(facts, text)


COMMANDS = (explain_job, claim_jobs)
