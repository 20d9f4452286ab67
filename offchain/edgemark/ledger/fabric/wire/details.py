"""What each endorser said, as it travels with a refused call: `grpc-status-details-bin`.

The trailer holds `google.rpc.Status`, whose details are `Any`; a Gateway fills them with
`gateway.ErrorDetail`. The message is described here by its three fields: the package that brings
Google's own description is not needed for anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from edgemark.ledger.fabric.faults import EndorserWords
from edgemark.ledger.fabric.wire.limits import MAX_ENDORSERS_TOLD
from edgemark.ledger.fabric.wire.messages import parse

TRAILER = "grpc-status-details-bin"
WHO = "details of a refusal"
_KIND = "type.googleapis.com/gateway.ErrorDetail"


def make_details(code: int, message: str, endorsers: Sequence[EndorserWords]) -> bytes:
    """`google.rpc.Status`.

    Args:
        code: of gRPC.
        message: what the call is refused with.
        endorsers: what each of them said.
    """
    details = [
        any_pb2.Any(
            type_url=_KIND,
            value=gateway_pb2.ErrorDetail(
                address=each.address, msp_id=each.msp_id, message=each.message
            ).SerializeToString(),
        ).SerializeToString()
        for each in endorsers
    ]
    made: bytes = _STATUS(code=code, message=message, details=details).SerializeToString()
    return made


def parse_details(raw: bytes) -> tuple[EndorserWords, ...]:
    """What each endorser said, at most MAX_ENDORSERS_TOLD of them; other details are left out.

    Raises:
        MessageMalformed: it is no status, or one of an endorser's words are none.
    """
    details = [parse(any_pb2.Any, each, WHO) for each in parse(_STATUS, raw, WHO).details]
    found = [each.value for each in details if each.type_url == _KIND][:MAX_ENDORSERS_TOLD]
    words = [parse(gateway_pb2.ErrorDetail, each, WHO) for each in found]
    return tuple(EndorserWords(each.address, each.msp_id, each.message) for each in words)


def _describe_status() -> Any:
    """The class of `google.rpc.Status`; its details are bytes there: the wire is the same."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="edgemark/status.proto", package="google.rpc", syntax="proto3"
    )
    message = file.message_type.add(name="Status")
    for number, name, kind, label in (
        (1, "code", field.TYPE_INT32, field.LABEL_OPTIONAL),
        (2, "message", field.TYPE_STRING, field.LABEL_OPTIONAL),
        (3, "details", field.TYPE_BYTES, field.LABEL_REPEATED),
    ):
        message.field.add(name=name, number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()  # of its own: others may describe the same message
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


_STATUS = _describe_status()
