"""How a call of gRPC is served: its message parsed, its place taken, its refusal told.

A call that ends, is cancelled or passes its deadline gives its place back (`places`). A stream has
a place among the streams once its first message has passed: until then it is one of SILENT_STREAMS,
for FIRST_MESSAGE_S, and the one that has been silent for longest makes room for a new one. A client
that does not take an answer of a stream within WRITE_S loses the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc

from edgemark.ledger.embedded.doors.serving.instruments import DoorInstruments
from edgemark.ledger.embedded.doors.serving.places import SharedPlaces, SilentPlaces
from edgemark.ledger.embedded.doors.serving.refusing import CallRefused, explain, refusal
from edgemark.ledger.fabric.wire.details import TRAILER, make_details
from edgemark.ledger.fabric.wire.limits import FIRST_MESSAGE_S, MAX_MESSAGE_BYTES, WRITE_S
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.logs import about, get_logger
from edgemark.seam import place_of

_log = get_logger("ledger.doors")


Passed = Callable[[str], None]  # called when a message has passed, with its sender's MSP id
Talking = Callable[[AsyncIterator[Any], Passed], AsyncIterator[Any]]


@dataclass(frozen=True)
class Talks:
    """How a stream of messages is answered.

    Attributes:
        does: for any number of messages any number of answers.
        silent: places of those whose first message has not passed.
    """

    does: Talking
    silent: SilentPlaces


@dataclass(frozen=True)
class Answers:
    """One answer for one message.

    Attributes:
        does: that.
    """

    does: Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Streams:
    """Any number of answers for one message.

    Attributes:
        does: that.
    """

    does: Callable[[Any], AsyncIterator[Any]]


@dataclass(frozen=True)
class Method:
    """One method of a service.

    Attributes:
        name: of it.
        takes: class of its messages.
        places: that a call takes one of.
        kind: how its messages are answered.
        most_bytes: of a message; a larger one is refused before it is parsed.
    """

    name: str
    takes: Any
    places: SharedPlaces
    kind: Answers | Streams | Talks
    most_bytes: int = MAX_MESSAGE_BYTES

    def read(self, raw: bytes, path: str) -> Any:
        """A message of it.

        Raises:
            CallRefused: it is too large.
            MessageMalformed: it is of another kind.
        """
        if len(raw) > self.most_bytes:
            text = f"message of {len(raw)} bytes is too large; needed <= {self.most_bytes}"
            raise refusal(grpc.StatusCode.INVALID_ARGUMENT, text)
        return parse(self.takes, raw, path)


def serve_methods(
    service: str, methods: Sequence[Method], instruments: DoorInstruments
) -> grpc.GenericRpcHandler:
    """The handler of a service, for a server of `grpc.aio`."""
    handlers = {
        each.name: _Served(f"{service}/{each.name}", each, instruments).handler()
        for each in methods
    }
    return grpc.method_handlers_generic_handler(service, handlers)


@dataclass(frozen=True)
class _Served:
    path: str
    method: Method
    instruments: DoorInstruments

    def handler(self) -> Any:
        match self.method.kind:
            case Answers(does):
                return grpc.unary_unary_rpc_method_handler(partial(self._answer, does))
            case Streams(does):
                return grpc.unary_stream_rpc_method_handler(partial(self._stream, does))
            case Talks() as talks:
                return grpc.stream_stream_rpc_method_handler(partial(self._talk, talks))

    async def _answer(
        self, does: Callable[[Any], Awaitable[Any]], raw: bytes, context: Any
    ) -> bytes:
        facts: dict[str, object] = {}
        try:
            with self.instruments.serving(self.path), self.method.places.take():
                message = self.method.read(raw, self.path)
                facts = _facts_of(message)
                answer = await does(message)
                told: bytes = answer.SerializeToString()
                return told
        except Exception as error:
            with about(**facts):
                await self._refuse(error, context)
            raise

    async def _stream(
        self, does: Callable[[Any], AsyncIterator[Any]], raw: bytes, context: Any
    ) -> None:
        try:
            with self.instruments.serving(self.path), self.method.places.take():
                message = self.method.read(raw, self.path)
                async for each in does(message):
                    await _write(context, each)
        except Exception as error:  # noqa: BLE001 - told to who called
            await self._refuse(error, context)

    async def _talk(self, talks: Talks, raws: AsyncIterator[bytes], context: Any) -> None:
        try:
            with (
                self.instruments.serving(self.path),
                _Opening(talks.silent, self.method.places) as opening,
            ):
                messages = self._messages(raws, opening)
                async for each in talks.does(messages, opening.passed):
                    await _write(context, each)
        except Exception as error:  # noqa: BLE001 - as above
            await self._refuse(error, context)

    async def _messages(self, raws: AsyncIterator[bytes], opening: _Opening) -> AsyncIterator[Any]:
        each = aiter(raws)
        while True:
            try:
                async with asyncio.timeout_at(opening.until) as opening.waits:
                    raw = await anext(each, None)
            except TimeoutError as error:
                raise opening.refusal() from error
            if raw is None:
                return
            yield self.method.read(raw, self.path)

    async def _refuse(self, error: Exception, context: Any) -> None:
        refused = explain(error)
        if refused.code is grpc.StatusCode.INTERNAL:
            kind, where = type(error).__name__, place_of(error)
            _log.error("call failed", method=self.path, kind=kind, place=where)
        else:
            code, what = refused.code.name, refused.what
            _log.info("call refused", method=self.path, code=code, reason=what)
        self.instruments.note_refusal(self.path, refused.code.name)
        if refused.endorsers:
            number = refused.code.value[0]
            details = make_details(number, refused.what, refused.endorsers)
            context.set_trailing_metadata(((TRAILER, details),))
        await context.abort(refused.code, refused.what)


class _Opening(ExitStack):
    """The place of a stream: among the silent ones first, among all once a message passed.

    Attributes:
        until: when it ends if no message passed; None once one has.
        waits: for the next message.
    """

    def __init__(self, silent: SilentPlaces, places: SharedPlaces) -> None:
        super().__init__()
        self._places = places
        self._made_room = False
        self.until: float | None = asyncio.get_running_loop().time() + FIRST_MESSAGE_S
        self.waits: asyncio.Timeout | None = None
        self.enter_context(silent.hold(self))

    def passed(self, msp_id: str) -> None:
        if self.until is None:
            return
        if self._made_room:
            raise self.refusal()
        with ExitStack() as place:
            place.enter_context(self._places.take())
            place.enter_context(self._places.share(msp_id))
            self.close()  # gives the place among the silent ones back
            self.push(place.pop_all())
        self.until = None

    def make_room(self) -> None:
        """End, for one that came later."""
        self._made_room, self.until = True, asyncio.get_running_loop().time()
        if self.waits is not None and not self.waits.expired():
            self.waits.reschedule(self.until)

    def refusal(self) -> CallRefused:
        """Why it ends without a message."""
        if self._made_room:
            text = "too many streams that say nothing; this one was silent for longest"
            return refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        text = f"no message passed within {FIRST_MESSAGE_S:g} s"
        return refusal(grpc.StatusCode.DEADLINE_EXCEEDED, text)


async def _write(context: Any, answer: Any) -> None:
    raw = answer.SerializeToString()
    try:
        async with asyncio.timeout(WRITE_S):
            await context.write(raw)
    except TimeoutError as error:
        text = f"an answer was not taken within {WRITE_S:g} s"
        raise refusal(grpc.StatusCode.DEADLINE_EXCEEDED, text) from error


def _facts_of(message: Any) -> dict[str, object]:
    """What a log says of a call, as its caller says it."""
    transaction_id = getattr(message, "transaction_id", "")
    return {"transaction": transaction_id[:64]} if transaction_id else {}
