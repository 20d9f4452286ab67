"""What `_lifecycle` is asked and may answer; pure.

Source: `peer/lifecycle/lifecycle.proto` of `fabric-protos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabric_protos.peer import collection_pb2, proposal_pb2, proposal_response_pb2, query_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.faults import ChaincodeRefused
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.policies import ENDORSEMENT, make_policy

LIFECYCLE = "_lifecycle"
CONFIGURATION = "cscc"
WHO = "answer of _lifecycle"
GOOD = range(200, 400)  # statuses
NOT_AGREED = "does not agree"  # where a ledger says not in what
OWN_PLUGINS = ("escc", "vscc")  # Fabric's, of every definition that names none


@dataclass(frozen=True)
class Wanted:
    """What the organisations of a channel are to agree on.

    Attributes:
        name: of the chaincode.
        version: whatever they call it.
        sequence: number of the definition, from 1.
        policy: `ApplicationPolicy`, see `wire.policies`; the majority of the channel by default.
        init_required: whether a first call has to be marked as such.
        plugins: that endorse and validate; empty for Fabric's own.
        collections: `CollectionConfigPackage`, of private data; empty for none.
    """

    name: str
    version: str
    sequence: int = 1
    policy: bytes = make_policy(ENDORSEMENT)
    init_required: bool = False
    plugins: tuple[str, str] = ("", "")
    collections: bytes = b""

    @property
    def terms(self) -> tuple[object, ...]:
        """What two definitions of a name may differ in."""
        return self.version, self.policy, self.init_required, self.plugins, self.collections


@dataclass(frozen=True)
class Approved:
    """What one organisation approved.

    Attributes:
        wanted: the definition.
        package_id: that its peers run; empty for none: it does not endorse.
    """

    wanted: Wanted
    package_id: str


def install_arguments(package: bytes) -> tuple[bytes, bytes]:
    """Arguments that install a package."""
    message = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package)
    return b"InstallChaincode", message.SerializeToString()


def installed_arguments() -> tuple[bytes, bytes]:
    """Arguments that ask which packages a peer has."""
    message = lifecycle_pb2.QueryInstalledChaincodesArgs()
    return b"QueryInstalledChaincodes", message.SerializeToString()


def approve_arguments(approved: Approved) -> tuple[bytes, bytes]:
    """Arguments by which an organisation approves."""
    message = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**_terms(approved.wanted))
    if approved.package_id:
        message.source.local_package.package_id = approved.package_id
    else:
        message.source.unavailable.SetInParent()
    return b"ApproveChaincodeDefinitionForMyOrg", message.SerializeToString()


def approved_arguments(name: str, sequence: int) -> tuple[bytes, bytes]:
    """Arguments that ask what the endorser's organisation approved."""
    message = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name=name, sequence=sequence)
    return b"QueryApprovedChaincodeDefinition", message.SerializeToString()


def readiness_arguments(wanted: Wanted) -> tuple[bytes, bytes]:
    """Arguments that ask who approved a definition."""
    message = lifecycle_pb2.CheckCommitReadinessArgs(**_terms(wanted))
    return b"CheckCommitReadiness", message.SerializeToString()


def commit_arguments(wanted: Wanted) -> tuple[bytes, bytes]:
    """Arguments that commit a definition."""
    message = lifecycle_pb2.CommitChaincodeDefinitionArgs(**_terms(wanted))
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


def sign_proposal(proposal: bytes, signer: Signer) -> bytes:
    """`SignedProposal`: the signature covers all of the proposal, its arguments among them."""
    made: bytes = proposal_pb2.SignedProposal(
        proposal_bytes=proposal, signature=signer.sign(proposal)
    ).SerializeToString()
    return made


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


def read_approved(name: str, raw: bytes) -> Approved:
    """What an organisation approved.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.QueryApprovedChaincodeDefinitionResult, raw, WHO)
    return Approved(_wanted(name, message), message.source.local_package.package_id)


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


def read_definition(name: str, raw: bytes) -> Wanted:
    """What is committed under a name.

    Raises:
        MessageMalformed: it says no such thing.
    """
    return _wanted(name, parse(lifecycle_pb2.QueryChaincodeDefinitionResult, raw, WHO))


def read_definitions(raw: bytes) -> tuple[Wanted, ...]:
    """All that is committed, by name.

    Raises:
        MessageMalformed: it says no such thing.
    """
    message = parse(lifecycle_pb2.QueryChaincodeDefinitionsResult, raw, WHO)
    found = [_wanted(each.name, each) for each in message.chaincode_definitions]
    return tuple(sorted(found, key=lambda each: each.name))


def check_wanted(wanted: Wanted) -> None:
    """Refuse a definition that no ledger takes, before anything of it is done.

    Raises:
        RefusedInput: no name, no version, or a sequence below 1.
    """
    for what, had in (("name", wanted.name), ("version", wanted.version)):
        if not had or len(had) > 64 or not had.isascii() or not had.isprintable() or " " in had:
            needed = "1 .. 64 letters, digits and - _ . +"
            raise RefusedInput(
                f"{what} is wrong",
                who="chaincode",
                had=had[:80],
                needed=needed,
                remedy=f"Give it another {what}, without spaces.",
            )
    if wanted.sequence < 1:
        raise RefusedInput(
            "sequence is wrong", who=wanted.name, had=wanted.sequence, needed="1 or more"
        )


def _terms(wanted: Wanted) -> dict[str, Any]:
    endorses, validates = wanted.plugins
    terms = {
        "name": wanted.name,
        "version": wanted.version,
        "sequence": wanted.sequence,
        "validation_parameter": wanted.policy,
        "init_required": wanted.init_required,
        "endorsement_plugin": endorses,
        "validation_plugin": validates,
    }
    if wanted.collections:
        terms["collections"] = collection_pb2.CollectionConfigPackage.FromString(wanted.collections)
    return terms


def _wanted(name: str, message: Any) -> Wanted:
    return Wanted(
        name,
        message.version,
        message.sequence,
        message.validation_parameter,
        message.init_required,
        _plugins(message),
        message.collections.SerializeToString(),
    )


def _plugins(message: Any) -> tuple[str, str]:
    endorses, validates = message.endorsement_plugin, message.validation_plugin
    return (
        "" if endorses == OWN_PLUGINS[0] else endorses,
        "" if validates == OWN_PLUGINS[1] else validates,
    )
