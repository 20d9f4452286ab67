"""What members can take from each other at a port: places to wait, memory, time of each block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2
from grpc import StatusCode
from tests.offchain.ledger.embedded.doors.older_calls import NEWEST, asking
from tests.offchain.ledger.embedded.served import CHANNEL, ORG1, ORG2, LedgerWorld, User
from tests.offchain.ledger.embedded.served import development_ledger as started
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.waiting import wait_until

from edgemark.ledger.embedded.doors import delivery
from edgemark.ledger.embedded.doors.serving.places import DoorPlaces, SharedPlaces
from edgemark.ledger.embedded.doors.serving.refusing import CallRefused
from edgemark.ledger.fabric.wire.limits import (
    GUEST_SHARE,
    MAX_OPEN_SUBMISSIONS,
    MAX_QUESTION_BYTES,
    MAX_TRANSACTION_ID,
    ORDERERS_SHARE,
    WAITERS,
)

WAIT_S = 20
ID = "a" * MAX_TRANSACTION_ID
PADDING = 15  # number of a field that no message has


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    with started(tmp_path_factory.mktemp("ledger")) as running:
        running.deploy("shelf", {ORG1: Shelf(), ORG2: Shelf()})
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


def event_request(user: User) -> bytes:
    request = gateway_pb2.ChaincodeEventsRequest(
        channel_id=CHANNEL, chaincode_id="shelf", identity=user.signer.identity
    ).SerializeToString()
    made = gateway_pb2.SignedChaincodeEventsRequest(
        request=request, signature=user.signer.sign(request)
    )
    raw: bytes = made.SerializeToString()
    return raw


def wait_for_a_transaction(user: User, wait_s: float) -> Any:
    ask = user.channel.unary_unary("/gateway.Gateway/CommitStatus")
    return ask.future(status_request(user), timeout=wait_s)


def listen(user: User, wait_s: float) -> Any:
    ask = user.channel.unary_stream("/gateway.Gateway/ChaincodeEvents")
    return ask(event_request(user), timeout=wait_s)


def follow_blocks(user: User, wait_s: float) -> Any:
    position = delivery.ab_pb2.SeekPosition(specified={"number": 10**6})
    waits = delivery.ab_pb2.SeekInfo.BLOCK_UNTIL_READY
    wish = asking(user.signer, position, position, behavior=waits).SerializeToString()
    deliver = user.channel.stream_stream("/protos.Deliver/Deliver")
    return deliver(iter([wish]), timeout=wait_s)


STAYING = {"waiters": [wait_for_a_transaction], "streams": [listen, follow_blocks]}


@pytest.mark.parametrize(
    ("kind", "stay"), [(kind, stay) for kind, stays in STAYING.items() for stay in stays]
)
def test_members_of_other_organisations__cannot_take_all_places(
    ledger: LedgerWorld, kind: str, stay: Callable[[User, float], Any]
) -> None:
    guest, own = ledger.user(ORG1, at=ORG2), ledger.user(ORG2)
    guests = getattr(places(ledger, ORG2), kind).guests
    most, guests.most = guests.most, 1
    try:
        staying = stay(guest, WAIT_S)
        wait_until("a guest", lambda: guests.taken == 1)
        assert end_of(stay(guest, WAIT_S)) is StatusCode.RESOURCE_EXHAUSTED
        assert end_of(stay(own, 0.5)) is StatusCode.DEADLINE_EXCEEDED
        staying.cancel()
        wait_until("no guest", lambda: guests.taken == 0)
    finally:
        guests.most = most


def end_of(call: Any) -> StatusCode:
    return code_of(call.result if hasattr(call, "result") else lambda: next(call))


def test_members_of_other_organisations__cannot_take_all_calls(ledger: LedgerWorld) -> None:
    guest, own = ledger.user(ORG1, at=ORG2), ledger.user(ORG2)
    calls = places(ledger, ORG2).calls
    most, calls.guests.most = calls.guests.most, 0
    refused = StatusCode.RESOURCE_EXHAUSTED
    try:
        assert code_of(lambda: guest.evaluate(guest.propose("shelf", "get", "k"))) is refused
        assert code_of(lambda: guest.endorse(guest.propose("shelf", "put", "k", "v"))) is refused
        process = guest.channel.unary_unary("/protos.Endorser/ProcessProposal")
        asked = guest.propose("shelf", "get", "k").signed.SerializeToString()
        assert code_of(lambda: process(asked, timeout=WAIT_S)) is refused
        own.evaluate(own.propose("shelf", "get", "k"))
    finally:
        calls.guests.most = most
    guest.evaluate(guest.propose("shelf", "get", "k"))
    assert (calls.taken, calls.guests.taken) == (0, 0)


def test_port_of_nobody__has_a_share_for_each_organisation() -> None:
    held = SharedPlaces(8, "streams", None)
    with held.share(ORG1), held.share(ORG1):
        with pytest.raises(CallRefused, match="too many streams of Org1MSP"), held.share(ORG1):
            raise AssertionError
        with held.share(ORG2):
            assert int(8 * ORDERERS_SHARE) == 2
    with held.share(ORG1):
        assert held.taken == 0, "a share is taken beside a place"


def test_guests__are_as_many_as_one_client_may_have_open() -> None:
    assert WAITERS * GUEST_SHARE >= MAX_OPEN_SUBMISSIONS


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
