"""What a judge sends to the settlement, effect by effect."""

from __future__ import annotations

from dataclasses import replace

from edgemark.ledger.evm.sending.intent import Call
from edgemark.party.patience import Patience
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.station import calls

JudgeSubmits = do.SubmitServed | do.SubmitVerdict | do.SubmitVoid | do.SubmitLapse

SIGNING_S = 2.0  # a judge is paid for its signature, and only the first verdict counts


def call_of(
    settlement: SettlementContract, state: JudgeCase, effect: JudgeSubmits, patience: Patience
) -> Call:
    """The call by which a judge carries out an effect on its case.

    Signatures that come while it is under way are no reason for another one.

    Raises:
        TryAgain: more signatures may come under the verdict.
    """
    case = state.known
    match effect:
        case do.SubmitServed():
            signatures = state.signatures_in_order(Finding.NONE)
            call = settlement.record_served(case.job, case.index, signatures)
            return replace(call, about=_about(case, effect))
        case do.SubmitVerdict(finding):
            signatures = state.signatures_in_order(Finding(finding))
            what = (case.job, case.index, finding)
            patience.wait_for(what, len(signatures), len(case.judges))
            call = settlement.record_verdict(case.job, case.index, Finding(finding), signatures)
            return replace(call, about=_about(case, effect))
        case _:
            return calls.call_of(settlement, effect)


def _about(case: on.SawCase, effect: JudgeSubmits) -> bytes:
    return b"%s of %s %d" % (repr(effect).encode(), case.job, case.index)
