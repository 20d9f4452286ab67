"""`edgemark ledger profile`: connection profiles of the development ledger."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.ledger.places import check_is_made, place_of
from edgemark.cli.terminal.invocation import Invocation, takes_home
from edgemark.errors import RefusedInput
from edgemark.files import write_whole
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.profiles import CALIPER, HFC
from edgemark.ledger.fabric.profile.writing import profile_path

FORMS = ("gateway", "hfc", "caliper")


@click.command("profile")
@takes_home
@click.option(
    "--form",
    type=click.Choice(FORMS),
    default="gateway",
    show_default=True,
    help="For which clients.",
)
@click.option(
    "--msp-id", metavar="MSP", default="Org1MSP", show_default=True, help="Whose clients."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: print it]",
)
def profile(invocation: Invocation, form: str, msp_id: str, output: Path | None) -> None:
    """Print where to connect, as clients of Fabric read it; the ledger has run once by then."""
    place = check_is_made(place_of(invocation))
    path = {
        "gateway": profile_path(place.folder, msp_id),
        "hfc": place.profiles / HFC,
        "caliper": place.profiles / CALIPER,
    }[form]
    Organisations.open(place.folder).with_peer(msp_id)
    if not path.is_file():
        had = ", ".join(sorted(each.stem for each in place.profiles.glob("*.json"))) or "none yet"
        remedy = "Start the ledger: `edgemark ledger up`."
        raise RefusedInput("is not there", who=path.name, had=had, remedy=remedy)
    raw = path.read_bytes()
    if output is None:
        click.echo(raw.decode(), nl=False)
        return
    write_whole(output, raw)
    invocation.show({"output": str(output), "form": form}, f"profile is in {output}")
