"""One peer's stream: handshake, calls side by side, and one writer.

| state | what may come | what follows |
|---|---|---|
| opened | REGISTERED, after our REGISTER | registered |
| registered | READY | ready |
| ready | TRANSACTION, INIT | the call runs; COMPLETED with its response, whatever it raised |
| ready | TRANSACTION, INIT of a call that runs | COMPLETED with an error; what ran is forgotten |
| ready | RESPONSE, ERROR | to the call that waits for it |
| any | KEEPALIVE | nothing |

What fits nothing is left and counted, so that no message of one call ends another; who sends too
many of them loses the stream. Whoever has not shaken hands within HANDSHAKE_S loses it too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage
from google.protobuf.message import DecodeError

from edgemark.errors import EdgemarkError
from edgemark_chaincode.shim.call import parse_call
from edgemark_chaincode.shim.faults import CallMalformed, CallRefused, StreamBroken, tell
from edgemark_chaincode.shim.interface import ERROR, Chaincode, Response
from edgemark_chaincode.shim.limits import (
    HANDSHAKE_S,
    MAX_BYTES_IN_HAND,
    MAX_ID,
    MAX_ODD_MESSAGES,
    MAX_PAYLOAD_BYTES,
    MAX_TRANSACTIONS,
)
from edgemark_chaincode.shim.stub import ChaincodeStub
from edgemark_chaincode.shim.transaction import Transaction

LOG = logging.getLogger("edgemark.chaincode")
LEAST_S = 0.1  # for the last message of a stream
TOLD_MESSAGES = 5  # that fit nothing, of a stream, in the log
WAITING_MESSAGES = 64  # to be written; who reads slowly is not asked for more
_CALLS = (ChaincodeMessage.TRANSACTION, ChaincodeMessage.INIT)
_ANSWERS = (ChaincodeMessage.RESPONSE, ChaincodeMessage.ERROR)
_HANDSHAKE = (ChaincodeMessage.REGISTERED, ChaincodeMessage.READY)


_Key = tuple[str, str]  # channel and transaction id


@dataclass
class _Running:
    """A call at work.

    Attributes:
        transaction: by which it asks the peer.
        size: of its message, bytes.
        task: in which it runs.
        is_forgotten: whether the peer has begun it anew, so that its answer would be another's.
    """

    transaction: Transaction
    size: int
    task: asyncio.Task[None] | None = None
    is_forgotten: bool = False


class PeerStream:
    """The chaincode's side of one stream.

    Args:
        chaincode: that answers.
        package_id: under which the peer knows it.
        handshake_s: seconds in which whoever connected has to speak as a peer does.
    """

    def __init__(
        self, chaincode: Chaincode, package_id: str, handshake_s: float = HANDSHAKE_S
    ) -> None:
        self._chaincode = chaincode
        self._package_id = package_id
        self._handshake_s = handshake_s
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_MESSAGES)
        self._running: dict[_Key, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes_in_hand = 0
        self._shaken = 0  # messages of the handshake that came
        self._odd = 0
        self._is_ending = False

    async def serve(
        self, incoming: AsyncIterator[bytes], write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Live until the peer goes, breaks the protocol, or `end` is called.

        Args:
            incoming: messages of the peer.
            write: sends one; called by nobody else meanwhile.

        Raises:
            CallMalformed: the peer broke the protocol.
            StreamBroken: it was silent at the handshake.
        """
        name = chaincode_pb2.ChaincodeID(name=self._package_id)
        await self._send(
            ChaincodeMessage(type=ChaincodeMessage.REGISTER, payload=name.SerializeToString())
        )
        writer = asyncio.create_task(self._write(write))
        reader = asyncio.create_task(self._read(incoming))
        watch = asyncio.create_task(self._watch_handshake())
        try:
            done, _ = await asyncio.wait(
                {reader, writer, watch}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            self._is_ending = True
            await _cancel({reader, writer, watch, *self._tasks})

    async def end(self, grace_s: float) -> None:
        """Begin no call, wait for those that run, and end the stream.

        Args:
            grace_s: seconds that they have.
        """
        self._is_ending = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)
        with suppress(TimeoutError):  # a peer that does not read is cut off
            async with asyncio.timeout(max(grace_s, LEAST_S)):
                await self._outgoing.put(None)

    async def _write(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        while (message := await self._outgoing.get()) is not None:
            await write(message)

    async def _watch_handshake(self) -> None:
        await asyncio.sleep(self._handshake_s)
        if self._shaken < len(_HANDSHAKE):
            needed = f"REGISTERED and READY within {self._handshake_s:g} s"
            raise StreamBroken("does not speak as a peer does", who="peer", needed=needed)
        await asyncio.Event().wait()

    async def _read(self, incoming: AsyncIterator[bytes]) -> None:
        async for raw in incoming:
            try:
                message = ChaincodeMessage.FromString(raw)
            except DecodeError as fault:
                raise CallMalformed("is no message", who="peer", had=f"{len(raw)} bytes") from fault
            if message.type == ChaincodeMessage.KEEPALIVE:
                continue
            if self._shaken < len(_HANDSHAKE):
                self._shake(message.type)
            elif message.type in _CALLS:
                await self._begin(message, len(raw))
            elif message.type in _ANSWERS:
                found = self._running.get((message.channel_id, message.txid))
                if found is None or not found.transaction.hear(message):
                    self._count_odd("an answer that nobody waits for", message)
            else:
                self._count_odd("a message that fits nothing", message)

    def _shake(self, kind: int) -> None:
        needed = _HANDSHAKE[self._shaken]
        if kind != needed:
            raise CallMalformed(
                "came in a wrong order", who="message of the handshake", had=kind, needed=needed
            )
        self._shaken += 1

    async def _begin(self, message: Any, size: int) -> None:
        key = (message.channel_id, message.txid)
        if not 1 <= len(message.txid) <= MAX_ID or len(message.channel_id) > MAX_ID:
            self._count_odd("a call without a transaction id", message)
        elif key in self._running:
            await self._forget(key)
        elif self._is_ending:
            await self._answer(key, _refused("is ending"), None)
        elif (
            len(self._running) >= MAX_TRANSACTIONS or self._bytes_in_hand + size > MAX_BYTES_IN_HAND
        ):
            await self._answer(key, _refused("has as many calls as it takes"), None)
        else:
            running = _Running(Transaction(*key, self._send), size)
            self._running[key] = running
            self._bytes_in_hand += size
            running.task = asyncio.create_task(self._run(message, key, running))
            self._tasks.add(running.task)
            running.task.add_done_callback(self._tasks.discard)

    async def _forget(self, key: _Key) -> None:
        """Refuse a call that runs: its peer gave it up, and has another read-write set by now.

        What runs has asked and written for the one before; its success would be taken for that of
        a call that has written nothing.
        """
        running = self._running.pop(key)
        running.is_forgotten = True
        running.transaction.close()
        if running.task is not None:
            running.task.cancel()
        await self._answer(key, _refused("still ran this call when it came again"), None)

    async def _run(self, message: Any, key: _Key, running: _Running) -> None:
        event = None
        try:
            try:
                response, event = await self._call(message, running.transaction)
            except (Exception, SystemExit) as fault:
                LOG.info("call %s failed", key[1][:16], exc_info=fault)
                response = Response(ERROR, message=tell(fault))
            except asyncio.CancelledError:
                if self._is_ending or running.is_forgotten:
                    raise
                response = Response(ERROR, message="the chaincode cancelled itself")
            if not running.is_forgotten:
                del self._running[key]  # from here on the peer may begin it anew
                await self._answer(key, response, event)
        finally:
            running.transaction.close()
            self._bytes_in_hand -= running.size
            if self._running.get(key) is running:
                del self._running[key]

    async def _call(self, message: Any, transaction: Transaction) -> tuple[Response, Any]:
        stub = ChaincodeStub(parse_call(message), transaction)
        is_init = message.type == ChaincodeMessage.INIT
        try:
            response = await (self._chaincode.init if is_init else self._chaincode.invoke)(stub)
        except asyncio.CancelledError:
            transaction.close()  # nobody is there who could be asked to close an iterator
            raise
        except (Exception, SystemExit):
            with suppress(EdgemarkError):  # what the chaincode said counts
                await stub.close_iterators()
            raise
        await stub.close_iterators()
        return _checked(response), stub.event

    async def _answer(self, key: _Key, response: Response, event: Any) -> None:
        raw = proposal_response_pb2.Response(
            status=response.status, message=response.message, payload=response.payload
        ).SerializeToString()
        await self._send(
            ChaincodeMessage(
                type=ChaincodeMessage.COMPLETED,
                payload=raw,
                channel_id=key[0],
                txid=key[1],
                chaincode_event=event,
            )
        )

    async def _send(self, message: Any) -> None:
        await self._outgoing.put(message.SerializeToString())

    def _count_odd(self, what: str, message: Any) -> None:
        self._odd += 1
        if self._odd <= TOLD_MESSAGES:
            LOG.warning("the peer sent %s: type %d, %r", what, message.type, message.txid[:16])
        if self._odd >= MAX_ODD_MESSAGES:
            needed = f"< {MAX_ODD_MESSAGES}"
            raise CallMalformed("are too many", who="messages that fit nothing", needed=needed)


def _checked(response: Any) -> Response:
    """The answer of a chaincode, in the shape of this shim or of another."""
    try:
        words = str(response.message).encode(errors="replace").decode()
        told = Response(int(response.status), words, bytes(response.payload))
    except (AttributeError, TypeError, ValueError) as fault:
        raise CallRefused(
            "answered with no response",
            who="chaincode",
            had=type(response).__name__,
            needed="success(...) or error(...)",
        ) from fault
    if not 200 <= told.status < 600:
        raise CallRefused("has no status", who="response", had=told.status, needed="200 .. 599")
    size = len(told.message.encode()) + len(told.payload)
    if size > MAX_PAYLOAD_BYTES:
        needed = f"<= {MAX_PAYLOAD_BYTES} bytes"
        raise CallRefused("is too large", who="response", had=f"{size} bytes", needed=needed)
    return told


def _refused(what: str) -> Response:
    return Response(ERROR, message=f"this chaincode's process {what}: ask again later")


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
