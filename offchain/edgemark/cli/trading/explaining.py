"""`edgemark trading explain`: what became of a channel, and why."""

from __future__ import annotations

import click

from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, show_time, takes_settings
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.story.reading import Lookout
from edgemark.systems.trading.story.story import check_amounts
from edgemark.systems.trading.story.telling import as_facts, tell

CHANNEL: KindOfId[ChannelId] = KindOfId("channel", 64, parse_channel_id)


@click.command("explain")
@takes_settings
@click.argument("channel")
def explain_channel(invocation: Invocation, channel: str) -> int:
    """Tell the whole life of CHANNEL from the chain alone; needs no key.

    Status 1 when the contracts paid anything else than the table of amounts says.
    """
    chronicle = Lookout.open(invocation.settings()).chronicle

    def on_chain() -> list[str]:
        return [each.hex() for each in chronicle.list_channels()]

    story = chronicle.read(find_id(CHANNEL, channel, Known("this chain", on_chain)))
    invocation.show(as_facts(story), tell(story, show_time))
    agrees = all(check.agrees for check in check_amounts(story))
    return Exit.DONE if agrees else Exit.CHECK_FAILED
