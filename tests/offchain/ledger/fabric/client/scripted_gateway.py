"""A Gateway of a script, over real gRPC and TLS.

It is a fake because no ledger of ours or Fabric's lies: it answers what a hostile Gateway would,
and loses an answer at the very call that a test names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_response_pb2, transaction_pb2
from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy

from edgemark.closing import Closing
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.client.asking import Desk, Waits
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.faults import EndorserWords
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.details import TRAILER, make_details
from edgemark.ledger.fabric.wire.envelopes import (
    Endorsement,
    Event,
    join_payload,
    make_envelope,
    make_event,
    make_response,
    parse_transaction,
)
from edgemark.ledger.fabric.wire.limits import MAX_MESSAGE_BYTES
from edgemark.ledger.fabric.wire.proposals import parse_proposal

ORG1, ORG2 = "Org1MSP", "Org2MSP"
CHANNEL = "mychannel"
WAITS = Waits(evaluate_s=10, endorse_s=10, submit_s=20, status_s=5, stream_s=5)

Act = Callable[[bytes, grpc.ServicerContext], bytes]
Deliver = Callable[[int, grpc.ServicerContext], Iterator[bytes]]


@dataclass
class Cast:
    """Whose signatures a Gateway hands out."""

    organisations: Organisations

    @property
    def client(self) -> Signer:
        return self.user(ORG1)

    def user(self, msp_id: str, name: str = "User1") -> Signer:
        folder = self.organisations.folder_of(msp_id)
        return folder.signer(folder.path / "users" / f"{name}@{folder.domain}" / "msp")

    @property
    def peers(self) -> list[Signer]:
        return [self.organisations.peer_signer(each) for each in (ORG1, ORG2)]


@dataclass
class Forgery:
    """An answer to Endorse; what a test does not change is honest."""

    cast: Cast
    proposal: bytes
    endorsed: bytes | None = None  # the proposal that the endorsers' hash is of
    status: int = 200
    response: bytes = b"answer"
    chaincode: str = "code"
    event: bytes | None = None
    signers: list[Signer] | None = None
    signed: bytes | None = None
    change: Callable[[common_pb2.Payload], None] | None = None

    def answer(self) -> bytes:
        asked = parse_proposal(self.proposal)
        honest = Event(asked.chaincode, asked.transaction_id, "done", b"payload")
        response = make_response(
            parse_proposal(self.endorsed or self.proposal).hash,
            b"",
            chaincode=self.chaincode,
            version="1",
            response=self.response,
            status=self.status,
            event=make_event(honest) if self.event is None else self.event,
        )
        signed = response if self.signed is None else self.signed
        endorsements = [
            Endorsement(each.identity, each.sign(signed + each.identity))
            for each in (self.cast.peers if self.signers is None else self.signers)
        ]
        payload = join_payload(parse_proposal(self.proposal), response, endorsements)
        if self.change is not None:
            changed = common_pb2.Payload.FromString(payload)
            self.change(changed)
            payload = changed.SerializeToString()
        return prepared(payload)


def prepared(payload: bytes) -> bytes:
    """`EndorseResponse`."""
    envelope = common_pb2.Envelope.FromString(make_envelope(payload, b""))
    raw: bytes = gateway_pb2.EndorseResponse(prepared_transaction=envelope).SerializeToString()
    return raw


def refuse(code: grpc.StatusCode, text: str, *words: EndorserWords) -> Act:
    """Refuse a call, with what endorsers said."""

    def act(_: bytes, context: grpc.ServicerContext) -> bytes:
        if words:
            details = make_details(code.value[0], text, words)
            context.set_trailing_metadata(((TRAILER, details),))
        context.abort(code, text)
        raise AssertionError

    return act


@dataclass
class ScriptedGateway(Closing):
    """Honest where no act of a script says otherwise.

    Args:
        cast: who signs.

    Attributes:
        acts: what the next calls of a method are answered by, in order; the rest are honest.
        taken: envelopes that were ordered, in order.
        calls: methods that were called, in order.
        events: answers of the next streams of events, one list a stream.
        starts: blocks that streams of events were asked to begin with, in order.
        ending: the words that a stream of events ends with.
        blocks: who answers the next streams of blocks, each told the first block that is wanted.
        after: what is done when a call was answered, before its answer leaves.
    """

    cast: Cast
    acts: dict[Asking, list[Act]] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    calls: list[Asking] = field(default_factory=list)
    events: list[list[bytes]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ending: str = "cut"
    blocks: list[Deliver] = field(default_factory=list)
    code: Code = Code.VALID
    after: dict[Asking, list[Callable[[], None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tls = self.cast.organisations.folder_of(ORG1).tls()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)],
        )
        self._server.add_generic_rpc_handlers((self._handlers(), self._deliver()))
        credentials = grpc.ssl_server_credentials([(tls.key, tls.certificate)])
        port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()
        self.proxy = CuttableProxy(port)
        self.address = PeerAddress(f"localhost:{self.proxy.port}", tls.root)

    def close(self) -> None:
        self.proxy.close()
        self._server.stop(None)

    def desk(self, folder: Path) -> Desk:
        """Of the client, with a journal in a folder."""
        client = self.cast.client
        return Desk(CHANNEL, client, Submissions.open(folder, client.identity), WAITS)

    def _handlers(self) -> grpc.GenericRpcHandler:
        honest = {
            Asking.EVALUATE: self._evaluate,
            Asking.ENDORSE: self._endorse,
            Asking.SUBMIT: self._submit,
            Asking.STATUS: self._status,
        }
        handlers = {
            each.value: grpc.unary_unary_rpc_method_handler(self._played(each, act))
            for each, act in honest.items()
        }
        handlers[Asking.EVENTS.value] = grpc.unary_stream_rpc_method_handler(self._events)
        return grpc.method_handlers_generic_handler("gateway.Gateway", handlers)

    def _deliver(self) -> grpc.GenericRpcHandler:
        def deliver(asked: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            self.calls.append(Asking.BLOCKS)
            payload = common_pb2.Payload.FromString(
                common_pb2.Envelope.FromString(next(asked)).payload
            )
            seek = ab_pb2.SeekInfo.FromString(payload.data)
            return self.blocks.pop(0)(seek.start.specified.number, context)

        handler = grpc.stream_stream_rpc_method_handler(deliver)
        return grpc.method_handlers_generic_handler("protos.Deliver", {"Deliver": handler})

    def _played(self, asking: Asking, honest: Act) -> Act:
        def play(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls.append(asking)
            script = self.acts.get(asking, [])
            answer = (script.pop(0) if script else honest)(request, context)
            if later := self.after.get(asking):
                later.pop(0)()
            return answer

        return play

    def _evaluate(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        signed = gateway_pb2.EvaluateRequest.FromString(request).proposed_transaction
        asked = parse_proposal(signed.proposal_bytes)
        answer = b"answer"
        if asked.arguments[:1] == (b"GetTransactionByID",):
            answer = self._find(asked.arguments[2].decode(), context)
        result = proposal_response_pb2.Response(status=200, payload=answer)
        raw: bytes = gateway_pb2.EvaluateResponse(result=result).SerializeToString()
        return raw

    def _find(self, transaction_id: str, context: grpc.ServicerContext) -> bytes:
        """As `qscc` does, of what was taken."""
        for each in self.taken:
            if parse_transaction(each).transaction_id == transaction_id:
                found = common_pb2.Envelope.FromString(each)
                raw: bytes = transaction_pb2.ProcessedTransaction(
                    transactionEnvelope=found, validationCode=self.code
                ).SerializeToString()
                return raw
        context.abort(grpc.StatusCode.UNKNOWN, "chaincode response 500, no such transaction ID")
        raise AssertionError

    def _endorse(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        return Forgery(self.cast, proposal_in(request)).answer()

    def _submit(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        envelope = gateway_pb2.SubmitRequest.FromString(request).prepared_transaction
        self.taken.append(envelope.SerializeToString())
        return b""

    def _status(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        if not self.taken:
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing yet")
        return status_of(self.code)

    def _events(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        self.calls.append(Asking.EVENTS)
        signed = gateway_pb2.SignedChaincodeEventsRequest.FromString(request)
        asked = gateway_pb2.ChaincodeEventsRequest.FromString(signed.request)
        self.starts.append(asked.start_position.specified.number)
        if self.events:
            yield from self.events.pop(0)
            context.abort(grpc.StatusCode.UNAVAILABLE, self.ending)


def proposal_in(request: bytes) -> bytes:
    """The proposal of an `EndorseRequest`."""
    asked: Any = gateway_pb2.EndorseRequest.FromString(request)
    raw: bytes = asked.proposed_transaction.proposal_bytes
    return raw


def status_of(code: int, block: int = 3) -> bytes:
    """`CommitStatusResponse`."""
    raw: bytes = gateway_pb2.CommitStatusResponse(
        result=code, block_number=block
    ).SerializeToString()
    return raw


def events_of(block: int, *events: tuple[str, str]) -> bytes:
    """`ChaincodeEventsResponse` of (chaincode, a digit of which all of the transaction's id is)."""
    answer = gateway_pb2.ChaincodeEventsResponse(block_number=block)
    for chaincode, digit in events:
        answer.events.add(chaincode_id=chaincode, tx_id=digit * 64, event_name="e")
    raw: bytes = answer.SerializeToString()
    return raw


def height_is(height: int) -> Act:
    """What `qscc` answers."""
    info = ledger_pb2.BlockchainInfo(height=height).SerializeToString()
    result = proposal_response_pb2.Response(status=200, payload=info)
    raw: bytes = gateway_pb2.EvaluateResponse(result=result).SerializeToString()
    return lambda *_: raw
