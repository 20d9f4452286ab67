"""What members can take from each other at a port: places to wait, memory, time of each block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2
from grpc import StatusCode
from tests.offchain.ledger.embedded.doors.test_older_services import NEWEST, asking
from tests.offchain.ledger.embedded.served import CHANNEL, ORG1, ORG2, LedgerWorld, User
from tests.offchain.ledger.embedded.served import development_ledger as started
from tests.waiting import wait_until

from edgemark.ledger.embedded.doors import delivery
from edgemark.ledger.embedded.doors.serving.calls import DoorPlaces
from edgemark.ledger.fabric.wire.limits import (
    GUEST_WAITERS,
    MAX_OPEN_SUBMISSIONS,
    MAX_QUESTION_BYTES,
    MAX_TRANSACTION_ID,
)

WAIT_S = 20
ID = "a" * MAX_TRANSACTION_ID
PADDING = 15  # number of a field that no message has


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    with started(tmp_path_factory.mktemp("ledger")) as running:
        yield running


def places(ledger: LedgerWorld, msp_id: str) -> DoorPlaces:
    return ledger.development.ledger.behind.places_of(msp_id)


def code_of(call: Any) -> StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code()


def padded(raw: bytes, size: int) -> bytes:
    """The same message, of so many bytes: with a field that nobody reads, of 3 bytes' length."""
    filling = size - len(raw) - 4
    length = bytes([filling & 127 | 128, filling >> 7 & 127 | 128, filling >> 14])
    return raw + bytes([PADDING << 3 | 2]) + length + bytes(filling)


def status_request(user: User, transaction_id: str = ID) -> bytes:
    request = gateway_pb2.CommitStatusRequest(
        transaction_id=transaction_id, channel_id=CHANNEL, identity=user.signer.identity
    ).SerializeToString()
    made = gateway_pb2.SignedCommitStatusRequest(
        request=request, signature=user.signer.sign(request)
    )
    raw: bytes = made.SerializeToString()
    return raw


def test_id_that_no_transaction_has__is_refused_and_takes_no_place(ledger: LedgerWorld) -> None:
    user = ledger.user()
    assert code_of(lambda: user.status(ID + "a")) is StatusCode.INVALID_ARGUMENT
    assert code_of(lambda: user.status(ID, wait_s=0.5)) is StatusCode.DEADLINE_EXCEEDED
    wait_until("no place", lambda: places(ledger, ORG1).waiters.taken == 0)


def test_question_that_is_too_large__is_refused_and_the_largest_is_not(ledger: LedgerWorld) -> None:
    user = ledger.user()
    ask = user.channel.unary_unary("/gateway.Gateway/CommitStatus")
    raw = status_request(user)
    most, more = (padded(raw, MAX_QUESTION_BYTES + each) for each in (0, 1))
    assert code_of(lambda: ask(most, timeout=0.5)) is StatusCode.DEADLINE_EXCEEDED
    assert code_of(lambda: ask(more, timeout=WAIT_S)) is StatusCode.INVALID_ARGUMENT
    listen = user.channel.unary_stream("/gateway.Gateway/ChaincodeEvents")
    assert code_of(lambda: next(listen(more, timeout=WAIT_S))) is StatusCode.INVALID_ARGUMENT
    wish = asking(user.signer, NEWEST, NEWEST).SerializeToString()
    deliver = user.channel.stream_stream("/protos.Deliver/Deliver")
    large = padded(wish, MAX_QUESTION_BYTES + 1)
    assert code_of(lambda: next(deliver(iter([large])))) is StatusCode.INVALID_ARGUMENT


def test_members_of_other_organisations__cannot_take_all_places_of_who_waits(
    ledger: LedgerWorld,
) -> None:
    guest, own, held = ledger.user(ORG1, at=ORG2), ledger.user(ORG2), places(ledger, ORG2)
    most, held.guests.most = held.guests.most, 1
    ask = guest.channel.unary_unary("/gateway.Gateway/CommitStatus")
    try:
        waiting = ask.future(status_request(guest), timeout=WAIT_S)
        wait_until("a guest", lambda: held.guests.taken == 1)
        refused = code_of(lambda: guest.status("b" * MAX_TRANSACTION_ID))
        assert refused is StatusCode.RESOURCE_EXHAUSTED
        assert code_of(lambda: own.status(ID, wait_s=0.5)) is StatusCode.DEADLINE_EXCEEDED
        waiting.cancel()
        wait_until("no guest", lambda: held.guests.taken == 0)
    finally:
        held.guests.most = most


def test_guests__are_as_many_as_one_client_may_have_open() -> None:
    assert GUEST_WAITERS >= MAX_OPEN_SUBMISSIONS


def test_signature_of_a_reader__is_looked_at_once_and_not_for_each_block(
    ledger: LedgerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0
    check_signed = delivery.check_signed

    def count(*said: bytes) -> None:
        nonlocal looked
        looked += 1
        check_signed(*said)

    monkeypatch.setattr(delivery, "check_signed", count)
    user = ledger.user()
    wish = asking(user.signer, delivery.ab_pb2.SeekPosition(specified={"number": 0}), NEWEST)
    deliver = user.channel.stream_stream("/protos.Deliver/Deliver")
    answers = list(deliver(iter([wish.SerializeToString()]), timeout=WAIT_S))
    assert len(answers) >= 1
    assert looked == 1
