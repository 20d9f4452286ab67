"""What may be done about a matter, now or later, and by whom: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgemark.chronicle.marks import Pot
from edgemark.identifiers import Timestamp

EXPIRE = "expire"
ANYONE = "anyone"


@dataclass(frozen=True)
class NextStep:
    """Something that may be done now or later.

    Attributes:
        part: of the matter, as its system counts them; 0 for the matter as a whole.
        act: what, in the contract's words.
        by: who may do it.
        opens, closes: first and last second; no last one when `closes` is None.
    """

    part: int
    act: str
    by: str
    opens: Timestamp
    closes: Timestamp | None = None

    def is_open(self, now: Timestamp) -> bool:
        """Whether a block at `now` takes it."""
        return self.opens <= now and (self.closes is None or now <= self.closes)


def after(deadline: Timestamp) -> Timestamp:
    """The first second at which a deadline is over."""
    return Timestamp(deadline + 1)


def until_expiry(
    steps: Iterable[NextStep], pots: Sequence[Pot], now: Timestamp
) -> tuple[NextStep, ...]:
    """The steps that can still be taken, and last the return of what is held.

    Once the locks have expired the locker can pay nothing any more, so every step closes with them;
    and where nothing is held, nothing is left to be done.

    Args:
        steps: what the locker allows.
        pots: of the matter.
        now: steps that closed before are left out.
    """
    held = [pot.expires_at for pot in pots if pot.remaining]
    if not held:
        return ()
    last = max(held)
    bounded = [step if step.closes is not None else replace(step, closes=last) for step in steps]
    left = [step for step in bounded if step.closes is None or step.closes >= now]
    return (*left, NextStep(0, EXPIRE, ANYONE, after(last)))


def find_expired(pots: Iterable[Pot], now: Timestamp) -> tuple[int, ...]:
    """Places of a lock that anyone may return to their owners now."""
    return tuple(pot.place for pot in pots if pot.remaining and pot.expires_at < now)
