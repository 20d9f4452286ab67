"""Whatever bytes stand in a block, validation answers with codes, and nothing changed counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from fabric_protos.common import common_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.ledger.embedded.consortium import (
    NOW,
    ORGANISATIONS,
    configuration_of,
    define,
    firm,
    orderer,
)
from tests.offchain.ledger.embedded.validation.forging import Parts, good

from edgemark.ledger.embedded.channel.admitting import NotOrdered
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.validation.blocks import Validator, identify
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.ground import Ground
from edgemark.ledger.fabric.identities.signing import make_identity
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import make_envelope


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    path = tmp_path_factory.mktemp("fuzzed") / "trade.sqlite"
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as made:
        define(made)
        yield made


def judge(channel: Channel, envelope: bytes) -> Code:
    with channel.view() as view:
        ground = Ground(channel.name, channel.configuration, channel.members, view)
        outcome = Validator().validate(channel.height, [envelope], ground)
    assert not outcome.faults  # what a check raises is a mistake, though it stops nothing
    (code,) = outcome.flags
    identify(Candidate(envelope))
    try:
        channel.check_order(envelope, NOW)
    except NotOrdered:
        assert code is not Code.VALID
    return code


@given(raw=st.binary(max_size=200))
def test_any_bytes__get_a_code_that_is_not_valid(channel: Channel, raw: bytes) -> None:
    assert judge(channel, raw) is not Code.VALID
    assert judge(channel, make_envelope(raw, raw)) is not Code.VALID


def test_envelope_with_any_byte_changed__does_not_count(channel: Channel) -> None:
    dice = random.Random(7)
    envelope = good().envelope()
    assert judge(channel, envelope) is Code.VALID
    for _ in range(150):
        place = dice.randrange(len(envelope))
        changed = bytes([envelope[place] ^ (1 << dice.randrange(8))])
        assert judge(channel, envelope[:place] + changed + envelope[place + 1 :]) is not Code.VALID


def _change(raw: bytes, place: int, byte: int) -> bytes:
    place %= len(raw) + 1
    return raw[:place] + bytes([byte]) + raw[place + 1 :]


def _in_action(parts: Parts, change: Callable[[bytes], bytes]) -> bytes:
    parts.action.results = change(parts.action.results)
    return parts.envelope(endorse=True)


def _in_extension(parts: Parts, change: Callable[[bytes], bytes]) -> bytes:
    parts.response.extension = change(parts.response.extension)
    parts.asked.action.proposal_response_payload = parts.response.SerializeToString()
    return parts.envelope()


def _in_transaction(parts: Parts, change: Callable[[bytes], bytes]) -> bytes:
    parts.envelope()
    parts.payload.data = change(parts.payload.data)
    raw = parts.payload.SerializeToString()
    return make_envelope(raw, parts.creator.sign(raw))


def _in_headers(parts: Parts, change: Callable[[bytes], bytes]) -> bytes:
    parts.envelope()
    parts.payload.header.channel_header = change(parts.payload.header.channel_header)
    raw = parts.payload.SerializeToString()
    return make_envelope(raw, parts.creator.sign(raw))


def _in_endorser(parts: Parts, change: Callable[[bytes], bytes]) -> bytes:
    (first, _) = parts.asked.action.endorsements
    first.endorser = change(first.endorser)
    return parts.envelope()


INSIDE = (_in_extension, _in_transaction, _in_headers, _in_endorser)


@settings(deadline=None)
@given(inside=st.sampled_from(INSIDE), place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_part_that_was_changed__by_the_creator__does_not_count(
    channel: Channel, inside: Callable[..., bytes], place: int, byte: int
) -> None:
    parts = Parts(good(nonce=b"n" * 24))
    before = parts.envelope()
    envelope = inside(parts, lambda raw: _change(raw, place, byte))
    same = _payload(before) == _payload(envelope)
    code = judge(channel, envelope)
    assert same or code is not Code.VALID or _is_same_certificate(parts)


def _payload(envelope: bytes) -> bytes:
    found: bytes = common_pb2.Envelope.FromString(envelope).payload
    return found


def _is_same_certificate(parts: Parts) -> bool:
    """What stands around a certificate in PEM is not part of it."""
    return parts.asked.action.endorsements[0].endorser != firm("Org1MSP").peer.identity


@settings(deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_results_that_endorsers_signed__whatever_they_are__get_a_code(
    channel: Channel, place: int, byte: int
) -> None:
    judge(channel, _in_action(Parts(good()), lambda raw: _change(raw, place, byte)))


@settings(deadline=None)
@given(pem=st.binary(max_size=60), msp_id=st.text(max_size=10))
def test_creator_that_is_none__gets_a_code(channel: Channel, pem: bytes, msp_id: str) -> None:
    parts = Parts(good())
    parts.header.creator = make_identity(msp_id, pem)
    codes = (Code.BAD_CREATOR_SIGNATURE, Code.BAD_COMMON_HEADER)
    assert judge(channel, parts.envelope()) in codes
