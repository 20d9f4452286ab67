"""`edgemark trading replay`: check every statement of the bundle of a channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.errors import about
from edgemark.files import read_limited
from edgemark.settings.settings import Settings
from edgemark.systems.trading.station.documents import Documents
from edgemark.systems.trading.story.evidence.bundle import (
    MAX_BUNDLE_BYTES,
    Bundle,
    MalformedChannelBundle,
)
from edgemark.systems.trading.story.evidence.retrial import Witness, try_bundle
from edgemark.systems.trading.story.evidence.witness import find_witness
from edgemark.systems.trading.story.reading import Lookout
from edgemark.words import printable

VERDICTS = {True: "EVERYTHING AGREES", False: "THE BUNDLE IS NOT WHAT IT SAYS"}


@click.command("replay")
@takes_settings
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--offline", is_flag=True, help="Ask no chain; check what is signed.")
def replay_channel(invocation: Invocation, bundle: Path, offline: bool) -> int:
    """Check every statement of BUNDLE, and compute its bills again; needs no key.

    Status 0 when everything that could be checked agrees, 1 when something in the bundle is not
    what it says, 2 when it is no bundle. What could not be checked is named.
    """
    evidence = read_bundle(bundle)
    with _find_witness(invocation.settings(), evidence, offline=offline) as witness:
        trial = try_bundle(evidence, witness)
    facts = {
        "channel": evidence.story.channel.hex(),
        "agrees": trial.receipt.ok,
        "checks": trial.receipt.as_dict()["checks"],
        "not_checked": trial.not_checked,
        "reveals": evidence.reveals,
    }
    lines = [*map(printable, trial.lines()), VERDICTS[trial.receipt.ok]]
    invocation.show(facts, "\n".join(lines))
    return Exit.DONE if trial.receipt.ok else Exit.CHECK_FAILED


def read_bundle(path: Path) -> Bundle:
    """Parse a bundle from a file.

    Raises:
        MalformedChannelBundle: it is none.
    """
    raw = read_limited(path, MAX_BUNDLE_BYTES, MalformedChannelBundle)
    with about(path):
        return Bundle.from_json(raw)


@contextmanager
def _find_witness(settings: Settings, bundle: Bundle, *, offline: bool) -> Iterator[Witness | None]:
    if offline:
        yield None
        return
    lookout = Lookout.open(settings)
    with Documents(settings) as documents:
        yield find_witness(lookout, documents, bundle.story)
