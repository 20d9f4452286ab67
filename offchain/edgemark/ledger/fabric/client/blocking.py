"""The client for threads: each call waits, at most as long as it was told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import grpc

from edgemark.closing import Closing
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
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.codes import Code

T = TypeVar("T")


class GatewayClient(Closing):
    """One identity on one channel; safe for many threads.

    Args:
        peers: whose Gateways are asked: the next one when one is silent.
        desk: channel, identity, journal and longest times.
    """

    def __init__(self, peers: Sequence[PeerAddress], desk: Desk) -> None:
        self.desk = desk
        self._peers = Peers(peers, _connect)

    def close(self) -> None:
        """Close all channels; streams end."""
        for channel in self._peers.take_channels():
            channel.close()

    def evaluate(
        self,
        chaincode: str,
        *arguments: bytes | str,
        sent: Transmission = PLAIN,
        wait_s: float | None = None,
    ) -> bytes:
        """What a chaincode answers; nothing is changed.

        Args:
            chaincode: its name.
            arguments: the first is the function's name; texts are UTF-8.
            sent: transient data, organisations.
            wait_s: longest time; None for that of the desk.

        Raises:
            ChaincodeRefused, NotEndorsed, IdentityRefused, LedgerBusy, LedgerSilent,
            MessageMalformed: see `faults`.
        """
        return self._run(self.desk.evaluate(self.desk.call(chaincode, arguments, sent), wait_s))

    def endorse(
        self,
        chaincode: str,
        *arguments: bytes | str,
        sent: Transmission = PLAIN,
        is_init: bool = False,
        wait_s: float | None = None,
    ) -> Endorsed:
        """What endorsers answer, checked and signed; nothing is ordered. See `submit`."""
        call = self.desk.call(chaincode, arguments, sent, is_init=is_init)
        return self._run(self.desk.endorse(call, wait_s))

    def submit(
        self,
        chaincode: str,
        *arguments: bytes | str,
        name: str | None = None,
        retries: int = 0,
        sent: Transmission = PLAIN,
        is_init: bool = False,
        wait_s: float | None = None,
    ) -> Outcome:
        """Have a call endorsed, ordered and committed, once.

        Args:
            chaincode: its name.
            arguments: the first is the function's name; texts are UTF-8.
            name: what the caller calls this one: whoever makes the same call by the same name, also
                after a crash and however much later, goes on with the same transaction or is told
                what the ledger has of it now. A journal remembers MAX_NAMES_REMEMBERED decided
                names (`limits`) and then refuses new ones; it forgets none. None for a call that
                nobody asks for again once its end was told.
            retries: new proposals that may follow a conflict with others.
            sent: transient data, organisations.
            is_init: it is the first call of a version, where its definition requires one that is
                marked so; the chaincode's `init` is run. It is another call than the same unmarked.
            wait_s: longest time; None for that of the desk.

        Raises:
            TransactionInvalid: it stands in a block and does not count.
            SubmissionGone: it was decided, and a revert took it back; nothing was sent.
            Overloaded: too many are open, or too large together, or too many names are known.
            MessageTooLarge: no node takes it.
            LedgerSilent: it may still count; it is kept under its name.
            SubmissionDiffers: it is the name of another call.
            SubmitRefused: see `faults`, and `evaluate` for the others.
        """
        call = self.desk.call(chaincode, arguments, sent, is_init=is_init)
        return self._run(self.desk.submit(call, name, retries, wait_s))

    def order(
        self, endorsed: Endorsed, *, name: str | None = None, wait_s: float | None = None
    ) -> Outcome:
        """Have ordered what was endorsed before. See `submit`."""
        return self._run(self.desk.order(endorsed, name, wait_s))

    def finish_open(self, wait_s: float | None = None) -> Iterator[Outcome | EdgemarkError]:
        """Go on with every submission that was left open, each to its end or its error."""
        for kept in list(self.desk.open_ones()):
            try:
                yield self._run(self.desk.finish(kept, wait_s))
            except EdgemarkError as error:
                yield error

    def give_up(self, name: str) -> Outcome:
        """End a submission that is open without its code, where no block has it.

        Whether an envelope will never count is not for a client to know: an orderer that refuses it
        may have taken an earlier copy, and another may take one. So it is not sent again, its name
        stays taken for ever, and whoever asks by it is told its code, or `SubmissionGivenUp`.

        Returns:
            With NOT_VALIDATED: it was given up. VALID: it had counted.

        Raises:
            RefusedInput: no such one is open.
            TransactionInvalid: it stands in a block and does not count.
        """
        return self._run(self.desk.give_up(name))

    def commit_status(self, transaction_id: str, wait_s: float | None = None) -> tuple[Code, int]:
        """Code and block of a transaction, as soon as there are any."""
        return self._run(self.desk.status(transaction_id, wait_s))

    def height(self, wait_s: float | None = None) -> int:
        """Number of blocks of the channel."""
        return self._run(self.desk.height(wait_s))

    def checkpoint(self, block: int | None = None, *, wait_s: float | None = None) -> Checkpoint:
        """Where a listener begins that is to notice it when the chain is taken back meanwhile.

        Args:
            block: number of the first block; None for the next one to come.
            wait_s: longest time for the answer.
        """
        return self._run(self.desk.checkpoint(block, wait_s))

    def chaincode_events(
        self, chaincode: str, after: Checkpoint | None = None, *, wait_s: float | None = None
    ) -> Iterator[ChaincodeEvent]:
        """Events in order, over any number of streams; an event counts as handled by the next one.

        Args:
            chaincode: whose events.
            after: behind what; None for what is committed from now on.
            wait_s: longest time for all of them together; None for no end.

        Raises:
            ChainTakenBack: blocks that were handled are not of the chain any more.
            LedgerSilent, LedgerBusy: when the time was over, nobody was there or had a place.
            IdentityRefused, MessageMalformed: see `faults`; while nobody answers, it asks again.
        """
        follower = Follower(self.desk.channel, chaincode, self.desk.signer, after)
        until = None if wait_s is None else time.monotonic() + wait_s
        while not self._peers.is_over(until):
            try:
                if follower.checkpoint is None:
                    follower.checkpoint = self.checkpoint(wait_s=left_of(until))
                else:
                    self._run(self.desk.check_history(follower.checkpoint, left_of(until)))
                request, cursor = follower.begin()
                limit = StreamTime(self.desk.waits.stream_s, until)
                for raw in self._stream(Asking.EVENTS, request, limit):
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
                time.sleep(pause_s)
        if not self._peers.is_closed:
            follower.check_heard()

    def listen(
        self,
        chaincode: str,
        handle: Callable[[ChaincodeEvent], None],
        checkpoints: CheckpointFile,
        *,
        wait_s: float | None = None,
    ) -> None:
        """Hand each event to `handle`, and keep where it was after it returned.

        Args:
            chaincode: whose events.
            handle: what is done with one; an exception of it ends this and keeps the event.
            checkpoints: where it is kept; a new one begins with what is committed from now on.
            wait_s: longest time; None until the client is closed.

        Raises:
            FileInUse: another listener goes on behind the same checkpoint.
            EdgemarkError: see `chaincode_events`.
        """
        with checkpoints.held():
            after = checkpoints.read()
            if after is None:
                after = self.checkpoint()
                checkpoints.write(after)
            for event in self.chaincode_events(chaincode, after, wait_s=wait_s):
                handle(event)
                checkpoints.write(event.checkpoint)

    def blocks(
        self, first: int, last: int | None = None, *, wait_s: float | None = None
    ) -> Iterator[Block]:
        """Blocks in order, each checked against the last.

        Args:
            first: number of the first one.
            last: of the last one; None for no end.
            wait_s: longest time for all of them together; None for no end.

        Raises:
            LedgerSilent: the stream was cut, or `last` did not come in time.
            IdentityRefused, MessageMalformed: see `faults`.
        """
        _, _, target = self._peers.current()
        cursor = BlockCursor(first, last, target)
        until = None if wait_s is None else time.monotonic() + wait_s
        while True:
            limit = StreamTime(self.desk.waits.stream_s, until)
            request = self.desk.seek(cursor.next, last)
            for raw in self._stream(Asking.BLOCKS, request, limit):
                block = cursor.take(raw)
                if block is None:
                    break
                yield block
                if cursor.is_done:
                    return
            if not cursor.goes_on(limit):
                return

    def _stream(self, asking: Asking, request: bytes, limit: StreamTime) -> Iterator[bytes]:
        """The answers of one stream, until it ends.

        Raises:
            EdgemarkError: why it ended, typed; none where its longest time is over.
        """
        at, channel, target = self._peers.current()
        kind = channel.stream_stream if asking is Asking.BLOCKS else channel.unary_stream
        sent = iter((request,)) if asking is Asking.BLOCKS else request
        stream = kind(METHODS[asking])(sent, timeout=limit.left_s)
        try:
            yield from stream
        except grpc.RpcError as error:
            is_late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            if not (is_late and limit.is_over):  # a peer has deadlines of its own
                self._peers.turn_after(explained := explain_call(asking, error, target), at)
                raise explained from error
        finally:
            stream.cancel()

    def _run(self, flow: Flow[T]) -> T:
        """Carry out what a flow wishes, one after the other."""
        try:
            wish = next(flow)
            while True:
                try:
                    answer = self._perform(wish)
                except EdgemarkError as error:
                    wish = flow.throw(error)
                else:
                    wish = flow.send(answer)
        except StopIteration as ended:
            result: T = ended.value
            return result
        finally:
            flow.close()

    def _perform(self, wish: Wish) -> bytes:
        match wish:
            case Ask():
                return self._ask(wish)
            case Pause(seconds):
                time.sleep(seconds)
            case Keep(kept):
                self.desk.journal().append(kept)
        return b""

    def _ask(self, wish: Ask) -> bytes:
        at, method, target = self._peers.method(wish.asking)
        try:
            answer: bytes = method(wish.request, timeout=wish.wait_s)
        except grpc.RpcError as error:
            explained = explain_call(wish.asking, error, target)
            self._peers.turn_after(explained, at)
            raise explained from error
        except ValueError as error:  # a channel that was closed meanwhile
            raise RefusedInput("is closed", who="client") from error
        return answer


def _connect(address: PeerAddress) -> grpc.Channel:
    return grpc.secure_channel(address.target, credentials_of(address), options_of(address))
