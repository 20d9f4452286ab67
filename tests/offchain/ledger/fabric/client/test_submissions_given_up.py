"""What no orderer takes: it stays open, fills the journal, and ends where it is given up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tests.offchain.ledger.fabric.client.scripted_gateway import (
    Act,
    ScriptedGateway,
    refuse,
    status_of,
)

from edgemark.errors import Overloaded, RefusedInput
from edgemark.ledger.fabric.client import flows, submission, submissions
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.faults import (
    IdentityRefused,
    SubmissionDiffers,
    SubmissionGivenUp,
    SubmitRefused,
    TransactionInvalid,
)
from edgemark.ledger.fabric.wire.codes import Code

EXPIRED = "received unsuccessful response from orderer: status=BAD_REQUEST, info=identity expired"
NOWHERE = refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "no block has it")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that says nothing of a transaction is asked for less long."""
    for module, wait in ((flows, "LOOK_S"), (submission, "SHORT_WAIT_S")):
        monkeypatch.setattr(module, wait, 0.2)
    monkeypatch.setattr(submission, "LONG_WAIT_S", 0.2)
    monkeypatch.setattr(submissions, "MAX_OPEN_SUBMISSIONS", 2)


@pytest.fixture
def full(gateway: ScriptedGateway, tmp_path: Path) -> Iterator[GatewayClient]:
    """A client as many of whose submissions are open as may be, and refused each time."""
    answer_always(gateway, Asking.SUBMIT, refuse(grpc.StatusCode.ABORTED, EXPIRED))
    answer_always(gateway, Asking.STATUS, NOWHERE)
    with opened(gateway, tmp_path) as client:
        for name in ("a", "b"):
            with pytest.raises(SubmitRefused, match="BAD_REQUEST"):
                ask(client, name)
        yield client


def answer_always(gateway: ScriptedGateway, asking: Asking, act: Act) -> None:
    gateway.acts[asking] = [act] * 20


def opened(gateway: ScriptedGateway, folder: Path) -> GatewayClient:
    return GatewayClient([gateway.address], gateway.desk(folder / "submissions"))


def ask(client: GatewayClient, name: str | None, value: str = "1") -> Outcome:
    return client.submit("code", "put", "k", value, name=name, wait_s=5)


def restart(client: GatewayClient, gateway: ScriptedGateway, folder: Path) -> GatewayClient:
    client.close()
    client.desk.journal().close()
    return opened(gateway, folder)


def test_what_no_orderer_takes__stays_open_and_keeps_others_out_until_it_is_given_up(
    gateway: ScriptedGateway, full: GatewayClient
) -> None:
    assert [type(each) for each in full.finish_open(5)] == [SubmitRefused] * 2
    with pytest.raises(Overloaded, match="--give-up"):
        ask(full, "c")
    (found, _) = full.desk.open_ones()
    ended = full.give_up("a")
    assert (ended.code, ended.transaction_id) == (Code.NOT_VALIDATED, found.transaction_id)
    assert [each.name for each in full.desk.open_ones()] == ["b"]
    gateway.acts.clear()
    assert ask(full, "c").code is Code.VALID


@pytest.mark.parametrize("restarts", [False, True])
def test_name_that_was_given_up__is_never_sent_or_proposed_again(
    gateway: ScriptedGateway, full: GatewayClient, tmp_path: Path, restarts: bool
) -> None:
    given = full.give_up("a")
    client = restart(full, gateway, tmp_path) if restarts else full
    gateway.calls.clear()
    with client, client.desk.journal():
        for _ in range(2):
            with pytest.raises(SubmissionGivenUp, match=given.transaction_id):
                ask(client, "a")
        with pytest.raises(SubmissionDiffers):
            ask(client, "a", "2")
        with pytest.raises(RefusedInput, match="is not open"):
            client.give_up("a")
    assert set(gateway.calls) == {Asking.STATUS}


@pytest.mark.parametrize("many", [1, 0], ids=["in the journal", "in the file of names"])
def test_given_up_that_a_block_has_all_the_same__is_told_as_that_says(
    gateway: ScriptedGateway,
    full: GatewayClient,
    tmp_path: Path,
    many: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(submissions, "MOVE_DECIDED", many * 10)
    full.give_up("a")
    client = restart(full, gateway, tmp_path)
    with client, client.desk.journal() as journal:
        found = journal.find("a")
        assert found is not None and found.is_given_up
        assert (journal._names.count > 0) == (many == 0)
        invalid = status_of(Code.MVCC_READ_CONFLICT.value, 9)
        answer_always(gateway, Asking.STATUS, lambda *_: invalid)
        for _ in range(2):
            with pytest.raises(TransactionInvalid, match="in block 9"):
                ask(client, "a")


def test_expired_identity__is_not_told_what_became_of_it_and_may_give_it_up(
    gateway: ScriptedGateway, full: GatewayClient
) -> None:
    expired = refuse(grpc.StatusCode.PERMISSION_DENIED, "access denied: identity expired")
    answer_always(gateway, Asking.STATUS, expired)
    assert [type(each) for each in full.finish_open(5)] == [IdentityRefused] * 2
    assert full.give_up("a").code is Code.NOT_VALIDATED
    with pytest.raises(SubmissionGivenUp, match="refused by the ledger"):
        ask(full, "a")


def test_one_that_counted_meanwhile__is_not_given_up(
    gateway: ScriptedGateway, full: GatewayClient
) -> None:
    """An earlier copy was taken after all: that is why nobody but its caller may give it up."""
    answer_always(gateway, Asking.STATUS, lambda *_: status_of(11, 4))
    with pytest.raises(TransactionInvalid, match="in block 4"):
        full.give_up("b")
    with pytest.raises(RefusedInput, match="is not open"):
        full.give_up("nobody's")
