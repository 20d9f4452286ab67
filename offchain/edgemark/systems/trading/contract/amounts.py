"""Who gets what when a channel ends. Pure: seller, buyer and towers compute with it what is theirs.

A channel's lock holds D - p + b: D the deposit, p what the seller was paid out of it before, b the
payer's bond. x is the amount at which the channel ends, p <= x <= D; "answered": a response had
shown x in the window, and the closer less. An end divides exactly what is held.

| ending                              | seller         | payer         | victim's tower, or victim |
|-------------------------------------|----------------|---------------|---------------------------|
| TOGETHER, CLAIMED, UNCLOSED (x = p) | x - p          | D - x + b     |                           |
| SETTLED, not answered, or closed by | x - p          | D - x + b     |                           |
| neither party                       |                |               |                           |
| SETTLED, answered, payer closed     | x - p          | D - x         | b                         |
| SETTLED, answered, seller closed    | x - p - z      | D - x + b     | z = min(b, x - p)         |
| LAPSED (the anchor returns it)      |                | D - p + b     |                           |
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import NOBODY, Address
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase


@dataclass(frozen=True)
class Division:
    """What of a lock everybody gets when a channel ends, in the token's smallest unit.

    Attributes:
        penalty: what the closer loses, to the victim's tower or the victim.
    """

    seller: int
    payer: int
    penalty: int = 0

    @property
    def total(self) -> int:
        """All that was held."""
        return self.seller + self.payer + self.penalty


def divide(
    held: int, due: int, bond: int, phase: ChannelPhase, *, is_answered: bool = False
) -> Division:
    """What everybody gets.

    Args:
        held: D - p + b.
        due: x - p.
        bond: b.
        phase: OPEN, or of the window that is over: who closed.
        is_answered: whether a response had shown a larger amount.
    """
    if is_answered and phase is ChannelPhase.CLOSING_BY_PAYER:
        return Division(due, held - due - bond, bond)
    if is_answered and phase is ChannelPhase.CLOSING_BY_SELLER:
        penalty = min(bond, due)
        return Division(due - penalty, held - due, penalty)
    return Division(due, held - due)


@dataclass(frozen=True)
class End:
    """How a channel ended.

    Attributes:
        amount: x, all that the seller was owed, what was paid before included.
        division: of what was held; nothing of a lapsed one, whose lock the anchor returns.
        penalty_to: whom the penalty went to; NOBODY where there is none.
    """

    ending: ChannelEnding
    amount: int
    division: Division
    penalty_to: Address = NOBODY

    def credits(self, payer: Address, seller: Address) -> dict[Address, int]:
        """What was credited, by account; whoever got nothing is left out."""
        given = ((seller, self.division.seller), (payer, self.division.payer))
        due: dict[Address, int] = {}
        for account, amount in (*given, (self.penalty_to, self.division.penalty)):
            if amount:
                due[account] = due.get(account, 0) + amount
        return due
