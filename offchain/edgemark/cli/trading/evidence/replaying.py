"""`edgemark trading replay`: check every statement of the bundle of a channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, show_time, takes_settings
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
from edgemark.systems.trading.story.evidence.trial import ChannelTrial
from edgemark.systems.trading.story.evidence.witness import find_witness
from edgemark.systems.trading.story.reading import Lookout
from edgemark.systems.trading.story.telling import facts_of_deed, state_of, tell_deed
from edgemark.words import printable

AGREES, DIFFERS = "EVERYTHING AGREES", "THE BUNDLE IS NOT WHAT IT SAYS"
BUT_NOT = "; BUT NOT WHAT ITS CONTROLLER ALONE SAID"
NOT_ASKED = "WHAT IS SIGNED FITS; THE CHAIN WAS NOT ASKED"


@click.command("replay")
@takes_settings
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--offline", is_flag=True, help="Ask no chain; check what is signed.")
def replay_channel(invocation: Invocation, bundle: Path, offline: bool) -> int:
    """Check every statement of BUNDLE, and compute its bills again; needs no key.

    Status 0 when everything that could be checked agrees, 1 when something in the bundle is not
    what it says or its channel stands otherwise since then, 2 when it is no bundle. What could not
    be checked is named: with --offline, that there is such a channel at all.
    """
    evidence = read_bundle(bundle)
    with _find_witness(invocation.settings(), evidence, offline=offline) as witness:
        trial = try_bundle(evidence, witness)
    story, since = evidence.story, trial.since
    later = () if since is None else since.deeds
    verdict = say_verdict(trial, story.as_of)
    facts = {
        "channel": evidence.story.channel.hex(),
        "agrees": trial.receipt.ok,
        "checks": trial.receipt.as_dict()["checks"],
        "not_checked": trial.not_checked,
        "by_controller_alone": trial.by_controller,
        "as_of": story.as_of,
        "chain_asked": since is not None,
        "since": [] if since is None else [facts_of_deed(since.story, each) for each in later],
        "has_moved": since is not None and since.has_moved,
        "verdict": verdict,
        "reveals": evidence.reveals,
    }
    lines = [*map(printable, trial.lines())]
    if since is not None:
        lines += [f"since then: {tell_deed(since.story, each, show_time)}" for each in later]
    invocation.show(facts, "\n".join([*lines, verdict]))
    return Exit.DONE if trial.holds else Exit.CHECK_FAILED


def say_verdict(trial: ChannelTrial, as_of: int) -> str:
    """The last line: what came out.

    Args:
        trial: of a bundle.
        as_of: the block at which it ends.
    """
    if not trial.receipt.ok:
        return DIFFERS
    return f"{_say_what_agrees(trial, as_of)}{BUT_NOT if trial.by_controller else ''}"


def _say_what_agrees(trial: ChannelTrial, as_of: int) -> str:
    if trial.since is None:
        return NOT_ASKED
    if not trial.since.has_moved:
        return AGREES
    story = trial.since.story
    now = "lock returned to the payer" if story.is_returned else state_of(story)
    return f"IT AGREES UNTIL BLOCK {as_of} ALONE; SINCE THEN: {now}, as of block {story.as_of}"


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
