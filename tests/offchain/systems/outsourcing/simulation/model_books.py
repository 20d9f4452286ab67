"""What the model of the settlement writes down of a job and of each of its indices."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import NO_HASH, Address, Hash32
from edgemark.systems.outsourcing.contract.records import ChargeKind, IndexPhase, JobPhase
from edgemark.systems.outsourcing.contract.terms import Terms


@dataclass
class Seat:
    """An index of a job."""

    node: Address
    phase: IndexPhase = IndexPhase.NAMED
    kind: ChargeKind = ChargeKind.NONE
    served_by: int = 0
    answer_by: int = 0
    verdict_by: int = 0
    commitment: Hash32 = NO_HASH


@dataclass
class Entry:
    """A job; `held` is what its lock holds."""

    payer: Address
    terms: Terms
    root: Hash32
    seats: list[Seat]
    phase: JobPhase = JobPhase.POSTED
    started_at: int = 0
    accepted: int = 0
    charged: int = 0
    held: int = 0


def is_held(phase: IndexPhase) -> bool:
    """Whether the node's place holds its stake, and so tells who it is."""
    return phase not in {IndexPhase.NONE, IndexPhase.NAMED} and not phase.is_end
