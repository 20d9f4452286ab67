"""What a device asks nodes before it posts a job, and whom of them it names then. Pure.

| message     | from -> to                                | promises                       |
|-------------|-------------------------------------------|--------------------------------|
| `Inquiry`   | anybody -> node                           | nothing                        |
| `Readiness` | node -> whoever asked, if it would accept | nothing: nothing is kept of it |

Law 1: an inquiry has the terms that would be posted, with the key of no job: nothing of an input,
       of a share or of a key that is used later is in it.
Law 2: whoever would accept and stands earlier is named before all that stand later, unless its
       provider has a node in the job already.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from edgemark.amounts import Amount
from edgemark.encoding import Reader, Writer
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.protocol.messages import read_terms, write_terms

MOST_NAMED = 256  # nodes that are looked at for one job: four for each place of the largest
_WIDTHS = {
    "least_fee": 12,
    "free_places": 4,
    "places": 4,
    "most_accept_s": 4,
    "most_compute_s": 4,
    "most_task_bytes": 8,
}


@dataclass(frozen=True)
class Inquiry:
    """Asks a node whether it would accept these terms now; without terms, what it takes at all."""

    terms: Terms | None = None

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer().integer(self.terms is not None, 1)
        if self.terms is not None:
            write_terms(writer, self.terms)
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> Inquiry:
        """Parse; raises `MalformedMessage`."""
        reader = Reader(message, who="inquiry")
        terms = read_terms(reader) if reader.integer(1, most=1) else None
        reader.finish()
        return Inquiry(terms)


@dataclass(frozen=True)
class Readiness:
    """What a node takes, said by itself; of terms that were asked about: it would accept them now.

    Attributes:
        least_fee: f that it works for at least, smallest unit.
        free_places: tasks that it would take beside those that are open.
        places: open tasks that it takes at most.
        most_accept_s: seconds until `accept_by` at most.
        most_compute_s: seconds of computing that it promises ahead at most.
        most_task_bytes: of the share and the answer of one task, at most.
        has_function: F is there already; of nothing that was asked about: False.
    """

    least_fee: Tokens
    free_places: int
    places: int
    most_accept_s: int
    most_compute_s: int
    most_task_bytes: int
    has_function: bool

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        for name, width in _WIDTHS.items():
            writer.integer(getattr(self, name), width)
        return writer.integer(self.has_function, 1).finish()

    @staticmethod
    def from_wire(message: bytes) -> Readiness:
        """Parse; raises `MalformedMessage`."""
        reader = Reader(message, who="readiness")
        values = {name: reader.integer(width) for name, width in _WIDTHS.items()}
        has_function = bool(reader.integer(1, most=1))
        reader.finish()
        return Readiness(**values, has_function=has_function)  # type: ignore[arg-type]

    def check_fee(self, fee: int, *, who: object) -> None:
        """Check that it works for this fee: whoever says both that and yes contradicts itself.

        Raises:
            RefusedInput: it wants more.
        """
        if fee < self.least_fee:
            needed = f">= {Amount(self.least_fee)}"
            raise RefusedInput("fee too low", who=who, had=Amount(fee), needed=needed)


@dataclass(frozen=True)
class Candidate:
    """A node that may be named, and whom it works for."""

    account: Address
    provider: Address


def choose(willing: Iterable[Candidate], count: int) -> list[Candidate]:
    """The first `count` of different providers, as far as there are so many."""
    chosen: dict[Address, Candidate] = {}
    for candidate in willing:
        if len(chosen) == count:
            break
        chosen.setdefault(candidate.provider, candidate)
    return list(chosen.values())


def find_barred(
    *, is_node: bool, is_good: bool, provider: Address, judges_providers: Container[Address]
) -> str:
    """Why the contract would not take a node, in a few words; empty when it would.

    Args:
        is_node: it is registered as a compute node.
        is_good: it may take new work.
        provider: whom it works for.
        judges_providers: whom the judges work for.
    """
    if not is_node:
        return "is no compute node"
    if not is_good:
        return "is not in good standing"
    return "works for a judge's provider" if provider in judges_providers else ""
