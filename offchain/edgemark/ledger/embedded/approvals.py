"""What an organisation approved of a chaincode: a definition, and the package that it runs.

It stands in the state under `definitions.approval_key`, as `ApproveChaincodeDefinitionForMyOrgArgs`
with what was left open filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.ledger.embedded.definitions import (
    ENDORSEMENT_PLUGIN,
    VALIDATION_PLUGIN,
    ChaincodeDefinition,
)
from edgemark.ledger.fabric.wire.messages import parse

WHO = "approval"
NOTHING_APPROVED = "ChaincodeParameters"  # Fabric's words for what differs
ENDORSING, VALIDATING = "EndorsementInfo", "ValidationInfo"


@dataclass(frozen=True)
class Approval:
    """What one organisation approved.

    Attributes:
        definition: of the chaincode.
        package_id: of the package that its process runs; empty for none: it does not endorse.
    """

    definition: ChaincodeDefinition
    package_id: str

    def to_bytes(self) -> bytes:
        """As it stands in the state."""
        message = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs()
        fill_definition(message, self.definition)
        fill_source(message.source, self.package_id)
        made: bytes = message.SerializeToString()
        return made


@lru_cache(maxsize=256)
def parse_approval(held: bytes | None) -> Approval | None:
    """An approval out of the state; None for none.

    Raises:
        MessageMalformed: it is none.
    """
    if held is None:
        return None
    message = parse(lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs, held, WHO)
    definition = ChaincodeDefinition(
        name=message.name,
        sequence=message.sequence,
        version=message.version,
        policy=message.validation_parameter,
        init_required=message.init_required,
    )
    return Approval(definition, message.source.local_package.package_id)


def list_mismatches(approval: Approval | None, definition: ChaincodeDefinition) -> list[str]:
    """What of a definition an organisation did not approve; empty when it approved it whole."""
    if approval is None or approval.definition.sequence != definition.sequence:
        return [NOTHING_APPROVED]
    approved = approval.definition
    found = []
    if (approved.version, approved.init_required) != (
        definition.version,
        definition.init_required,
    ):
        found.append(ENDORSING)
    if approved.policy != definition.policy:
        found.append(VALIDATING)
    return found


def fill_definition(message: Any, definition: ChaincodeDefinition) -> None:
    """Write a definition into a message of the lifecycle, with its name where that has one."""
    if "name" in message.DESCRIPTOR.fields_by_name:
        message.name = definition.name
    message.sequence = definition.sequence
    message.version = definition.version
    message.endorsement_plugin = ENDORSEMENT_PLUGIN
    message.validation_plugin = VALIDATION_PLUGIN
    message.validation_parameter = definition.policy
    message.init_required = definition.init_required


def fill_source(source: Any, package_id: str) -> None:
    """Write which package is meant into a `ChaincodeSource`."""
    if package_id:
        source.local_package.package_id = package_id
    else:
        source.unavailable.SetInParent()
