"""What the device sends to the settlement, effect by effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.faults import ContractRefused, NoFunds
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.party.joining import allow_again
from edgemark.party.station import Station
from edgemark.systems.outsourcing import effects as do
from edgemark.systems.outsourcing import events as on
from edgemark.systems.outsourcing.device_means import compute_due
from edgemark.systems.outsourcing.observe import TAKEN_NUMBER, is_posting_of
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.records import JobPhase
from edgemark.systems.outsourcing.settlement import SettlementContract
from edgemark.systems.outsourcing.station import OutsourcingStation

PASSING = ("AllowanceTooLow", "AllowanceExpired", "FreeBalanceTooLow")


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


def allow_what_is_due(station: Station, jobs: Callable[[], Iterable[DeviceJob]]) -> None:
    """Let the settlement lock what all jobs of the device lock now, where it may not.

    There is one allowance, and what is allowed replaces what was: so it is for all jobs that are to
    be posted or charge, and one thread after the other looks at it.
    """
    with station.allowing:
        due = [(state, *compute_due(state)) for state in jobs()]
        needed = sum(now for _, now, _ in due)
        if not needed:
            return
        until = max(state.known.terms.collect_by for state, now, _ in due if now)
        lasts_s = max(0, until - station.chain.block("latest").timestamp)
        allow_again(station, needed, sum(most for _, _, most in due), lasts_s=lasts_s)


def cut_to_means(charge: do.SubmitCharge, bond: int, free: int) -> do.SubmitCharge:
    """As many of the charges as there are bonds for; the rest stays owed.

    Raises:
        TryAgain: there is not one bond.
    """
    wrong, silent = charge.wrong, charge.silent
    means = free // bond
    if means >= len(wrong) + len(silent):
        return charge
    if not means:
        raise TryAgain("free balance does not cover a bond", who="charge", had=free, needed=bond)
    return do.SubmitCharge(wrong[:means], silent[: max(0, means - len(wrong))])


def look_into_refusal(
    station: OutsourcingStation, order: on.Order, refused: RefusedInput
) -> Sequence[object]:
    """What a posting that was refused has come to.

    Raises:
        TryAgain: what it lacks may come before the nodes have to accept.
    """
    name = refused.error_name if isinstance(refused, ContractRefused) else ""
    if name == "JobExists":
        return _look_at_number(station, order)
    may_pass = name in PASSING or isinstance(refused, NoFunds)
    if may_pass and station.chain.now() <= order.terms.accept_by:
        raise TryAgain(f"posting: {refused.what}", who=refused.who, had=refused.had) from refused
    return [on.FoundPostingRefused(str(refused))]


def may_be_posted(station: OutsourcingStation, order: on.Order, call: Call) -> bool:
    """Did an earlier attempt reach the chain, or may it yet, before nobody can accept?"""
    confirmed = station.chain.confirmed()
    posted = station.settlement.job(order.job, block=confirmed)
    if posted.phase is not JobPhase.NONE:
        return is_posting_of(posted, order)
    is_late = station.chain.block(confirmed).timestamp > order.terms.accept_by
    return not is_late and station.lane.may_happen(call)


def _look_at_number(station: OutsourcingStation, order: on.Order) -> Sequence[object]:
    """Whether the job that has the number is this one, posted before."""
    posted = station.settlement.job(order.job, block="latest")
    if posted.phase is JobPhase.NONE:
        raise TryAgain("posting is on another branch", who=order.job.hex())
    if is_posting_of(posted, order):
        return []
    return [on.FoundPostingRefused(TAKEN_NUMBER)]
