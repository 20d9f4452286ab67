"""The call that a definition requires first: marked in what is signed, kept and sent again."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import grpc
import pytest
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    ScriptedGateway,
    refuse,
    status_of,
)

from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.calls import Call
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.faults import LedgerSilent, NotEndorsed, SubmissionDiffers
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import parse_transaction

FIRST = "chaincode 'code' has not been initialized for this version, must call as init first"


def is_marked(envelope: bytes) -> bool:
    """Whether the proposal in an envelope is of a first call."""
    asked = proposal_pb2.ChaincodeProposalPayload.FromString(parse_transaction(envelope).asked)
    found = chaincode_pb2.ChaincodeInvocationSpec.FromString(asked.input)
    return bool(found.chaincode_spec.input.is_init)


def test_a_first_call__is_marked_and_endorsed_and_ordered_so(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    client.submit("code", "begin", is_init=True)
    client.order(client.endorse("code", "begin", is_init=True))
    client.submit("code", "begin")
    assert [is_marked(each) for each in gateway.taken] == [True, True, False]


def test_a_first_call_that_a_crash_left_open__is_another_than_the_same_unmarked(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    folder, lost = tmp_path / "submissions", refuse(grpc.StatusCode.UNAVAILABLE, "away")
    gateway.acts = {Asking.SUBMIT: [lost] * 9, Asking.STATUS: [lost] * 9}
    desk = gateway.desk(folder)
    with (
        desk.journal(),
        GatewayClient([gateway.address], desk) as client,
        pytest.raises(LedgerSilent),
    ):
        client.submit("code", "begin", name="first", is_init=True, wait_s=0.3)
    gateway.acts.clear()
    desk = gateway.desk(folder)
    with desk.journal(), GatewayClient([gateway.address], desk) as client:
        (held,) = client.desk.open_ones()
        assert is_marked(held.envelope)
        with pytest.raises(SubmissionDiffers):
            client.submit("code", "begin", name="first")
        client.submit("code", "begin", name="first", is_init=True)
    assert set(gateway.taken) == {held.envelope}


def test_a_new_proposal_after_a_conflict__is_marked_as_well(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.acts[Asking.STATUS] = [lambda *_: status_of(Code.MVCC_READ_CONFLICT, 3)]
    client.submit("code", "begin", is_init=True, retries=1)
    assert [is_marked(each) for each in gateway.taken] == [True, True]


def test_the_digest_of_a_call__is_as_journals_have_it_unless_it_is_a_first_one() -> None:
    call = ("c", "n", (b"a",), {}, ("O",))
    parts = b"\0\0\0\1c\0\0\0\1n\0\0\0\1\0\0\0\1a\0\0\0\1O"
    assert Call(*call).digest == sha256(parts).digest()
    assert Call(*call, is_init=True).digest == sha256(parts + b"\1").digest()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (FIRST, r"invoke NAME --init \.\.\.` \(is_init=True\)"),
        ("chaincode 'code' is already initialized but called as init", "Leave --init"),
        ("chaincode 'code' does not require initialization but called as init", "Leave --init"),
    ],
)
def test_a_call_that_is_marked_wrong__is_told_how_it_is_marked(
    gateway: ScriptedGateway, client: GatewayClient, words: str, remedy: str
) -> None:
    said = refuse(grpc.StatusCode.ABORTED, f"error in simulation: {words}")
    gateway.acts = {Asking.EVALUATE: [said], Asking.ENDORSE: [said]}
    for ask in (client.evaluate, client.submit):
        with pytest.raises(NotEndorsed, match=remedy) as told:
            ask("code", "get")
        assert words in str(told.value.had)
