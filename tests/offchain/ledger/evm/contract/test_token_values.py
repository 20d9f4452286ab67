"""R16: what a contract refuses about tokens is read in MTC, whichever contract it was."""

from __future__ import annotations

import pytest

from edgemark.cli.catalogue import CONTRACTS
from edgemark.ledger.evm.contract.interface import load_interface, snake_case
from edgemark.ledger.evm.contract.token_values import BOUNDS, find_amounts
from edgemark.ledger.evm.faults import ContractRefused

# Numbers of errors that are no amounts: times, counts, places, and bits of a cast that cannot be.
NO_AMOUNTS = {
    "AlreadyConvicted.convicted_at",
    "AgreementNumberWrong.had",
    "AgreementNumberWrong.needed",
    "BranchLengthWrong.had",
    "BranchLengthWrong.needed",
    "DelegationOld.had",
    "DelegationOld.newest",
    "EndedLater.last_second",
    "EndedLater.until",
    "EpochWrong.had",
    "EpochWrong.needed",
    *("expires_at", "now_at", "deadline", "earliest", "latest", "free_at", "retired_at", "ends_at"),
    *(
        "lapses_at",
        "allowed_after",
        "place",
        "index",
        "previous",
        "length",
        "current_nonce",
        "valid_to",
    ),
    "deprecated_at",
    "CapacityTaken.capacity",
    "TemplateUnfit.kind",
    "VersionNumberWrong.had",
    "VersionNumberWrong.needed",
    "ChargeCountOutOfRange.had",
    "ChargeCountOutOfRange.most",
    "ClaimTooLarge.had",
    "ClaimTooLarge.most",
    "IndexOutOfRange.most",
    "MemberCountOutOfRange.had",
    "MemberCountOutOfRange.least",
    "MemberCountOutOfRange.most",
    "NodeListLength.had",
    "NodeListLength.needed",
    "PlaceOutOfRange.least",
    "PlaceOutOfRange.most",
    "SafeCastOverflowedUintDowncast.value",
    "SpanOutOfRange.had",
    "SpanOutOfRange.least",
    "SpanOutOfRange.most",
    "TooFewNodes.had",
    "TooFewNodes.needed",
    "TooFewSignatures.had",
    "TooFewSignatures.needed",
}
OF_BOUNDS = "OutOfBounds"
AMOUNTS_IN_BOUNDS = (
    *("fee", "judgeFee", "stake", "minFee", "maxFee", "minStake"),
    *("deposit", "bond", "amount", "maxDeposit", "minBond", "cover", "price", "minDeposit"),
)


def numbers_of_errors() -> set[tuple[str, str]]:
    """Error and value, of each whole number that is wide enough for an amount."""
    entries = [entry for name in CONTRACTS for entry in load_interface(name).abi]
    return {
        (entry["name"], snake_case(part["name"], at))
        for entry in entries
        if entry["type"] == "error" and entry["name"] != OF_BOUNDS
        for at, part in enumerate(entry["inputs"])
        if part["type"] in {"uint96", "uint128", "uint256"}
    }


def test_every_number_of_an_error__is_an_amount_or_known_to_be_none() -> None:
    numbers = numbers_of_errors()
    assert len(numbers) > 40
    for error, name in sorted(numbers):
        is_none = bool({name, f"{error}.{name}"} & NO_AMOUNTS)
        assert (name in find_amounts(error, {})) != is_none, f"{error}.{name}"


def test_every_name_that_is_no_amount__is_still_one_of_an_error() -> None:
    numbers = numbers_of_errors()
    there = {name for _, name in numbers} | {f"{error}.{name}" for error, name in numbers}
    assert there >= NO_AMOUNTS


@pytest.mark.parametrize("field", AMOUNTS_IN_BOUNDS)
def test_a_bound_of_an_amount__is_told_in_mtc(field: str) -> None:
    values = {"field": field.encode().ljust(32, b"\0"), "had": 0, "least": 10, "most": 10**18}
    assert find_amounts(OF_BOUNDS, values) == frozenset(BOUNDS)
    refused = ContractRefused("JobSettlement", "post", OF_BOUNDS, values)
    assert refused.had == f"field {field}, had 0 MTC, least 0.00000000000000001 MTC, most 1 MTC"
    assert refused.values == values


@pytest.mark.parametrize(
    ("error", "values", "shown"),
    [
        ("AmountOutOfRange", {"amount": 0}, "amount 0 MTC"),
        (
            "FreeBalanceTooLow",
            {"had": 5 * 10**17, "needed": 10**21},
            "had 0.5 MTC, needed 1,000 MTC",
        ),
        ("TooLate", {"now_at": 5, "deadline": 4}, "now_at 5, deadline 4"),
        (OF_BOUNDS, {"field": b"batch".ljust(32, b"\0"), "had": 9}, "field batch, had 9"),
        (OF_BOUNDS, {"field": b"\xff" * 32, "had": 9}, f"field {'ff' * 32}, had 9"),
    ],
)
def test_contract_refused__tells_amounts_in_mtc_and_numbers_as_they_are(
    error: str, values: dict[str, object], shown: str
) -> None:
    assert ContractRefused("AssetAnchor", "withdraw", error, values).had == shown
