"""The controller's broker, and its own session there: it hears and speaks to every channel.

Which broker it is, the settings say; nothing here depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgemark.closing import Closing
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.post.mail import Carried
from edgemark.systems.trading.station.post.session import OnLetter, Refuse, Session
from edgemark.systems.trading.station.post.topics import HUB, topics_of, topics_of_all
from edgemark.transport.broker.tickets import Broker, Ticket
from edgemark.transport.limits import ClientLimits

SESSION_S = 6 * 3600  # for which a session is in; then it logs in anew, and shows its key again
TAKERS = 8  # settlements that wait for one write to the disk together
LIMITS = ClientLimits(
    least_pause_s=0.05, most_pause_s=2.0, most_waiting=1024, most_publishing=128, most_in_flight=8
)  # of a session at one's own broker, with everybody's letters


@dataclass(frozen=True)
class OwnDoors:
    """The controller's way in at its own broker, see `session.Doors`."""

    broker: Broker
    clock: Callable[[], float]

    def enter(
        self,
        channels: Sequence[ChannelId],
        refuse: Refuse,  # noqa: ARG002 - it refuses itself nothing
    ) -> tuple[Ticket, frozenset[ChannelId]]:
        """With all of them."""
        topics = topics_of_all(channels, Role.CONTROLLER)
        return self.broker.admit(HUB, topics, self.clock() + SESSION_S), frozenset(channels)

    def add(self, channel: ChannelId) -> None:
        """One more; it stays connected."""
        self.broker.allow(HUB, topics_of(channel, Role.CONTROLLER))


class Hub(Closing):
    """Its methods are for any thread.

    Args:
        broker: of the controller.
        on_letter: told channel and letter of all that anybody says.
        clock: Unix seconds.
    """

    def __init__(
        self, broker: Broker, on_letter: OnLetter, clock: Callable[[], float] = time.time
    ) -> None:
        doors = OwnDoors(broker, clock)
        self._broker = broker
        self._session = Session(doors, Role.CONTROLLER, on_letter, limits=LIMITS, takers=TAKERS)

    def start(self) -> None:
        """Log in."""
        self._session.start()

    def close(self) -> None:
        """Hear and say nothing more."""
        self._session.close()

    @property
    def carried(self) -> Carried:
        """Letters up to now."""
        return self._session.carried

    @property
    def channels(self) -> frozenset[ChannelId]:
        """That it listens to, or will in a moment."""
        return self._session.channels

    def join(self, channel: ChannelId) -> None:
        """Listen and speak to a channel from now on; raises as `Session.join`."""
        self._session.join(channel)

    def leave(self, channel: ChannelId) -> None:
        """Do so no more."""
        self._session.leave(channel)

    def send(self, channel: ChannelId, to: Role, raw: bytes) -> None:
        """Send a party a letter; raises as `Session.send`."""
        self._session.send(channel, to, raw)

    def is_there(self, channel: ChannelId) -> bool:
        """Whether letters of a channel come and go."""
        return self._session.is_there(channel)
