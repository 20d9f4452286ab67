"""One stream to a chaincode's process: handshake, transactions, one writer.

    process                     ledger
    REGISTER(package id)  --->
                          <---  REGISTERED, READY
                          <---  TRANSACTION | INIT
    GET_STATE, ...        --->
                          <---  RESPONSE | ERROR
    COMPLETED | ERROR     --->

A transaction is told from others by (channel, transaction id). Whatever the process does, the
ledger goes on: what is no message of the protocol, or stands where none may, ends the stream and
with it the transactions that are at work on it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.link.answers import completion_of, error_of, response_of
from edgemark.ledger.embedded.link.requests import ANSWERS, INVOKE, Requests, name_of
from edgemark.ledger.embedded.simulation.calls import Call, Completion
from edgemark.ledger.embedded.simulation.faults import (
    TERMINATED,
    TIMED_OUT,
    ChaincodeBroke,
    ChaincodeEnded,
    ChaincodeSilent,
    NotSimulated,
)
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.limits import MAX_MESSAGE_BYTES
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.logs import get_logger
from edgemark.seam import place_of

_log = get_logger("chaincode")
_M = chaincode_shim_pb2.ChaincodeMessage
WRITE_TIMEOUT_S = 30.0  # a process that reads nothing for so long has ended
MAX_STRAYS = 1_000  # messages in a row that belong to no transaction
MAX_UNSENT = 1_000  # messages to it; beyond, nothing of it is read until it has read some
MAX_UNSENT_BYTES = 16 * 1024 * 1024  # of them together; the last one may be longer


class _Work:
    """One chaincode at work."""

    def __init__(self, call: Call) -> None:
        self.requests = Requests(call)
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.invoking: asyncio.Task[None] | None = None


class Stream:
    """An open stream, after its handshake.

    Args:
        call: of gRPC: what is written and read are bytes.
        who: whose process it is, for errors.
    """

    def __init__(self, call: Any, who: str) -> None:
        self._call = call
        self._who = who
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue()
        self._unsent_bytes = 0
        self._room = asyncio.Event()
        self._works: dict[tuple[str, str], _Work] = {}
        self._strays = 0
        self._fault: EdgemarkError | None = None
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._writes_since: float | None = None  # by the loop's clock; None while it waits
        self._watch: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether a transaction may be sent."""
        return self._fault is None and self._reader is not None and not self._reader.done()

    async def open(self, package_id: str) -> None:
        """Shake hands, and read from then on.

        Raises:
            ChaincodeBroke: the process says something else first, or is another chaincode's.
            ChaincodeEnded: it ended the stream.
        """
        first = await self._next()
        while first is not None and first.type == _M.KEEPALIVE:
            first = await self._next()
        if first is None:
            raise ChaincodeEnded(TERMINATED, who=self._who)
        if first.type != _M.REGISTER:
            had = name_of(first.type)
            raise ChaincodeBroke("handshake is wrong", who=self._who, had=had, needed="REGISTER")
        name = parse(chaincode_pb2.ChaincodeID, first.payload, self._who).name
        if name != package_id:
            raise ChaincodeBroke(
                "process registers as another chaincode",
                who=self._who,
                had=name[:128],
                needed=package_id,
                remedy="Start it with the package's id (CHAINCODE_ID).",
            )
        # Writes have a task of their own: a transaction that is given up in the midst of one would
        # take the whole stream with it.
        self._writer = asyncio.create_task(self._write_all())
        await self._send(_M(type=_M.REGISTERED))
        await self._send(_M(type=_M.READY))
        self._reader = asyncio.create_task(self._read())

    async def execute(self, call: Call, timeout_s: float) -> Completion:
        """Have the process run a chaincode.

        Args:
            call: what it is to do.
            timeout_s: seconds it may take; 0 for ever.

        Raises:
            NotSimulated: it is at work on this transaction already, or answered by ERROR; or the
                call is larger than a message may be.
            ChaincodeSilent: it took too long.
            ChaincodeEnded: the stream ended.
            ChaincodeBroke: its answer is none.
        """
        key = (call.channel, call.transaction_id)
        if key in self._works:
            raise NotSimulated(f"txid: {call.transaction_id}({call.channel}) exists")
        if self._fault is not None:
            raise ChaincodeEnded(TERMINATED, who=self._who) from self._fault
        begin = _begin(call)
        if (size := begin.ByteSize()) > MAX_MESSAGE_BYTES:  # it would end the stream for all
            had, needed = f"{size} bytes", f"<= {MAX_MESSAGE_BYTES}"
            raise NotSimulated("call is too large", who=self._who, had=had, needed=needed)
        work = self._works[key] = _Work(call)
        try:
            async with asyncio.timeout(timeout_s or None):
                await self._send(begin)
                answer = await work.done
        except TimeoutError as error:
            raise ChaincodeSilent(
                TIMED_OUT, who=self._who, needed=f"an answer within {timeout_s:g} s"
            ) from error
        finally:
            del self._works[key]
            try:
                # What it called reads the same state, which its caller closes next.
                await _end_task(work.invoking)
            finally:
                work.requests.close()
        return completion_of(answer, call, self._who)

    async def ping(self) -> None:
        """Send KEEPALIVE."""
        await self._send(_M(type=_M.KEEPALIVE))

    async def close(self) -> None:
        """End the stream, and what is at work on it."""
        self._end(ChaincodeEnded(TERMINATED, who=self._who))
        await _end_task(self._reader)
        await _end_task(self._writer)

    def _end(self, fault: EdgemarkError) -> None:
        self._fault = self._fault or fault
        for work in self._works.values():
            if not work.done.done():
                work.done.set_exception(self._fault)
        self._room.set()
        self._call.cancel()

    async def _next(self) -> Any:
        """The next message; None when there is none any more."""
        try:
            raw = await self._call.read()
        except grpc.RpcError:
            return None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return None  # the stream was ended, not who reads it
        return None if raw is grpc.aio.EOF else parse(_M, raw, self._who)

    async def _read(self) -> None:
        fault: EdgemarkError = ChaincodeEnded(TERMINATED, who=self._who)
        try:
            while (message := await self._next()) is not None:
                if (answer := self._take(message)) is not None:
                    await self._send(answer)
        except MessageMalformed as error:
            fault = ChaincodeBroke(error.what, who=self._who, needed=error.needed)
        except EdgemarkError as error:
            fault = error
        except Exception as error:  # noqa: BLE001 - it costs this stream alone; the log has it
            _log.error("stream ended", who=self._who, place=place_of(error))
        finally:
            self._end(fault)

    def _take(self, message: Any) -> Any:
        """Do what a message asks; what is answered to it at once, None for nothing."""
        kind = message.type
        if kind == _M.KEEPALIVE:
            return None
        work = self._works.get((message.channel_id, message.txid))
        if kind in (_M.COMPLETED, _M.ERROR):
            self._note(work)
            if work is not None and not work.done.done():
                work.done.set_result(message)
            return None
        if kind != INVOKE and kind not in ANSWERS:
            raise ChaincodeBroke("message is none of a chaincode's", who=self._who, had=kind)
        self._note(work)
        if work is None or work.done.done():
            return error_of(message, "no ledger context")
        if work.invoking is not None and not work.invoking.done():
            return None  # one request at a time: a peer drops the second, too
        if kind == INVOKE:
            work.invoking = asyncio.create_task(self._invoke(work, message))
            return None
        return _fitting(_answer(work.requests, message), message)

    def _note(self, work: _Work | None) -> None:
        self._strays = 0 if work is not None else self._strays + 1
        if self._strays > MAX_STRAYS:
            raise ChaincodeBroke(
                "process floods the ledger", who=self._who, had=f"{self._strays} stray messages"
            )

    async def _invoke(self, work: _Work, message: Any) -> None:
        try:
            answer = response_of(message, await work.requests.invoke(message.payload))
        except EdgemarkError as error:
            answer = error_of(message, str(error))
        except Exception as error:  # noqa: BLE001 - told to who asked; the log has it
            answer = _fail(message, error)
        if not work.done.done():
            await self._send(_fitting(answer, message))

    async def _send(self, message: Any) -> None:
        """Have a message written, when there is room; once the stream has ended, nothing."""
        while self._fault is None and (
            self._unsent.qsize() >= MAX_UNSENT or self._unsent_bytes >= MAX_UNSENT_BYTES
        ):
            self._room.clear()
            await self._room.wait()
        raw: bytes = message.SerializeToString()
        self._unsent_bytes += len(raw)
        self._unsent.put_nowait(raw)

    async def _write_all(self) -> None:
        self._watch_write()
        clock = asyncio.get_running_loop().time
        try:
            while True:
                raw = await self._unsent.get()
                self._writes_since = clock()
                await self._call.write(raw)
                self._writes_since = None
                self._unsent_bytes -= len(raw)
                self._room.set()
        except (grpc.RpcError, asyncio.InvalidStateError):
            pass  # it reads no more, or is gone
        finally:
            self._end(ChaincodeEnded(TERMINATED, who=self._who))
            if self._watch is not None:
                self._watch.cancel()

    def _watch_write(self) -> None:
        """End the stream when a write takes too long: a timer of its own would cost as much."""
        loop = asyncio.get_running_loop()
        since = self._writes_since
        left_s = WRITE_TIMEOUT_S if since is None else since + WRITE_TIMEOUT_S - loop.time()
        if left_s > 0:
            self._watch = loop.call_later(left_s, self._watch_write)
        else:
            self._end(ChaincodeEnded(TERMINATED, who=self._who))


