"""What `_lifecycle` may answer: read as it was meant, of either version of Fabric, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from fabric_protos.peer import proposal_response_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import ChaincodeRefused, MessageMalformed
from edgemark.ledger.fabric.lifecycle import messages
from edgemark.ledger.fabric.lifecycle.messages import NOT_AGREED
from edgemark.ledger.fabric.lifecycle.wishing import Wish
from edgemark.ledger.fabric.wire.definitions import Approval, ChaincodeDefinition
from edgemark.ledger.fabric.wire.policy.policies import ENDORSEMENT, parse_policy

WANTED = ChaincodeDefinition("shelf", "1.0", 3, init_required=True)
NO_MESSAGE = b"\xff\xff\xff"


def test_wanted__asks_by_default_for_the_policy_of_its_channel() -> None:
    assert parse_policy(WANTED.policy) == ENDORSEMENT


@pytest.mark.parametrize("package_id", ["shelf:00", ""])
def test_approve_arguments__say_all_of_it(package_id: str) -> None:
    name, raw = messages.approve_arguments(Approval(WANTED, package_id))
    assert name == b"ApproveChaincodeDefinitionForMyOrg"
    sent = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(raw)
    assert (sent.name, sent.version, sent.sequence, sent.init_required) == ("shelf", "1.0", 3, True)
    assert sent.validation_parameter == WANTED.policy
    kind = "local_package" if package_id else "unavailable"
    assert sent.source.WhichOneof("Type") == kind
    assert sent.source.local_package.package_id == package_id


def test_a_definition_of_others__keeps_what_is_never_said_here() -> None:
    """Else a deployment of another version would take plugins and private data away."""
    held = lifecycle_pb2.QueryChaincodeDefinitionResult(
        version="1", sequence=4, endorsement_plugin="own", validation_plugin="vscc"
    )
    held.collections.config.add().static_collection_config.name = "secret"
    current = messages.read_definition("shelf", held.SerializeToString())
    _, raw = messages.commit_arguments(Wish("shelf", "2").over(current))
    sent = lifecycle_pb2.CommitChaincodeDefinitionArgs.FromString(raw)
    assert sent.collections == held.collections
    assert (sent.version, sent.endorsement_plugin, sent.validation_plugin) == ("2", "own", "")
    usual = lifecycle_pb2.QueryChaincodeDefinitionResult(
        version="1", sequence=1, endorsement_plugin="escc", validation_plugin="vscc"
    )
    usual.validation_parameter = WANTED.policy
    usual.collections.SetInParent()
    read = messages.read_definition("shelf", usual.SerializeToString())
    assert read == ChaincodeDefinition("shelf", "1"), "nothing was said of them, so nothing differs"
    assert Wish("shelf").over(read) == read
    assert Wish("shelf", init_required=True).over(read).init_required


def readiness(mismatches: dict[str, list[str]]) -> bytes:
    message: Any = lifecycle_pb2.CheckCommitReadinessResult(approvals={"B": False, "A": True})
    for msp_id, items in mismatches.items():
        message.mismatches[msp_id].items.extend(items)
    raw: bytes = message.SerializeToString()
    return raw


def test_read_readiness__names_what_differs_where_a_ledger_says_so() -> None:
    said = readiness({"B": ["EndorsementInfo", "ValidationInfo"]})
    assert messages.read_readiness(said) == {"A": "", "B": "EndorsementInfo, ValidationInfo"}
    assert messages.read_readiness(readiness({})) == {"A": "", "B": NOT_AGREED}


def test_read_response__of_a_peer_that_says_no__tells_its_words() -> None:
    message = proposal_response_pb2.ProposalResponse()
    message.response.status, message.response.payload = 200, b"done"
    assert messages.read_response(message.SerializeToString(), "peer") == b"done"
    message.response.status, message.response.message = 500, "no room"
    with pytest.raises(ChaincodeRefused, match="refused") as refused:
        messages.read_response(message.SerializeToString(), "peer x")
    assert (refused.value.who, refused.value.had) == ("peer x", "no room")


@pytest.mark.parametrize(
    "read",
    [
        messages.read_installed,
        messages.read_readiness,
        messages.read_definitions,
        lambda raw: messages.read_definition("a", raw),
        lambda raw: messages.read_approved("a", raw),
        lambda raw: messages.read_response(raw, "peer"),
    ],
)
def test_an_answer_that_is_none__is_refused(read: Any) -> None:
    with pytest.raises(MessageMalformed):
        read(NO_MESSAGE)


@pytest.mark.parametrize(
    "wrong",
    [
        ChaincodeDefinition("", "1"),
        ChaincodeDefinition("a" * 65, "1"),
        ChaincodeDefinition("\u00e4", "1"),
        ChaincodeDefinition("a\nb", "1"),
        ChaincodeDefinition("a", ""),
        ChaincodeDefinition("a", "1 2"),
        ChaincodeDefinition("a", "1!"),
        ChaincodeDefinition("a", "1" * 65),
        ChaincodeDefinition("a/b", "1"),
        ChaincodeDefinition("a_", "1"),
        ChaincodeDefinition("_lifecycle", "1"),
        ChaincodeDefinition("qscc", "1"),
        ChaincodeDefinition("a", "1", 0),
    ],
)
def test_check_wanted__of_what_no_ledger_takes__is_refused(wrong: ChaincodeDefinition) -> None:
    messages.check_wanted(WANTED)
    with pytest.raises(RefusedInput, match="is wrong"):
        messages.check_wanted(wrong)
