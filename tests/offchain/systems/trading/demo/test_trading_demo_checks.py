"""What the demonstration says of channels, answers and tokens that are not as they ought."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, LIMITS, PEOPLE, START
from tests.offchain.systems.trading.parties_cast import CHANNEL, TERMS

from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import LogPlace
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract.events import (
    ChannelClosed,
    ChannelEnded,
    ChannelOpened,
    ResponseShown,
)
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.contract.terms import ChannelRefused
from edgemark.systems.trading.demo.checks import (
    Held,
    Way,
    check_amounts,
    check_answers,
    check_end,
    check_tokens,
    compute_changes,
    compute_end,
)
from edgemark.systems.trading.demo.seen import Seen

AT = LogPlace(Address("0x" + "5e" * 20), 1, Hash32(bytes(32)), Hash32(bytes(32)), 0)
OWED = 600
PAYER, SELLER = PEOPLE["payer"], PEOPLE["seller"]
HONEST = Held("run 1", "buyer 1", CHANNEL, TERMS, Tokens(DEPOSIT), Tokens(OWED), Tokens(OWED), 200)
CHEATED = replace(HONEST, way=Way.ANSWERED, said=Tokens(250))


def seen_of(held: Held, **changed: Any) -> Seen:
    """What the chain says of a channel that went as planned, with changes of its last event."""
    end = compute_end(held, LIMITS)
    told: dict[str, Any] = {
        "ending": end.ending,
        "amount": end.amount,
        "to_seller": end.division.seller,
        "to_payer": end.division.payer,
        "penalty": end.division.penalty,
        "penalty_to": end.penalty_to,
        **changed,
    }
    opened = ChannelOpened(CHANNEL, PAYER, SELLER, TERMS.as_abi(), at=AT)
    events: list[Any] = [opened]
    if held.way is Way.ANSWERED:
        phase = ChannelPhase.CLOSING_BY_PAYER
        events += [
            ChannelClosed(CHANNEL, PAYER, phase, held.said, Timestamp(START), at=AT),
            ResponseShown(CHANNEL, SELLER, held.owed, NOBODY, 0, at=AT),
        ]
    events.append(ChannelEnded(channel=CHANNEL, at=AT, **told))
    return Seen(opened, Timestamp(START), tuple(events), ())


def failing(receipt: Receipt) -> list[str]:
    return [check.name.partition(": ")[2] for check in receipt.checks if not check.passed]


def end_of(held: Held, seen: Seen) -> list[str]:
    receipt = Receipt("trading")
    check_end(receipt, held, seen, LIMITS)
    return failing(receipt)


@pytest.mark.parametrize("held", [HONEST, CHEATED, replace(CHEATED, said=Tokens(0))])
def test_a_channel_that_went_as_planned__passes(held: Held) -> None:
    assert end_of(held, seen_of(held)) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"amount": OWED - 1}, ["amount that counted"]),
        ({"to_payer": DEPOSIT + BOND - OWED - 1}, ["back to the buyer"]),
        ({"penalty": 1}, ["penalty"]),
        ({"ending": ChannelEnding.UNCLOSED}, [Way.CLAIMED.value]),
    ],
)
def test_a_channel_that_ended_otherwise__is_told(changed: dict[str, Any], found: list[str]) -> None:
    assert end_of(HONEST, seen_of(HONEST, **changed)) == found


def test_a_channel_that_has_not_ended__is_told() -> None:
    seen = seen_of(HONEST)
    assert end_of(HONEST, replace(seen, events=seen.events[:1])) == ["ended"]


def test_a_cheat_that_nobody_answered__is_told() -> None:
    seen = seen_of(CHEATED)
    silent = tuple(each for each in seen.events if not isinstance(each, ResponseShown))
    assert end_of(CHEATED, replace(seen, events=silent)) == ["answered with"]


def test_other_terms_on_chain__are_told() -> None:
    other = replace(HONEST, terms=replace(TERMS, nonce=TERMS.nonce + 1))
    assert end_of(other, seen_of(HONEST)) == ["terms on chain are those signed"]


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


@pytest.mark.parametrize("seen", [[], [b"one"], [b"one", b"other"], [b"two", b"one"]])
def test_answers_that_differ_or_are_missing__are_told(seen: list[bytes]) -> None:
    receipt = Receipt("trading")
    check_answers(receipt, "run 1", seen, [b"one", b"two"])
    assert not receipt.ok
    check_answers(receipt, "run 2", [b"one", b"two"], [b"one", b"two"])
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
