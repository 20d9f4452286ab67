"""Every field that a signature is said to cover: another value of it, and the signature is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from tests.offchain.ledger.fabric.client.scripted_gateway import ORG2, Cast, Forgery

from edgemark.ledger.fabric.client.blocks import seek_request
from edgemark.ledger.fabric.client.calls import (
    Asked,
    Call,
    ask,
    endorse_request,
    evaluate_request,
    sign_endorsed,
    status_request,
)
from edgemark.ledger.fabric.client.events import Checkpoint, events_request
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.signing import Signer, check_signature, parse_certificate
from edgemark.ledger.fabric.wire.envelopes import (
    Endorsement,
    Event,
    join_payload,
    make_event,
    make_response,
    parse_transaction,
)

CALL = Call("mychannel", "code", (b"put", b"k"), {"pin": b"1"}, ("Org1MSP",))
NONCE, NOW = b"n" * 24, 10**18


def check_signed(signer: Signer, signed: bytes, signature: bytes) -> None:
    certificate = parse_certificate(signer.certificate, "client")
    check_signature(certificate, signed, signature, "client")


def check_refused(signer: Signer, signed: bytes, signature: bytes) -> None:
    with pytest.raises(IdentityRefused, match="signature is wrong"):
        check_signed(signer, signed, signature)


def _asked(cast: Cast, call: Call = CALL, nonce: bytes = NONCE, now: int = NOW) -> Asked:
    return ask(call, cast.client, nonce=nonce, timestamp_ns=now)


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "other"},
        {"chaincode": "other"},
        {"arguments": (b"get", b"k")},
        {"arguments": (b"put", b"k", b"")},
        {"transient": {"pin": b"2"}},
        {"transient": {}},
        {"is_init": True},
        {"nonce": b"m" * 24},
        {"now": NOW + 1},
    ],
    ids=str,
)
def test_a_proposal__is_signed_with_all_that_it_says(cast: Cast, change: dict[str, Any]) -> None:
    first = _asked(cast)
    check_signed(cast.client, first.proposal, first.signature)
    beside = {key: change[key] for key in ("nonce", "now") if key in change}
    call = replace(CALL, **{key: value for key, value in change.items() if key not in beside})
    other = _asked(cast, call, **beside)
    check_refused(cast.client, other.proposal, first.signature)


def test_a_proposal__is_signed_with_its_creator_and_type(cast: Cast) -> None:
    first = _asked(cast)
    other = ask(CALL, cast.user(ORG2), nonce=NONCE, timestamp_ns=NOW)
    check_refused(cast.client, other.proposal, first.signature)
    check_refused(cast.client, first.proposal.replace(b"\x08\x03", b"\x08\x04", 1), first.signature)


def test_of_a_call__who_is_asked_alone_is_signed_by_nobody(cast: Cast) -> None:
    first, others = _asked(cast), _asked(cast, replace(CALL, organisations=()))
    assert (first.proposal, first.transaction_id) == (others.proposal, others.transaction_id)
    for make, kind, whose in (
        (endorse_request, gateway_pb2.EndorseRequest, "endorsing_organizations"),
        (evaluate_request, gateway_pb2.EvaluateRequest, "target_organizations"),
    ):
        sent = kind.FromString(make(first))
        said = {field.name for field, _ in sent.ListFields()}
        assert said == {"transaction_id", "channel_id", "proposed_transaction", whose}
        assert sent.transaction_id == first.parsed.transaction_id, "which is signed, too"
        assert sent.channel_id == first.parsed.channel, "which is signed, too"


def _payload(cast: Cast, asked: Asked, **change: Any) -> bytes:
    """What a client would sign of a response with a change in it."""
    event = Event("code", asked.transaction_id, "done", change.pop("event", b"payload"))
    order = change.pop("order", 1)
    response = make_response(
        change.pop("hash", asked.parsed.hash),
        change.pop("results", b"results"),
        event=make_event(event),
        **{"chaincode": "code", "version": "1", "response": b"answer", "status": 200, **change},
    )
    peers = cast.peers[::order]
    endorsements = [Endorsement(each.identity, each.sign(response)) for each in peers]
    return join_payload(asked.parsed, response, endorsements)


@pytest.mark.parametrize(
    "change",
    [
        {"hash": bytes(32)},
        {"results": b"others"},
        {"event": b"other"},
        {"response": b"other"},
        {"status": 201},
        {"message": "other"},
        {"chaincode": "other"},
        {"version": "2"},
        {"order": -1},
    ],
    ids=str,
)
def test_an_envelope__is_signed_with_what_was_endorsed(cast: Cast, change: dict[str, Any]) -> None:
    asked = _asked(cast)
    signature = cast.client.sign(_payload(cast, asked))
    assert _payload(cast, asked, **change) != _payload(cast, asked)
    check_refused(cast.client, _payload(cast, asked, **change), signature)


@pytest.mark.parametrize(
    "change",
    [{"channel": "other"}, {"chaincode": "other"}, {"arguments": (b"get",)}],
    ids=str,
)
def test_an_envelope__is_signed_with_what_was_asked(cast: Cast, change: dict[str, Any]) -> None:
    asked, other = _asked(cast), _asked(cast, replace(CALL, **change))
    honest = Forgery(cast, asked.proposal).answer()
    made = parse_transaction(sign_endorsed(asked, honest, cast.client).envelope)
    check_signed(cast.client, made.payload, made.signature)
    moved = join_payload(other.parsed, made.action.signed, made.endorsements)
    check_refused(cast.client, moved, made.signature)
    for nonce, now in ((b"m" * 24, NOW), (NONCE, NOW + 1)):
        later = _asked(cast, CALL, nonce, now)
        moved = join_payload(later.parsed, made.action.signed, made.endorsements)
        check_refused(cast.client, moved, made.signature)


def test_an_envelope__is_signed_with_every_endorsement(cast: Cast) -> None:
    asked = _asked(cast)
    honest = Forgery(cast, asked.proposal).answer()
    made = parse_transaction(sign_endorsed(asked, honest, cast.client).envelope)
    for left in (made.endorsements[:1], made.endorsements[1:], made.endorsements * 2, ()):
        other = join_payload(asked.parsed, made.action.signed, left)
        check_refused(cast.client, other, made.signature)


def test_an_envelope__has_no_transient_data(cast: Cast) -> None:
    asked = _asked(cast, replace(CALL, transient={"pin": b"a secret of endorsers"}))
    honest = Forgery(cast, asked.proposal).answer()
    assert b"a secret of endorsers" not in sign_endorsed(asked, honest, cast.client).envelope


def test_a_request_of_a_status__is_signed_with_channel_transaction_and_who_asks(
    cast: Cast,
) -> None:
    kind = gateway_pb2.SignedCommitStatusRequest
    sent = kind.FromString(status_request("mychannel", "ab", cast.client))
    check_signed(cast.client, sent.request, sent.signature)
    for other in (
        status_request("other", "ab", cast.client),
        status_request("mychannel", "cd", cast.client),
        status_request("mychannel", "ab", cast.user(ORG2)),
    ):
        check_refused(cast.client, kind.FromString(other).request, sent.signature)


def test_a_request_of_events__is_signed_with_channel_chaincode_block_and_who_asks(
    cast: Cast,
) -> None:
    kind, client = gateway_pb2.SignedChaincodeEventsRequest, cast.client
    sent = kind.FromString(events_request("mychannel", "code", client, Checkpoint(3)))
    check_signed(client, sent.request, sent.signature)
    for other in (
        events_request("other", "code", client, Checkpoint(3)),
        events_request("mychannel", "other", client, Checkpoint(3)),
        events_request("mychannel", "code", client, Checkpoint(4)),
        events_request("mychannel", "code", cast.user(ORG2), Checkpoint(3)),
    ):
        check_refused(client, kind.FromString(other).request, sent.signature)


def test_a_request_of_blocks__is_signed_with_all_of_it(cast: Cast) -> None:
    def seek(channel: str = "mychannel", signer: Signer | None = None, **change: Any) -> Any:
        told = {"first": 1, "last": 5, "nonce": NONCE, "timestamp_ns": NOW, **change}
        made = seek_request(channel, signer or cast.client, **told)
        return common_pb2.Envelope.FromString(made)

    sent = seek()
    check_signed(cast.client, sent.payload, sent.signature)
    for other in (
        seek("other"),
        seek(signer=cast.user(ORG2)),
        seek(first=2),
        seek(last=6),
        seek(last=None),
        seek(nonce=b"m" * 24),
        seek(timestamp_ns=NOW + 1),
    ):
        check_refused(cast.client, other.payload, sent.signature)
