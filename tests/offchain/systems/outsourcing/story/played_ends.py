"""A job played to each of the ends that an index can have, on a real chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tests.offchain.systems.outsourcing.court import Court

from edgemark.systems.outsourcing.contract.records import Finding, IndexPhase
from edgemark.systems.outsourcing.protocol.events import Order

RIGHT = Finding.RIGHT


def play_ruled(
    court: Court, kind: str, j: int, finding: Finding, **beginning: Sequence[int]
) -> Order:
    """One index is charged as `wrong` or `silent`, its task served, and judges rule on it."""
    order = court.start(f"{kind} and {finding.name}", **beginning)
    court.charge(order, **{kind: j})
    court.serve(order, j)
    court.rule(order, j, finding)
    return order


def play_left_alone(court: Court, order: Order, last: int) -> Order:
    """Nobody does anything any more; after the last second a stranger claims."""
    court.pass_to(last + 1)
    court.claim(order.job)
    return order


def play_convicted(court: Court) -> Order:
    order = court.start("convicted", liars=[3])
    court.charge(order, wrong=3)
    court.approve(order, 1, 2, 4, 5, 6)
    court.serve(order, 3)
    court.rule(order, 3, Finding.WRONG)
    return order


def play_missing(court: Court) -> Order:
    order = play_ruled(court, "silent", 6, Finding.MISSING, committed=[1, 2, 3, 4, 5])
    return play_left_alone(court, order, order.terms.collect_by)


def play_void(court: Court) -> Order:
    order = court.start("void")
    court.charge(order, wrong=4)
    return play_left_alone(court, order, court.settlement.index(order.job, 4).served_by)


def play_lapsed(court: Court) -> Order:
    order = court.start("lapsed")
    court.charge(order, wrong=5)
    court.serve(order, 5)
    return play_left_alone(court, order, court.settlement.index(order.job, 5).verdict_by)


def play_unearned(court: Court) -> Order:
    order = court.start("unearned", committed=[1, 2])
    return play_left_alone(court, order, order.terms.collect_by)


def play_unstarted(court: Court) -> Order:
    order = court.post("unstarted")
    court.accept(order, 2, 5)
    return play_left_alone(court, order, order.terms.accept_by)


PLAYS: dict[str, tuple[Callable[[Court], Order], int, IndexPhase]] = {
    "convicted": (play_convicted, 3, IndexPhase.CONVICTED),
    "missing": (play_missing, 6, IndexPhase.CONVICTED),
    "refuted": (partial(play_ruled, kind="wrong", j=2, finding=RIGHT), 2, IndexPhase.REFUTED),
    "answered": (partial(play_ruled, kind="silent", j=1, finding=RIGHT), 1, IndexPhase.ANSWERED),
    "void": (play_void, 4, IndexPhase.VOID),
    "lapsed": (play_lapsed, 5, IndexPhase.LAPSED),
    "unearned": (play_unearned, 3, IndexPhase.UNEARNED),
    "unstarted": (play_unstarted, 2, IndexPhase.RELEASED),
}
