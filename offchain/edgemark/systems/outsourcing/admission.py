"""What a node takes on: never more than it can hold, and never what it cannot compute in time.

An accepted task that is not committed by `compute_by` costs the node its stake, so the question is
asked before the acceptance. A refusal says what there was, what the limit is and when to ask again;
a device asks again until `accept_by`, and then gets everything back.

The estimate of a task is `OVERHEAD_S` + products * seconds a product, where products = term count *
batch, and the speed is measured on this very machine (`SpeedMeter` in `speed.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgemark.errors import Overloaded, RefusedInput
from edgemark.systems.outsourcing.parameters import Terms, compute_output_bytes
from edgemark.systems.outsourcing.parties.node import NodeTask
from edgemark.systems.outsourcing.phases import NodePhase

OVERHEAD_S = 0.02  # of a task whatever its size: parsing, checking, signing, two journal records
SAFETY = 2.0  # an estimate is half of what is reckoned with: other work shares the processors
RETRY_S = 5.0  # when it is not known how long room takes to come
_TO_COMPUTE = (
    NodePhase.OFFERED,
    NodePhase.ACCEPTED,
    NodePhase.HOLDING,
    NodePhase.SUMMONED,
    NodePhase.DEFENDING,
)


class OfferRefused(RefusedInput):
    """The node does not take this job; the reason is in the words."""


class TaskTooLarge(OfferRefused):
    """The node could not compute the task in its time even with nothing else to do."""


class NodeBusy(Overloaded):
    """The node has as much work as it takes. Ask again later, or another node."""


@dataclass(frozen=True)
class Capacity:
    """What a node takes on at most.

    Attributes:
        open_jobs: tasks that have not ended.
        queued_s: seconds of computing that it has promised and not done.
        held_bytes: shares and answers of open tasks.
    """

    open_jobs: int
    queued_s: float
    held_bytes: int


@dataclass(frozen=True)
class Load:
    """What a node has taken on; the same three measures."""

    open_jobs: int
    queued_s: float
    held_bytes: int


def estimate_seconds(terms: Terms, seconds_per_product: float) -> float:
    """Seconds that one task of these terms takes."""
    return OVERHEAD_S + terms.term_count * terms.batch * seconds_per_product


def measure_load(tasks: Iterable[NodeTask], seconds_per_product: float) -> Load:
    """The load of all open tasks."""
    open_jobs, queued_s, held_bytes = 0, 0.0, 0
    for task in tasks:
        if task.is_finished or task.offer is None:
            continue
        terms = task.offer.terms
        open_jobs += 1
        held_bytes += _bytes_of(terms)
        if task.phase in _TO_COMPUTE:
            queued_s += estimate_seconds(terms, seconds_per_product)
    return Load(open_jobs, queued_s, held_bytes)


def check_admission(
    terms: Terms, load: Load, capacity: Capacity, seconds_per_product: float, *, who: str
) -> None:
    """Check that there is room for one task more, and time for it behind the others.

    Args:
        terms: of the offered job; sizes and deadlines in order.
        load: what is taken on already.
        capacity: the limits.
        seconds_per_product: speed of this machine.
        who: the node's account, for the refusal.

    Raises:
        TaskTooLarge: not even an idle node of this speed would be in time.
        NodeBusy: no room or no time now.
    """
    own = estimate_seconds(terms, seconds_per_product)
    window = terms.compute_by - terms.accept_by
    if own * SAFETY > window:
        raise TaskTooLarge(
            "cannot compute the task in its time",
            who=who,
            had=f"{own * SAFETY:.1f} s",
            needed=f"<= {window} s between accept_by and compute_by",
            remedy="Give it more time, or a smaller batch.",
        )
    if load.open_jobs >= capacity.open_jobs:
        raise _busy("has as many jobs as it takes", who, load.open_jobs, f"< {capacity.open_jobs}")
    queued = load.queued_s + own
    if queued > capacity.queued_s:
        over = queued - capacity.queued_s
        needed = f"<= {capacity.queued_s:.1f} s"
        raise _busy("has too much to compute", who, f"{queued:.1f} s", needed, over)
    if queued * SAFETY > window:
        over, needed = queued - window / SAFETY, f"<= {window} s between accept_by and compute_by"
        had = f"{queued * SAFETY:.1f} s"
        raise _busy("cannot be in time behind its other work", who, had, needed, over)
    held = load.held_bytes + _bytes_of(terms)
    if held > capacity.held_bytes:
        needed = f"<= {capacity.held_bytes} bytes"
        raise _busy("holds too many shares", who, f"{held} bytes", needed)


def _bytes_of(terms: Terms) -> int:
    return terms.share_bytes + compute_output_bytes(terms.batch, terms.outputs)


def _busy(what: str, who: str, had: object, needed: str, after_s: float = 0.0) -> NodeBusy:
    return NodeBusy(
        what, who=f"node {who}", had=had, needed=needed, retry_after_s=max(RETRY_S, after_s)
    )
