"""What a server or a broker gives to one peer, to known parties and to all, in one place.

Whatever load comes from however many addresses, what requests hold in memory stays below
`ServerLimits.memory_bytes`: a socket has buffers of a fixed size, a stranger's body is small, a
known party's larger one goes to the disk as it comes, and is loaded when a thread takes it on.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024
READ_BUFFER_BYTES = 32 * KIB  # of a body, before the sender has to wait
LEAST_BYTES_PER_S = MIB  # of a line, for what is longest; a client waits as long for it
DISK_RESERVE_BYTES = 48 * MIB  # of a disk, that no body takes which waits: for the largest records
GIVEN_RESERVE_BYTES = 16 * MIB  # that no answer takes: a node without one is taken for silent
MOST_PASSING = 8  # shorter bodies that pass a longer one, which has no memory yet
MAX_HEADERS = 32
MAX_PIPELINED = 2  # requests that wait on one connection; ours sends one
MOST_TOPIC_BYTES = 256  # of a message through a broker
MAPPED_BYTES = 256 * KIB  # blocks from here on go back to the system when they are freed
# TLS buffers of asyncio (256 KiB to read, as much to parse) and what the HTTP layer keeps of heads
# and bodies: measured below 600 KiB under every load of `test_f5_memory.py`.
SOCKET_BYTES = 768 * KIB


@dataclass(frozen=True)
class ServerLimits:
    """What one client, and all of them, may take.

    A known party is one that has an open matter with this server, and shows who it is.

    Args:
        header_s: seconds for the handshake, then until the request's head is there (also: idle).
        body_s: seconds that a body (or an answer's reader) may lag behind `least_bytes_per_s`.
        least_bytes_per_s: what a body has to come at, and an answer to go at.
        longest_s: seconds, beside `body_s`, that one takes at most, however long it is.
        handler_s: seconds for a handler.
        workers: handlers of strangers' requests at a time.
        known_workers: those of known parties, more than `most_of_known`.
        long_workers: of them again, for longer bodies, which leave the others to short ones.
        most_connections: whole requests of strangers at a time; one more is refused by name.
        known_connections: those of known parties.
        most_of_known: requests of one known party at a time; what goes beyond is a stranger's.
        kept_of_known: of these, each known party's own, outside of `known_connections`.
        most_sockets: connections at a time, busy or not; for one more, an idle one gives way.
        header_bytes: length of a header line.
        peer_part: part of the connections and sockets that one peer (address) may hold, 0 .. 1.
        per_s, per_s_of_peer: requests a second, of all strangers, and of one peer or known party.
        stranger_bytes: longest body of a stranger; a longer one is told by its head alone.
        spool_bytes, spool_bytes_of_known: bodies on disk that wait, of all and of one known party;
            for one more, the party with most gives way (`room`).
        loaded_bytes: longer bodies in memory; of one party at most half, or one body.
        given_bytes: longer answers on disk while somebody reads them, each once; shared likewise.
    """

    header_s: float = 10.0
    body_s: float = 10.0
    least_bytes_per_s: int = 16 * KIB
    longest_s: float = 64.0
    handler_s: float = 60.0
    workers: int = 8
    known_workers: int = 12
    long_workers: int = 4
    most_connections: int = 64
    known_connections: int = 64
    most_of_known: int = 8
    kept_of_known: int = 2
    most_sockets: int = 256
    header_bytes: int = 4096
    peer_part: float = 0.75
    per_s: float = 400.0
    per_s_of_peer: float = 200.0
    stranger_bytes: int = 64 * KIB
    spool_bytes: int = 1536 * MIB
    spool_bytes_of_known: int = 128 * MIB
    loaded_bytes: int = 96 * MIB
    given_bytes: int = 512 * MIB

    @property
    def memory_bytes(self) -> int:
        """All that requests can hold in memory at a time."""
        return self.most_sockets * (SOCKET_BYTES + self.stranger_bytes) + self.loaded_bytes

    @property
    def spooling_parties(self) -> int:
        """As many may each have the longest body on its way; none of them gives way."""
        longest = int(self.longest_s * LEAST_BYTES_PER_S)
        return (self.spool_bytes - self.loaded_bytes) // longest

    def slowest(self, length: int) -> float:
        """Bytes a second that a body or answer of this length has to keep up with."""
        return max(self.least_bytes_per_s, length / self.longest_s)

    def of_peer(self, most: int) -> int:
        """The part of so many places that one peer may hold."""
        return max(1, int(self.peer_part * most))


@dataclass(frozen=True)
class BrokerLimits:
    """What the sessions of a broker may take, each and all of them.

    Args:
        handshake_s: seconds for a TLS handshake.
        connect_s: seconds from there to a login.
        keep_alive_s: longest silence that a session may ask for; it ends after half as much more.
        stall_s: seconds in which a reader has to acknowledge something, when it was given any.
        most_sessions: that are admitted at a time.
        most_sockets: connections at a time, logged in or not; an idle stranger's gives way.
        peer_part: part of the sockets that strangers of one peer (address) may hold, 0 .. 1.
        most_message_bytes: of one message.
        most_letters, most_letter_bytes: packets of one session that wait for the broker.
        most_in_flight, most_in_flight_bytes: messages of one topic that its reader was given and
            has not acknowledged, before its publisher waits.
        most_outgoing, most_outgoing_bytes: of one session, before it is dropped.
        packets_per_s: of one session; who sends more is read more slowly.
    """

    handshake_s: float = 5.0
    connect_s: float = 5.0
    keep_alive_s: float = 120.0
    stall_s: float = 5.0
    most_sessions: int = 192
    most_sockets: int = 256
    peer_part: float = 0.75
    most_message_bytes: int = 64 * KIB
    most_letters: int = 16
    most_letter_bytes: int = 512 * KIB
    most_in_flight: int = 8
    most_in_flight_bytes: int = 256 * KIB
    most_outgoing: int = 128
    most_outgoing_bytes: int = MIB
    packets_per_s: float = 2000.0

    @staticmethod
    def of(most_sessions: int, packets_per_s: float) -> BrokerLimits:
        """For so many sessions, and a third as many strangers."""
        sockets = most_sessions + max(16, most_sessions // 3)
        return BrokerLimits(
            most_sessions=most_sessions, most_sockets=sockets, packets_per_s=packets_per_s
        )

    @property
    def memory_bytes(self) -> int:
        """All that connections can hold in memory at a time."""
        session = self.most_letter_bytes + self.most_outgoing_bytes
        return self.most_sockets * SOCKET_BYTES + self.most_sessions * session


@dataclass(frozen=True)
class ClientLimits:
    """What a session at a broker holds and waits for, on its own side.

    Args:
        answer_s: seconds for a connection, and for each answer of the broker.
        keep_alive_s: longest silence, whole seconds.
        least_pause_s, most_pause_s: before another login; doubles from failure to failure.
        most_message_bytes: of one message.
        most_waiting: messages that came and nobody took.
        most_publishing: messages that are to go, of all threads.
        most_in_flight: of these, the ones that the broker has not acknowledged. Fewer than it lets
            wait, so that acknowledgements of what it sends always get through.
    """

    answer_s: float = 5.0
    keep_alive_s: float = 30.0
    least_pause_s: float = 0.2
    most_pause_s: float = 15.0
    most_message_bytes: int = 64 * KIB
    most_waiting: int = 256
    most_publishing: int = 64
    most_in_flight: int = 4
