"""Who is connected, and who gives way when there is no place left.

Law 1: a request counts against the places only when its body is there; until then its connection
       is one that can give way to a new one.
Law 2: strangers give way before known parties, of them the peer that holds most, its oldest first.
       So no number of idle, dripping or half-open connections from no number of addresses keeps
       anybody out for longer than it takes to open new ones.
Law 3: known parties have places of their own; strangers can take none of them, and of each known
       party's the first are its own: no number of others can take them.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from edgemark.errors import Overloaded
from edgemark.transport.limits import ServerLimits

IPV6_PREFIX = 64  # one subscriber has at least as much


def group_of(address: str) -> str:
    """The peer behind an address: itself, or its network where one peer has a whole one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, IPV6_PREFIX), strict=False))


@dataclass(eq=False)
class Guest:
    """One connection.

    Attributes:
        peer: who it comes from, see `group_of`.
        close: ends it at once.
        account: the known party that shows itself on it, while its request is under way.
        is_working: its request is whole, and being answered.
    """

    peer: str
    close: Callable[[], None] = field(default=lambda: None, repr=False)
    account: str | None = None
    is_working: bool = False

    @property
    def holder(self) -> tuple[bool, str]:
        """Whether it is a known party, and who it is."""
        return self.account is not None, self.account or self.peer


class Crowd:
    """All connections of one server, in the order in which they came; for one thread.

    Args:
        most: connections at a time.
        most_of_peer: of them, strangers' from one peer.
    """

    def __init__(self, most: int, most_of_peer: int) -> None:
        self._most = most
        self._most_of_peer = most_of_peer
        self._guests: dict[object, Guest] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def find(self, key: object) -> Guest | None:
        """The guest that came under this key."""
        return self._guests.get(key)

    def keep(self, there: Collection[object]) -> None:
        """Forget who has gone."""
        self._guests = {key: guest for key, guest in self._guests.items() if key in there}

    def enter(self, key: object, guest: Guest) -> bool:
        """Take one in; whoever gives way for it is closed. False when nobody does."""
        same = [g for g in self._guests.values() if g.holder == (False, guest.peer)]
        if len(same) >= self._most_of_peer and not self._dismiss(same):
            return False
        if len(self) >= self._most and not self._dismiss([*self._guests.values()]):
            return False
        self._guests[key] = guest
        return True

    def count_of(self, account: str) -> int:
        """Connections on which a known party has a request under way."""
        return sum(guest.account == account for guest in self._guests.values())

    def _dismiss(self, guests: list[Guest]) -> bool:
        """Close the one that has to give way, if any of these does."""
        idle = [guest for guest in guests if not guest.is_working]
        if not idle:
            return False
        held = Counter(guest.holder for guest in idle)
        leaving = min(idle, key=lambda guest: (guest.holder[0], -held[guest.holder]))  # the oldest
        self._guests = {key: guest for key, guest in self._guests.items() if guest is not leaving}
        leaving.close()
        return True


class Places:
    """Requests that are whole; safe for many threads.

    Args:
        limits: how many of them there may be.
        who: the server, for refusals.
    """

    def __init__(self, limits: ServerLimits, who: Callable[[], str]) -> None:
        self._limits = limits
        self._who = who
        self._guard = threading.Lock()
        self._held: Counter[tuple[bool, str]] = Counter()

    def take(self, holder: tuple[bool, str]) -> Callable[[], None]:
        """Take a place.

        Args:
            holder: of a `Guest`.

        Returns:
            What gives it back; to be called once.

        Raises:
            Overloaded: there is none.
        """
        limits, is_known = self._limits, holder[0]
        most = limits.known_connections if is_known else limits.most_connections
        most_own = limits.most_of_known if is_known else limits.of_peer(most)
        kept = limits.kept_of_known if is_known else 0
        with self._guard:
            own = self._held[holder]
            had = sum(max(0, count - kept) for (k, _), count in self._held.items() if k is is_known)
            if own >= kept and had >= most:
                raise Overloaded("server is busy", who=self._who(), had=had, needed=f"< {most}")
            if own >= most_own:
                raise Overloaded(
                    "server is busy with this peer",
                    who=self._who(),
                    had=own,
                    needed=f"< {most_own}",
                )
            self._held[holder] += 1
        return lambda: self._give_back(holder)

    def _give_back(self, holder: tuple[bool, str]) -> None:
        with self._guard:
            self._held[holder] -= 1
            self._held += Counter()  # forgets peers that ask nothing now
