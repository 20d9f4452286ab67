"""How often whoever asks for a quote may ask; the time is handed in.

Law: what peers ask that were seen before takes nothing from those that were not: a part of the rate
     is for new ones. Of a peer, that is an address or the network of one, not all can be had by
     asking often; only by coming from ever more networks.
"""

from __future__ import annotations

from collections import OrderedDict

from edgemark.transport.rates import MAX_PEERS, RateLimit

QUOTES_PER_S, QUOTES_PER_S_OF_PEER, QUOTES_BURST_S = 6.0, 2.0, 10.0  # that ask chain and identities
NEW_PER_S = 2.0  # beside these, of peers that did not ask lately
FORGET_S = 3600.0  # after which a peer is new again


class Askers:
    """All that asked lately; belongs to one thread at a time."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._old = RateLimit(QUOTES_PER_S, QUOTES_PER_S_OF_PEER, QUOTES_BURST_S)
        self._new = RateLimit(NEW_PER_S, NEW_PER_S, QUOTES_BURST_S)

    def take(self, peer: str, now: float) -> float:
        """Count a request.

        Args:
            peer: an address, or the network of one.
            now: seconds, monotonic.

        Returns:
            0.0 when it may pass; else seconds after which the next one may.
        """
        is_new = now - self._seen.pop(peer, -FORGET_S) >= FORGET_S
        wait = self._new.take(peer, now) if is_new else self._old.take(peer, now)
        if wait and is_new:
            return wait
        self._seen[peer] = now
        while len(self._seen) > MAX_PEERS:
            self._seen.popitem(last=False)
        return wait
