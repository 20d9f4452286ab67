"""`edgemark doctor`: is everything here that Edgemark needs, and what to do about the rest?"""

from __future__ import annotations

from dataclasses import replace

import click

from edgemark.cli.doctor.chain_findings import find_on_chain, names_chain
from edgemark.cli.doctor.identity_findings import find_identities
from edgemark.cli.doctor.ledger_findings import find_on_ledger, uses_ledger
from edgemark.cli.doctor.machine_findings import find_on_machine
from edgemark.cli.doctor.reach_findings import find_reach, is_of_a_server
from edgemark.cli.systems import OF_SYSTEMS
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.words import printable


@click.command()
@takes_settings
@click.option("--offline", is_flag=True, help="Look at this machine alone: ask no chain.")
def doctor(invocation: Invocation, offline: bool) -> int:
    """Look at everything that is needed, and say what to do about what is missing.

    Changes nothing. "NO" is needed and missing (status 1); "-" would only be useful, as a chain is
    to a home that has a consortium ledger and nothing of a chain. Without a chain models are
    compiled, inputs shared and answers decoded, for which --offline is enough.
    """
    settings = invocation.settings()
    serves = is_of_a_server(settings)
    findings = list(find_on_machine(settings.home, serves=serves))
    findings += find_on_ledger(settings, serves=serves, offline=offline)
    on_chain, reached = ([], None) if offline else find_on_chain(settings)
    if uses_ledger(settings) and not names_chain(settings):  # it may never want one
        on_chain = [replace(item, needed=False) for item in on_chain]
    if reached:
        on_chain += find_identities(settings, reached.chain)
        doors = [door for system in OF_SYSTEMS for door in system.FINDINGS]
        on_chain += [finding for door in doors for finding in door.load()(settings, reached)]
    findings += [*on_chain, *find_reach(settings, reached.entry if reached else None)]
    if invocation.as_json:
        invocation.show({item.name: vars(item) for item in findings})
    else:
        width = max(len(item.name) for item in findings)
        for item in findings:
            mark = "ok " if item.fine else ("NO " if item.needed else "-  ")
            click.echo(f"{mark} {item.name:<{width}}  {printable(item.seen)}")
            if not item.fine and item.remedy:
                click.echo(f"    {'':<{width}}  -> {printable(item.remedy)}")
    return Exit.DONE if all(i.fine for i in findings if i.needed) else Exit.CHECK_FAILED
