"""Marks of blocks stand beside what the protocol has; what is none is refused."""

from __future__ import annotations

import pytest
from fabric_protos.gateway import gateway_pb2

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import MAX_MARK_BYTES, add_mark, read_mark

KINDS = [gateway_pb2.ChaincodeEventsResponse, gateway_pb2.ChaincodeEventsRequest]
TAG = b"\x82\xb5\x18"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mark", [b"", b"\0", b"m" * MAX_MARK_BYTES])
def test_mark__arrives_and_changes_nothing_else(kind: type, mark: bytes) -> None:
    message = kind()
    add_mark(message, mark)
    came = kind.FromString(message.SerializeToString())
    assert read_mark(came) == mark
    came.DiscardUnknownFields()
    assert came == kind()


@pytest.mark.parametrize(
    "raw",
    [
        TAG + b"\0",
        TAG + bytes((MAX_MARK_BYTES + 1,)) + bytes(MAX_MARK_BYTES + 1),
        (TAG + b"\1m") * 2,
        b"\x80\xb5\x18\x07",  # a number in that field
    ],
    ids=["empty", "too long", "twice", "number"],
)
def test_what_is_no_mark__is_refused(raw: bytes) -> None:
    message = gateway_pb2.ChaincodeEventsResponse.FromString(raw)
    with pytest.raises(MessageMalformed, match="no mark"):
        read_mark(message)


def test_other_fields_that_are_unknown__are_passed_over() -> None:
    message = gateway_pb2.ChaincodeEventsResponse.FromString(b"\x8a\xb5\x18\1m")  # the next one
    assert read_mark(message) == b""
