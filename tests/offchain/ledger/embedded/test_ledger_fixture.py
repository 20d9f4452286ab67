"""The fixture `ledger`: what a test did is gone after it, what the session did stays."""

from __future__ import annotations

import pytest

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.fixture import LedgerFixture, ledger, ledger_of_session
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    IdentityRefused,
    SubmissionGone,
)

pytestmark = [pytest.mark.processes, pytest.mark.lasts(12)]

SHELF = "tests.offchain.ledger.embedded.shelf_chaincode:Shelf"
__all__ = ["ledger", "ledger_of_session"]  # the fixtures of this file


@pytest.fixture(scope="module", autouse=True)
def shelf(ledger_of_session: LedgerFixture) -> None:
    ledger_of_session.deploy("shelf", SHELF)


def test_chaincode_of_the_session__is_called(ledger: LedgerFixture) -> None:
    with ledger.client() as client, ledger.client("Org2MSP") as other:
        client.submit("shelf", "put", "k", "v")
        assert other.evaluate("shelf", "get", "k") == b"v"


@pytest.mark.parametrize("turn", [1, 2])
def test_what_another_test_wrote__is_gone(ledger: LedgerFixture, turn: int) -> None:
    with ledger.client() as client:
        assert client.evaluate("shelf", "get", "k") == b""
        client.submit("shelf", "put", "k", f"{turn}")
        ledger.advance(3600)
        assert ledger.thread.ledger.served.advance_s == 3600
        ledger.deploy("second", SHELF, policy="OR('Org1MSP.peer', 'Org2MSP.peer')")
        client.submit("second", "put", "k", "v")


@pytest.mark.parametrize("turn", [1, 2])
def test_who_was_revoked_in_another_test__is_none_in_this_one(
    ledger: LedgerFixture, turn: int
) -> None:
    with ledger.client() as client:
        client.submit("shelf", "put", "k", "v")
        ledger.revoke("User1")
        with pytest.raises(IdentityRefused, match="was revoked"):
            client.submit("shelf", "put", "k", "w")
    with ledger.client(user="Admin") as client:
        assert client.evaluate("shelf", "get", "k") == b"v"


@pytest.mark.parametrize("msp_id", ["Org7MSP", "OrdererMSP"])
def test_client_of_an_organisation_without_a_peer__is_told_which_have_one(
    ledger: LedgerFixture, msp_id: str
) -> None:
    with pytest.raises(RefusedInput) as refused:
        ledger.client(msp_id)
    assert refused.value.needed == "one of Org1MSP, Org2MSP"
    assert "--" not in str(refused.value)
    with pytest.raises(RefusedInput, match="one of Org1MSP, Org2MSP"):
        ledger.revoke("Admin", msp_id)


def test_a_name_that_a_revert_took_back__is_refused_and_does_not_count_again(
    ledger: LedgerFixture,
) -> None:
    number = ledger.thread.snapshot()
    with ledger.client() as client:
        told = client.submit("shelf", "put", "k", "v", name="mine")
        assert client.submit("shelf", "put", "k", "v", name="mine") == told
        ledger.thread.revert(number)
        with pytest.raises(SubmissionGone, match="another name"):
            client.submit("shelf", "put", "k", "v", name="mine")
        assert client.evaluate("shelf", "get", "k") == b""
        client.submit("shelf", "put", "k", "v", name="mine, again")
        assert client.evaluate("shelf", "get", "k") == b"v"


def test_a_chaincode_that_calls_one_that_is_not_there__is_told_so_at_once(
    ledger: LedgerFixture,
) -> None:
    with ledger.client() as client:
        for ask in (client.evaluate, client.submit):
            with pytest.raises(ChaincodeRefused, match="chaincode nowhere") as told:
                ask("shelf", "call", "nowhere", "", "get", "k", wait_s=10)
            assert told.value.who == "chaincode shelf"
            assert told.value.remedy


@pytest.mark.parametrize("name", ["wrong", "shelf"])
def test_deploy__of_code_that_cannot_be_run__says_why_and_leaves_what_runs(
    ledger: LedgerFixture, name: str
) -> None:
    with pytest.raises(RefusedInput, match="cannot be run") as refused:
        ledger.deploy(name, "nowhere:Shelf")
    assert "No module named 'nowhere'" in str(refused.value)
    assert str(refused.value).count("had ") == 1
    with ledger.client() as client:
        assert client.evaluate("shelf", "get", "k") == b""


def test_issued_identity__has_its_attributes(ledger: LedgerFixture) -> None:
    ledger.issue("watch", {"edgemark.clock": "true"})
    with ledger.client(user="watch") as client:
        client.submit("shelf", "put", "k", "v")
    serving = ledger.thread.ledger
    folder = serving.organisations.folder_of("Org1MSP")
    (issued,) = [each for each in folder.identities() if each.name == "watch"]
    identity = folder.signer(issued.folder / "msp").identity
    known = serving.ledger.channels["mychannel"].organisations["Org1MSP"]
    assert known.admit(identity, at=None).attributes == {"edgemark.clock": "true"}


def test_deploy__again__leaves_version_and_policy_as_they_are(ledger: LedgerFixture) -> None:
    ledger.deploy("shelf", SHELF, version="2.0", policy="OR('Org1MSP.peer', 'Org2MSP.peer')")
    channel = ledger.thread.ledger.ledger.channels["mychannel"]
    before = channel.definition("shelf")
    ledger.deploy("shelf", SHELF)
    assert channel.definition("shelf") == before
    ledger.deploy("shelf", SHELF, policy="majority")
    after = channel.definition("shelf")
    assert after is not None
    assert before is not None
    assert (after.version, after.sequence) == ("2.0", before.sequence + 1)
    assert after.policy != before.policy
