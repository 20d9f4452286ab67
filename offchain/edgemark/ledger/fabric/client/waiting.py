"""The client for one asyncio loop: the same as `blocking`, awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Self, TypeVar

import grpc
import grpc.aio

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.client.asking import PLAIN, Desk, Transmission
from edgemark.ledger.fabric.client.blocks import BlockCursor
from edgemark.ledger.fabric.client.calls import Endorsed
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.connection import (
    METHODS,
    Peers,
    StreamTime,
    credentials_of,
    explain_call,
    left_of,
    options_of,
)
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint, Follower
from edgemark.ledger.fabric.client.flows import Ask, Flow, Keep, Pause, Wish
from edgemark.ledger.fabric.client.keeping.records import Kept
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.codes import Code

T = TypeVar("T")


class AsyncGatewayClient:
    """One identity on one channel, for one loop; `async with` closes it.

    Every method is as its namesake of `blocking.GatewayClient`, which says what it raises.

    Args:
        peers: whose Gateways are asked: the next one when one is silent.
        desk: channel, identity, journal and longest times.
    """

    def __init__(self, peers: Sequence[PeerAddress], desk: Desk) -> None:
        self.desk = desk
        self._peers = Peers(peers, _connect)
        self._writing: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all channels; streams end."""
        for channel in self._peers.take_channels():
            await channel.close()

    async def evaluate(
        self,
        chaincode: str,
        *arguments: bytes | str,
        sent: Transmission = PLAIN,
        wait_s: float | None = None,
    ) -> bytes:
        """What a chaincode answers; nothing is changed."""
        call = self.desk.call(chaincode, arguments, sent)
        return await self._run(self.desk.evaluate(call, wait_s))

    async def endorse(
        self,
        chaincode: str,
        *arguments: bytes | str,
        sent: Transmission = PLAIN,
        is_init: bool = False,
        wait_s: float | None = None,
    ) -> Endorsed:
        """What endorsers answer, checked and signed; nothing is ordered."""
        call = self.desk.call(chaincode, arguments, sent, is_init=is_init)
        return await self._run(self.desk.endorse(call, wait_s))

    async def submit(
        self,
        chaincode: str,
        *arguments: bytes | str,
        name: str | None = None,
        retries: int = 0,
        sent: Transmission = PLAIN,
        is_init: bool = False,
        wait_s: float | None = None,
    ) -> Outcome:
        """Have a call endorsed, ordered and committed, once."""
        call = self.desk.call(chaincode, arguments, sent, is_init=is_init)
        return await self._run(self.desk.submit(call, name, retries, wait_s))

    async def order(
        self, endorsed: Endorsed, *, name: str | None = None, wait_s: float | None = None
    ) -> Outcome:
        """Have ordered what was endorsed before."""
        return await self._run(self.desk.order(endorsed, name, wait_s))

    async def finish_open(
        self, wait_s: float | None = None
    ) -> AsyncIterator[Outcome | EdgemarkError]:
        """Go on with every submission that was left open, each to its end or its error."""
        for kept in list(self.desk.open_ones()):
            try:
                yield await self._run(self.desk.finish(kept, wait_s))
            except EdgemarkError as error:
                yield error

    async def give_up(self, name: str) -> Outcome:
        """End a submission that is open without its code, where no block has it."""
        return await self._run(self.desk.give_up(name))

    async def commit_status(
        self, transaction_id: str, wait_s: float | None = None
    ) -> tuple[Code, int]:
        """Code and block of a transaction, as soon as there are any."""
        return await self._run(self.desk.status(transaction_id, wait_s))

    async def height(self, wait_s: float | None = None) -> int:
        """Number of blocks of the channel."""
        return await self._run(self.desk.height(wait_s))

    async def checkpoint(
        self, block: int | None = None, *, wait_s: float | None = None
    ) -> Checkpoint:
        """Where a listener begins that is to notice it when the chain is taken back meanwhile.

        Args:
            block: number of the first block; None for the next one to come.
            wait_s: longest time for the answer.
        """
        return await self._run(self.desk.checkpoint(block, wait_s))

    async def chaincode_events(
        self, chaincode: str, after: Checkpoint | None = None, *, wait_s: float | None = None
    ) -> AsyncIterator[ChaincodeEvent]:
        """Events in order, over any number of streams; an event counts as handled by the next."""
        follower = Follower(self.desk.channel, chaincode, self.desk.signer, after)
        until = None if wait_s is None else time.monotonic() + wait_s
        while not self._peers.is_over(until):
            try:
                if follower.checkpoint is None:
                    follower.checkpoint = await self.checkpoint(wait_s=left_of(until))
                else:
                    await self._run(self.desk.check_history(follower.checkpoint, left_of(until)))
                request, cursor = follower.begin()
                limit = StreamTime(self.desk.waits.stream_s, until)
                async for raw in self._stream(Asking.EVENTS, request, limit):
                    for event in cursor.take(raw):
                        yield event
                        follower.handled(event)
            except EdgemarkError as error:
                if self._peers.is_closed:
                    return
                pause_s = follower.pause_after(error)
            else:
                pause_s = follower.pause_after_end()
            if not self._peers.is_over(until):
                await asyncio.sleep(pause_s)
        if not self._peers.is_closed:
            follower.check_heard()

    async def listen(
        self,
        chaincode: str,
        handle: Callable[[ChaincodeEvent], Awaitable[None]],
        checkpoints: CheckpointFile,
        *,
        wait_s: float | None = None,
    ) -> None:
        """Hand each event to `handle`, and keep where it was after it returned."""
        with checkpoints.held():
            after = await asyncio.to_thread(checkpoints.read)
            if after is None:
                after = await self.checkpoint()
                await asyncio.to_thread(checkpoints.write, after)
            async for event in self.chaincode_events(chaincode, after, wait_s=wait_s):
                await handle(event)
                await asyncio.to_thread(checkpoints.write, event.checkpoint)

    async def blocks(
        self, first: int, last: int | None = None, *, wait_s: float | None = None
    ) -> AsyncIterator[Block]:
        """Blocks in order, each checked against the last."""
        _, _, target = self._peers.current()
        cursor = BlockCursor(first, last, target)
        until = None if wait_s is None else time.monotonic() + wait_s
        while True:
            limit = StreamTime(self.desk.waits.stream_s, until)
            request = self.desk.seek(cursor.next, last)
            async for raw in self._stream(Asking.BLOCKS, request, limit):
                block = cursor.take(raw)
                if block is None:
                    break
                yield block
                if cursor.is_done:
                    return
            if not cursor.goes_on(limit):
                return

    async def _stream(
        self, asking: Asking, request: bytes, limit: StreamTime
    ) -> AsyncIterator[bytes]:
        at, channel, target = self._peers.current()
        kind = channel.stream_stream if asking is Asking.BLOCKS else channel.unary_stream
        sent = iter((request,)) if asking is Asking.BLOCKS else request
        stream = kind(METHODS[asking])(sent, timeout=limit.left_s)
        try:
            async for raw in stream:
                yield raw
        except grpc.RpcError as error:
            is_late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            if not (is_late and limit.is_over):  # a peer has deadlines of its own
                self._peers.turn_after(explained := explain_call(asking, error, target), at)
                raise explained from error
        finally:
            stream.cancel()

    async def _run(self, flow: Flow[T]) -> T:
        """Carry out what a flow wishes, one after the other."""
        try:
            wish = next(flow)
            while True:
                try:
                    answer = await self._perform(wish)
                except EdgemarkError as error:
                    wish = flow.throw(error)
                else:
                    wish = flow.send(answer)
        except StopIteration as ended:
            result: T = ended.value
            return result
        finally:
            flow.close()

    async def _perform(self, wish: Wish) -> bytes:
        match wish:
            case Ask():
                return await self._ask(wish)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Keep(kept):
                await self._keep(kept)
        return b""

    async def _keep(self, kept: Kept) -> None:
        """Begin to write it, and wait if it has to be there: one write for all that came."""
        journal = self.desk.journal()
        ticket = journal.begin(kept)
        while ticket.is_urgent and not ticket.is_done:
            if self._writing is None or self._writing.done():
                loop = asyncio.get_running_loop()
                self._writing = loop.run_in_executor(None, journal.write)
            await asyncio.shield(self._writing)
        ticket.check()

    async def _ask(self, wish: Ask) -> bytes:
        at, method, target = self._peers.method(wish.asking)
        try:
            answer: bytes = await method(wish.request, timeout=wish.wait_s)
        except grpc.RpcError as error:
            explained = explain_call(wish.asking, error, target)
            self._peers.turn_after(explained, at)
            raise explained from error
        except grpc.aio.UsageError as error:  # a channel that was closed meanwhile
            raise RefusedInput("is closed", who="client") from error
        return answer


def _connect(address: PeerAddress) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(address.target, credentials_of(address), options_of(address))
