"""`edgemark outsourcing explain|claim|evidence|replay`: what became of a job, and why."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.options.plain_numbers import Whole
from edgemark.cli.outsourcing.job_ids import JOB, complete_job, of_home
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.begun_ids import Known, find_id
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, show_time, takes_settings
from edgemark.cli.terminal.outputs import output_option, write_output
from edgemark.crypto.polynomial import Polynomial, parse_polynomial
from edgemark.errors import RefusedInput, about
from edgemark.files import read_limited
from edgemark.models.files import read_function
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.evidence.bundle import Bundle, MalformedBundle
from edgemark.systems.outsourcing.evidence.exporting import export_bundle
from edgemark.systems.outsourcing.evidence.retrial import Outcome, retry_bundle
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import MAX_BUNDLE_BYTES
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.story.claiming import Claimed, claim, read_stories
from edgemark.systems.outsourcing.story.reading import Lookout
from edgemark.systems.outsourcing.story.story import JobStory, check_amounts
from edgemark.systems.outsourcing.story.telling import as_facts, tell
from edgemark.words import count, printable


def find_job(typed: str, settings: Settings) -> JobId:
    """A job of this home, or any other of the chain, which is asked when the home has none.

    Raises:
        RefusedInput: as `find_id`.
        LedgerUnavailable: the chain does not answer.
    """

    def on_chain() -> list[str]:
        return [job.hex() for job in Lookout.open(settings).chronicle.list_jobs()]

    return find_id(JOB, typed, of_home(settings.home), Known("this chain", on_chain))


@click.command("explain")
@takes_settings
@click.argument("job", shell_complete=complete_job)
def explain_job(invocation: Invocation, job: str) -> int:
    """Tell the whole life of JOB from the chain alone; needs no key.

    Status 1 when the contracts paid anything else than the table of amounts says.
    """
    settings = invocation.settings()
    wanted = find_job(job, settings)
    story = Lookout.open(settings).chronicle.read(wanted)
    invocation.show(as_facts(story), tell(story, show_time))
    agrees = all(check.agrees for check in check_amounts(story))
    return Exit.DONE if agrees else Exit.CHECK_FAILED


@click.command("claim")
@spends()
@click.argument("jobs", nargs=-1, shell_complete=complete_job)
@click.option("--all", "every", is_flag=True, help="Every job in which something is open.")
def claim_jobs(spending: Spending, jobs: tuple[str, ...], every: bool) -> None:
    """Settle whatever the deadlines allow in JOBS; anyone may, for gas only.

    Jobs that never started go back to their payers, uncharged indices are collected, charges that
    nobody served are void, charges without verdict lapse, expired locks return.
    """
    if every == bool(jobs):
        raise RefusedInput("name jobs, or --all", who="claim", had=count(len(jobs), "job"))
    settings = spending.invocation.settings()
    named = None if every else [find_job(job, settings) for job in jobs]
    stories: list[JobStory] = []

    def act(station: OutsourcingStation) -> Claimed:
        if not stories:
            stories.extend(read_stories(station, named))
        return claim(station, stories)

    spending.carry_out(
        OutsourcingStation, act, lambda _, done: describe_claim(done), text=tell_claim
    )


def describe_claim(done: Claimed) -> dict[str, object]:
    """What a claim did, for programs."""
    return {
        "looked_at": done.looked,
        "due": [job.hex() for job in done.due],
        "ended": [{"job": job.hex(), "index": index} for job, index in done.ended],
        "expired_locks": list(done.expired),
        "transactions": [f"0x{tx.hex()}" for tx in done.transactions],
    }


def tell_claim(done: Claimed) -> str:
    """The same for people."""
    return (
        f"looked at {count(done.looked, 'job')}; {len(done.due)} had something due; "
        f"ended {count(len(done.ended), 'index')}; "
        f"returned {count(len(done.expired), 'expired lock')}; "
        f"{count(len(done.transactions), 'transaction')}"
    )


@click.command("evidence")
@takes_settings
@click.argument("job", shell_complete=complete_job)
@output_option
@click.option(
    "--index", "indices", multiple=True, type=Whole(), help="Charged index.  [default: all]"
)
@click.option("--hash-only", is_flag=True, help="Leave the bytes of F out.")
def export_evidence(
    invocation: Invocation, job: str, output: Path, indices: tuple[int, ...], hash_only: bool
) -> None:
    """Write what shows why nodes of JOB were charged, for `outsourcing replay`.

    For the device, the charged node or a judge, from its own home; its server may run. Only tasks
    of charged indices are ever written: each is one share of the secret input.
    """
    settings = invocation.settings()
    wanted = find_id(JOB, job, of_home(settings.home))
    story = Lookout.open(settings).chronicle.read(wanted)
    bundle = export_bundle(settings.home, story, indices, with_function=not hash_only)
    raw = bundle.to_json()
    write_output(output, raw)
    click.echo(f"Warning: whoever gets this file holds {bundle.reveals}", err=True)
    facts = {
        "file": output,
        "bytes": len(raw),
        "indices": [int(case.index) for case in bundle.cases],
        "reveals": bundle.reveals,
    }
    invocation.show(facts)


@click.command("replay")
@takes_settings
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--function",
    "function_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Canonical bytes of F, when the bundle holds only their hash.",
)
@click.option("--offline", is_flag=True, help="Ask no chain; check what is signed.")
def replay_evidence(
    invocation: Invocation, bundle: Path, function_file: Path | None, offline: bool
) -> int:
    """Check every statement of BUNDLE and compute the charged tasks again; needs no key.

    Status 0 when everything agrees, 1 when something in the bundle is not what it says, 2 when it
    is no bundle, 3 when it is sound and a verdict is another than found here, 4 when it is sound
    and the answer that decides is with others: ask them for their bundle.
    """
    settings = invocation.settings()
    evidence = read_bundle(bundle)
    function = function_of(evidence, function_file)
    story = None if offline else Lookout.open(settings).chronicle.read(evidence.job)
    trial = retry_bundle(evidence, function, story)
    receipt = trial.receipt
    facts = {
        "outcome": trial.outcome.value,
        "checks": receipt.as_dict()["checks"],
        "findings": {str(j): found.name.lower() for j, found in trial.findings.items()},
        "not_checked": trial.not_checked,
        "lacks": trial.lacks,
        "reveals": evidence.reveals,
    }
    invocation.show(facts, "\n".join([*map(printable, trial.lines()), OUTCOMES[trial.outcome]]))
    return STATUSES[trial.outcome]


def read_bundle(path: Path) -> Bundle:
    """Parse a bundle from a file.

    Raises:
        MalformedBundle: it is none.
    """
    raw = read_limited(path, MAX_BUNDLE_BYTES, MalformedBundle)
    with about(path):
        return Bundle.from_json(raw)


def function_of(bundle: Bundle, path: Path | None) -> Polynomial:
    """F from a file if one is named, else from the bundle.

    Raises:
        RefusedInput: it is in neither, is no function, or the file's is another.
    """
    if path is not None:
        function = read_function(path)
        if function.hash != bundle.terms.function_hash:
            raise RefusedInput(
                "is not the function of the bundle",
                who=path,
                had=f"H(F) = {function.hash.hex()}",
                needed=bundle.terms.function_hash.hex(),
            )
        return function
    if not bundle.function:
        raise RefusedInput(
            "holds no function",
            who="bundle",
            had=f"H(F) = {bundle.terms.function_hash.hex()}",
            remedy="Name the file of F: --function FILE.",
        )
    return parse_polynomial(bundle.function)


OUTCOMES = {
    Outcome.AGREES: "EVERYTHING AGREES",
    Outcome.OPEN: "WHAT IS HERE AGREES; what decides is not here, see who has it",
    Outcome.UNSOUND: "THE BUNDLE IS NOT WHAT IT SAYS",
    Outcome.CONTRADICTS: (
        "THE VERDICT IS ANOTHER THAN FOUND HERE: the judges were wrong, or they held another "
        "answer that this node had signed"
    ),
}
STATUSES = {
    Outcome.AGREES: Exit.DONE,
    Outcome.OPEN: Exit.LEDGER_UNAVAILABLE,
    Outcome.UNSOUND: Exit.CHECK_FAILED,
    Outcome.CONTRADICTS: Exit.PEER_FAULT,
}
