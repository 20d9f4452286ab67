"""What the demonstration says of channels, answers and tokens that are not as they ought."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import (
    BOND,
    CHAIN_ID,
    DEPOSIT,
    ESCROW,
    LIMITS,
    PEOPLE,
    START,
)
from tests.offchain.systems.trading.parties_cast import CHANNEL, TERMS

from edgemark.chronicle.marks import Mark
from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract.amounts import Division
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.contract.terms import ChannelRefused
from edgemark.systems.trading.demo.proof.checks import (
    Held,
    Way,
    check_amounts,
    check_answers,
    check_end,
    check_tokens,
    compute_changes,
    compute_end,
)
from edgemark.systems.trading.story.story import ChannelStory, Deed, Ended, Shown, Window

MARK = Mark(1, Timestamp(START), Hash32(bytes(32)))
OWED = 600
PAYER, SELLER = PEOPLE["payer"], PEOPLE["seller"]
HONEST = Held("run 1", "buyer 1", CHANNEL, TERMS, Tokens(DEPOSIT), Tokens(OWED), Tokens(OWED), 200)
CHEATED = replace(HONEST, way=Way.ANSWERED, said=Tokens(250))


def story_of(held: Held, **changed: Any) -> ChannelStory:
    """What the chain tells of a channel that went as planned, with changes of its end."""
    end = replace(compute_end(held, LIMITS), **changed)
    deeds: list[Deed] = []
    if held.way is Way.ANSWERED:
        phase = ChannelPhase.CLOSING_BY_PAYER
        deeds += [
            Window(MARK, PAYER, phase, held.said, Timestamp(START)),
            Shown(MARK, SELLER, held.owed, NOBODY, 0),
        ]
    deeds.append(Ended(MARK, end))
    place = (CHAIN_ID, ESCROW, CHANNEL, TERMS, MARK)
    return ChannelStory(*place, tuple(deeds), (), (), (), 1, Timestamp(START))


def failing(receipt: Receipt) -> list[str]:
    return [check.name.partition(": ")[2] for check in receipt.checks if not check.passed]


def end_of(held: Held, story: ChannelStory) -> list[str]:
    receipt = Receipt("trading")
    check_end(receipt, held, story, LIMITS)
    return failing(receipt)


@pytest.mark.parametrize("held", [HONEST, CHEATED, replace(CHEATED, said=Tokens(0))])
def test_a_channel_that_went_as_planned__passes(held: Held) -> None:
    assert end_of(held, story_of(held)) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"amount": OWED - 1}, ["amount that counted"]),
        ({"division": Division(OWED, DEPOSIT + BOND - OWED - 1)}, ["back to the buyer"]),
        ({"division": Division(OWED, DEPOSIT + BOND - OWED, 1)}, ["penalty"]),
        ({"ending": ChannelEnding.UNCLOSED}, [Way.CLAIMED.value]),
    ],
)
def test_a_channel_that_ended_otherwise__is_told(changed: dict[str, Any], found: list[str]) -> None:
    assert end_of(HONEST, story_of(HONEST, **changed)) == found


def test_a_channel_that_has_not_ended__is_told() -> None:
    assert end_of(HONEST, replace(story_of(HONEST), deeds=())) == ["ended"]


def test_a_cheat_that_nobody_answered__is_told() -> None:
    story = story_of(CHEATED)
    silent = tuple(each for each in story.deeds if not isinstance(each, Shown))
    assert end_of(CHEATED, replace(story, deeds=silent)) == ["answered with"]


def test_other_terms_on_chain__are_told() -> None:
    other = replace(HONEST, terms=replace(TERMS, nonce=TERMS.nonce + 1))
    assert end_of(other, story_of(HONEST)) == ["channel is the hash of the terms signed"]


def test_changes__of_a_cheat__take_its_bond() -> None:
    honest, cheated = (compute_changes([each], LIMITS) for each in (HONEST, CHEATED))
    assert honest == {PAYER: -OWED, SELLER: OWED}
    assert cheated == {PAYER: -OWED - BOND, SELLER: OWED + BOND}


@given(
    owed=st.integers(1, 2 * DEPOSIT),
    said=st.integers(0, 2 * DEPOSIT),
    more=st.integers(0, 3 * DEPOSIT),
    way=st.sampled_from(Way),
)
def test_changes__make_and_lose_no_token(owed: int, said: int, more: int, way: Way) -> None:
    deposit = Tokens(DEPOSIT + more)
    held = replace(HONEST, deposit=deposit, owed=Tokens(owed), said=Tokens(said), way=way)
    try:
        changes = compute_changes([held], LIMITS)
    except ChannelRefused as refused:  # nothing larger was left to be shown
        assert way is Way.ANSWERED and min(said, deposit) >= min(owed, deposit), refused
        return
    assert sum(changes.values()) == 0
    assert changes[SELLER] >= min(owed, deposit)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"units": 201}, ["owed, by the products counted"]),
        ({"signed": Tokens(OWED - 3)}, ["signed by the buyer, as the seller has it"]),
        ({"signed": None, "units": None}, []),
    ],
)
def test_what_is_owed__is_counted_again(changed: dict[str, Any], found: list[str]) -> None:
    receipt = Receipt("trading")
    check_amounts(receipt, replace(HONEST, **changed), price=6, per=2)
    assert failing(receipt) == found


@pytest.mark.parametrize("seen", [[], [[1]], [[1], [3]], [[2], [1]]])
def test_answers_that_differ_or_are_missing__are_told(seen: list[list[int]]) -> None:
    receipt = Receipt("trading")
    check_answers(receipt, "run 1", seen, [[1], [2]])
    assert not receipt.ok
    check_answers(receipt, "run 2", [[1], [2]], [[1], [2]])
    assert receipt.checks[-1].passed


def holdings(changes: dict[Address, int], locked: int = 0) -> Holdings:
    parties = {account: 10_000 + changes.get(account, 0) for account in (PAYER, SELLER)}
    total = sum(parties.values()) + locked
    return Holdings(parties, 20_000, total, sum(parties.values()), locked, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "locked", "found"),
    [
        ({PAYER: -OWED, SELLER: OWED}, 0, []),
        ({PAYER: -OWED, SELLER: OWED - 5}, 5, ["change of the seller", "no channel holds"]),
        ({PAYER: -OWED, SELLER: OWED + 1}, 0, ["change of the seller", "tokens after ="]),
    ],
)
def test_tokens_that_are_missing_stuck_or_made__are_told(
    changes: dict[Address, int], locked: int, found: list[str]
) -> None:
    receipt = Receipt("trading")
    names = {PAYER: ("buyer 1", "buyer"), SELLER: ("the seller", "seller")}
    check_tokens(receipt, names, holdings({}), holdings(changes, locked), [HONEST], LIMITS)
    told = [check.name for check in receipt.checks if not check.passed]
    assert len(told) == len(found)
    assert all(name.startswith(start) for name, start in zip(told, found, strict=True))
