"""Whom an undecided job charges next: as much as liars can gain, they lose on average.

A job is undecided when more than e of its nodes lie or are silent. Then the device may charge e
indices of its choice, one after the other, and decodes anew with each answer that comes back
through the judges.

| who                     | when                                                                   |
|-------------------------|------------------------------------------------------------------------|
| proven liars            | b_j is not c_j w(j)                                                    |
| one silent node, drawn  | one answer more would make the liars findable (the radius e - s grows  |
|                         | by one), and a charge is left for whoever is found then                |
| drawn among the silent  | the same, and no charge or no time is left for a next one (where e is  |
| and the findable        | 1: only if nobody is findable)                                         |
| drawn among all open    | else; silent ones have no precedence: a decoy that is mute to the      |
|                         | device and right to the judges would take all charges                  |

Drawn among all m, a liar is charged with probability e/m, and S >= m f/e. A draw goes on until it
meets a silent node: its answer is waited for, since it may show who lies; when there is no more
time to wait, all that is left is drawn at once. Where the lies of fewer than t + e nodes agree,
"one answer more" is never a false hope; t + e of them are beyond what the protocol bears.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import ShareIndex


@dataclass(frozen=True)
class Docket:
    """What may still be charged.

    Attributes:
        open: indices that have not ended and are not charged.
        errors: e, all charges of the job.
        left: charges that are left of them.
        is_last: there is no time to wait for an answer and charge again.
        lot: 32 fresh random bytes, which decide every draw.
    """

    open: frozenset[int]
    errors: int
    left: int
    is_last: bool
    lot: bytes = field(repr=False)


NO_CHARGES = Docket(frozenset(), 0, 0, is_last=True, lot=b"")  # for whoever only wants the result


@dataclass(frozen=True)
class Suspicion:
    """What an undecided decoding says about who failed.

    Attributes:
        answered: indices with an answer that verifies.
        proven: of these, liars by their own check values.
        findable: who would be named if one silent node more had answered; None when none could be.
    """

    answered: frozenset[int]
    proven: frozenset[int]
    findable: frozenset[int] | None


def choose_charges(
    suspicion: Suspicion, docket: Docket
) -> tuple[tuple[ShareIndex, ...], tuple[ShareIndex, ...]]:
    """The indices to charge now, as wrong and as silent; none when no charge is left."""
    chosen = sorted(suspicion.proven & docket.open)[: docket.left]
    left = docket.left - len(chosen)
    chosen += _choose_unproven(suspicion, docket, docket.open - set(chosen), left)
    wrong = tuple(ShareIndex(j) for j in sorted(chosen) if j in suspicion.answered)
    silent = tuple(ShareIndex(j) for j in sorted(chosen) if j not in suspicion.answered)
    return wrong, silent


def _choose_unproven(
    suspicion: Suspicion, docket: Docket, open_: frozenset[int], left: int
) -> list[int]:
    silent = open_ - suspicion.answered
    if suspicion.findable is not None:
        suspects = suspicion.findable & open_  # when there are none, silence alone is in the way
        if silent and not docket.is_last and left > min(len(suspects), 1):
            return draw(silent, docket.lot)[:1]
        if not suspects or docket.errors > 1:
            return draw(silent | suspects, docket.lot)[:left]
    drawn = draw(open_, docket.lot)[:left]
    if docket.is_last:
        return drawn
    return list(_until_first(drawn, silent))


def _until_first(drawn: Iterable[int], silent: Collection[int]) -> Iterable[int]:
    """The draw up to the first silent one, that one included."""
    for index in drawn:
        yield index
        if index in silent:
            return


def draw(indices: Collection[int], lot: bytes) -> list[int]:
    """The indices in an order that the lot decides, every order being as likely as any other."""
    return sorted(indices, key=lambda index: keccak256(lot + index.to_bytes(1, "big")))
