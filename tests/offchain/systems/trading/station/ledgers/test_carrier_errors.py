"""What a carrier takes for a refusal of the registry, and what for a ledger that is away.

Why its door is a stand-in: what real ledgers answer are words here, each as its refusal has them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.errors import EdgemarkError, LedgerUnavailable, RefusedInput
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.faults import (
    EndorserWords,
    LedgerBusy,
    SubmissionGone,
    TransactionInvalid,
)
from edgemark.systems.trading.demo.consortium.trade import SignedTrade
from edgemark.systems.trading.station.ledgers.carrying import (
    BROKEN,
    DIFFER,
    INVALID,
    WAIT_S,
    Carrier,
    LedgerCall,
)
from edgemark.systems.trading.station.ledgers.records import RegistryRefused

DOMAINS = SignedTrade.begin(1_800_000_000).domains
CALL = LedgerCall("recordSettlements", (DOMAINS.name, "[]"))


def endorsed(*words: str, code: str = "ABORTED", details: str = "failed to endorse") -> Refusal:
    said = tuple(EndorserWords(f"localhost:{at}", "Org1MSP", each) for at, each in enumerate(words))
    return Refusal(Asking.ENDORSE, code, details, said, "localhost:7051")


def early(details: str, code: str = "FAILED_PRECONDITION") -> Refusal:
    return Refusal(Asking.ENDORSE, code, details, (), "localhost:7051")


def push_refused(error: EdgemarkError) -> EdgemarkError:
    """What a recorder is told where a call is refused so."""

    def submit(*_said: object, wait_s: float, **_named: object) -> None:
        assert wait_s == WAIT_S
        raise error

    with pytest.raises((RefusedInput, LedgerUnavailable)) as told:
        carrier_of(submit).push(CALL)
    return told.value


def carrier_of(submit: Callable[..., None]) -> Carrier:
    """A carrier whose registry takes the chain's statements, and whose door submits so."""
    station: Any = SimpleNamespace(
        chain=SimpleNamespace(chain_id=DOMAINS.chain_id),
        escrow=SimpleNamespace(address=DOMAINS.escrow),
        controllers=SimpleNamespace(address=DOMAINS.controllers),
        evidence=SimpleNamespace(address=DOMAINS.registry),
    )
    door: Any = SimpleNamespace(submit=submit, chaincode="trading", channel="mychannel")
    carrier = Carrier(station, door)
    carrier._registry._parameters = SimpleNamespace(domains=(DOMAINS,))  # type: ignore[assignment]
    return carrier


@pytest.mark.parametrize(
    "refused",
    [
        endorsed("chaincode trading of Org1MSP: process cannot be reached; had Connection refused"),
        endorsed("could not launch chaincode: connection to trading failed", code="UNKNOWN"),
        endorsed("incorrect timestamp: not within 15m0s", code="UNAVAILABLE"),
        endorsed("chaincode 'trading' has not been initialized for this version"),
        endorsed("timeout expired while executing transaction"),
        early("could not get last config for channel elsewhere", code="UNAVAILABLE"),
        early("no combination of peers can be derived which satisfy the endorsement policy"),
        early("no combination of peers; no peer combination can satisfy the policy"),
        early("due to unavailability of peers in Org2MSP"),
        early("failed to connect to all addresses", code="UNAVAILABLE"),
    ],
    ids=lambda each: (each.endorsers[0].message if each.endorsers else each.details)[:40],
)
def test_nobody_who_endorses__is_a_ledger_that_is_away(refused: Refusal) -> None:
    assert isinstance(told := push_refused(explain(refused)), LedgerUnavailable)
    assert told.what
    assert told.had or told.remedy


def test_busy_ledger__is_asked_later() -> None:
    assert isinstance(push_refused(LedgerBusy("has enough to do")), LedgerUnavailable)


@pytest.mark.parametrize(
    ("refused", "name"),
    [
        (endorsed("chaincode response 500, EvidenceExists: is there"), "EvidenceExists"),
        (endorsed("chaincode response 500, NotByController: is not"), "NotByController"),
        (endorsed("chaincode response 500, the chaincode failed: OSError: 28"), BROKEN),
        (endorsed("chaincode response 500, this call: is over"), BROKEN),
        (endorsed("ProposalResponsePayloads do not match"), DIFFER),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_answer_of_a_chaincode__is_told_by_the_registrys_name_of_it(
    refused: Refusal, name: str
) -> None:
    told = push_refused(explain(refused))
    assert isinstance(told, RegistryRefused)
    assert told.error_name == name


@pytest.mark.parametrize("over", [TransactionInvalid, SubmissionGone])
def test_submission_that_never_counts_or_was_taken_back__goes_out_by_another_name(
    over: type[RefusedInput],
) -> None:
    names: list[str] = []

    def submit(name: str, *_said: object, **_named: object) -> None:
        names.append(name)
        if len(names) <= 2:
            raise over("is over")

    carrier = carrier_of(submit)
    for _ in range(2):
        with pytest.raises(RegistryRefused) as told:
            carrier.push(CALL)
        assert told.value.error_name == INVALID  # so it is tried again, later
    carrier.push(CALL)
    assert names == [CALL.name, f"{CALL.name}-1", f"{CALL.name}-2"]
