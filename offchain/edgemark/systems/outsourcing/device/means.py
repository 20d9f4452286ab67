"""What a device needs to begin a job: disk, time, and tokens that its open jobs have yet to lock.

A posting locks m f, each charge a bond b, at most e of them. The chain says what is locked already.
A charge that the judges do not serve within W is void and costs the bond, so what they need of a
job has to reach them in that time. All that a device sends goes over one line, one after the other:
tasks have to reach their nodes, and answers to come back, in the windows that the job has for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.loop.errands import Pace
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.joining import allow_again
from edgemark.party.evm.station import EvmStation
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.records import IndexPhase, JobPhase, JobView
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    check_depth,
    check_pace,
    compute_device_bytes,
    compute_output_bytes,
)
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.limits import HEAD_BYTES, JUDGED_PER_S
from edgemark.systems.outsourcing.offline.drafting import GATHER_PART
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.station.contracts import SERVING_BLOCKS, OutsourcingContracts
from edgemark.transport.asking.turns import LONG_BYTES, compute_moving_s

HANDING_PART = 2  # half of the time to compute is the nodes' own
_CHARGED = (IndexPhase.CHARGED, IndexPhase.SERVED)
_UNPAID = (DevicePhase.UNKNOWN, DevicePhase.DRAFTED)
_CHARGEABLE = (IndexPhase.NAMED, IndexPhase.ACCEPTED, IndexPhase.COMMITTED)


@dataclass(frozen=True)
class Funds:
    """Of one account, as of one block.

    Attributes:
        free: balance in the anchor that nothing locks.
        reserved: what of it open jobs may still lock.
    """

    free: int
    reserved: int

    @property
    def left(self) -> int:
        """What may be locked for something new, or withdrawn."""
        return max(0, self.free - self.reserved)


def compute_deposit(terms: Terms) -> int:
    """What a posting locks."""
    return terms.node_count * terms.fee


def compute_most(terms: Terms) -> int:
    """What a job locks at most: the fees, and a bond for each charge."""
    return compute_deposit(terms) + terms.errors * terms.bond


def compute_due(state: DeviceJob) -> tuple[int, int]:
    """(what the calls that a job owes now lock, what they and its later charges lock)."""
    if state.order is None:
        return 0, 0
    terms = state.order.terms
    if state.phase is DevicePhase.DRAFTED:
        return compute_deposit(terms), compute_most(terms)
    charges = [effect for effect in state.owed() if isinstance(effect, do.SubmitCharge)]
    now = sum(len(each.wrong) + len(each.silent) for each in charges)
    if not now:
        return 0, 0
    later = min(state.charges_left, len(state.open_indices))
    return now * terms.bond, (now + later) * terms.bond


def compute_locked(state: DeviceJob) -> int:
    """Tokens of the payer in a job: a fee for each index that is open, bonds of charges."""
    if state.order is None or state.phase in _UNPAID or state.is_finished:
        return 0
    terms = state.order.terms
    fees = sum(not phase.is_end for phase in state.indices) * terms.fee
    return fees + sum(phase in _CHARGED for phase in state.indices) * terms.bond


def compute_reserve(terms: Terms, job: JobView, phases: Iterable[IndexPhase], now: int) -> int:
    """What a job may still lock, by what the chain says of it.

    Args:
        terms: of the job.
        job: as of one block; its phase is NONE when it is not posted.
        phases: of all its indices.
        now: time of that block.
    """
    if job.phase is JobPhase.NONE:
        return compute_most(terms) if now <= terms.accept_by else 0
    if job.phase is JobPhase.CANCELLED or now > terms.collect_by:
        return 0
    chargeable = sum(phase in _CHARGEABLE for phase in phases)
    return min(terms.errors - job.charged, chargeable) * terms.bond


def read_funds(
    station: EvmStation, settlement: SettlementContract, jobs: Iterable[DeviceJob]
) -> Funds:
    """The free balance and what the device's jobs have yet to lock of it, as of the latest block.

    Raises:
        LedgerUnavailable: no answer.
    """
    orders = [state.order for state in jobs if state.order is not None and not state.is_finished]
    block = station.chain.block("latest")
    views = settlement.views(
        [(order.job, range(1, order.terms.node_count + 1)) for order in orders], block=block.number
    )
    reserved = sum(
        compute_reserve(order.terms, job, (index.phase for index in indices), block.timestamp)
        for order, (job, indices) in zip(orders, views, strict=True)
    )
    free = station.accounts.free_balance(station.address, block=block.number)
    return Funds(free, reserved)


def check_funds(funds: Funds, terms: Terms, *, who: object) -> None:
    """Check that a job of these terms can be begun beside the ones that are open.

    Raises:
        RefusedInput: the free balance is too low.
    """
    needed = compute_most(terms)
    if funds.left < needed:
        kept = f", {Amount(funds.reserved)} of it for open jobs" if funds.reserved else ""
        raise RefusedInput(
            "free balance does not cover the fees and the bonds",
            who=who,
            had=f"{Amount(funds.free)}{kept}",
            needed=Amount(needed),
            remedy="Deposit more tokens in the asset anchor.",
        )


def check_begin(terms: Terms, station: EvmStation) -> None:
    """Check what a device needs for a job beside tokens: disk, a quick watch, time to move it all.

    Raises:
        RefusedInput: one of these is missing.
    """
    check_disk(terms, station.home)
    check_pace(terms, station.paces.poll_s, who="this device")
    check_depth(terms, station.seeing_s(), station.block_s(), who="this device")
    check_line(terms)
    check_judging(terms, station)


def check_disk(terms: Terms, home: Path) -> None:
    """Check the room: shares, answers and result are journaled, and archived when the job is over.

    Raises:
        RefusedInput: the disk is too full.
    """
    needed = compute_device_bytes(terms)
    had = shutil.disk_usage(home).free
    if had < needed:
        raise RefusedInput(
            "disk has no room for the job",
            who=home,
            had=had,
            needed=needed,
            remedy="Free space, or split the batch into several jobs.",
        )


def check_judging(terms: Terms, station: EvmStation) -> None:
    """Check that judges can serve e charges in W over the slowest line, and decide them all in J.

    Raises:
        RefusedInput: function and evidence do not reach them within W, this deployment is not for
            jobs of that size; or one computing thread has not computed all tasks again within J.
    """
    decided = station.deployment.group(OutsourcingContracts)
    window, blocks = decided.limits.judge_window, station.chain.confirmations + SERVING_BLOCKS
    moving_s = compute_serving_s(terms, len(decided.judges))
    deciding_s = terms.errors * terms.products / JUDGED_PER_S
    # The blocks that every deployment leaves its judges have room for what is shorter.
    if moving_s >= 1 and moving_s + blocks * station.block_s() > window:
        raise RefusedInput(
            "judges of this deployment could not serve a charge of this job in time",
            who="job",
            had=f"{moving_s:.0f} s for function and evidence, {blocks} blocks",
            needed=f"<= W = {window} s",
            remedy="Take a smaller function or batch, or a deployment with a longer judge window.",
        )
    answering = max(window, terms.compute_by - terms.accept_by)
    if deciding_s >= 1 and deciding_s + blocks * station.block_s() > answering:
        raise RefusedInput(
            "a judge could not decide all charges of this job in time",
            who="job",
            had=f"{deciding_s:.0f} s to compute {terms.errors} tasks, {blocks} blocks",
            needed=f"<= J = {answering} s",
            remedy="Take a longer window to compute, or a smaller function or batch.",
        )


def compute_serving_s(terms: Terms, judges: int) -> float:
    """Seconds until judges have what they need of e charges that are filed together, over one line.

    That is the evidence of each, of the first once more when it has been asked for the function,
    and the function. All that keep up have to have it: those that do not may be the first to get
    it, and hold the line as long as they can. A server is given one function at a time.
    """
    evidence = terms.share_bytes + compute_output_bytes(terms.batch, terms.outputs) + 3 * HEAD_BYTES
    of_judge = terms.function_bytes + (terms.errors + 1) * evidence
    bad = judges - compute_judge_threshold(judges)
    at_a_time = Pace.of_peer if evidence > LONG_BYTES else 1
    longest = max(terms.function_bytes, evidence)
    return compute_moving_s(judges * of_judge, longest, bad * at_a_time)


def check_line(terms: Terms) -> None:
    """Check that all tasks go out, and all answers come in, in time over one line.

    Up to e nodes may not keep up, and be first.

    Tasks have half of the time to compute, whose rest is for computing them; answers a third of
    the time to collect, for as long as a device waits for them.

    Raises:
        RefusedInput: nodes would not be served, or those that answer would be charged as silent.
    """
    answer = compute_output_bytes(terms.batch, terms.outputs) + HEAD_BYTES
    tasks_s = (terms.compute_by - terms.accept_by) / HANDING_PART
    answers_s = (terms.collect_by - terms.compute_by) / GATHER_PART
    _check_moving("tasks", terms, terms.share_bytes + HEAD_BYTES, tasks_s)
    _check_moving("answers", terms, answer, answers_s)


def _check_moving(what: str, terms: Terms, length: int, most_s: float) -> None:
    moving_s = compute_moving_s(terms.node_count * length, length, terms.errors)
    if moving_s > most_s:
        raise RefusedInput(
            f"{what} of this job could not all be moved in time",
            who="job",
            had=f"{moving_s:.1f} s for {terms.node_count}",
            needed=f"<= {most_s:.1f} s of the window that they are in",
            remedy="Take longer windows, or a smaller batch.",
        )


def allow_what_is_due(station: EvmStation, jobs: Callable[[], Iterable[DeviceJob]]) -> None:
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
        had, needed = Amount(free), Amount(bond)
        raise TryAgain("free balance does not cover a bond", who="charge", had=had, needed=needed)
    return do.SubmitCharge(charge.job, wrong[:means], silent[: max(0, means - len(wrong))])
