"""Who has to agree to a registry's parameters, and who has: what makes them stand. Pure.

Each organisation says by an admin of its own what the parameters are to be, as it approves a
definition of a chaincode on Fabric. They stand, for good, once

- every organisation that they name has said these: for each of them they speak, by its clock, and
- most organisations of the channel have: as many as commit a definition there.

The first alone would not do: who names itself only would have agreed with itself. Until they stand
an organisation may say others; what it said before then counts no more. What others say bars nobody
and is not read, as long as those whose word is needed suffice: a changing mind delays nobody else.

| one organisation alone, on a channel of several | what it gains, and what it takes        |
|--------------------------------------------------|-----------------------------------------|
| says first what suits it                         | nothing stands, others say theirs       |
| is the last that is needed, and says others      | nothing; those others need most of all  |
| is needed, and is silent                         | others name and ask those without it    |
| says now this, now that                          | nothing, as long as others do not ask it |
| says others once they stand                      | a refusal that names what differs       |

Where others cannot do without it, as one of two, they cannot record without it either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from edgemark.systems.trading.contract.consortium.parameters import Parameters

MAX_DIFFERENCES = 8  # that are named


@dataclass(frozen=True)
class Saying:
    """What an organisation says the parameters are to be."""

    organisation: str
    parameters: Parameters


@dataclass(frozen=True)
class Difference:
    """Where others said otherwise.

    Attributes:
        organisation: that did.
        parts: as `domains[0].escrow`.
    """

    organisation: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """How far parameters are agreed to.

    Attributes:
        agreed: organisations that said just these, and were asked.
        named: those whose word is needed by name, and missing.
        more: how many others of the channel are needed beside them.
        differing: what those say that were asked and say others.
    """

    agreed: tuple[str, ...]
    named: tuple[str, ...]
    more: int
    differing: tuple[Difference, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether nobody's word is missing."""
        return not self.named and self.more == 0


def least_of(members: Collection[str]) -> int:
    """How many organisations of a channel are most of them."""
    return len(members) // 2 + 1


def order_of(asking: str, wanted: Parameters, members: Collection[str]) -> Sequence[str]:
    """Whose word is read, one after the other: those named, then others until it suffices."""
    first = [asking, *(name for name in sorted(wanted.organisations) if name != asking)]
    return [*first, *(name for name in sorted(members) if name not in first)]


def compute_agreement(
    wanted: Parameters, said: Mapping[str, Parameters | None], members: Collection[str]
) -> Agreement:
    """How far these are agreed to.

    Args:
        wanted: the parameters.
        said: what those said that were asked; None of who said nothing.
        members: organisations of the channel.
    """
    agreed = tuple(sorted(name for name, each in said.items() if each == wanted))
    named = tuple(sorted(set(wanted.organisations) - set(agreed)))
    more = max(0, least_of(members) - len(agreed) - len(named))
    differing = tuple(
        Difference(name, list_differences(each, wanted))
        for name, each in sorted(said.items())
        if each is not None and each != wanted
    )
    return Agreement(agreed, named, more, differing)


def list_differences(had: Parameters, wanted: Parameters) -> tuple[str, ...]:
    """Names of the parts in which two differ, the first few of them."""
    return tuple(_differences("", had, wanted))[:MAX_DIFFERENCES]


def _differences(at: str, had: Any, wanted: Any) -> list[str]:
    if had == wanted:
        return []
    if isinstance(had, tuple) and isinstance(wanted, tuple) and len(had) == len(wanted):
        pairs = enumerate(zip(had, wanted, strict=True))
        return [part for n, pair in pairs for part in _differences(f"{at}[{n}]", *pair)]
    if type(had) is type(wanted) and hasattr(had, "__dataclass_fields__"):
        dot = f"{at}." if at else ""
        return [
            part
            for each in fields(had)
            for part in _differences(
                f"{dot}{each.name}", getattr(had, each.name), getattr(wanted, each.name)
            )
        ]
    return [at]
