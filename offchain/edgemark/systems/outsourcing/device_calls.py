"""What the device sends to the settlement, effect by effect."""

from __future__ import annotations

from edgemark.ledger.intent import Call
from edgemark.party.joining import allow_again
from edgemark.party.station import Station
from edgemark.systems.outsourcing import effects as do
from edgemark.systems.outsourcing import events as on
from edgemark.systems.outsourcing.settlement import SettlementContract


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


def allow_what_is_locked(station: Station, order: on.Order, effect: object) -> None:
    """Let the settlement lock what the call of an effect locks, where it may not.

    A device allows what a job locks at most before it posts; jobs that are open at the same time
    use that up together.
    """
    terms = order.terms
    deposit = terms.node_count * terms.fee
    match effect:
        case do.SubmitPosting():
            needed, amount = deposit, deposit + terms.errors * terms.bond
        case do.SubmitCharge(wrong, silent):
            needed = amount = (len(wrong) + len(silent)) * terms.bond
        case _:
            return
    lasts_s = max(0, terms.collect_by - station.chain.block("latest").timestamp)
    allow_again(station, needed, amount, lasts_s=lasts_s)
