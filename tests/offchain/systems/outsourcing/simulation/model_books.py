"""What the model of the settlement writes down of a job and of each of its indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edgemark.identifiers import NO_HASH, Address, Hash32
from edgemark.systems.outsourcing.contract.records import ChargeKind, IndexPhase, JobPhase
from edgemark.systems.outsourcing.contract.terms import Terms

T = TypeVar("T")


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
    """A job; `held` is what its lock holds, `shown` what was told of it by the books of then."""

    payer: Address
    terms: Terms
    root: Hash32
    seats: list[Seat]
    phase: JobPhase = JobPhase.POSTED
    started_at: int = 0
    accepted: int = 0
    charged: int = 0
    held: int = 0
    shown: dict[str, tuple[object, Any]] = field(default_factory=dict, repr=False)

    def show(self, what: str, books: object, make: Callable[[], T]) -> T:
        """What is made of the books: of the same ones once, as many look at them."""
        if what not in self.shown or self.shown[what][0] != books:
            self.shown[what] = books, make()
        told: T = self.shown[what][1]
        return told


def is_held(phase: IndexPhase) -> bool:
    """Whether the node's place holds its stake, and so tells who it is."""
    return phase not in {IndexPhase.NONE, IndexPhase.NAMED} and not phase.is_end
