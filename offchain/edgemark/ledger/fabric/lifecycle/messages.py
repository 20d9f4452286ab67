"""What `_lifecycle` is asked and may answer; pure.

Source: `peer/lifecycle/lifecycle.proto` of `fabric-protos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabric_protos.peer import proposal_response_pb2, query_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import ChaincodeRefused
from edgemark.ledger.fabric.wire import definitions
from edgemark.ledger.fabric.wire.codes import GOOD
from edgemark.ledger.fabric.wire.definitions import (
    Approval,
    ChaincodeDefinition,
    fill_approval,
    fill_definition,
)
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.names import CHAINCODE, RESERVED, VERSION

WHO = "answer of _lifecycle"
NOT_AGREED = "does not agree"  # where a ledger says not in what


def install_arguments(package: bytes) -> tuple[bytes, bytes]:
    """Arguments that install a package."""
    message = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package)
    return b"InstallChaincode", message.SerializeToString()


def installed_arguments() -> tuple[bytes, bytes]:
    """Arguments that ask which packages a peer has."""
    message = lifecycle_pb2.QueryInstalledChaincodesArgs()
    return b"QueryInstalledChaincodes", message.SerializeToString()


def approve_arguments(approval: Approval) -> tuple[bytes, bytes]:
    """Arguments by which an organisation approves."""
    message = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs()
    fill_approval(message, approval)
    return b"ApproveChaincodeDefinitionForMyOrg", message.SerializeToString()


def approved_arguments(name: str, sequence: int) -> tuple[bytes, bytes]:
    """Arguments that ask what the endorser's organisation approved."""
    message = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name=name, sequence=sequence)
    return b"QueryApprovedChaincodeDefinition", message.SerializeToString()


def readiness_arguments(wanted: ChaincodeDefinition) -> tuple[bytes, bytes]:
    """Arguments that ask who approved a definition."""
    message = lifecycle_pb2.CheckCommitReadinessArgs()
    fill_definition(message, wanted)
    return b"CheckCommitReadiness", message.SerializeToString()


def commit_arguments(wanted: ChaincodeDefinition) -> tuple[bytes, bytes]:
    """Arguments that commit a definition."""
    message = lifecycle_pb2.CommitChaincodeDefinitionArgs()
    fill_definition(message, wanted)
    return b"CommitChaincodeDefinition", message.SerializeToString()


def definition_arguments(name: str) -> tuple[bytes, bytes]:
    """Arguments that ask what is committed under a name."""
    message = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name)
    return b"QueryChaincodeDefinition", message.SerializeToString()


def definitions_arguments() -> tuple[bytes, bytes]:
    """Arguments that ask for all that is committed."""
    message = lifecycle_pb2.QueryChaincodeDefinitionsArgs()
    return b"QueryChaincodeDefinitions", message.SerializeToString()


def channels_arguments() -> tuple[bytes]:
    """Arguments that ask `cscc` which channels a peer has joined."""
    return (b"GetChannels",)


def read_channels(raw: bytes) -> tuple[str, ...]:
    """Names of channels.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(query_pb2.ChannelQueryResponse, raw, "answer of cscc")
    return tuple(sorted(each.channel_id for each in message.channels))


def read_response(raw: bytes, who: str) -> bytes:
    """The answer of a peer that was asked directly.

    Raises:
        MessageMalformed: it is none.
        ChaincodeRefused: the peer said no; with its words.
    """
    response = parse(proposal_response_pb2.ProposalResponse, raw, who).response
    if response.status not in GOOD:
        raise ChaincodeRefused("refused", who=who, had=response.message[:600])
    payload: bytes = response.payload
    return payload


def read_installed(raw: bytes) -> dict[str, str]:
    """Label of each installed package, by its id.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.QueryInstalledChaincodesResult, raw, WHO)
    return {each.package_id: each.label for each in message.installed_chaincodes}


def read_approved(name: str, raw: bytes) -> Approval:
    """What an organisation approved.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.QueryApprovedChaincodeDefinitionResult, raw, WHO)
    return definitions.read_approval(name, message)


def read_readiness(raw: bytes) -> dict[str, str]:
    """By organisation, what it did not approve; empty where it approved all.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.CheckCommitReadinessResult, raw, WHO)
    differing: Mapping[str, Any] = getattr(message, "mismatches", {})
    return {
        msp_id: ""
        if has_approved
        else ", ".join(differing[msp_id].items)
        if msp_id in differing
        else NOT_AGREED
        for msp_id, has_approved in sorted(message.approvals.items())
    }


def read_definition(name: str, raw: bytes) -> ChaincodeDefinition:
    """What is committed under a name.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.QueryChaincodeDefinitionResult, raw, WHO)
    return definitions.read_definition(name, message)


def read_definitions(raw: bytes) -> tuple[ChaincodeDefinition, ...]:
    """All that is committed, by name.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.QueryChaincodeDefinitionsResult, raw, WHO)
    found = [definitions.read_definition(each.name, each) for each in message.chaincode_definitions]
    return tuple(sorted(found, key=lambda each: each.name))


def check_wanted(wanted: ChaincodeDefinition) -> None:
    """Refuse a definition that no ledger takes, before anything of it is done.

    Raises:
        RefusedInput: name or version are none, or a system chaincode's; a sequence below 1.
    """
    for what, had, rule in (
        ("name", wanted.name, CHAINCODE),
        ("version", wanted.version, VERSION),
    ):
        if not rule.fits(had):
            raise RefusedInput(
                f"{what} is wrong",
                who="chaincode",
                had=had[:80],
                needed=rule.needed,
                remedy=f"Give it another {what}.",
            )
    if wanted.name in RESERVED:
        needed, remedy = f"none of {', '.join(sorted(RESERVED))}", "Give it another name."
        raise RefusedInput(
            "name is wrong: a system chaincode has it",
            who="chaincode",
            had=wanted.name,
            needed=needed,
            remedy=remedy,
        )
    if wanted.sequence < 1:
        raise RefusedInput(
            "sequence is wrong", who=wanted.name, had=wanted.sequence, needed="1 or more"
        )
