"""Takes connections in: at most so many sockets, and only so long for a TLS handshake.

A limit on requests does not help against connections that never make one: each holds a socket, and
one that does not even shake hands is not known to the HTTP layer. So connections are counted from
the moment they are accepted, and for one too many another gives way (`crowd`): whoever comes gets
in, as long as not all of them are being answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Collection
from functools import partial

from edgemark.logs import get_logger
from edgemark.transport.serving.crowd import Crowd, Guest, group_of

BACKLOG = 128
PAUSE_S = 0.05  # after a failed accept, which means that the machine is out of sockets


class Listener:
    """One listening port; all methods belong to the event loop.

    Args:
        protocol: makes the HTTP side of a connection.
        connections: those that have shaken hands and are not closed.
        context: TLS; None for connections without.
        crowd: who is connected, shaken hands or not.
        handshake_s: seconds for a handshake.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], Collection[object]],
        context: ssl.SSLContext | None,
        *,
        crowd: Crowd,
        handshake_s: float,
    ) -> None:
        self._protocol = protocol
        self._connections = connections
        self._context = context
        self._crowd = crowd
        self._handshake_s = handshake_s
        self._shaking: dict[object, asyncio.Task[None]] = {}
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._log = get_logger("transport.listener")

    async def open(self, host: str, port: int) -> int:
        """Bind and begin to accept.

        Args:
            host: a name or address of this machine.
            port: 0 takes a free one.

        Returns:
            The port.

        Raises:
            OSError: the port is in use, or the address is not ours.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        # Named as TCP: else the loop does not see that it is, and sets no TCP_NODELAY on it.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setblocking(False)
            self._socket.bind(address)
            self._socket.listen(BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self._accepting = loop.create_task(self._accept(self._socket))
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        """Accept no more; handshakes in progress are dropped."""
        tasks = [*self._shaking.values(), *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, address = await loop.sock_accept(listening)
            except OSError as error:
                self._log.warning("cannot accept a connection", had=error.strerror)
                await asyncio.sleep(PAUSE_S)
                continue
            protocol = self._protocol()
            self._crowd.keep({*self._shaking, *self._connections()})
            leave = partial(self._drop, protocol)
            if not self._crowd.enter(protocol, Guest(group_of(str(address[0])), leave)):
                taken.close()
                continue
            task = loop.create_task(self._shake_hands(taken, protocol))
            self._shaking[protocol] = task
            task.add_done_callback(partial(self._note_shaken, protocol, taken))

    def _note_shaken(
        self, protocol: object, taken: socket.socket, task: asyncio.Task[None]
    ) -> None:
        self._shaking.pop(protocol, None)
        if task.cancelled():  # perhaps before it began
            taken.close()

    def _drop(self, protocol: asyncio.Protocol) -> None:
        """End a connection at once, however far it has come.

        The socket of one that shakes hands is closed when the loop has let go of it, not before:
        its number may be another connection's a moment later.
        """
        shaking = self._shaking.get(protocol)
        if shaking is not None:
            shaking.cancel()
        transport = getattr(protocol, "transport", None)
        if transport is not None:
            transport.abort()

    async def _shake_hands(self, taken: socket.socket, protocol: asyncio.Protocol) -> None:
        with contextlib.closing(_OnFailure(taken)) as guard, contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                taken,
                ssl=self._context,
                ssl_handshake_timeout=None if self._context is None else self._handshake_s,
                ssl_shutdown_timeout=None if self._context is None else 1.0,
            )
            guard.is_taken = True


class _OnFailure:
    """Closes a socket unless the loop took it over."""

    def __init__(self, taken: socket.socket) -> None:
        self._taken = taken
        self.is_taken = False

    def close(self) -> None:
        if not self.is_taken:
            self._taken.close()
