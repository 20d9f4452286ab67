"""A TLS socket whose every read and write ends at one moment, however slowly the peer drips.

An ordinary time-out starts anew with each byte that arrives, so a hostile server could hold a
client for hours with a byte now and then.
"""

from __future__ import annotations

import fcntl
import ipaddress
import math
import socket
import ssl
import struct
import termios
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from edgemark.transport.asking.endpoint import Endpoint

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

PIECE_BYTES = 64 * 1024  # TLS takes what it is given as a whole, and nobody sees how far it is

asked_until: ContextVar[float] = ContextVar("asked_until", default=math.inf)
"""Monotonic seconds at which whatever a thread asks of others has to be over: all its requests."""


class DeadlineSocket(ssl.SSLSocket):
    """Made by `connect`; `deadline` is a time of the monotonic clock, seconds."""

    deadline: float = 0.0
    received: int = 0
    sent: int = 0

    def moved(self) -> int:
        """Bytes that came, and of those that were sent the ones that the peer has."""
        return self.received + max(0, self.sent - _count_queued(self))

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        """Read what is there, by the deadline."""
        self.settimeout(seconds_left(self.deadline))
        got = super().recv_into(buffer, nbytes, flags)
        self.received += got
        return got

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """Send all of it by the deadline."""
        view = memoryview(data).cast("B")
        before, sent = self.sent, 0
        while sent < len(view):
            self.settimeout(seconds_left(self.deadline))
            sent += self.send(view[sent : sent + PIECE_BYTES], flags)
            self.sent = before + sent


def _count_queued(wire: socket.socket) -> int:
    """Bytes that the system has yet to send, or to send again; 0 of a socket that was closed."""
    try:
        raw = fcntl.ioctl(wire.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return 0
    return int(struct.unpack("i", raw)[0])


def seconds_left(deadline: float) -> float:
    """Seconds until `deadline`.

    Raises:
        TimeoutError: it is over.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("took too long")
    return left


def client_context() -> ssl.SSLContext:
    """TLS 1.3 that trusts no name and no authority: the pin is checked after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = DeadlineSocket
    return context


def connect(
    place: Endpoint, context: ssl.SSLContext, deadline: float, *, is_outside: bool = False
) -> DeadlineSocket:
    """Connect and shake hands by the deadline; nothing else is sent.

    Args:
        place: whom.
        context: of `client_context`.
        deadline: monotonic seconds.
        is_outside: dial no address inside of a network, whatever its name resolves to.

    Raises:
        OSError: nobody listens, no TLS, or not in time.
    """
    plain = _dial(place, deadline, is_outside=is_outside)
    try:
        plain.settimeout(seconds_left(deadline))
        wire: Any = context.wrap_socket(plain, suppress_ragged_eofs=False)
    except BaseException:
        plain.close()
        raise
    wire.deadline = deadline
    return wire  # type: ignore[no-any-return]  # of the context's sslsocket_class


def is_inner(address: str) -> bool:
    """Whether an address is of this machine, of a private or local network, or nobody's.

    An IPv4 address in an IPv6 one counts as itself.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return not found.is_global or found.is_multicast


def _dial(place: Endpoint, deadline: float, *, is_outside: bool) -> socket.socket:
    """A connection to the first address that answers."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        place.host, place.port, type=socket.SOCK_STREAM
    ):
        if is_outside and is_inner(str(address[0])):
            continue
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(seconds_left(deadline))
            plain.connect(address)
        except OSError as error:
            plain.close()
            failed = error
        else:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
    raise failed or OSError("has no address")
