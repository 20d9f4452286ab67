"""What an organisation approved of a chaincode: a definition, and the package that it runs.

It stands in the state under `definitions.approval_key`, as `ApproveChaincodeDefinitionForMyOrgArgs`
with what was left open filled in. Its organisation alone endorses what stands there, so to all
others it may be any bytes: what is no approval is none, and stops nobody.
"""

from __future__ import annotations

from functools import lru_cache

from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.definitions import (
    OWN_PLUGINS,
    Approval,
    ChaincodeDefinition,
    fill_approval,
    read_approval,
)
from edgemark.ledger.fabric.wire.limits import MAX_APPROVAL_BYTES
from edgemark.ledger.fabric.wire.messages import parse

WHO = "approval"
NOTHING_APPROVED = "ChaincodeParameters"  # Fabric's words for what differs
PARTS = ("EndorsementInfo", "ValidationInfo", "Collections")


def write_approval(approval: Approval) -> bytes:
    """An approval, as it stands in the state."""
    message = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs()
    fill_approval(message, approval, OWN_PLUGINS)
    made: bytes = message.SerializeToString()
    return made


def parse_approval(held: bytes | None) -> Approval | None:
    """An approval out of the state; None for nothing, and for what is no approval or too long."""
    if held is None or len(held) > MAX_APPROVAL_BYTES:
        return None
    return _parse(held)


@lru_cache(maxsize=256)
def _parse(held: bytes) -> Approval | None:
    try:
        message = parse(lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs, held, WHO)
    except MessageMalformed:
        return None
    return read_approval(message.name, message)


def list_mismatches(approval: Approval | None, definition: ChaincodeDefinition) -> list[str]:
    """What of a definition an organisation did not approve; empty when it approved it whole."""
    if approval is None or approval.definition.sequence != definition.sequence:
        return [NOTHING_APPROVED]
    pairs = zip(PARTS, _parts_of(approval.definition), _parts_of(definition), strict=True)
    return [what for what, approved, asked in pairs if approved != asked]


def _parts_of(definition: ChaincodeDefinition) -> tuple[tuple[object, ...], ...]:
    endorses, validates = definition.plugins
    return (
        (definition.version, definition.init_required, endorses),
        (definition.policy, validates),
        (definition.collections,),
    )
