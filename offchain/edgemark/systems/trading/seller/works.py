"""What the seller does for a buyer, and up to where it is billed."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Registers
from edgemark.systems.trading.protocol.messages import Answer, Request

MAX_WORKS = 8  # requests of one channel that are under way, or answered and not taken yet


@dataclass(frozen=True)
class Work:
    """One request.

    Attributes:
        request: what was asked; without its content once it is answered.
        answer: what came of it; without its content once the buyer has it.
        is_taken: the buyer has it.
    """

    request: Request
    answer: Answer | None = None
    is_taken: bool = False

    @property
    def number(self) -> int:
        """Of the request."""
        return self.request.number

    @property
    def charge(self) -> int:
        """Units that it uses, or at most will."""
        return self.request.most if self.answer is None else self.answer.units


@dataclass(frozen=True)
class Billed:
    """Up to where the payer has signed.

    Attributes:
        amount: all that it signed.
        end: of the newest interval that it signed, or that cost nothing.
        registers: what the meter showed then; () at the opening.
    """

    amount: Tokens = NO_TOKENS
    end: Timestamp = NO_TIME
    registers: Registers = ()
