"""Anybody may record evidence of any channel: what strangers record spoils nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace as Known
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import ESCROW, key_of
from tests.offchain.systems.trading.credentials.trade_cast import CHANNEL, TERMS

from edgemark.chronicle.marks import Mark
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent, LogPlace
from edgemark.systems.trading.contract.events import ChannelAmended, ChannelOpened
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.story.evidence.retrial import try_recorded
from edgemark.systems.trading.story.evidence.trial import ChannelTrial
from edgemark.systems.trading.story.folding import (
    MOST_OF_INDEX,
    MOST_STRANGERS,
    StoryFold,
    pick_evidence,
)
from edgemark.systems.trading.story.reading import Chronicle
from edgemark.systems.trading.story.story import ChannelStory, Recorded
from edgemark.systems.trading.story.telling import as_facts, tell

MARK = Mark(1, Timestamp(1), Hash32(bytes(32)))
STRANGERS = tuple(key_of(name).address for name in ("x", "y", "z"))
PARTIES = (TERMS.payer, TERMS.seller)
SIGNERS = (TERMS.payer_key, TERMS.seller_key, TERMS.controller)
LATER = Signers(*(key_of(name).address for name in ("k", "l", "m")), 1)
DIGEST, JUNK = Hash32(b"\1" * 32), Hash32(b"\2" * 32)
MANY = 1000


def place(log_index: int) -> LogPlace:
    hash_ = Hash32(log_index.to_bytes(32, "big"))
    return LogPlace(ESCROW, 1, hash_, hash_, log_index)


def record(
    kind: EvidenceKind, index: int, digest: Hash32, signers: tuple[Address, ...], at: int = 0
) -> EvidenceRecorded:
    return EvidenceRecorded(NONE, kind, CHANNEL, index, digest, NONE, signers, at=place(at))


NONE = Hash32(bytes(32))
FIRST = record(EvidenceKind.INITIATION, 0, TERMS.initiation, PARTIES)
SETTLED = record(EvidenceKind.SETTLEMENT, 1, DIGEST, SIGNERS)
HONEST = [FIRST, SETTLED]
SPOILT = [
    record(EvidenceKind.INITIATION, 0, JUNK, STRANGERS[:2]),
    record(EvidenceKind.SETTLEMENT, 1, JUNK, STRANGERS),
    record(EvidenceKind.SETTLEMENT, 1, JUNK, (*SIGNERS[:2], STRANGERS[0])),  # another controller
    record(EvidenceKind.INITIATION, 0, JUNK, SIGNERS[:2]),  # keys have no word for the first one
]


def fold(events: list[Any]) -> ChannelStory:
    story = ChannelStory(31337, ESCROW, CHANNEL, TERMS, MARK, (), (), (), (), 1, Timestamp(1))
    made = StoryFold(story)
    made.take(MARK, events)
    return made.finish()


def try_story(story: ChannelStory) -> ChannelTrial:
    """Against the one settlement that a bundle holds; its form is of no concern here."""
    kept = Known(said=Known(voucher=Known(index=1)), credential=Known(digest=DIGEST))
    trial = ChannelTrial()
    try_recorded(trial, Known(story=story, settlements=(kept,)))
    return trial


@pytest.mark.parametrize("events", [HONEST + SPOILT, SPOILT + HONEST])
def test_records_of_strangers__spoil_no_bundle_and_are_told_as_theirs(events: list[Any]) -> None:
    story = fold(events)
    assert len(story.evidence) == len(HONEST)
    assert len(story.strangers) == len(SPOILT)
    trial = try_story(story)
    assert trial.failed == []
    assert f"evidence by strangers, {len(SPOILT)} in all: of no account" in trial.not_checked
    text = tell(story, str)
    assert text.count("by strangers, of no account") == len(SPOILT)
    facts: Any = as_facts(story)
    assert facts["evidence_by_strangers"] == len(SPOILT)
    whose = sorted(deed["of"] for deed in facts["deeds"])
    assert whose == ["channel"] * len(HONEST) + ["strangers"] * len(SPOILT)


def test_first_credential_that_both_parties_signed_otherwise__fails_a_bundle() -> None:
    assert len(try_story(fold([*HONEST, replace(FIRST, credential_hash=JUNK)])).failed) == 1


def test_controller_that_said_two_things_of_an_index__is_told_and_fails_no_bundle() -> None:
    trial = try_story(fold([*HONEST, replace(SETTLED, credential_hash=JUNK)]))
    assert trial.failed == []
    assert trial.holds
    (said,) = trial.by_controller
    assert said.startswith(f"controller {TERMS.controller} said two things of index 1")
    assert DIGEST.hex() in said
    assert JUNK.hex() in said
    assert f"!    its controller alone: {said}" in [*trial.lines()]


def test_two_credentials_on_chain_of_an_index_that_is_not_here__are_told_as_well() -> None:
    other = replace(SETTLED, index=2)
    trial = try_story(fold([*HONEST, other, replace(other, credential_hash=JUNK)]))
    assert trial.failed == []
    (said,) = trial.by_controller
    assert "two things of index 2" in said


def test_many_records_of_strangers__are_counted_and_not_kept() -> None:
    events = [
        FIRST,
        *(record(EvidenceKind.SETTLEMENT, n, JUNK, STRANGERS, n) for n in range(MANY)),
        replace(SETTLED, at=place(MANY)),
    ]
    story = fold(events)
    assert len(story.evidence) == len(HONEST)
    assert (len(story.strangers), story.untold) == (MOST_STRANGERS, MANY - MOST_STRANGERS)
    assert f"evidence by strangers that is not told: {MANY - MOST_STRANGERS}" in tell(story, str)
    assert as_facts(story)["evidence_by_strangers"] == MANY
    assert f"evidence by strangers, {MANY} in all: of no account" in try_story(story).not_checked


def test_records_of_strangers__are_not_even_looked_up_beyond_the_first() -> None:
    opening = ChannelOpened(CHANNEL, TERMS.payer, TERMS.seller, TERMS.as_abi(), at=place(0))
    junk = [record(EvidenceKind.SETTLEMENT, n, JUNK, STRANGERS, n) for n in range(MANY)]
    last = record(EvidenceKind.SETTLEMENT, 9, DIGEST, (*LATER.keys, LATER.controller))
    own: list[ChainEvent] = [FIRST, SETTLED]
    amended = ChannelAmended(CHANNEL, 1, LATER.as_abi(), at=place(0))
    picked, untold, repeated = pick_evidence(opening, [opening, amended], [*junk, *own, last])
    assert picked == [*junk[:MOST_STRANGERS], *own, last]
    assert (untold, repeated) == (junk[MOST_STRANGERS:], [])
    assert last not in pick_evidence(opening, [opening], [*junk, *own, last])[0]


def test_many_credentials_of_one_index_by_its_controller__are_counted_beyond_two() -> None:
    others = [
        replace(SETTLED, credential_hash=Hash32(n.to_bytes(32, "big")), at=place(n))
        for n in range(9, MANY)
    ]
    story = fold([*HONEST, *others])
    assert len(story.evidence) == len(HONEST) + MOST_OF_INDEX - 1
    assert (story.repeated, story.untold) == (len(others) - 1, 0)
    assert f"beyond its first two: {len(others) - 1}, by its controller" in tell(story, str)
    trial = try_story(story)
    assert trial.failed == []
    assert len(trial.by_controller) == 1
    opening = ChannelOpened(CHANNEL, TERMS.payer, TERMS.seller, TERMS.as_abi(), at=place(0))
    picked, untold, repeated = pick_evidence(opening, [opening], [*HONEST, *others])
    assert (picked, untold, repeated) == ([*HONEST, others[0]], [], others[1:])


def test_who_signs_from_an_amendment_on__is_of_the_channel() -> None:
    amended = ChannelAmended(CHANNEL, 1, LATER.as_abi(), at=place(0))
    said = record(EvidenceKind.SETTLEMENT, 2, JUNK, (*LATER.keys, LATER.controller))
    story = fold([*HONEST, amended, said])
    assert [each.index for each in story.evidence if isinstance(each, Recorded)] == [0, 1, 2]
    assert story.strangers == ()


def test_reading_a_channel__asks_for_few_transactions_however_many_strangers_wrote() -> None:
    """Each record in a transaction of its own; the rest is counted by the events alone."""
    opening = ChannelOpened(CHANNEL, TERMS.payer, TERMS.seller, TERMS.as_abi(), at=place(MANY + 1))
    junk = [record(EvidenceKind.SETTLEMENT, n, JUNK, STRANGERS, n) for n in range(MANY)]
    recorded = [*junk, replace(SETTLED, at=place(MANY + 2))]
    asked: list[ChainEvent] = []

    def mined(events: list[ChainEvent], _: int) -> list[Known]:
        asked.extend(events)
        return [Known(receipt=Known(tx_hash=each.at.tx_hash), event=each) for each in events]

    said = Known(
        events=lambda *of: recorded if of[-1] == "registry" else [opening],
        returns=lambda *_: [],
        mined=mined,
        mark=lambda _: MARK,
        time_of=lambda _: Timestamp(1),
        said_in=lambda each: [each.event],
    )
    chronicle: Any = Known(
        _transactions=said,
        _chain=Known(chain_id=31337),
        _evidence="registry",
        _check_until=lambda until: until,
    )
    story = Chronicle.read(chronicle, CHANNEL, until=9)
    assert len(asked) == 1 + MOST_STRANGERS + 1
    assert (len(story.strangers), story.untold) == (MOST_STRANGERS, MANY - MOST_STRANGERS)
    assert [each.index for each in story.evidence] == [1]
