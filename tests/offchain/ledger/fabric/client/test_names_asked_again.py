"""A decided name is told what the ledger has of it now: it is never told from memory alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_response_pb2, transaction_pb2
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    ORG2,
    Act,
    ScriptedGateway,
    refuse,
    status_of,
)

from edgemark.ledger.fabric.client import flows
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.faults import (
    LedgerSilent,
    MessageMalformed,
    SubmissionGone,
    TransactionInvalid,
)
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import make_envelope, parse_transaction

ASKING = {Asking.STATUS, Asking.EVALUATE}  # what changes nothing


@pytest.fixture
def decided(gateway: ScriptedGateway, tmp_path: Path) -> Iterator[GatewayClient]:
    """A client whose submission of that name counted before it was started anew."""
    desk = gateway.desk(tmp_path / "submissions")
    with desk.journal(), GatewayClient([gateway.address], desk) as first:
        _ask(first)
    gateway.calls.clear()
    desk = gateway.desk(tmp_path / "submissions")
    with desk.journal(), GatewayClient([gateway.address], desk) as opened:
        yield opened


def _ask(client: GatewayClient, wait_s: float = 5, retries: int = 0) -> Outcome:
    return client.submit("code", "put", "k", "1", name="mine", retries=retries, wait_s=wait_s)


def _processed(envelope: bytes) -> Act:
    raw = transaction_pb2.ProcessedTransaction(
        transactionEnvelope=common_pb2.Envelope.FromString(envelope)
    ).SerializeToString()
    result = proposal_response_pb2.Response(status=200, payload=raw)
    answer: bytes = gateway_pb2.EvaluateResponse(result=result).SerializeToString()
    return lambda *_: answer


def test_one_that_is_there__is_told_as_the_ledger_has_it(
    gateway: ScriptedGateway, decided: GatewayClient
) -> None:
    gateway.acts[Asking.STATUS] = [lambda *_: status_of(0, 77)]
    outcome = _ask(decided)
    assert (outcome.code, outcome.block, outcome.response) == (Code.VALID, 77, b"answer")
    assert set(gateway.calls) == ASKING


def test_one_that_a_revert_took_back__is_refused_and_not_sent_again(
    gateway: ScriptedGateway, decided: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "LOOK_S", 0.2)
    gateway.taken.clear()
    for _ in range(2):
        with pytest.raises(SubmissionGone, match="another name") as told:
            _ask(decided)
        assert "VALID in block 3" in str(told.value)
    assert set(gateway.calls) == ASKING
    assert gateway.taken == []


def test_one_that_did_not_count_and_is_gone__is_told_from_no_journal_and_not_begun_anew(
    gateway: ScriptedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows, "LOOK_S", 0.2)
    gateway.code = Code.MVCC_READ_CONFLICT
    for _ in range(2):  # the second life has it from the disk
        desk = gateway.desk(tmp_path / "submissions")
        opened = GatewayClient([gateway.address], desk)
        with desk.journal(), opened, pytest.raises(TransactionInvalid, match="in block 3"):
            _ask(opened)
    gateway.taken.clear()
    gateway.calls.clear()
    desk = gateway.desk(tmp_path / "submissions")
    with desk.journal(), GatewayClient([gateway.address], desk) as client:
        for retries in (0, 2):
            with pytest.raises(SubmissionGone, match="MVCC_READ_CONFLICT in block 3"):
                _ask(client, retries=retries)
    assert set(gateway.calls) == ASKING


def test_one_of_a_peer_that_is_behind__is_waited_for(
    gateway: ScriptedGateway, decided: GatewayClient
) -> None:
    late = refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "nothing yet")
    gateway.acts[Asking.STATUS] = [late]
    assert _ask(decided).block == 3
    assert set(gateway.calls) == ASKING


def test_a_ledger_that_does_not_answer__is_not_taken_for_one_that_has_it(
    gateway: ScriptedGateway, decided: GatewayClient
) -> None:
    away = refuse(grpc.StatusCode.UNAVAILABLE, "away")
    gateway.acts = {Asking.STATUS: [away] * 20, Asking.EVALUATE: [away] * 20}
    with pytest.raises(LedgerSilent):
        _ask(decided, wait_s=0.5)
    assert set(gateway.calls) == ASKING


def test_one_that_came_again_and_does_not_count__is_told_so(
    gateway: ScriptedGateway, decided: GatewayClient
) -> None:
    gateway.acts[Asking.STATUS] = [lambda *_: status_of(Code.MVCC_READ_CONFLICT, 9)]
    with pytest.raises(TransactionInvalid, match="MVCC_READ_CONFLICT in block 9"):
        _ask(decided)


def test_another_transaction__or_one_that_was_changed__is_no_answer(
    gateway: ScriptedGateway, decided: GatewayClient
) -> None:
    ours = parse_transaction(gateway.taken[0])
    stranger = gateway.cast.user(ORG2)
    decided.submit("code", "put", "k", "2", name="other")
    for envelope in (
        gateway.taken[1],
        make_envelope(ours.payload, stranger.sign(ours.payload)),
        make_envelope(ours.payload.replace(b"answer", b"ANSWER"), ours.signature),
        b"",
    ):
        gateway.acts[Asking.EVALUATE] = [_processed(envelope)]
        with pytest.raises(MessageMalformed):
            _ask(decided)
