"""`edgemark demo trading`."""

from __future__ import annotations

import click

from edgemark.cli.options.demonstrations import Story, tells_story
from edgemark.systems.trading.demo.play import tell


@click.command("trading")
@tells_story
def demonstrate() -> Story:
    """Computing power is sold by the minute; whoever cheats, vanishes or hides gains nothing.

    Starts a chain, a controller, a seller and four buyers, who trade side by side. One overdraws
    its deposit and tops it up. One is killed and its disk wiped. One closes two channels below what
    it signed. One ends its identity before it does so.
    """
    return tell
