"""Endorser, AtomicBroadcast and Deliver, as Fabric answers: the same on both ledgers."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2
from tests.offchain.ledger.embedded.doors.older_calls import (
    NEWEST,
    OLDEST,
    ORDERER,
    asking,
    broadcast,
    deliver,
    seek,
    status_of,
    talk,
)
from tests.offchain.ledger.embedded.served import CHANNEL, ORG1, LedgerWorld, User

from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.codes import Code


@pytest.fixture
def user(world: LedgerWorld) -> User:
    return world.user()


def test_proposal__is_endorsed_by_the_peer_that_was_asked(user: User) -> None:
    answer = user.process(user.propose("shelf", "put", "k", "v"))
    assert (answer.version, answer.response.status) == (1, 200)
    assert answer.response.payload == b"kept"
    assert answer.endorsement.signature


def test_chaincode_says_no__status_500_with_its_payload_and_no_endorsement(user: User) -> None:
    answer = user.process(user.propose("shelf", "refuse", "k"))
    assert (answer.response.status, answer.response.message) == (500, "no such thing")
    assert answer.payload
    assert not answer.endorsement.signature


@pytest.mark.parametrize(("chaincode", "channel"), [("nobody", CHANNEL), ("shelf", "elsewhere")])
def test_unknown_chaincode_or_channel__status_500_and_no_payload(
    user: User, chaincode: str, channel: str
) -> None:
    answer = user.process(user.propose(chaincode, "get", "k", channel=channel))
    assert answer.response.status == 500
    assert not answer.payload


@pytest.mark.parametrize("wrong", ["signature", "time"])
def test_proposal_that_no_peer_takes__is_an_error_of_the_call(user: User, wrong: str) -> None:
    facts: dict[str, Any] = {"ahead_s": 3600}
    if wrong == "signature":
        facts = {"signature": user.signer.sign(b"another")}
    with pytest.raises(grpc.RpcError) as caught:
        user.process(user.propose("shelf", "get", "k", **facts))
    assert caught.value.code() is grpc.StatusCode.UNKNOWN  # type: ignore[attr-defined]


def test_envelopes__are_ordered_one_after_the_other(world: LedgerWorld, user: User) -> None:
    pair = [user.propose("shelf", "put", f"b{each}", "v") for each in range(2)]
    envelopes = [user.sign(user.endorse(each)) for each in pair]
    assert broadcast(world, *envelopes) == ["SUCCESS", "SUCCESS"]
    assert [user.status(each.transaction_id)[0] for each in pair] == [Code.VALID, Code.VALID]


def test_wrong_signature__is_forbidden_and_ends_the_stream(world: LedgerWorld, user: User) -> None:
    envelope = user.sign(user.endorse(user.propose("shelf", "put", "k", "v")))
    wrong = common_pb2.Envelope(payload=envelope.payload, signature=user.signer.sign(b"other"))
    assert broadcast(world, wrong, envelope) == ["FORBIDDEN"]


@pytest.mark.parametrize("what", ["empty", "noise", "channel", "config"])
def test_what_is_no_transaction__is_a_bad_request(
    world: LedgerWorld, user: User, what: str
) -> None:
    envelope = user.sign(user.endorse(user.propose("shelf", "put", "k", "v")))
    payload = common_pb2.Payload.FromString(envelope.payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    if what == "channel":
        header.channel_id = "elsewhere"
    if what == "config":
        header.type = common_pb2.CONFIG_UPDATE
    payload.header.channel_header = header.SerializeToString()
    raw = {"empty": b"", "noise": b"\xff" * 40}.get(what, payload.SerializeToString())
    assert broadcast(world, user.sign(common_pb2.Envelope(payload=raw))) == ["BAD_REQUEST"]


def test_blocks__come_from_the_first_to_the_newest(user: User) -> None:
    user.do("shelf", "put", "k", "v")
    *blocks, last = deliver(user, asking(user.signer, OLDEST, NEWEST))
    assert last.status == common_pb2.SUCCESS
    numbers = [each.block.header.number for each in blocks]
    assert numbers == list(range(len(numbers)))
    assert all(each.block.metadata.metadata[2] is not None for each in blocks)


def test_blocks_of_the_orderer__are_those_of_the_peers(world: LedgerWorld, user: User) -> None:
    path = "/orderer.AtomicBroadcast/Deliver"
    wish = asking(user.signer, seek(0), seek(1))
    *ordered, last = talk(world.channel(ORDERER), path, [wish], ab_pb2.DeliverResponse)
    assert last.status == common_pb2.SUCCESS
    *kept, _ = deliver(user, wish)
    for one, other in zip(ordered, kept, strict=True):
        assert one.block.header == other.block.header
        assert one.block.data == other.block.data


def test_filtered_blocks__tell_ids_codes_and_names_of_events(user: User) -> None:
    _, transaction_id = user.do("shelf", "put", "told", "v")
    wish = asking(user.signer, NEWEST, NEWEST)
    block, last = deliver(user, wish, method="DeliverFiltered")
    assert last.status == common_pb2.SUCCESS
    (shown,) = block.filtered_block.filtered_transactions
    assert (shown.txid, shown.tx_validation_code) == (transaction_id, 0)
    event = shown.transaction_actions.chaincode_actions[0].chaincode_event
    assert (event.event_name, event.payload) == ("put", b"")


def test_block_that_is_not_there_yet__is_waited_for(world: LedgerWorld, user: User) -> None:
    *_, newest, _ = deliver(user, asking(user.signer, NEWEST, NEWEST))
    number = newest.block.header.number + 1
    wait = ab_pb2.SeekInfo.BLOCK_UNTIL_READY
    wish = asking(user.signer, seek(number), seek(number), behavior=wait)
    path = "/protos.Deliver/Deliver"
    answers = talk(world.channel(ORG1), path, [wish], events_pb2.DeliverResponse)
    world.user().do("shelf", "put", "k", "v")
    assert next(answers).block.header.number == number
    assert next(answers).status == common_pb2.SUCCESS


def test_block_that_is_not_there_and_not_waited_for__is_not_found(user: User) -> None:
    answers = deliver(user, asking(user.signer, seek(10**6), seek(10**6)))
    assert status_of(answers) == "NOT_FOUND"


def test_two_wishes_on_a_stream__are_answered_one_after_the_other(user: User) -> None:
    wish = asking(user.signer, seek(0), seek(0))
    answers = deliver(user, wish, wish)
    assert [each.WhichOneof("Type") for each in answers] == ["block", "status"] * 2


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"channel": "elsewhere"}, "NOT_FOUND"),
        ({"signature": b"none"}, "FORBIDDEN"),
        ({"start": seek(3), "stop": seek(1)}, "BAD_REQUEST"),
        ({"start": None}, "BAD_REQUEST"),
        ({"stop": None}, "BAD_REQUEST"),
        ({"start": ab_pb2.SeekPosition()}, "NOT_FOUND"),
    ],
    ids=["channel", "signature", "backwards", "start", "stop", "nowhere"],
)
def test_wrong_wish__is_refused(user: User, facts: dict[str, Any], expected: str) -> None:
    told = {"start": OLDEST, "stop": NEWEST, **facts}
    answers = deliver(user, asking(user.signer, **told))
    assert [each.WhichOneof("Type") for each in answers] == ["status"]
    assert status_of(answers) == expected


def test_somebody_of_no_organisation_of_the_channel__is_forbidden(
    world: LedgerWorld, user: User
) -> None:
    stranger = Signer("NobodyMSP", user.signer.certificate, user.signer.key)
    assert status_of(deliver(user, asking(stranger, OLDEST, NEWEST))) == "FORBIDDEN"
