"""`edgemark outsourcing share|export-answers|decode`: share here, ask there, read elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.options.plain_numbers import Whole
from edgemark.cli.outsourcing.asking import Reading, choose_plan, read_asking
from edgemark.cli.outsourcing.job_ids import JOB, complete_job, of_device
from edgemark.cli.outsourcing.models import existing_file
from edgemark.cli.terminal.begun_ids import find_id
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.outputs import output_option, write_output
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import about
from edgemark.files import read_limited
from edgemark.systems.outsourcing.limits import MAX_ANSWERS_FILE_BYTES
from edgemark.systems.outsourcing.offline.exported_answers import (
    ExportedAnswers,
    decode_exported,
)
from edgemark.systems.outsourcing.offline.sharing import make_sharing
from edgemark.systems.outsourcing.offline.sharing_files import read_secret, write_sharing
from edgemark.systems.outsourcing.order.looking import look_at_job
from edgemark.systems.outsourcing.protocol.events import FoundResultUndecided
from edgemark.systems.outsourcing.story.reading import Lookout


@click.command("share")
@takes_settings
@click.option("--model", "model_file", type=existing_file, help="Plan or model file.")
@click.option("--function", "function_file", type=existing_file, help="Raw: canonical bytes of F.")
@click.option(
    "--input",
    "input_file",
    type=existing_file,
    required=True,
    help="With --model: CSV with a header. Raw: JSON, a list of lists of k integers.",
)
@click.option("--drop", multiple=True, help="A column of the CSV to leave out.")
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
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="New folder: public.json, one share for each node, secret.json.",
)
def share_here(
    invocation: Invocation,
    model_file: Path | None,
    function_file: Path | None,
    input_file: Path,
    drop: tuple[str, ...],
    threshold: int,
    errors: int,
    folder: Path,
) -> None:
    """Split an input into shares, here and without any chain, for `submit --sharing`.

    Whoever holds more than t of the share files holds the input; secret.json reads the answers.
    """
    asking = read_asking(function_file, model_file, input_file, drop)
    sharing = make_sharing(
        asking.function,
        asking.batch,
        threshold=threshold,
        errors=errors,
        randomness=Randomness(),
    )
    written = write_sharing(folder, sharing)
    facts = {
        "sharing": sharing.id.hex(),
        "nodes": sharing.announcement.node_count,
        "inputs": sharing.batch,
        "files": [path.name for path in written],
    }
    invocation.show(facts)


@click.command("export-answers")
@takes_settings
@click.argument("job", shell_complete=complete_job)
@output_option
def export_answers(invocation: Invocation, job: str, output: Path) -> None:
    """Write the verified answers that this device has for JOB, for `outsourcing decode`."""
    settings = invocation.settings()
    job_id = find_id(JOB, job, of_device(settings.home))
    state, lookout = look_at_job(settings.home, job_id), Lookout.open(settings)
    answers = sorted(state.answers, key=lambda answer: answer.index)
    exported = ExportedAnswers(
        chain_id=lookout.chain.chain_id,
        settlement=lookout.deployment.contracts["JobSettlement"],
        job=job_id,
        nodes=state.known.nodes,
        answers=tuple((a.index, a.outputs, a.salt, a.signature) for a in answers),
    )
    write_output(output, exported.to_bytes())
    invocation.show({"file": output, "answers": [int(answer.index) for answer in answers]})


@click.command("decode")
@takes_settings
@click.argument("answers", type=existing_file)
@click.option("--secret", "secret_file", type=existing_file, required=True, help="secret.json.")
@click.option("--model", "model_file", type=existing_file, help="Plan, to read a model's answers.")
def decode_answers_here(
    invocation: Invocation, answers: Path, secret_file: Path, model_file: Path | None
) -> int:
    """Read the result from exported ANSWERS, with the secret of the sharing and no chain."""
    secret = read_secret(secret_file)
    raw = read_limited(answers, MAX_ANSWERS_FILE_BYTES)
    with about(answers):
        exported = ExportedAnswers.from_bytes(raw)
    made = secret.announcement
    plan = None
    if model_file is not None:
        plan = choose_plan(invocation.settings().home, made.function_hash, model_file)
    challenge = Randomness().elements(made.batch * made.outputs)
    found, refused = decode_exported(exported, secret, challenge)
    facts: dict[str, object] = {
        "job": exported.job.hex(),
        "silent": list(found.silent),
        "refused_answers": [{"index": j, "reason": why} for j, why in refused.items()],
    }
    if isinstance(found, FoundResultUndecided):
        invocation.show({**facts, "result": None, "undecided_because": found.reason})
        return Exit.CHECK_FAILED
    reading = Reading(plan).describe(found.result, made.outputs)
    invocation.show({**facts, "liars": list(found.liars), **reading})
    return Exit.DONE
