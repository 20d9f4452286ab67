"""Channels that name a controller, and that nobody logs in for: bounded, until they are over."""

from __future__ import annotations

from dataclasses import replace

from tests.offchain.systems.trading.channel_cast import LIMITS, START
from tests.offchain.systems.trading.controller.recording.evidence_cast import channel_of
from tests.offchain.systems.trading.parties_cast import TERMS

from edgemark.identifiers import Tokens
from edgemark.systems.trading.controller.channels.named import NamedChannels
from edgemark.systems.trading.identifiers import ChannelId

C = [channel_of(number) for number in range(8)]
LOCKED = TERMS.deposit + TERMS.bond


def naming(kept: set[ChannelId], most: int = 4) -> NamedChannels:
    return NamedChannels(kept.__contains__, most)


def locking(named: NamedChannels, *channels: int, more: int = 0) -> None:
    terms = replace(TERMS, deposit=Tokens(TERMS.deposit + more))
    for number in channels:
        named.note(C[number], terms, number)
    named.trim()


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


def test_too_many_that_nobody_logs_in_for__displace_those_of_such_that_lock_least() -> None:
    named = naming({C[0]}, most=3)
    locking(named, 0, 1, 2)
    locking(named, 3, more=-1)
    locking(named, 4, 5, more=1)
    assert [channel for channel in C if named.find(channel)] == [C[0], C[2], C[4], C[5]]
    locking(named, 6)
    assert [channel for channel in C if named.find(channel)] == [C[0], C[4], C[5], C[6]]
    assert named.displaced == 3, "of two alike the older one leaves"


def test_what_a_channel_locks__is_followed_through_what_becomes_of_it() -> None:
    named = naming(set())
    locking(named, 1)
    for act, channel, amount, locked in (
        (named.deposit, C[1], 50, LOCKED + 50),
        (named.pay, C[1], 30, LOCKED + 20),
        (named.pay, C[1], 70, LOCKED - 20),
        (named.deposit, C[1], -10, LOCKED - 30),
        (named.deposit, C[2], 10, LOCKED - 30),
        (named.pay, C[2], 10, LOCKED - 30),
    ):
        act(channel, amount)
        found = named.find(C[1])
        assert found is not None
        assert found.locked == locked


def test_one_that_is_named_by_an_amendment__is_measured_before_any_leaves_for_it() -> None:
    named = naming(set(), most=1)
    locking(named, 1)
    named.note(C[2], None, 9)
    assert named.unmeasured() == [C[2]]
    named.measure(C[2], LOCKED + 1, 0)
    named.measure(C[7], 10**9, 0)
    named.trim()
    assert [channel for channel in C if named.find(channel)] == [C[2]]
    assert named.unmeasured() == []


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
