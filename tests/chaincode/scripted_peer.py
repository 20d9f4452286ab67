"""A peer that a test holds by the hand, over real gRPC.

Why a fake: a ledger keeps to the protocol, and what the shim does when a peer does not (answers
twice, for another transaction, out of order, with rubbish, or goes away) can be seen with no other.
What it answers by itself is the least that a chaincode can work with: a dictionary.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.ledger.queryresult import kv_query_result_pb2 as rows
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.server import OPTIONS, ChaincodeServer, ServerTls

Message = protocol.ChaincodeMessage
PACKAGE_ID = "kv_1:" + "0" * 64
CHANNEL = "market"
SECONDS = 1_800_000_000
PATIENCE_S = 10
Answer = Callable[[Any], Sequence[Any] | None]


@dataclass(frozen=True)
class Outcome:
    """What a call ended with."""

    status: int
    message: str
    payload: bytes
    event: Any


def name_of(nonce: bytes, creator: bytes) -> str:
    return sha256(nonce + creator).hexdigest()


def sign_as(msp_id: str = "Org1MSP", certificate: bytes = b"PEM of a client") -> bytes:
    raw: bytes = identities_pb2.SerializedIdentity(
        mspid=msp_id, id_bytes=certificate
    ).SerializeToString()
    return raw


def propose(
    creator: bytes,
    nonce: bytes,
    *,
    channel: str = CHANNEL,
    seconds: int = SECONDS,
    transient: Mapping[str, bytes] | None = None,
    tx_id: str | None = None,
) -> Any:
    header = common_pb2.ChannelHeader(
        type=common_pb2.ENDORSER_TRANSACTION,
        channel_id=channel,
        tx_id=tx_id or name_of(nonce, creator),
    )
    header.timestamp.seconds = seconds
    header.timestamp.nanos = 5
    signature = common_pb2.SignatureHeader(creator=creator, nonce=nonce)
    spec = chaincode_pb2.ChaincodeSpec(chaincode_id=chaincode_pb2.ChaincodeID(name="kv"))
    asked = chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString()
    payload = proposal_pb2.ChaincodeProposalPayload(input=asked, TransientMap=transient or {})
    raw = proposal_pb2.Proposal(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=signature.SerializeToString(),
        ).SerializeToString(),
        payload=payload.SerializeToString(),
    ).SerializeToString()
    return proposal_pb2.SignedProposal(proposal_bytes=raw, signature=b"of the client")


class ScriptedPeer:
    """One stream; whatever the script does not answer, the dictionary does."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._writing = asyncio.Lock()
        self._ended: dict[tuple[str, str], asyncio.Future[Any]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._cursors: dict[str, list[Any]] = {}
        self._calls = 0
        self.state: dict[str, bytes] = {}
        self.history: list[rows.KeyModification] = []
        self.script: Answer = lambda _: None
        self.page = 2  # rows in one answer
        self.organisations: Sequence[str] = ("Org1MSP", "Org2MSP")  # of the channel
        self.asked: list[Any] = []  # every question, in order
        self.strays: list[Any] = []  # answers to calls that nobody made

    async def shake_hands(self) -> None:
        registered = await self.receive()
        assert registered.type == Message.REGISTER
        name = chaincode_pb2.ChaincodeID.FromString(registered.payload).name
        assert name == PACKAGE_ID
        await self.send(Message(type=Message.REGISTERED))
        await self.send(Message(type=Message.READY))

    def listen(self) -> None:
        self._listener = asyncio.create_task(self._listen())

    async def send(self, message: Any) -> None:
        await self.send_raw(message.SerializeToString())

    async def send_raw(self, raw: bytes) -> None:
        async with self._writing:  # gRPC loses what is written side by side
            await self._stream.write(raw)

    async def receive(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            raw = await self._stream.read()
        assert raw is not grpc.aio.EOF, "the stream has ended"
        return Message.FromString(raw)

    async def code(self) -> Any:
        """The same, while it listens."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._stream.code()

    async def wait_for_end(self) -> Any:
        """Status with which the shim ends the stream."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    if await self._stream.read() is grpc.aio.EOF:
                        break
                except grpc.aio.AioRpcError:
                    break
            return await self._stream.code()

    def make_call(
        self,
        *arguments: bytes | str,
        creator: bytes | None = None,
        kind: int = Message.TRANSACTION,
        channel: str = CHANNEL,
        seconds: int = SECONDS,
        transient: Mapping[str, bytes] | None = None,
    ) -> Any:
        self._calls += 1
        signer, nonce = creator or sign_as(), self._calls.to_bytes(24, "big")
        raw = [each.encode() if isinstance(each, str) else each for each in arguments]
        return Message(
            type=kind,
            txid=name_of(nonce, signer),
            channel_id=channel,
            payload=chaincode_pb2.ChaincodeInput(args=raw).SerializeToString(),
            proposal=propose(signer, nonce, channel=channel, seconds=seconds, transient=transient),
        )

    async def begin(self, call: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ended[call.channel_id, call.txid] = future
        await self.send(call)
        return future

    def hold(self) -> list[Any]:
        """Answer nothing from here on; the questions, as they come."""
        held: list[Any] = []

        def keep(message: Any) -> list[Any]:
            held.append(message)
            return []

        self.script = keep
        return held

    def go_on(self) -> None:
        """Answer as the dictionary does."""
        self.script = lambda _: None

    async def call(self, *arguments: bytes | str, **how: Any) -> Outcome:
        return await self.end_of(await self.begin(self.make_call(*arguments, **how)))

    async def end_of(self, future: asyncio.Future[Any]) -> Outcome:
        async with asyncio.timeout(PATIENCE_S):
            message = await future
        assert message.type == Message.COMPLETED
        told = proposal_response_pb2.Response.FromString(message.payload)
        event = message.chaincode_event if message.HasField("chaincode_event") else None
        return Outcome(told.status, told.message, told.payload, event)

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
                await self._listener
        self._stream.cancel()

    async def _listen(self) -> None:
        while (raw := await self._stream.read()) is not grpc.aio.EOF:
            message = Message.FromString(raw)
            if message.type == Message.COMPLETED:
                future = self._ended.pop((message.channel_id, message.txid), None)
                if future is None:
                    self.strays.append(message)
                else:
                    future.set_result(message)
                continue
            self.asked.append(message)
            answers = self.script(message)
            for answer in [self.answer(message)] if answers is None else answers:
                await self.send(answer)

    def answer(self, message: Any) -> Any:
        """RESPONSE as the dictionary says."""
        kind, payload = message.type, b""
        if kind == Message.GET_STATE:
            payload = self.state.get(protocol.GetState.FromString(message.payload).key, b"")
        elif kind == Message.PUT_STATE:
            written = protocol.PutState.FromString(message.payload)
            self.state[written.key] = written.value
        elif kind == Message.DEL_STATE:
            self.state.pop(protocol.DelState.FromString(message.payload).key, None)
        elif kind == Message.GET_STATE_BY_RANGE:
            payload = self._range(protocol.GetStateByRange.FromString(message.payload))
        elif kind == Message.GET_HISTORY_FOR_KEY:
            payload = self._rows(message.txid, list(self.history))
        elif kind == Message.QUERY_STATE_NEXT:
            name = protocol.QueryStateNext.FromString(message.payload).id
            payload = self._rows(name, self._cursors.pop(name))
        elif kind == Message.INVOKE_CHAINCODE:
            payload = self._members(message)
        elif kind == Message.QUERY_STATE_CLOSE:
            name = protocol.QueryStateClose.FromString(message.payload).id
            self._cursors.pop(name)
        return respond(message, payload)

    def _members(self, message: Any) -> bytes:
        """What `_lifecycle` answers of any definition: who is on the channel."""
        asked = chaincode_pb2.ChaincodeSpec.FromString(message.payload)
        if asked.chaincode_id.name != "_lifecycle":
            return b""
        told = lifecycle_pb2.QueryChaincodeDefinitionResult(
            sequence=1, approvals=dict.fromkeys(self.organisations, True)
        )
        answer = proposal_response_pb2.Response(status=200, payload=told.SerializeToString())
        raw: bytes = respond(
            message, answer.SerializeToString(), Message.COMPLETED
        ).SerializeToString()
        return raw

    @property
    def open_cursors(self) -> int:
        return len(self._cursors)

    def _range(self, asked: Any) -> bytes:
        metadata = protocol.QueryMetadata.FromString(asked.metadata)
        start = metadata.bookmark or asked.startKey
        found = [
            rows.KV(namespace="kv", key=key, value=value)
            for key, value in sorted(self.state.items())
            if start <= key and (not asked.endKey or key < asked.endKey)
        ]
        if not metadata.pageSize:
            return self._rows(f"cursor {len(self.asked)}", found)
        page, rest = found[: metadata.pageSize], found[metadata.pageSize :]
        told = protocol.QueryResponseMetadata(
            fetched_records_count=len(page), bookmark=rest[0].key if rest else ""
        )
        return self._rows(f"cursor {len(self.asked)}", page, told.SerializeToString())

    def _rows(self, cursor: str, found: list[Any], metadata: bytes = b"") -> bytes:
        page, rest = found[: self.page], found[self.page :]
        if rest:
            self._cursors[cursor] = rest
        raw: bytes = protocol.QueryResponse(
            results=[protocol.QueryResultBytes(resultBytes=r.SerializeToString()) for r in page],
            has_more=bool(rest),
            id=cursor,
            metadata=metadata,
        ).SerializeToString()
        return raw


async def until(is_there: Callable[[], object]) -> None:
    """Let the others run until it is there."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_there():
            await asyncio.sleep(0.005)


def respond(message: Any, payload: bytes = b"", kind: int = Message.RESPONSE) -> Any:
    return Message(type=kind, payload=payload, txid=message.txid, channel_id=message.channel_id)


@asynccontextmanager
async def serving(
    chaincode: Chaincode, tls: ServerTls | None = None
) -> AsyncIterator[tuple[ChaincodeServer, str]]:
    """A server of the chaincode, and where it listens."""
    server = ChaincodeServer(chaincode, PACKAGE_ID, "127.0.0.1:0", tls)
    address = await server.start()
    try:
        yield server, address
    finally:
        await server.stop(1.0)


@asynccontextmanager
async def connected(
    address: str, credentials: grpc.ChannelCredentials | None = None
) -> AsyncIterator[ScriptedPeer]:
    """A peer that has dialled and has not said a word."""
    made = (
        grpc.aio.insecure_channel(address, options=OPTIONS)
        if credentials is None
        else grpc.aio.secure_channel(address, credentials, options=OPTIONS)
    )
    async with made as channel:
        peer = ScriptedPeer(channel.stream_stream("/protos.Chaincode/Connect")())
        try:
            yield peer
        finally:
            await peer.close()


@asynccontextmanager
async def peer_of(chaincode: Chaincode) -> AsyncIterator[ScriptedPeer]:
    """A peer that is ready to call the chaincode."""
    async with serving(chaincode) as (_, address), connected(address) as peer:
        await peer.shake_hands()
        peer.listen()
        yield peer
