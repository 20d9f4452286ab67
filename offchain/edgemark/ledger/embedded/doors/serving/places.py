"""Places at a port: how many calls and streams there may be at once, and whose.

    calls     GATEWAY_CALLS at once: Gateway and Endorser
    waiters   WAITERS at once: CommitStatus
    streams   STREAMS at once: of events, blocks, envelopes

Of each kind the members of other organisations have GUEST_SHARE at most, all together, so that an
organisation always finds places at its own port. The orderer's port is nobody's own: there each
organisation has ORDERERS_SHARE at most. Who it is that calls is known once its signature was
checked; a call that is of nobody ends before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import grpc

from edgemark.ledger.embedded.doors.serving.refusing import refusal
from edgemark.ledger.fabric.wire.limits import (
    GATEWAY_CALLS,
    GUEST_SHARE,
    ORDERERS_SHARE,
    SILENT_STREAMS,
    STREAMS,
    WAITERS,
)


class Places:
    """So many at once.

    Args:
        most: of them.
        what: they are, for the refusal.
    """

    def __init__(self, most: int, what: str) -> None:
        self.most = most
        self._what = what
        self.taken = 0

    def take(self) -> AbstractContextManager[None]:
        """Have one meanwhile; the context raises CallRefused when all are taken."""
        return self

    def __enter__(self) -> None:
        if self.taken >= self.most:
            text = f"too many {self._what} at once; needed <= {self.most}; try again later"
            raise refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


class SharedPlaces(Places):
    """Places of which no stranger to the port can take all.

    Args:
        most: of all of them.
        what: they are, for the refusal.
        owner: MSP id of the organisation whose port it is; None for the orderer's.
    """

    def __init__(self, most: int, what: str, owner: str | None) -> None:
        super().__init__(most, what)
        self._owner = owner
        self.guests = Places(int(most * GUEST_SHARE), f"{what} of other organisations")
        self._each: dict[str, Places] = {}

    def share(self, msp_id: str) -> AbstractContextManager[None]:
        """What a call of a member takes beside its place; the context raises as `take`."""
        if self._owner is None:
            most, what = int(self.most * ORDERERS_SHARE), f"{self._what} of {msp_id[:64]}"
            return self._each.setdefault(msp_id, Places(most, what)).take()
        return nullcontext() if msp_id == self._owner else self.guests.take()


class Opening(Protocol):
    """A stream that said nothing yet."""

    def make_room(self) -> None:
        """End, for one that came later."""


class SilentPlaces:
    """Streams that said nothing yet, the longest silent first.

    Args:
        most: of them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[Opening, None] = {}

    @property
    def taken(self) -> int:
        """How many there are."""
        return len(self._held)

    @contextmanager
    def hold(self, opening: Opening) -> Iterator[None]:
        """A place for a stream; where all are taken, the longest silent one ends for it."""
        while self.most <= len(self._held):
            first = next(iter(self._held))
            del self._held[first]
            first.make_room()
        self._held[opening] = None
        try:
            yield
        finally:
            self._held.pop(opening, None)


class DoorPlaces:
    """The places at one port.

    Args:
        owner: MSP id of the organisation whose port it is; None for the orderer's.
    """

    def __init__(self, owner: str | None) -> None:
        self.calls = SharedPlaces(GATEWAY_CALLS, "calls", owner)
        self.waiters = SharedPlaces(WAITERS, "calls that wait", owner)
        self.streams = SharedPlaces(STREAMS, "streams", owner)
        self.silent = SilentPlaces(SILENT_STREAMS)
