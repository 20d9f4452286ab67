"""What a party sends to the settlement to end something, effect by effect."""

from __future__ import annotations

from typing import assert_never

from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.protocol import effects as do


def call_of(settlement: SettlementContract, effect: do.Ending) -> Call:
    """The call by which any party carries out an effect."""
    match effect:
        case do.SubmitApproval(job, indices):
            return settlement.approve(job, indices)
        case do.SubmitCharge(job, wrong, silent):
            return settlement.charge(job, wrong, silent)
        case do.SubmitCollect(job, indices):
            return settlement.collect(job, indices)
        case do.SubmitCancel(job):
            return settlement.cancel_unstarted(job)
        case do.SubmitVoid(job, index):
            return settlement.void_charge(job, index)
        case do.SubmitLapse(job, index):
            return settlement.lapse_charge(job, index)
        case _:
            assert_never(effect)
