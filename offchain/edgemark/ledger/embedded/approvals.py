"""What an organisation approved of a chaincode: a definition, and the package that it runs.

It stands in the state under `definitions.approval_key`, as `ApproveChaincodeDefinitionForMyOrgArgs`
with what was left open filled in.
"""

from __future__ import annotations

from functools import lru_cache

from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.ledger.fabric.wire.definitions import (
    OWN_PLUGINS,
    Approval,
    ChaincodeDefinition,
    fill_approval,
    read_approval,
)
from edgemark.ledger.fabric.wire.messages import parse

WHO = "approval"
NOTHING_APPROVED = "ChaincodeParameters"  # Fabric's words for what differs
ENDORSING, VALIDATING = "EndorsementInfo", "ValidationInfo"


def write_approval(approval: Approval) -> bytes:
    """An approval, as it stands in the state."""
    message = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs()
    fill_approval(message, approval, OWN_PLUGINS)
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
    return read_approval(message.name, message)


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
