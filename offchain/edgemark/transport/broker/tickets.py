"""What a session may do at a broker, with what it logs in, and what a broker is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.logs import Secret
from edgemark.transport.limits import MOST_TOPIC_BYTES

MOST_SESSION_CHARS = 64
CONTROL = "$CONTROL/"  # a broker takes commands below it, from who may give any
MOST_TOPICS = 4096  # of one session, in each direction


class TopicInvalid(RefusedInput):
    """Not a topic: empty, too long, with a wildcard, a control character or a leading `$`."""


class SessionInvalid(RefusedInput):
    """Not the name of a session."""


@dataclass(frozen=True)
class Topics:
    """Where a session may publish, and where it may listen; a party has one of each.

    Args:
        publish: topics; nobody else should have them.
        subscribe: topics.

    Raises:
        TopicInvalid: one of them is none, or there are too many.
    """

    publish: frozenset[str]
    subscribe: frozenset[str]

    def __post_init__(self) -> None:
        for topic in (*self.publish, *self.subscribe):
            check_topic(topic)
        most = max(len(self.publish), len(self.subscribe))
        if most > MOST_TOPICS:
            raise TopicInvalid("too many topics", had=most, needed=f"<= {MOST_TOPICS}")

    @staticmethod
    def pair(publish: str, subscribe: str) -> Topics:
        """A party's two."""
        return Topics(frozenset({publish}), frozenset({subscribe}))

    @staticmethod
    def many(publish: Iterable[str], subscribe: Iterable[str]) -> Topics:
        """Those of who serves many parties."""
        return Topics(frozenset(publish), frozenset(subscribe))

    @property
    def is_pair(self) -> bool:
        """Whether they are a party's."""
        return len(self.publish) == len(self.subscribe) == 1

    @property
    def is_hub(self) -> bool:
        """Whether it speaks to several: it does not wait for one of them."""
        return len(self.publish) > 1

    def __or__(self, more: Topics) -> Topics:
        return Topics(self.publish | more.publish, self.subscribe | more.subscribe)

    def __sub__(self, fewer: Topics) -> Topics:
        return Topics(self.publish - fewer.publish, self.subscribe - fewer.subscribe)


@dataclass(frozen=True)
class Ticket:
    """With what a session logs in, once.

    Attributes:
        host, port: where the broker listens.
        pin: of its TLS key.
        session: name.
        password: counts once.
        topics: what the session may do.
        name: of the connection, where that is another than the session's.
    """

    host: str
    port: int
    pin: Hash32
    session: str
    password: Secret[str]
    topics: Topics
    name: str = ""


class Broker(Protocol):
    """Lets sessions in; whichever broker it is, the face is this.

    All but `dismiss` may raise a `PeerFault` where the broker is a process apart, and away: then it
    did nothing, or the session is over. What `dismiss` cannot do then is done later.
    """

    def admit(self, session: str, topics: Topics, until: float) -> Ticket:
        """Let a session log in once, until then (Unix seconds), whether it was in before or not.

        Raises:
            SessionInvalid: of its name.
            Overloaded: there are as many as there may be.
        """

    def allow(self, session: str, more: Topics) -> None:
        """Let a session that is admitted use more topics; it stays connected.

        Raises:
            SessionInvalid: nobody was admitted under this name.
        """

    def forbid(self, session: str, fewer: Topics) -> None:
        """Let it use these no more.

        Raises:
            SessionInvalid: as above.
        """

    def dismiss(self, session: str) -> None:
        """End a session and its connection; nothing happens where there is none."""


@dataclass(frozen=True)
class BrokerReading:
    """One look at a broker; None is what it does not tell us.

    Attributes:
        admitted: sessions that are in or may come in.
        connections: that have shaken hands.
        sessions: that are logged in.
        held_bytes: given to readers and not acknowledged.
        bytes_in, bytes_out: of packets.
        refused: connections that were ended, and topics that were not given, by reason.
    """

    admitted: int
    connections: int | None = None
    sessions: int | None = None
    held_bytes: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    refused: Mapping[str, int] = field(default_factory=dict)


class OwnBroker(Broker, Protocol):
    """The broker of a party, which opens and closes it."""

    def start(self) -> None:
        """Serve, or connect to what serves.

        Raises:
            BrokerFailed: it cannot listen there.
            BrokerAway, MosquittoRefused: another process's does not answer, or is none of ours.
        """

    def close(self) -> None:
        """Let nobody in any more."""

    def check(self) -> None:
        """Check that it serves.

        Raises:
            BrokerStands: its thread does not turn.
            BrokerAway: another process's cannot be reached.
        """

    def read(self) -> BrokerReading:
        """One look at it."""


def check_topic(topic: str) -> None:
    """Check that a topic is plain: it means itself and nothing else.

    Raises:
        TopicInvalid: it is not.
    """
    is_taken = topic.startswith("$") and not topic.startswith(CONTROL)
    is_plain = topic.isprintable() and not is_taken and not set("#+") & set(topic)
    if not is_plain or not 1 <= len(topic.encode(errors="replace")) <= MOST_TOPIC_BYTES:
        raise TopicInvalid(
            "is no plain topic",
            who="topic",
            had=repr(topic[:80]),
            needed=f"1 .. {MOST_TOPIC_BYTES} printable bytes without # and +, no leading $",
        )


def check_session(session: str) -> None:
    """Check the name of a session.

    Raises:
        SessionInvalid: it is none.
    """
    is_plain = session.isascii() and session.isprintable() and " " not in session
    if not is_plain or not 1 <= len(session) <= MOST_SESSION_CHARS:
        raise SessionInvalid(
            "is no name of a session",
            who="session",
            had=repr(session[:80]),
            needed=f"1 .. {MOST_SESSION_CHARS} letters of ASCII",
        )
