"""Channels that name a controller, and that nobody logs in for: bounded, until they are over."""

from __future__ import annotations

from dataclasses import replace

from tests.offchain.systems.trading.channel_cast import LIMITS, START
from tests.offchain.systems.trading.controller.recording.evidence_cast import channel_of
from tests.offchain.systems.trading.parties_cast import TERMS

from edgemark.systems.trading.controller.channels.named import NamedChannels
from edgemark.systems.trading.identifiers import ChannelId

C = [channel_of(number) for number in range(8)]


def naming(kept: set[ChannelId], most: int = 4) -> NamedChannels:
    return NamedChannels(kept.__contains__, most)


def test_a_block__is_passed_when_all_it_told_of_is_written_down() -> None:
    kept = {C[0]}
    named = naming(kept)
    assert named.passed(50) == 50
    named.note(C[0], TERMS, 20)
    named.note(C[1], TERMS, 30)
    named.note(C[2], TERMS, 40)
    assert (named.passed(50), named.strangers()) == (29, [C[1], C[2]])
    kept.add(C[1])
    assert named.passed(50) == 39
    named.drop(C[2])
    named.drop(C[7])
    assert named.passed(50) == 50


def test_too_many_that_nobody_logs_in_for__displace_the_oldest_of_such_alone() -> None:
    named = naming({C[0], C[1]})
    for number, channel in enumerate(C[:6]):
        named.note(channel, TERMS, number)
    assert [channel for channel in C if named.find(channel)] == [C[0], C[1], C[4], C[5]]
    assert named.displaced == 2
    named.note(C[0], TERMS, 9)
    assert len(named) == 4


def test_a_channel_whose_lock_expired__is_over_without_a_word_of_the_chain() -> None:
    named = naming(set())
    longer = replace(TERMS, close_by=TERMS.close_by + 10**6)
    named.note(C[0], TERMS, 1)
    named.note(C[1], longer, 2)
    last = TERMS.lock_expiry(LIMITS.exit_grace)
    named.drop_lapsed(START, LIMITS.exit_grace)
    named.drop_lapsed(last, LIMITS.exit_grace)
    assert len(named) == 2
    named.drop_lapsed(last + 1, LIMITS.exit_grace)
    assert named.strangers() == [C[1]]
