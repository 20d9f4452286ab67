"""Proposals, transactions, read-write sets and blocks come back as they were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.signing import make_identity, parse_identity
from edgemark.ledger.fabric.wire.blocks import make_block, parse_block
from edgemark.ledger.fabric.wire.envelopes import (
    Endorsement,
    Event,
    join_payload,
    make_envelope,
    make_event,
    make_response,
    parse_event,
    parse_transaction,
)
from edgemark.ledger.fabric.wire.proposals import draft_proposal, make_proposal, parse_proposal
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Version,
    Write,
    make_results,
    parse_results,
)

PROPOSAL = proposal_pb2.Proposal
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
VERSIONS = st.none() | st.builds(Version, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
READS = st.lists(st.builds(Read, KEYS, VERSIONS), unique_by=lambda one: one.key, max_size=4)
WRITES = st.lists(
    st.builds(Write, KEYS, st.none() | st.binary(max_size=5)),
    unique_by=lambda one: one.key,
    max_size=4,
)


def ask(**changed: object) -> bytes:
    facts = {"creator": b"somebody", "nonce": b"n" * 24, "timestamp_ns": 1_700_000_000_123456789}
    return make_proposal("channel", "code", [b"put", b"\xff\x00"], **{**facts, **changed})


def test_proposal__comes_back_as_it_was_made() -> None:
    proposal = parse_proposal(ask(transient={"secret": b"salt"}))
    assert (proposal.channel, proposal.chaincode) == ("channel", "code")
    assert proposal.arguments == (b"put", b"\xff\x00")
    assert proposal.transient == {"secret": b"salt"}
    assert proposal.timestamp_ns == 1_700_000_000_123456789
    assert b"salt" not in proposal.payload


def test_hash_of_a_proposal__leaves_transient_data_out() -> None:
    assert parse_proposal(ask(transient={"a": b"b"})).hash == parse_proposal(ask()).hash
    assert parse_proposal(ask(nonce=b"m" * 24)).hash != parse_proposal(ask()).hash


@pytest.mark.parametrize("changed", [{"nonce": b""}, {"nonce": b"n" * 65}, {"creator": b""}])
def test_proposal_that_contradicts_itself__is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(MessageMalformed):
        parse_proposal(ask(**changed))


@pytest.mark.parametrize(
    ("channel", "chaincode"),
    [
        ("channel", "c" * 65),
        ("channel", "c" * 2**20),
        ("channel", "../up"),
        ("channel", "__code"),
        ("c" * 65, "code"),
        ("Channel", "code"),
        ("channel\n", "code"),
    ],
)
def test_proposal_with_a_name_that_none_has__is_refused(channel: str, chaincode: str) -> None:
    facts = {"creator": b"somebody", "nonce": b"n" * 24, "timestamp_ns": 1}
    raw = make_proposal(channel, chaincode, [b"put"], **facts)
    with pytest.raises(MessageMalformed, match="name of the") as caught:
        parse_proposal(raw)
    assert len(str(caught.value)) < 500


NAMES = st.text(alphabet="aZ0-_./\n", max_size=4) | st.sampled_from(["code", "c" * 65, ""])


@given(
    channel=NAMES,
    chaincode=NAMES,
    arguments=st.lists(st.binary(max_size=5), max_size=3) | st.just([b""] * 257),
    creator=st.binary(max_size=3),
    nonce=st.binary(max_size=3) | st.just(b"n" * 65),
    timestamp_ns=st.integers(0, 2**62),
    transient=st.dictionaries(KEYS, st.binary(max_size=5), max_size=3),
)
def test_draft_of_a_proposal__is_what_the_parser_makes_of_it(**facts: Any) -> None:
    named = facts.pop("channel"), facts.pop("chaincode"), facts.pop("arguments")
    raw = make_proposal(*named, **facts)
    try:
        drafted = draft_proposal(*named, **facts)
    except MessageMalformed:
        with pytest.raises(MessageMalformed):
            parse_proposal(raw)
        return
    assert parse_proposal(drafted[0]) == drafted[1] == parse_proposal(raw)


@given(st.binary(max_size=200))
def test_parsers__of_any_bytes__answer_or_refuse_typed(raw: bytes) -> None:
    for parse in (parse_proposal, parse_transaction, parse_results, parse_block, parse_event):
        try:
            parse(raw)
        except MessageMalformed:
            continue


def test_transaction__says_the_hash_of_its_own_proposal() -> None:
    proposal = parse_proposal(ask(transient={"a": b"b"}))
    event = Event("code", proposal.transaction_id, "put", b"x")
    response = make_response(
        proposal.hash, b"", chaincode="code", version="1", response=b"ok", event=make_event(event)
    )
    payload = join_payload(
        parse_proposal(ask(transient={"a": b"b"})), response, [Endorsement(b"peer", b"sig")]
    )
    found = parse_transaction(make_envelope(payload, b"signature"))
    assert found.hash == found.action.proposal_hash == proposal.hash
    assert (found.payload, found.signature) == (payload, b"signature")
    assert found.endorsements == (Endorsement(b"peer", b"sig"),)
    assert (found.action.status, found.action.response, found.actions) == (200, b"ok", 1)
    assert parse_event(found.action.event) == event
    assert found.transaction_id == proposal.transaction_id
    other = join_payload(parse_proposal(ask(nonce=b"m" * 24)), response, [])
    assert parse_transaction(make_envelope(other, b"")).hash != proposal.hash


@given(READS, WRITES, st.booleans())
def test_read_write_sets__come_back__whatever_the_order(
    reads: list[Read], writes: list[Write], is_exhausted: bool
) -> None:
    span = RangeRead("a", "b", is_exhausted, tuple(reads))
    other = NamespaceSet("other", tuple(reads))
    one = make_results([NamespaceSet("n", tuple(reads), tuple(writes), (span,)), other])
    turned = NamespaceSet("n", tuple(reads[::-1]), tuple(writes[::-1]), (span,))
    assert one == make_results([other, turned])
    found, second = parse_results(one)
    assert set(found.reads) == set(reads)
    assert set(found.writes) == {Write(each.key, each.value or None) for each in writes}
    assert found.ranges == (span,)
    assert second.namespace == "other"


def test_block__comes_back_with_its_flags__and_tells_a_changed_envelope() -> None:
    block = make_block(300, b"p" * 32, [b"one", b"two"])
    assert block.is_whole
    found = parse_block(block.to_bytes())
    assert found == block
    assert found.hash == block.hash
    assert not parse_block(block.to_bytes().replace(b"two", b"too")).is_whole


def spoiled(kind: Any, raw: bytes, field: str, change: Callable[[bytes], bytes]) -> bytes:
    message = kind.FromString(raw)
    setattr(message, field, change(getattr(message, field)))
    return bytes(message.SerializeToString())


MORE = b"\x7a\x04EVIL"  # a field 15 that nobody knows
TWICE = {
    "channel header": lambda raw: in_header("channel_header", lambda part: part + part, raw),
    "field that nobody knows": lambda raw: in_header("channel_header", lambda p: p + MORE, raw),
    "signature header": lambda raw: in_header("signature_header", lambda part: part + part, raw),
    "long number": lambda raw: in_header("channel_header", lambda p: b"\x08\x83\x00" + p[2:], raw),
    "payload": lambda raw: spoiled(PROPOSAL, raw, "payload", lambda part: part + part),
    "nothing": lambda raw: spoiled(PROPOSAL, raw, "payload", lambda _: b""),
    "call": lambda raw: in_call(lambda part: part + part, raw),
    "call beside": lambda raw: in_call(lambda part: part + MORE, raw),
}


def in_header(field: str, change: Callable[[bytes], bytes], raw: bytes) -> bytes:
    return spoiled(
        PROPOSAL, raw, "header", lambda part: spoiled(common_pb2.Header, part, field, change)
    )


def in_call(change: Callable[[bytes], bytes], raw: bytes) -> bytes:
    kind = proposal_pb2.ChaincodeProposalPayload
    return spoiled(PROPOSAL, raw, "payload", lambda part: spoiled(kind, part, "input", change))


@pytest.mark.parametrize("spoil", TWICE.values(), ids=TWICE)
def test_proposal_whose_parts_are_not_in_order__is_refused(spoil: Callable[[bytes], bytes]) -> None:
    parse_proposal(ask())
    with pytest.raises(MessageMalformed, match="unknown, missing, twice there or out of order"):
        parse_proposal(spoil(ask()))


def test_fields_with_their_default_value__are_taken() -> None:
    """As programs in Node.js write them: they move no border."""
    plain = parse_proposal(ask())
    raw = in_header("channel_header", lambda part: part[:2] + b"\x10\x00" + part[2:], ask())
    assert parse_proposal(raw).transaction_id == plain.transaction_id


def test_identity_with_two_certificates_or_organisations__is_refused() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    good = make_identity("Org1MSP", pem)
    for raw in (make_identity("Org1MSP", pem + pem), make_identity("Org1MSP", b"")):
        with pytest.raises(IdentityRefused, match="has not one block of PEM"):
            parse_identity(raw)
    for raw in (good + MORE, good + good, MORE + good):
        with pytest.raises(MessageMalformed, match="identity has other fields"):
            parse_identity(raw)
