"""How often somebody may ask: a bucket of tokens for each peer, and one for all of them; or pauses.

A bucket fills at `rate` a second up to `burst`; a request takes one token from both. The table of
peers is bounded: the one that asked longest ago is forgotten first, and starts with a full bucket.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from edgemark.crypto.field.randomness import Randomness

MAX_PEERS = 4096


@dataclass
class _Bucket:
    tokens: float
    at: float

    def fill(self, rate: float, burst: float, now: float) -> None:
        """Add what came in since the last look."""
        self.tokens = min(burst, self.tokens + rate * max(0.0, now - self.at))
        self.at = now


class RateLimit:
    """Belongs to one thread.

    Args:
        per_s: requests a second of all peers, > 0.
        per_s_of_peer: requests a second of one peer, > 0.
        burst_s: seconds' worth of requests that may come at once, > 0.
        most_peers: that are remembered.
    """

    def __init__(
        self,
        per_s: float,
        per_s_of_peer: float,
        burst_s: float = 2.0,
        most_peers: int = MAX_PEERS,
    ) -> None:
        self._per_s, self._per_s_of_peer, self._burst_s = per_s, per_s_of_peer, burst_s
        self._all = _Bucket(per_s * burst_s, 0.0)
        self._most_peers = most_peers
        self._peers: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, peer: str, now: float, *, is_known: bool = False) -> float:
        """Count a request at the time `now` (seconds, monotonic).

        Args:
            peer: who asks.
            now: seconds, monotonic.
            is_known: it is a known party: what all the others ask for does not touch it.

        Returns:
            0.0 when it may pass; else seconds after which the next one may.
        """
        own = self._peers.setdefault(peer, _Bucket(self._per_s_of_peer * self._burst_s, now))
        self._peers.move_to_end(peer)
        while len(self._peers) > self._most_peers:
            self._peers.popitem(last=False)
        self._all.fill(self._per_s, self._per_s * self._burst_s, now)
        own.fill(self._per_s_of_peer, self._per_s_of_peer * self._burst_s, now)
        # A peer above its own limit takes nothing from the others.
        if own.tokens < 1:
            return (1 - own.tokens) / self._per_s_of_peer
        if not is_known and self._all.tokens < 1:
            return (1 - self._all.tokens) / self._per_s
        own.tokens -= 1
        if not is_known:
            self._all.tokens -= 1
        return 0.0


class DoublingPause:
    """Some requests at once, then pauses of 1 s, 2 s, 4 s and so on; belongs to one thread.

    Args:
        at_once: requests of a peer before its first pause, >= 1.
        longest_s: pause.
        forget_s: so long after its last pause a peer begins anew.
    """

    def __init__(self, at_once: int, longest_s: float, forget_s: float) -> None:
        self._at_once, self._longest_s, self._forget_s = at_once, longest_s, forget_s
        self._peers: OrderedDict[str, tuple[int, float]] = OrderedDict()  # requests, until when

    def left(self, peer: str, now: float) -> float:
        """Seconds until it may ask at the time `now` (seconds, monotonic); 0.0: it may."""
        return max(0.0, self._peers.get(peer, (0, now))[1] - now)

    def forget(self, peer: str) -> None:
        """It begins anew."""
        self._peers.pop(peer, None)

    def note(self, peer: str, now: float) -> None:
        """It asks at the time `now`."""
        count, until = self._peers.pop(peer, (0, now))
        count = 1 if now - until > self._forget_s else count + 1
        doublings = min(count - self._at_once, 32)
        pause_s = min(2.0**doublings, self._longest_s) if doublings >= 0 else 0.0
        self._peers[peer] = (count, now + pause_s)
        while len(self._peers) > MAX_PEERS:
            self._peers.popitem(last=False)


class Backoff:
    """Pauses that double from failure to failure; of each a part at random, from half to all.

    So those who lost the same server at the same moment do not come back at the same moment.

    Args:
        least_s, most_s: of whole pauses.
        randomness: for the part.
    """

    def __init__(self, least_s: float, most_s: float, randomness: Randomness | None = None) -> None:
        self._least_s, self._most_s = least_s, most_s
        self._randomness = randomness or Randomness()
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait now."""
        whole = min(self._least_s * 2.0 ** min(self._failures, 32), self._most_s)
        self._failures += 1
        part = int.from_bytes(self._randomness.octets(2), "big") / 0xFFFF
        return whole * (0.5 + part / 2)

    def reset(self) -> None:
        """It went well."""
        self._failures = 0
