"""Streams to chaincodes' processes: one for each organisation and package, dialled when needed.

A process that was restarted under the same package id is dialled again by the next transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import grpc

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.link.stream import Stream
from edgemark.ledger.embedded.simulation.calls import Call, Completion
from edgemark.ledger.embedded.simulation.faults import ChaincodeEnded, ChaincodeSilent
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.dialling import credentials_of
from edgemark.ledger.fabric.wire.limits import EXECUTE_TIMEOUT_S, MAX_MESSAGE_BYTES

CONNECT = "/protos.Chaincode/Connect"
_OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment has no business here
    ("grpc.use_local_subchannel_pool", 1),  # a process that was restarted is not waited for
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
]
REDIAL_S = 0.05  # a process that has just been started is not there at once
MAX_REASON = 300  # characters


class _Link:
    """To one process: its channel and stream, and who is dialling."""

    def __init__(self) -> None:
        self.dialling: asyncio.Task[Stream] | None = None  # one for all who wait for it
        self.channel: Any = None
        self.stream: Stream | None = None
        self.beating: asyncio.Task[None] | None = None
        self.calls = 0  # under way, those that wait for it to be dialled too
        self.reason = ""  # why it cannot be reached, in gRPC's words

    async def close(self) -> None:
        if self.dialling is not None:
            self.dialling.cancel()
        await self.hang_up()

    async def hang_up(self) -> None:
        if self.beating is not None:
            self.beating.cancel()
            self.beating = None
        # Forgotten first: who comes meanwhile, or after an error here, dials anew.
        stream, self.stream = self.stream, None
        channel, self.channel = self.channel, None
        if stream is not None:
            await stream.close()
        if channel is not None:
            await channel.close()


class Links:
    """The processes of all organisations' chaincodes.

    Args:
        connection_of: of a package that an organisation (MSP id) has installed, by its id.
        timeout_s: seconds a chaincode may take; 0 for ever, as under a debugger.
        keepalive_s: seconds between two KEEPALIVE; 0 for none: shims of npm exit on it.
    """

    def __init__(
        self,
        connection_of: Callable[[str, str], Connection],
        *,
        timeout_s: float = EXECUTE_TIMEOUT_S,
        keepalive_s: float = 0.0,
    ) -> None:
        self._connection_of = connection_of
        self._timeout_s = timeout_s
        self._keepalive_s = keepalive_s
        self._links: dict[tuple[str, str], _Link] = {}
        self._unwanted: set[tuple[str, str]] = set()

    async def execute(self, package_id: str, call: Call) -> Completion:
        """Have the organisation's process of a package run a chaincode.

        Raises:
            NotSimulated: the package is not installed; see also `Stream.execute`.
            ChaincodeSilent: it cannot be reached, or took too long.
            ChaincodeEnded: the stream ended in the transaction.
            ChaincodeBroke: the process broke the protocol.
        """
        name = call.asked.msp_id, package_id
        connection = self._connection_of(*name)
        link = self._links.setdefault(name, _Link())
        link.calls += 1
        try:
            stream = await self._stream(link, connection, name)
            return await stream.execute(call, self._timeout_s)
        finally:
            link.calls -= 1
            await self._hang_up_unwanted()

    async def keep_only(self, wanted: Collection[tuple[str, str]]) -> None:
        """Hang up on the processes of all other packages, each once its calls have ended.

        Args:
            wanted: (MSP id, package id) of those that a chaincode is defined with.
        """
        self._unwanted = {name for name in self._links if name not in wanted}
        await self._hang_up_unwanted()

    async def _hang_up_unwanted(self) -> None:
        while idle := [each for each in self._unwanted if not self._links[each].calls]:
            self._unwanted.remove(idle[0])
            await self._links.pop(idle[0]).close()

    async def close(self) -> None:
        """End all streams."""
        links, self._links = list(self._links.values()), {}
        self._unwanted.clear()
        for link in links:
            await link.close()

    async def _stream(self, link: _Link, connection: Connection, name: tuple[str, str]) -> Stream:
        msp_id, package_id = name
        if link.stream is not None and link.stream.is_open:
            return link.stream
        if link.dialling is None or link.dialling.done():
            who = f"chaincode {package_id} of {msp_id}"  # one that is installed, so it is short
            link.dialling = asyncio.create_task(self._connect(link, connection, package_id, who))
            link.dialling.add_done_callback(_see)
        # Who gives up waiting does not end it for the others.
        return await asyncio.shield(link.dialling)

    async def _connect(
        self, link: _Link, connection: Connection, package_id: str, who: str
    ) -> Stream:
        await link.hang_up()
        try:
            async with asyncio.timeout(connection.dial_timeout_s):
                link.stream = await _dial(link, connection, package_id, who)
        except TimeoutError as error:
            await link.hang_up()
            raise ChaincodeSilent(
                "process cannot be reached",
                who=who,
                had=link.reason or None,
                needed=f"an answer at {connection.address} within {connection.dial_timeout_s:g} s",
                remedy="Start the chaincode's process, with the address of its package; one that "
                "waits for its source to be mended says why in its log.",
            ) from error
        except EdgemarkError:
            await link.hang_up()
            raise
        if self._keepalive_s:
            link.beating = asyncio.create_task(_beat(link.stream, self._keepalive_s))
        return link.stream


def _see(task: asyncio.Task[Stream]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


async def _dial(link: _Link, connection: Connection, package_id: str, who: str) -> Stream:
    link.channel = _channel(connection)
    link.reason = ""
    while True:
        call = link.channel.stream_stream(CONNECT)()
        stream = Stream(call, who)
        try:
            await stream.open(package_id)
        except ChaincodeEnded:
            if await call.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            link.reason = str(await call.details())[:MAX_REASON]
            await asyncio.sleep(REDIAL_S)
        else:
            return stream


def _channel(connection: Connection) -> Any:
    credentials = credentials_of(connection)
    if credentials is None:
        return grpc.aio.insecure_channel(connection.address, options=_OPTIONS)
    return grpc.aio.secure_channel(connection.address, credentials, options=_OPTIONS)


async def _beat(stream: Stream, every_s: float) -> None:
    while stream.is_open:
        await asyncio.sleep(every_s)
        await stream.ping()
