"""What a node takes on: never more than it can hold, and never what it cannot compute in time.

An accepted task that is not committed by `compute_by` costs the node its stake, so the question is
asked before the acceptance. A refusal says what there was, what the limit is and when to ask again;
a device asks again until `accept_by`, and then gets everything back.

The estimate of a task is `OVERHEAD_S` + products * seconds a product, where products = term count *
batch, and the speed is that of the function itself on this machine (`SpeedMeter` in `speed.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edgemark.amounts import Amount
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.contract.terms import Terms, compute_output_bytes
from edgemark.systems.outsourcing.limits import DISK_COPIES, DISK_RESERVE_BYTES
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.settings import NodeSettings, OutsourcingSettings

OVERHEAD_S = 0.02  # of a task whatever its size: parsing, checking, signing, two journal records
SAFETY = 2.0  # an estimate is half of what is reckoned with: other work shares the processors
RETRY_S = 5.0  # when it is not known how long room takes to come
TO_COMPUTE = (
    NodePhase.OFFERED,
    NodePhase.ACCEPTED,
    NodePhase.HOLDING,
    NodePhase.SUMMONED,
    NodePhase.DEFENDING,
)


class OfferRefused(RefusedInput):
    """The node does not take this job; the reason is in the words."""


class OfferUnseen(OfferRefused):
    """The node does not see the posting yet. Ask again."""


class OfferOver(OfferRefused):
    """The time to accept is over; whatever kept the node from it came before."""


class OfferDeclined(OfferRefused):
    """The node does not take this job, whenever it is asked."""


class TaskTooLarge(OfferDeclined):
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

    @classmethod
    def of(cls, shared: OutsourcingSettings, node: NodeSettings) -> Capacity:
        """As its operator decided."""
        return cls(shared.max_open_jobs, node.max_queued_s, shared.max_held_mib * 2**20)


@dataclass(frozen=True)
class Promise:
    """A task to be computed.

    Attributes:
        seconds: reckoned with, safety included.
        within_s: the time it has: what is left when its turn came, else all of it from then on.
        piece_s: how long others wait for it at most once it has begun; for all of it when None.
    """

    seconds: float
    within_s: float
    piece_s: float | None = None

    @property
    def longest_s(self) -> float:
        """How long others wait for it at most, once it has begun."""
        return self.seconds if self.piece_s is None else self.piece_s


@dataclass(frozen=True)
class Load:
    """What a node has taken on; the same three measures.

    Attributes:
        promises: what is still to be computed and has not begun.
        running_s: reckoned with until what runs has ended.
        coming_bytes: of the disk, that tasks which are taken have yet to write, and the copy of
            those that ended and have not left for the archive.
    """

    open_jobs: int
    queued_s: float
    held_bytes: int
    promises: tuple[Promise, ...] = ()
    running_s: float = 0.0
    coming_bytes: int = 0


def estimate_seconds(terms: Terms, seconds_per_product: float) -> float:
    """Seconds that one task of these terms takes."""
    return OVERHEAD_S + terms.products * seconds_per_product


def promise(terms: Terms, own_s: float) -> Promise:
    """What a node promises with its acceptance."""
    return Promise(own_s * SAFETY, terms.compute_by - terms.accept_by)


def find_broken(
    newcomer: Promise, promises: Sequence[Promise], running_s: float
) -> tuple[float, float] | None:
    """Whether one promise more would break another or itself, by earliest deadline first.

    Tasks come when their devices please, and none is interrupted. A task that has L seconds waits
    at worst for what runs, for all that have L seconds or less, and for one that has more and has
    just begun; this suffices for every order of coming.

    Returns:
        Seconds needed and the seconds L of the first promise that would be broken; None.
    """
    for kept in sorted((*promises, newcomer), key=lambda one: one.within_s):
        within = kept.within_s
        before = _demand(promises, within)
        needed = _demand((*promises, newcomer), within)
        if needed + running_s > within and needed > before:
            return needed + running_s, within
    return None


def _demand(promises: Sequence[Promise], within_s: float) -> float:
    first = sum(one.seconds for one in promises if one.within_s <= within_s)
    return first + max((one.longest_s for one in promises if one.within_s > within_s), default=0.0)


@dataclass(frozen=True)
class Turns:
    """How far computing is: which task runs, for how long already, and when others are due.

    Attributes:
        left_s: by key, of tasks that came, seconds until they have to be done.
        ran_s: by key, of the task that runs, seconds since it began.
    """

    left_s: Mapping[bytes, float] = field(default_factory=dict)
    ran_s: Mapping[bytes, float] = field(default_factory=dict)


def measure_load(
    tasks: Iterable[NodeTask], speed_of: Callable[[Hash32], float], turns: Turns | None = None
) -> Load:
    """The load of all open tasks, each at the speed of its own function."""
    turns, tasks = turns or Turns(), [*tasks]
    open_jobs, queued_s, held_bytes = 0, 0.0, 0
    promises, running_s = [], 0.0
    for task in tasks:
        if task.is_finished or task.offer is None:
            continue
        terms = task.offer.terms
        open_jobs += 1
        held_bytes += _bytes_of(terms)
        if task.phase in TO_COMPUTE:
            own = estimate_seconds(terms, speed_of(terms.function_hash))
            queued_s += own
            one, key = promise(terms, own), key_of(task.offer.job, task.offer.index)
            ran, left = turns.ran_s.get(key), turns.left_s.get(key)
            if ran is not None:
                running_s += max(0.0, one.seconds - ran)
            else:
                promises.append(one if left is None else Promise(one.seconds, left))
    coming = count_coming(tasks)
    return Load(open_jobs, queued_s, held_bytes, tuple(promises), running_s, coming)


def count_coming(tasks: Iterable[NodeTask]) -> int:
    """Bytes that tasks have yet to write, as `Load` has them: those that ended, their copy."""
    offers = ((task, task.offer) for task in tasks)
    return sum(_bytes_to_come(task, offer.terms) for task, offer in offers if offer is not None)


def count_disk(terms: Terms, load: Load) -> int:
    """Bytes of disk that have to be free for one task more."""
    return load.coming_bytes + DISK_COPIES * _bytes_of(terms) + DISK_RESERVE_BYTES


def check_admission(
    terms: Terms, load: Load, capacity: Capacity, seconds_per_product: float, *, who: str
) -> None:
    """Check that there is room for one task more, and time for it behind the others.

    Args:
        terms: of the offered job; sizes and deadlines in order.
        load: what is taken on already.
        capacity: the limits.
        seconds_per_product: speed of this machine at the job's function.
        who: the node's account, for the refusal.

    Raises:
        TaskTooLarge: not even an idle node of this speed and size would do it.
        NodeBusy: no room or no time now.
    """
    _check_alone(terms, capacity, seconds_per_product, who)
    own = estimate_seconds(terms, seconds_per_product)
    if load.open_jobs >= capacity.open_jobs:
        raise _busy("has as many jobs as it takes", who, load.open_jobs, f"< {capacity.open_jobs}")
    queued = load.queued_s + own
    if queued > capacity.queued_s:
        over = queued - capacity.queued_s
        needed = f"<= {capacity.queued_s:.1f} s"
        raise _busy("has too much to compute", who, f"{queued:.1f} s", needed, over)
    broken = find_broken(promise(terms, own), load.promises, load.running_s)
    if broken:
        had, needed = f"{broken[0]:.1f} s", f"<= {broken[1]:.1f} s of this task or another"
        over = (broken[0] - broken[1]) / SAFETY
        raise _busy("cannot be in time beside its other work", who, had, needed, over)
    held = load.held_bytes + _bytes_of(terms)
    if held > capacity.held_bytes:
        needed = f"<= {capacity.held_bytes} bytes"
        raise _busy("holds too many shares", who, f"{held} bytes", needed)


def check_disk(terms: Terms, free_bytes: int, load: Load, *, who: str) -> None:
    """Check that share and answer can be journaled and archived beside those of all open tasks.

    Raises:
        NodeBusy: not now.
    """
    needed = count_disk(terms, load)
    if free_bytes < needed:
        raise _busy("has a disk that is nearly full", who, free_bytes, f">= {needed} bytes free")


def check_waiting(accept_by: int, now: int, most_s: float, *, who: str) -> None:
    """Check that a job can still start, and soon: one that never does pays nothing for its place.

    Args:
        accept_by: of the terms.
        now: chain time.
        most_s: seconds until then at most.
        who: the job, for the refusal.

    Raises:
        OfferOver: the time is over.
        OfferRefused: it may start too late.
    """
    left = accept_by - now
    if left < 0:
        raise OfferOver("offer is over", who=who)
    if left > most_s:
        raise OfferRefused(
            "may not start for longer than this node keeps a stake and a place",
            who=who,
            had=f"{left} s until accept_by",
            needed=f"<= outsourcing.node.max_accept_s = {most_s:g} s",
            remedy="Post it with an earlier accept_by; or its operator raises the setting.",
        )


def check_function_room(
    terms: Terms, tasks: Iterable[NodeTask], most_bytes: int, free_bytes: int, *, who: str
) -> None:
    """Check that F, which is not here yet, could be kept beside those that open tasks need.

    Args:
        terms: name F and its length.
        tasks: all of this node.
        most_bytes: of all functions together.
        free_bytes: of the disk, beside what tasks have yet to write.
        who: the node's account, for the refusal.

    Raises:
        NodeBusy: not now.
    """
    offers = (task.offer for task in tasks if task.offer is not None and not task.is_finished)
    needed = {each.terms.function_hash: each.terms.function_bytes for each in offers}
    needed[terms.function_hash] = terms.function_bytes
    if sum(needed.values()) > most_bytes:
        most = f"<= {most_bytes} bytes of functions"
        raise _busy("has no room for the function", who, sum(needed.values()), most)
    if free_bytes < terms.function_bytes:
        least = f">= {terms.function_bytes} bytes free"
        raise _busy("has no disk for the function", who, free_bytes, least)


def check_stakes(stake: int, offered: int, free: int, *, who: str) -> None:
    """Check that the stake is there beside those of tasks that are taken and not yet accepted.

    Raises:
        OfferRefused: it would not be there for this task alone.
        NodeBusy: not now; what is locked comes back when jobs end.
    """
    if free < stake:
        raise OfferRefused(
            "free balance does not cover the stake",
            who=who,
            had=Amount(free),
            needed=Amount(stake),
            remedy="Deposit more tokens in the asset anchor.",
        )
    if free < offered + stake:
        needed = f">= {Amount(offered + stake)} with what it has taken on"
        raise _busy("has its tokens in other jobs", who, Amount(free), needed)


def _check_alone(terms: Terms, capacity: Capacity, seconds_per_product: float, who: str) -> None:
    """What cannot be done with nothing else to do cannot be waited for."""
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
    remedy = "Give it a smaller batch; or its operator raises the setting."
    if own > capacity.queued_s:
        needed = f"outsourcing.node.max_queued_s = {capacity.queued_s:.1f} s"
        raise TaskTooLarge(
            "takes no task that long", who=who, had=f"{own:.1f} s", needed=needed, remedy=remedy
        )
    if _bytes_of(terms) > capacity.held_bytes:
        had, needed = (
            f"{_bytes_of(terms)} bytes",
            f"outsourcing.max_held_mib: {capacity.held_bytes} bytes",
        )
        raise TaskTooLarge("cannot hold the task", who=who, had=had, needed=needed, remedy=remedy)


def _bytes_to_come(task: NodeTask, terms: Terms) -> int:
    """What the disk has yet to take of a task: what its journal does not have, and the copy."""
    there = 0
    if task.task is not None:
        there = terms.share_bytes if task.answer is None else _bytes_of(terms)
    return there if task.is_finished else DISK_COPIES * _bytes_of(terms) - there


def _bytes_of(terms: Terms) -> int:
    return terms.share_bytes + compute_output_bytes(terms.batch, terms.outputs)


def _busy(what: str, who: str, had: object, needed: str, after_s: float = 0.0) -> NodeBusy:
    return NodeBusy(
        what, who=f"node {who}", had=had, needed=needed, retry_after_s=max(RETRY_S, after_s)
    )
