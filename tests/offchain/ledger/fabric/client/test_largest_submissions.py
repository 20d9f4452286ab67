"""The largest transaction goes through client, Gateway and journal; a larger one nowhere."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    CHANNEL,
    Forgery,
    ScriptedGateway,
    proposal_in,
    status_of,
)

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.client.asking import Waits
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.calls import Call, ask, sign_endorsed
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submissions import Submissions, keep
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.limits import MAX_ENVELOPE_BYTES

BESIDE = 16 * 1024  # more than headers, arguments, endorsements and event take


class Answering:
    """A Gateway whose chaincode answers so many bytes."""

    def __init__(self, gateway: ScriptedGateway, size: int) -> None:
        self.gateway, self.size = gateway, size

    def __call__(self, request: bytes, _: grpc.ServicerContext) -> bytes:
        asked = Forgery(self.gateway.cast, proposal_in(request), response=b"r" * self.size)
        return asked.answer()


def test_the_largest__is_kept__and_gone_on_with_after_a_restart(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    size = MAX_ENVELOPE_BYTES - BESIDE
    gateway.acts[Asking.ENDORSE] = [Answering(gateway, size)]
    gateway.acts[Asking.STATUS] = [lambda *_: status_of(254)]
    desk = replace(gateway.desk(tmp_path), waits=Waits())
    with (
        desk.journal(),
        GatewayClient([gateway.address], desk) as client,
        pytest.raises(MessageMalformed, match="may still count"),
    ):
        client.submit("code", "put", "k", "1", name="largest")
    desk = replace(gateway.desk(tmp_path), waits=Waits())
    with desk.journal(), GatewayClient([gateway.address], desk) as client:
        outcome = client.submit("code", "put", "k", "1", name="largest")
    assert len(outcome.response) == size
    assert len(set(gateway.taken)) == 1
    assert size < len(gateway.taken[0]) <= MAX_ENVELOPE_BYTES


def test_a_larger_one__is_neither_signed_nor_kept(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.acts[Asking.ENDORSE] = [Answering(gateway, MAX_ENVELOPE_BYTES)]
    with pytest.raises(RefusedInput, match="too large to be ordered"):
        client.submit("code", "put", "k", "1", name="mine")
    assert gateway.calls == [Asking.ENDORSE]
    assert client.desk.journal().open_ones() == []
    assert client.submit("code", "put", "k", "1", name="mine").response == b"answer"


def test_journal__takes_nothing_that_is_larger__and_keeps_no_transient_data(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    signer = gateway.cast.client
    call = Call(CHANNEL, "code", (b"put",), {"pin": b"a secret of endorsers"})
    asked = ask(call, signer, nonce=os.urandom(24), timestamp_ns=1)
    endorsed = sign_endorsed(asked, Forgery(gateway.cast, asked.proposal).answer(), signer)
    with Submissions.open(tmp_path, signer.identity) as opened:
        opened.append(keep("small", endorsed))
        small, more = keep("large", endorsed), bytes(MAX_ENVELOPE_BYTES + 1)
        with pytest.raises(RefusedInput, match="too large"):
            opened.append(replace(small, envelope=more))
    with Submissions.open(tmp_path, signer.identity) as opened:
        assert [each.name for each in opened.open_ones()] == ["small"]
    (path,) = tmp_path.glob("*.journal")
    assert b"a secret of endorsers" not in path.read_bytes()
