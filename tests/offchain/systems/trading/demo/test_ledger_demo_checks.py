"""What the demonstration of the ledger says of what did not happen as it ought."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32
from edgemark.ledger.embedded.channel.verifying import ChannelDiffers
from edgemark.ledger.fabric.faults import (
    EndorsementsDiffer,
    EndorserWords,
    LedgerSilent,
    NotEndorsed,
)
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.consortium.checks import (
    check_damage,
    check_disagreement,
    check_heard,
    check_left,
    check_once,
    check_under_way,
)

KEY = "evidence/ab"
NAMED = (KEY, "Org1MSP", "Org2MSP")
ONE, OTHER = (Hash32(bytes([each]) * 32) for each in (1, 2))


def failing(does: Callable[[Receipt], None]) -> list[str]:
    receipt = Receipt("ledger")
    does(receipt)
    return [each.name.partition(": ")[2] for each in receipt.checks if not each.passed]


def differing(words: str) -> EdgemarkError:
    error = EndorsementsDiffer("organisations computed different results")
    error.endorsers = (EndorserWords("localhost:1", "Org2MSP", words),)
    return error


@pytest.mark.parametrize("named", [(), NAMED])
@pytest.mark.parametrize("error", [None, LedgerSilent("did not answer"), NotEndorsed("was not")])
def test_disagreement__another_error_is_no_disagreement(
    named: tuple[str, ...], error: EdgemarkError | None
) -> None:
    expected = ["refused as", "what differs"] if named else ["refused as"]
    assert failing(lambda receipt: check_disagreement(receipt, error, named)) == expected


def test_disagreement__names_what_differs_where_the_ledger_does() -> None:
    told, bare = differing(f"write {KEY} of Org1MSP and Org2MSP"), differing("they do")
    assert failing(lambda receipt: check_disagreement(receipt, told, NAMED)) == []
    assert failing(lambda receipt: check_disagreement(receipt, bare, ())) == []
    assert failing(lambda receipt: check_disagreement(receipt, bare, NAMED)) == ["what differs"]


@pytest.mark.parametrize(
    ("left", "code", "found"),
    [
        (["t"], "VALID", []),
        ([], "nothing was left", ["envelopes that it left open", "its envelope"]),
        (["t"], "ledger: did not answer", ["its envelope"]),
        (["t", "u"], "VALID", ["envelopes that it left open"]),
    ],
)
def test_killed_client__left_one_envelope_that_the_ledger_had(
    left: list[str], code: str, found: list[str]
) -> None:
    seen = failing(lambda receipt: check_left(receipt, left, code))
    assert [each.partition(",")[0] for each in seen] == found


@pytest.mark.parametrize(
    ("writers", "passes"), [(["t"], True), ([], False), (["u"], False), (["t", "u"], False)]
)
def test_killed_client__that_transaction_alone_wrote_it(writers: list[str], passes: bool) -> None:
    assert failing(lambda receipt: check_once(receipt, ["t"], writers)) == (
        [] if passes else ["transactions that wrote it"]
    )


@pytest.mark.parametrize(
    ("before", "running", "found"),
    [
        (4, 1, []),
        (3, 1, ["reported before"]),
        (32, 0, ["calls under way"]),
        (0, 0, ["reported before", "calls under way"]),
    ],
)
def test_killed_ledger__was_killed_under_calls(before: int, running: int, found: list[str]) -> None:
    assert failing(lambda receipt: check_under_way(receipt, before, running, 4)) == found


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ([ONE, OTHER], []),
        ([OTHER], ["told over it, missing"]),
        ([ONE, OTHER, ONE], ["told over it, twice"]),
        ([ONE, OTHER, Hash32(bytes(32))], []),
    ],
)
def test_killed_ledger__each_is_told_once(heard: list[Hash32], found: list[str]) -> None:
    assert failing(lambda receipt: check_heard(receipt, heard, {ONE, OTHER})) == found


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (None, False),
        (LedgerSilent("is damaged", who="c, block 4"), False),
        (ChannelDiffers("is empty", who="c, block 41"), False),
        (ChannelDiffers("is empty", who="c, block 4"), True),
        (ChannelDiffers("has another flag", who="c, block 4, transaction 0"), True),
    ],
    ids=str,
)
def test_changed_byte__is_found_in_its_block(error: EdgemarkError | None, passes: bool) -> None:
    found = [] if passes else ["one byte changed"]
    assert failing(lambda receipt: check_damage(receipt, error, "c, block 4")) == found
