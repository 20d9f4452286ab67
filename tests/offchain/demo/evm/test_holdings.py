"""The checks of a receipt about tokens, each with a token planted that makes it fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgemark.demo.evm.holdings import Holdings, check_holdings
from edgemark.identifiers import Address, parse_address
from edgemark.receipt import Receipt

PAYER, WORKER = (parse_address(bytes([number]) * 20) for number in (1, 2))
NAMES = {PAYER: ("payer", "pays"), WORKER: ("worker", "is paid")}
BEFORE = Holdings(
    parties={PAYER: 70, WORKER: 10},
    supply=100,
    anchored=15,
    free=5,
    locked=2,
    staked=8,
    vesting=10,
    wallets=75,
)
AFTER = replace(BEFORE, parties={PAYER: 63, WORKER: 17})
EXPECTED = {PAYER: -7, WORKER: 7}


def failed(after: Holdings, expected: dict[Address, int] = EXPECTED) -> list[str]:
    """Names of the checks that do not pass."""
    receipt = Receipt("toy")
    check_holdings(receipt, NAMES, BEFORE, after, expected)
    return [check.name for check in receipt.checks if not check.passed]


def test_what_was_expected__passes_every_check_and_shows_every_balance() -> None:
    receipt = Receipt("toy")
    check_holdings(receipt, NAMES, BEFORE, AFTER, EXPECTED)
    assert receipt.ok
    assert (receipt.tokens_before, receipt.tokens_after) == (100, 100)
    assert [(party.name, party.after - party.before) for party in receipt.parties] == [
        ("payer", -7),
        ("worker", 7),
        ("providers", 0),
        ("allocations", 0),
    ]


@pytest.mark.parametrize(
    ("after", "complaints"),
    [
        (
            replace(AFTER, parties={PAYER: 63, WORKER: 18}),
            ["change of worker", "tokens after = tokens before"],
        ),
        (replace(AFTER, anchored=14), ["anchor holds what it owes"]),
        (
            replace(AFTER, staked=7, locked=3),
            ["stakes of providers untouched"],
        ),
        (replace(AFTER, vesting=9), ["tokens after = tokens before"]),
    ],
)
def test_a_planted_token__is_told(after: Holdings, complaints: list[str]) -> None:
    assert failed(after) == complaints


def test_a_party_that_nobody_expected_to_gain__is_told() -> None:
    assert failed(AFTER, {PAYER: -7}) == ["change of worker"]
