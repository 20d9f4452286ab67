"""What the JobSettlement contract stores, as values: pure, for whoever reasons about it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens


class JobPhase(IntEnum):
    """Phases of a job on chain, in the order of `IJobSettlement.JobPhase`."""

    NONE = 0
    POSTED = 1
    STARTED = 2
    CANCELLED = 3


class IndexPhase(IntEnum):
    """Phases of one index, in the order of `IJobSettlement.IndexPhase`."""

    NONE = 0
    NAMED = 1
    ACCEPTED = 2
    COMMITTED = 3
    CHARGED = 4
    SERVED = 5
    PAID = 6
    UNEARNED = 7
    CONVICTED = 8
    REFUTED = 9
    ANSWERED = 10
    VOID = 11
    LAPSED = 12
    RELEASED = 13

    @property
    def is_end(self) -> bool:
        """Whether nothing of this index is held any more."""
        return self >= IndexPhase.PAID


class Finding(IntEnum):
    """What judges say, in the order of `IJobSettlement.Finding`; NONE stands for `served`."""

    NONE = 0
    RIGHT = 1
    WRONG = 2
    MISSING = 3


class ChargeKind(IntEnum):
    """Why an index is charged, in the order of `IJobSettlement.ChargeKind`."""

    NONE = 0
    WRONG = 1
    SILENT = 2


@dataclass(frozen=True)
class Limits:
    """Bounds of every job, fixed at deployment (`IJobSettlement.Limits`).

    Args:
        min_fee, max_fee: bounds of a node's fee, smallest units of the token.
        judge_floor, judge_price: the judges' fee is at least the floor, and the price for each of
            term count times inputs of the batch; smallest units.
        min_window, max_window: bounds of each of the three windows of a job, seconds.
        judge_window: seconds that the judges have to serve, and the least for the rest.
        exit_grace: seconds after the last possible step until locks expire.
    """

    min_fee: Tokens
    max_fee: Tokens
    judge_floor: Tokens
    judge_price: Tokens
    min_window: int
    max_window: int
    judge_window: int
    exit_grace: int

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the contract takes."""
        return astuple(self)

    @property
    def longest_tail_s(self) -> int:
        """Seconds from `collect_by` to the expiry of a job's lock.

        W to serve, then J to answer and J to judge, J being at most max(W, two windows); the grace.
        """
        judging = max(self.judge_window, 2 * self.max_window)
        return self.judge_window + 2 * judging + self.exit_grace

    @property
    def longest_job_s(self) -> int:
        """Seconds from the posting of a job to the expiry of its locks, at most."""
        return 3 * self.max_window + self.longest_tail_s


@dataclass(frozen=True)
class JobView:
    """What the chain stores of a job.

    Attributes:
        charged: indices that were charged so far, at most e.
        posted_block: no event of the job is older.
        nodes_hash: of the list of nodes; see `terms.hash_nodes`.
    """

    payer: Address
    phase: JobPhase
    node_count: int
    errors: int
    accepted: int
    charged: int
    started_at: Timestamp
    accept_by: Timestamp
    compute_by: Timestamp
    collect_by: Timestamp
    root: Hash32
    terms_hash: Hash32
    nodes_hash: Hash32
    posted_block: int


@dataclass(frozen=True)
class IndexView:
    """What the chain stores of one index of a job.

    Attributes:
        node: who accepted; `NOBODY` before the acceptance and after the end.
        committed: whether it committed; to what stands in the event `ResultCommitted` alone.
    """

    node: Address
    phase: IndexPhase
    kind: ChargeKind
    committed: bool
    served_by: Timestamp
    answer_by: Timestamp
    verdict_by: Timestamp


def is_lock_over(job: JobView, now: Timestamp, tail_s: int) -> bool:
    """Whether the job's lock has expired: the contract takes no step of the job any more.

    Args:
        job: as of a block.
        now: time of that block.
        tail_s: from `collect_by` to the expiry, `Limits.longest_tail_s`.
    """
    return job.phase is not JobPhase.NONE and now > job.collect_by + tail_s
