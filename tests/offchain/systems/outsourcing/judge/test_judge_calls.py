"""More signatures under what a judge has sent are no reason for another transaction."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import NOBODY, ShareIndex
from edgemark.ledger.evm.contract.interface import Contract, Interface
from edgemark.ledger.evm.sending.intent import Call, intent_of
from edgemark.party.patience import Patience
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.judge.calls import JudgeSubmits, call_of
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol.messages import Opinion

ORDER = cast.small_order()
SIGNATURES = [{"name": "signatures", "type": "bytes[]"}]
RECORD = {"name": "record", "type": "function", "inputs": SIGNATURES, "outputs": []}
CONTRACT = Contract("JobSettlement", NOBODY, Interface("JobSettlement", [RECORD]))


def record(*arguments: Any) -> Call:
    return Call(CONTRACT, "record", (arguments[-1],))


def intention(effect: JudgeSubmits, finding: Finding, signed: int, index: int = 1) -> bytes:
    """Of a judge who has so many signatures."""
    case = cast.case_of(ORDER, ShareIndex(index), ChargeKind.SILENT)
    state = JudgeCase(me=cast.JUDGE_ADDRESSES[0], case=case)
    for judge in cast.JUDGE_ADDRESSES[:signed]:
        said = Opinion(ORDER.job, ShareIndex(index), finding, b"by " + judge.encode())
        state = replace(state, opinions=(*state.opinions, (judge, said)))
    settlement: Any = SimpleNamespace(record_served=record, record_verdict=record)
    return intent_of(call_of(settlement, state, effect, Patience(lambda: 0.0, 0.0))).identity


@pytest.mark.parametrize(
    ("effect", "finding"),
    [(do.SubmitServed(), Finding.NONE), (do.SubmitVerdict(int(Finding.WRONG)), Finding.WRONG)],
)
def test_what_a_judge_brings__with_more_signatures__is_the_same(
    effect: JudgeSubmits, finding: Finding
) -> None:
    assert intention(effect, finding, 2) == intention(effect, finding, 3)
    assert intention(effect, finding, 2) != intention(effect, finding, 2, index=2)


def test_findings__are_brought_apart() -> None:
    wrong = intention(do.SubmitVerdict(int(Finding.WRONG)), Finding.WRONG, 2)
    right = intention(do.SubmitVerdict(int(Finding.RIGHT)), Finding.RIGHT, 2)
    assert wrong != right


def test_by_the_planted_rule__more_signatures_were_another_transaction() -> None:
    few, more = record([b"one"]), record([b"one", b"two"])
    assert intent_of(few).identity != intent_of(more).identity
