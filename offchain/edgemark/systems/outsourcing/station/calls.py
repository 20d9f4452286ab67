"""What a party sends to the settlement, effect by effect."""

from __future__ import annotations

from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on


def call_of(settlement: SettlementContract, order: on.Order, effect: object) -> Call:
    """The call by which the device carries out an effect on its job."""
    match effect:
        case do.SubmitApproval(indices):
            return settlement.approve(order.job, indices)
        case do.SubmitCharge(wrong, silent):
            return settlement.charge(order.job, wrong, silent)
        case do.SubmitCollect(indices):
            return settlement.collect(order.job, indices)
        case do.SubmitCancel():
            return settlement.cancel_unstarted(order.job)
        case do.SubmitLapseOf(index):
            return settlement.lapse_charge(order.job, index)
        case _:
            raise TypeError(f"a device does not {type(effect).__name__}")
