"""`edgemark trading evidence`: write down what shows a stranger what a channel came to."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.begun_ids import Known, find_id
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.outputs import output_option, write_output
from edgemark.cli.trading.explaining import CHANNEL
from edgemark.systems.trading.credentials.keeping import MAX_KEPT
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.story.evidence.exporting import export_bundle
from edgemark.systems.trading.story.reading import Chronicle


@click.command("evidence")
@takes_settings
@click.argument("channel")
@output_option
@click.option(
    "--last",
    type=WholeRange(1, MAX_KEPT),
    default=MAX_KEPT,
    show_default=True,
    help="Settlements, the newest, at most.",
)
def export_channel(invocation: Invocation, channel: str, output: Path, last: int) -> None:
    """Write what shows a stranger what CHANNEL came to, for `trading replay`.

    For its seller or buyer, from its own home; the party may run. What this home does not hold is
    left out, and named. Claims that are sealed stay so.
    """
    settings = invocation.settings()
    with TradingStation.look(settings) as station:
        chronicle = Chronicle(station.chain, station.deployment)
        known = Known("this home", lambda: [each.hex() for each in station.deals.channels()])
        story = chronicle.read(find_id(CHANNEL, channel, known))
        done = export_bundle(station, story, last)
    raw, bundle = done.bundle.to_json(), done.bundle
    write_output(output, raw)
    click.echo(f"Warning: whoever gets this file learns: {bundle.reveals}", err=True)
    for each in done.lacks:
        click.echo(f"Not in it: {each}", err=True)
    facts = {
        "file": output,
        "bytes": len(raw),
        "channel": story.channel.hex(),
        "as_of": story.as_of,
        "settlements": len(bundle.settlements),
        "events": len(story.deeds),
        "evidence": len(story.evidence),
        "anchored": len(bundle.anchored),
        "lacks": list(done.lacks),
        "reveals": bundle.reveals,
    }
    invocation.show(facts)
