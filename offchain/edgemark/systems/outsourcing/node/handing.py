"""What a node may have to hand to the judges: it takes on no more than it can do in time. Pure.

A node that is charged as silent has J to fetch the task that never came, to compute it, and to hand
its answer to every judge, one after the other; whoever comes too late loses the stake. All open
tasks may be charged at once, so all have to fit then, the earliest `answer_by` first. J is max(W,
compute_by - start), and the start is at `accept_by` or before.

Counted are bytes, at what a full line moves, and requests, by the threads that they hold. Up to
n - k judges are reckoned with that hold theirs for as long as they can, and take part in nothing: a
fetch waits once for each (`party.standing`), then no longer than for one that just is in time.
Beside all that the node has to see that the charge is served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgemark.identifiers import Hash32
from edgemark.loop.errands import Pace
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.terms import Terms, compute_output_bytes
from edgemark.systems.outsourcing.limits import HEAD_BYTES
from edgemark.systems.outsourcing.node.admission import (
    RETRY_S,
    SAFETY,
    TO_COMPUTE,
    NodeBusy,
    Promise,
    TaskTooLarge,
    estimate_seconds,
    find_broken,
)
from edgemark.systems.outsourcing.node.task import NodeTask

SEEING_PART = 2  # of J, at least, is for seeing the charge served, and for what nobody reckons with
REQUEST_S = 0.35  # for one, at most: three round trips of 100 ms, and a sync of 50 ms at its judge


@dataclass(frozen=True)
class Judging:
    """Where jobs are judged, and how far away that is.

    Attributes:
        judges: n.
        window_s: W.
        bytes_per_s: of this node's line, at least.
        pause_s: for one judge, before another is asked beside it.
        seen_s: until this node knows that a charge is served.
        threads: for answers, and as many for fetches.
    """

    judges: int
    window_s: int
    bytes_per_s: int
    pause_s: float
    seen_s: float = 0.0
    threads: int = Pace().of_lane

    @property
    def bad(self) -> int:
        """Judges that may hold threads for nothing: n - k."""
        return self.judges - compute_judge_threshold(self.judges)

    @property
    def reserved_s(self) -> float:
        """Of each J, before anything is fetched: for seeing the charge, and for mute judges."""
        return self.seen_s + self.bad * self.pause_s

    @property
    def fetch_s(self) -> float:
        """For one more fetch, from a judge that is as slow as one in time can be."""
        return self.pause_s / self.threads

    @property
    def requests_s(self) -> float:
        """For one answer more, to the k judges that are not bad."""
        left = max(1, self.threads - Pace.of_peer * self.bad)
        return REQUEST_S * max(1 / Pace.of_peer, (self.judges - self.bad) / left)


def promise_defence(terms: Terms, judging: Judging, own_s: float) -> Promise:
    """What a node promises beside its answer: to defend it.

    Args:
        terms: of the job.
        judging: where it is judged.
        own_s: seconds of computing that are left; 0 once it has the answer.
    """
    answer = compute_output_bytes(terms.batch, terms.outputs) + HEAD_BYTES
    answer_s = answer / judging.bytes_per_s
    task_s = (terms.share_bytes + HEAD_BYTES) / judging.bytes_per_s
    first_s = task_s + judging.fetch_s + own_s * SAFETY if own_s else 0.0
    begun_s = task_s + judging.pause_s + own_s * SAFETY if own_s else 0.0
    window_s = max(judging.window_s, terms.compute_by - terms.accept_by)
    return Promise(
        first_s + judging.requests_s + (judging.judges + 1) * answer_s,  # once more for the device
        max(0.0, min(window_s / SEEING_PART, window_s - judging.reserved_s)),
        # What has its threads already:
        max(begun_s, REQUEST_S + Pace.of_peer * judging.judges * answer_s),
    )


def check_handing(
    terms: Terms,
    tasks: Iterable[NodeTask],
    judging: Judging,
    seconds_per_product: float,
    speed_of: Callable[[Hash32], float],
    *,
    who: str,
) -> None:
    """Check that a task more can be defended beside all that are open, were all charged at once.

    Args:
        terms: of the offered job.
        tasks: of this node.
        judging: of the deployment.
        seconds_per_product: speed of this machine at the job's function.
        speed_of: at the functions of the others.
        who: the node's account, for the refusal.

    Raises:
        TaskTooLarge: not even alone.
        NodeBusy: not now.
    """
    own_s = estimate_seconds(terms, seconds_per_product)
    newcomer = promise_defence(terms, judging, own_s)
    _check_alone(newcomer, who)
    open_tasks = [task for task in tasks if task.offer is not None and not task.is_finished]
    promises = [
        promise_defence(task.known.terms, judging, _left_s(task, speed_of)) for task in open_tasks
    ]
    broken = find_broken(newcomer, promises, 0.0)
    if broken:
        raise NodeBusy(
            "could not hand all its answers to the judges in time",
            who=f"node {who}",
            had=f"{broken[0]:.1f} s",
            needed=f"<= {broken[1]:.1f} s of this task or another",
            retry_after_s=max(RETRY_S, broken[0] - broken[1]),
        )


def _check_alone(newcomer: Promise, who: str) -> None:
    if newcomer.seconds > newcomer.within_s:
        raise TaskTooLarge(
            "cannot hand an answer to the judges in time",
            who=who,
            had=f"{newcomer.seconds:.1f} s to fetch, compute and hand over",
            needed=f"<= {newcomer.within_s:.1f} s, from when the charge is seen to be served",
            remedy="Give it more time, or a smaller batch.",
        )


def _left_s(task: NodeTask, speed_of: Callable[[Hash32], float]) -> float:
    terms = task.known.terms
    own_s = estimate_seconds(terms, speed_of(terms.function_hash))
    return own_s if task.phase in TO_COMPUTE else 0.0
