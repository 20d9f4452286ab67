"""Which index a payment is for, where several ended together.

Rule: a round of the contract ends its indices one by one and pays then: first, end by end, each
node what it has out of the payer's place, last the payer and the pool once for all of them
(`contracts/outsourcing/Endings.sol`). So payments are matched in this order, and not by account
alone: the payer may be one of the nodes, or the pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgemark.chronicle.marks import Credit
from edgemark.identifiers import Address
from edgemark.systems.outsourcing.contract.amounts import compute_ending
from edgemark.systems.outsourcing.story.story import IndexStory, JobStory


class Parting:
    """The payments of one round, which come in order.

    Args:
        story: of the job.
        ended: what ended in the round, in order.
    """

    def __init__(self, story: JobStory, ended: Sequence[IndexStory]) -> None:
        self._ended = [int(place.index) for place in ended]
        self._expected = list(_list_payments(story, ended)) if len(ended) > 1 else []

    def divide(self, credit: Credit) -> dict[int, int]:
        """The next payment by index; one that nobody is due stays whole, at the last.

        Args:
            credit: out of any place of the job's lock, amounts in the token's smallest unit.
        """
        if credit.place:
            return {credit.place: credit.amount}
        for turn, (account, parts) in enumerate(self._expected):
            if (account, sum(parts.values())) == (credit.account, credit.amount):
                del self._expected[turn]
                return parts
        return {self._ended[-1]: credit.amount}


def _list_payments(
    story: JobStory, ended: Sequence[IndexStory]
) -> Iterator[tuple[Address, dict[int, int]]]:
    """Out of the payer's place, as they are due; no verdict ends more than one index at a time."""
    to_payer, to_pool = dict[int, int](), dict[int, int]()
    for place in ended:
        index, due = int(place.index), compute_ending(place.phase, story.terms).deposit
        if due.node:
            yield place.node, {index: due.node}
        if due.payer:
            to_payer[index] = due.payer
        if due.pool:
            to_pool[index] = due.pool
    yield story.payer, to_payer
    yield story.pool, to_pool
