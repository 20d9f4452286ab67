"""What the seller does for a buyer, and up to where it is billed."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Pause, Registers
from edgemark.systems.trading.protocol.messages import Answer, Request

MAX_WORKS = 8  # requests of one channel that are under way, or answered and not taken yet

REMEDIES = {  # of a request that is not taken
    Pause.BLOCKS_STOPPED: "Ask again when blocks come.",
    Pause.VOUCHER_LATE: "Sign the voucher that was proposed, then ask again.",
    Pause.CREDIT_USED: "Sign the voucher that was proposed, then ask again.",
    Pause.INTERVAL_FULL: "Ask again in the next interval, or for less.",
    Pause.OVERDRAWN: "Top up; it counts once it is confirmed.",
    Pause.BUSY: "Ask again when earlier requests are answered.",
    Pause.PARTS_MISSING: "Bring its data first, then ask again.",
    Pause.NOT_OPEN: "Open the channel first.",
    Pause.OVER: "Open another channel.",
    Pause.CHAIN_SLOW: "Ask again when blocks come faster, or open one with a longer window.",
}


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