def _begin(call: Call) -> Any:
    asked = chaincode_pb2.ChaincodeInput(args=list(call.arguments), is_init=call.is_init)
    return _M(
        type=_M.INIT if call.is_init else _M.TRANSACTION,
        payload=asked.SerializeToString(),
        txid=call.transaction_id,
        channel_id=call.channel,
        proposal=proposal_pb2.SignedProposal.FromString(call.asked.signed),
    )


def _fitting(answer: Any, message: Any) -> Any:
    """The answer to a request, or ERROR where it is larger than a message may be."""
    size = answer.ByteSize()
    if size <= MAX_MESSAGE_BYTES:
        return answer
    return error_of(message, f"answer is too large: {size} bytes; needed <= {MAX_MESSAGE_BYTES}")


def _answer(requests: Requests, message: Any) -> Any:
    try:
        return response_of(message, requests.answer(message.type, message.payload))
    except EdgemarkError as error:
        return error_of(message, str(error))
    except Exception as error:  # noqa: BLE001 - as above
        return _fail(message, error)


def _fail(message: Any, error: Exception) -> Any:
    """Of a request whose fault is the ledger's own: it costs no more than its transaction."""
    asked = name_of(message.type)
    _log.error("request failed", asked=asked, kind=type(error).__name__, place=place_of(error))
    return error_of(message, "the ledger could not answer")


async def _end_task(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it is over, whatever it makes of that."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # taken note of; who raised it has told it
