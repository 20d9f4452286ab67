"""Where the commands of this system are, each with its summary; imported when they are called."""

from __future__ import annotations

import click

from edgemark.cli.terminal.lazy import LazyGroup, NetworkPlace, Place


def _place(module: str, variable: str, summary: str) -> Place:
    return Place(f"outsourcing.{module}", variable, summary)


COMMANDS = {
    "claim": _place("aftermath", "claim_jobs", "Settle what the deadlines allow; anyone may."),
    "compile": _place("models", "compile_command", "Turn a model into a function over the field."),
    "decode": _place("sharing", "decode_answers_here", "Read the result from exported answers."),
    "evidence": _place("aftermath", "export_evidence", "Write down why nodes were charged."),
    "explain": _place("aftermath", "explain_job", "Tell the life of a job from the chain alone."),
    "export-answers": _place("sharing", "export_answers", "Write the verified answers of a job."),
    "replay": _place("aftermath", "replay_evidence", "Check evidence, and compute it all again."),
    "result": _place("ordering", "result", "Wait for the result of a job and print it."),
    "share": _place("sharing", "share_here", "Split an input into shares, without any chain."),
    "status": _place("ordering", "status", "Print one job of this home folder, or all."),
    "submit": _place("ordering", "submit", "Share inputs, post the job, wait for the result."),
}

GROUPS = {
    "judge": _place("servers", "judge", "A judge: computes charged tasks again."),
    "node": _place("servers", "node", "A compute node: computes shares for devices."),
    "outsourcing": _place(
        "commands", "outsourcing", "Private, accountable outsourced computation."
    ),
}
DEMOS = {
    "outsourcing": _place(
        "demo", "demonstrate", "Private data computed on; the liar is named and fined."
    ),
}
NETWORKS = {  # of `edgemark chain up`, by what they have, as in `--with-nodes`
    "nodes": NetworkPlace(
        "edgemark.systems.outsourcing.demo.cast:NODES",
        least=6,  # of a job of degree 2
        most=24,  # a hundred megabytes each
        summary="With contracts, four judges and so many compute nodes, for development.",
    ),
}
QUERIES = {  # of the index
    "job": _place("queries.jobs", "job", "Print what became of one job, event by event."),
    "jobs": _place("queries.jobs", "jobs", "List jobs, the newest first."),
    "nodes": _place("queries.nodes", "nodes", "List compute nodes: standing, provider, fee."),
    "party": _place("queries.jobs", "party", "Print what an account did, earned and lost."),
}
UNREGISTERED: tuple[str, ...] = ()  # parties that serve and register nowhere
STAYING: tuple[str, ...] = ()  # those that run on, and serve nobody
RESERVES = (  # of an account's tokens, for matters that are under way
    _place("reserves", "read_reserved", "open jobs"),
)
FINDINGS: tuple[Place, ...] = ()  # of `doctor`, beside what it finds for every system


@click.group(cls=LazyGroup, places=COMMANDS)
def outsourcing() -> None:
    """Private, accountable outsourced computation.

    A JOB is named by its id, or by the first 6 digits or more of it.
    """
