"""What the JobSettlement contract stores, as values: pure, for whoever reasons about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.messages import ChargeKind

NOBODY = Address("0x" + "0" * 40)


class JobPhase(IntEnum):
    """Phases of a job on chain, in the order of `IJobSettlement.JobPhase`."""

    NONE = 0
    POSTED = 1
    STARTED = 2
    CANCELLED = 3


@dataclass(frozen=True)
class JobView:
    """What the chain stores of a job.

    Attributes:
        charged: indices that were charged so far, at most e.
        posted_block: no event of the job is older.
        nodes_hash: of the list of nodes; see `parameters.hash_nodes`.
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
