"""What the older services are asked, and how their answers are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2
from tests.offchain.ledger.embedded.served import CHANNEL, LedgerWorld, User

from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.digests import compute_transaction_id

ORDERER = "OrdererMSP"
WAIT_S = 20


def seek(number: int) -> Any:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


NEWEST = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
OLDEST = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
FAIL = ab_pb2.SeekInfo.FAIL_IF_NOT_READY


def asking(
    signer: Signer,
    start: Any,
    stop: Any,
    *,
    channel: str = CHANNEL,
    signature: bytes | None = None,
    behavior: Any = FAIL,
) -> Any:
    """A signed wish for blocks."""
    wish = ab_pb2.SeekInfo(start=start, stop=stop, behavior=behavior)
    nonce = b"n" * 24
    header = common_pb2.ChannelHeader(
        type=common_pb2.DELIVER_SEEK_INFO,
        channel_id=channel,
        tx_id=compute_transaction_id(nonce, signer.identity),
    )
    header.timestamp.GetCurrentTime()
    payload = common_pb2.Payload(data=wish.SerializeToString())
    payload.header.channel_header = header.SerializeToString()
    payload.header.signature_header = common_pb2.SignatureHeader(
        creator=signer.identity, nonce=nonce
    ).SerializeToString()
    raw = payload.SerializeToString()
    return common_pb2.Envelope(payload=raw, signature=signature or signer.sign(raw))


def talk(channel: grpc.Channel, path: str, messages: list[Any], kind: Any) -> Iterator[Any]:
    raws = (each.SerializeToString() for each in messages)
    for raw in channel.stream_stream(path)(iter(list(raws)), timeout=WAIT_S):
        yield kind.FromString(raw)


def deliver(user: User, *wishes: Any, method: str = "Deliver") -> list[Any]:
    path = f"/protos.Deliver/{method}"
    return list(talk(user.channel, path, list(wishes), events_pb2.DeliverResponse))


def broadcast(world: LedgerWorld, *envelopes: Any) -> list[str]:
    path = "/orderer.AtomicBroadcast/Broadcast"
    answers = talk(world.channel(ORDERER), path, list(envelopes), ab_pb2.BroadcastResponse)
    return [common_pb2.Status.Name(each.status) for each in answers]


def status_of(answers: list[Any]) -> str:
    return str(common_pb2.Status.Name(answers[-1].status))
