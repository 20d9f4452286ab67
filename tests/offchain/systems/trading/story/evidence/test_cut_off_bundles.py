"""A bundle that ends before what its exporter would rather hide: a stranger is told the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import DEPOSIT, ESCROW, PEOPLE
from tests.offchain.systems.trading.credentials.trade_cast import CHANNEL, TERMS

from edgemark.chronicle.marks import Mark
from edgemark.cli.trading.evidence.replaying import say_verdict
from edgemark.identifiers import NOBODY, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.amounts import Division, End
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.story.evidence.aftermath import find_aftermath
from edgemark.systems.trading.story.evidence.retrial import ChannelTrial
from edgemark.systems.trading.story.story import (
    Changed,
    ChannelStory,
    Deed,
    Ended,
    PaidUp,
    Shown,
    Window,
)

AS_OF = 10


def mark(block: int) -> Mark:
    return Mark(block, Timestamp(block), Hash32(bytes(32)))


END = End(ChannelEnding.SETTLED, Tokens(60), Division(60, DEPOSIT - 60, 9), PEOPLE["seller"])
CLOSED = Window(mark(11), TERMS.payer, ChannelPhase.CLOSING_BY_PAYER, Tokens(0), Timestamp(99))
ANSWERED = Shown(mark(12), TERMS.seller, Tokens(60), NOBODY, 0)
FINED = Ended(mark(13), END)
PAID, ADDED = PaidUp(mark(11), 1, Tokens(30)), Changed(mark(12), Tokens(7))


def story_until(block: int, *deeds: Deed) -> ChannelStory:
    place = (31337, ESCROW, CHANNEL, TERMS, mark(1))
    return ChannelStory(*place, deeds, (), (), (), block, Timestamp(block))


def try_until(said: ChannelStory, latest: ChannelStory) -> ChannelTrial:
    trial = ChannelTrial(since=find_aftermath(said, latest))
    trial.receipt.compare("all of it", 1, 1)
    return trial


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ((), (CLOSED, ANSWERED, FINED), "ended"),
        ((), (CLOSED,), "closing by payer"),
        ((replace(CLOSED, mark=mark(9)),), (ANSWERED,), "closing by payer"),
    ],
)
def test_bundle_that_ends_before_the_fine__does_not_hold_and_says_what_came(
    before: tuple[Deed, ...], after: tuple[Deed, ...], told: str
) -> None:
    trial = try_until(story_until(AS_OF, *before), story_until(20, *before, *after))
    assert trial.receipt.ok
    assert not trial.holds
    assert trial.since is not None
    assert trial.since.deeds == after
    verdict = say_verdict(trial, AS_OF)
    assert verdict == f"IT AGREES UNTIL BLOCK {AS_OF} ALONE; SINCE THEN: {told}, as of block 20"


def test_channel_that_only_went_on__holds_and_what_came_is_told() -> None:
    trial = try_until(story_until(AS_OF), story_until(20, PAID, ADDED))
    assert trial.holds
    assert trial.since is not None
    assert trial.since.deeds == (PAID, ADDED)
    assert say_verdict(trial, AS_OF) == "EVERYTHING AGREES"


def test_nothing_that_is_signed__says_that_there_is_such_a_channel() -> None:
    trial = ChannelTrial()
    trial.receipt.compare("all of it", 1, 1)
    assert trial.holds
    assert say_verdict(trial, AS_OF) == "WHAT IS SIGNED FITS; THE CHAIN WAS NOT ASKED"
    trial.receipt.compare("a part", 1, 2)
    assert say_verdict(trial, AS_OF) == "THE BUNDLE IS NOT WHAT IT SAYS"
