"""What a judge sends to the settlement, effect by effect."""

from __future__ import annotations

from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.patience import Patience
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.station import calls

JudgeSubmits = do.SubmitServed | do.SubmitVerdict | do.SubmitVoid | do.SubmitLapse


def call_of(
    settlement: SettlementContract, state: JudgeCase, effect: JudgeSubmits, patience: Patience
) -> Call:
    """The call by which a judge carries out an effect on its case.

    Raises:
        TryAgain: more signatures may come under the verdict.
    """
    case = state.known
    match effect:
        case do.SubmitServed():
            signatures = state.signatures_in_order(Finding.NONE)
            return settlement.record_served(case.job, case.index, signatures)
        case do.SubmitVerdict(finding):
            signatures = state.signatures_in_order(Finding(finding))
            what = (case.job, case.index, finding)
            patience.wait_for(what, len(signatures), len(case.judges))
            return settlement.record_verdict(case.job, case.index, Finding(finding), signatures)
        case _:
            return calls.call_of(settlement, effect)
