"""Which cards a server checks: each costs a signature's check, unless it was seen before.

Who is expected stands on chain, so strangers can forge cards in such names, and one that is not
looked at makes a stranger of an honest party. So of the checks that a server makes in a second

- the first are shared out by address group: each has one of its own, whatever others use up;
- the others go to whoever asks for more, a few for each name that a group shows.

To use up the first, forged cards have to come from more groups in a second than there are checks,
each over a connection of its own. And a card that was checked once is never counted again.
"""

from __future__ import annotations

from typing import Protocol

from edgemark.transport.rates import RateLimit

# A check takes 0.1 ms: all that there may be take a tenth of a processor.
OWN_CHECKS_PER_S = 500.0
OWN_CHECKS_PER_S_OF_GROUP = 1.0
MORE_CHECKS_PER_S = 500.0
MORE_CHECKS_PER_S_OF_NAME = 20.0  # shown by one group


class Door(Protocol):
    """Knows the known parties by their cards; quick."""

    def named(self, card: str) -> str | None:
        """The known party in whose name a card is, whoever made it; this costs nothing to say."""

    def is_seen(self, card: str) -> bool:
        """Whether it was recognised before, so that to recognise it costs nothing."""

    def recognise(self, card: str) -> str | None:
        """The known party that made this card; None for anybody else."""


class Cards:
    """Recognises cards, as many as may be checked; belongs to one thread.

    Args:
        door: of the server; None knows nobody.
    """

    def __init__(self, door: Door | None) -> None:
        self._door = door
        self._own = RateLimit(OWN_CHECKS_PER_S, OWN_CHECKS_PER_S_OF_GROUP)
        self._more = RateLimit(MORE_CHECKS_PER_S, MORE_CHECKS_PER_S_OF_NAME)

    def recognise(self, card: str, group: str, now: float) -> str | None:
        """The known party that a card is from.

        Args:
            card: as shown; may be empty.
            group: of the address that shows it, see `group_of`.
            now: seconds, monotonic.

        Returns:
            The party; None for a stranger, and when too many cards had to be checked.
        """
        door = self._door
        name = door.named(card) if door is not None and card else None
        if door is None or name is None:
            return None
        if not door.is_seen(card) and not self._may_check(name, group, now):
            return None
        return door.recognise(card)

    def _may_check(self, name: str, group: str, now: float) -> bool:
        return not self._own.take(group, now) or not self._more.take(f"{name} {group}", now)
