"""A bundle that ends before what its exporter would rather hide: a stranger is told the rest."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Known
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import DEPOSIT, ESCROW, PEOPLE
from tests.offchain.systems.trading.credentials.trade_cast import CHANNEL, TERMS
from tests.stage.command_line import edgemark_here

from edgemark.chronicle.marks import Mark, Pot
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.evidence import replaying
from edgemark.cli.trading.evidence.replaying import say_verdict
from edgemark.identifiers import NOBODY, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.amounts import Division, End
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.story.evidence import retrial
from edgemark.systems.trading.story.evidence.aftermath import find_aftermath
from edgemark.systems.trading.story.evidence.trial import ChannelTrial
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


def test_lock_that_the_anchor_returned_since__is_another_standing() -> None:
    pot = Pot(0, TERMS.payer, DEPOSIT, DEPOSIT, TERMS.expires_at)
    held = replace(story_until(AS_OF), pots=(pot,))
    back = replace(held, pots=(replace(pot, remaining=0, returned=mark(12)),), as_of=20)
    trial = try_until(held, back)
    assert not trial.holds
    assert "SINCE THEN: lock returned to the payer" in say_verdict(trial, AS_OF)


def test_channel_that_ended_otherwise_on_the_chain__is_another_standing() -> None:
    other = replace(FINED, end=replace(END, amount=Tokens(61)))
    assert not try_until(story_until(13, FINED), story_until(13, other)).holds
    assert try_until(story_until(13, FINED), story_until(20, FINED)).holds


def test_what_stands_in_the_bundle_s_own_last_block__did_not_come_since() -> None:
    said = story_until(11, CLOSED)
    since = find_aftermath(said, story_until(20, CLOSED, ANSWERED))
    assert since.deeds == (ANSWERED,)


def silence(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Of a trial, parts that need a whole bundle."""
    for name in names:
        monkeypatch.setattr(retrial, name, lambda *_: None)


PARTS = ("_try_terms", "_try_papers", "_try_seller", "_try_settlements", "_try_voucher")


def test_trial__tells_what_the_latest_block_says_or_that_no_chain_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence(monkeypatch, *PARTS, "try_recorded", "_try_amounts", "_compare")
    cut, latest = story_until(AS_OF), story_until(20, CLOSED)
    bundle: Any = Known(story=cut, anchored=())
    witness: Any = Known(story=cut, latest=latest)
    assert retrial.try_bundle(bundle, witness).since == find_aftermath(cut, latest)
    alone = retrial.try_bundle(bundle)
    assert alone.since is None
    told = " ".join(alone.not_checked)
    for what in ("there is such a channel", "amendments of keys", f"since block {AS_OF}"):
        assert what in told


@pytest.mark.parametrize(
    ("indices", "paid", "is_older"),
    [((1, 2), 0, False), ((1, 3), 0, True), ((), 50, False), ((), 51, True)],
)
def test_voucher__is_told_to_be_older_than_what_the_file_has(
    indices: tuple[int, ...], paid: int, is_older: bool
) -> None:
    voucher = Known(
        index=2, amount=50, controller=TERMS.controller, epoch=0, template_hash=bytes(32)
    )
    deeds = (PaidUp(mark(5), 1, Tokens(paid)),) if paid else ()
    signed = Known(voucher=voucher, payer_signature=b"", seller_signature=b"")
    bundle: Any = Known(
        voucher=signed,
        story=story_until(AS_OF, *deeds),
        settlements=[Known(said=Known(voucher=Known(index=index))) for index in indices],
        domain=Known(voucher=lambda *_: Hash32(bytes(32))),
    )
    trial, eras = ChannelTrial(), Known(find=lambda *_: None)
    retrial._try_voucher(trial, bundle, cast(Any, eras))
    assert ("is not the newest" in " ".join(trial.not_checked)) == is_older


def test_count_of_strangers__is_compared_with_the_chain_s() -> None:
    said = replace(story_until(AS_OF), untold=5)
    bundle: Any = Known(story=said, controllers="c", registry="r", anchored=())
    seen = replace(said, untold=6)
    witness: Any = Known(story=seen, escrow=ESCROW, controllers="c", registry="r")
    trial = ChannelTrial()
    with pytest.raises(AttributeError):  # what follows needs templates
        retrial._compare(trial, bundle, witness)
    assert trial.failed == ["evidence by strangers that is not told as on chain"]


def test_replay_of_a_bundle_that_was_cut_off__ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "channel.json"
    path.write_text("a bundle")
    cut, latest = story_until(AS_OF), story_until(20, CLOSED)
    monkeypatch.setattr(replaying, "read_bundle", lambda _: Known(story=cut, reveals=""))
    monkeypatch.setattr(replaying, "_find_witness", lambda *_, **__: nullcontext())
    for story, status in ((latest, Exit.CHECK_FAILED), (replace(cut, as_of=20), Exit.DONE)):
        trial = try_until(cut, story)
        monkeypatch.setattr(replaying, "try_bundle", lambda *_, trial=trial: trial)
        done = edgemark_here("trading", "replay", path, "--json", "--home", tmp_path / "home")
        assert done.status == status, done.error
        assert done.value["has_moved"] == (status == Exit.CHECK_FAILED)
