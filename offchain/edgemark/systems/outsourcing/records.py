"""What the Settlement contract stores, as values: pure, for whoever reasons about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.messages import ChargeKind


class JobPhase(IntEnum):
    """Phases of a job on chain, in the order of `ISettlement.JobPhase`."""

    NONE = 0
    POSTED = 1
    STARTED = 2
    CANCELLED = 3


@dataclass(frozen=True)
class JobView:
    """What the chain stores of a job."""

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


@dataclass(frozen=True)
class IndexView:
    """What the chain stores of one index of a job."""

    node: Address
    phase: IndexPhase
    kind: ChargeKind
    served_by: Timestamp
    answer_by: Timestamp
    verdict_by: Timestamp
    commitment: Hash32
