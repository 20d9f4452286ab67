"""Definitions of chaincodes, as they stand in the state: what validation and endorsement read.

They stand in the namespace `_lifecycle` under Fabric's own keys, so that a client that reads them
finds what it expects, and what was endorsed under one definition conflicts under the next:

    namespaces/metadata/NAME                 kind of the record and its fields
    namespaces/fields/NAME/Sequence          number of the definition, from 1
    namespaces/fields/NAME/EndorsementInfo   version, plugin, whether a first call is required
    namespaces/fields/NAME/ValidationInfo    plugin, endorsement policy
    namespaces/fields/NAME/Collections       private data: always empty here
    approvals/MSP_ID/NAME#SEQUENCE           what that organisation approved, with its package

An approval needs the endorsement of its own organisation alone, everything else of this namespace
that of the channel's majority: `approver_of` tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from fabric_protos.peer import collection_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2

from edgemark.ledger.fabric.wire.definitions import OWN_PLUGINS, ChaincodeDefinition
from edgemark.ledger.fabric.wire.messages import parse

KIND = "ChaincodeDefinition"
APPROVALS = "approvals/"
FIELDS = ("Sequence", "EndorsementInfo", "ValidationInfo", "Collections")
WHO = "chaincode definition"


def metadata_key(name: str) -> str:
    """Where it stands that there is a definition."""
    return f"namespaces/metadata/{name}"


def field_key(name: str, field: str) -> str:
    """Where one of `FIELDS` stands."""
    return f"namespaces/fields/{name}/{field}"


def approval_key(msp_id: str, name: str, sequence: int) -> str:
    """Where an organisation's approval of one definition stands; a name holds no slash."""
    return f"{APPROVALS}{msp_id}/{name}#{sequence}"


def approver_of(key: str) -> str | None:
    """The organisation whose endorsement alone a write to this key of `LIFECYCLE` needs.

    None for every other key: those are everybody's.
    """
    if not key.startswith(APPROVALS):
        return None
    msp_id, slash, name = key.removeprefix(APPROVALS).rpartition("/")
    return msp_id if slash and msp_id and name else None


def read_definition(name: str, get: Callable[[str], bytes | None]) -> ChaincodeDefinition | None:
    """The definition of a chaincode; None when there is none.

    Args:
        name: of the chaincode.
        get: value of a key of the namespace `LIFECYCLE`; None where there is none.

    Raises:
        MessageMalformed: what stands there is none.
    """
    held = get(field_key(name, "Sequence"))
    if held is None:
        return None
    endorsing, validating = (get(field_key(name, each)) for each in FIELDS[1:3])
    return _parse_definition(name, held, endorsing, validating)


@lru_cache(maxsize=256)
def _parse_definition(
    name: str, held: bytes, held_endorsing: bytes | None, held_validating: bytes | None
) -> ChaincodeDefinition:
    """Every transaction asks for the same one."""
    sequence = parse(db_pb2.StateData, held, WHO).Int64
    endorsing = parse(
        chaincode_definition_pb2.ChaincodeEndorsementInfo, _read_bytes(held_endorsing), WHO
    )
    validating = parse(
        chaincode_definition_pb2.ChaincodeValidationInfo, _read_bytes(held_validating), WHO
    )
    return ChaincodeDefinition(
        name=name,
        version=endorsing.version,
        sequence=sequence,
        policy=validating.validation_parameter,
        init_required=endorsing.init_required,
    )


def write_definition(definition: ChaincodeDefinition) -> Iterator[tuple[str, bytes]]:
    """Keys of the namespace `LIFECYCLE`, and their values."""
    name, (endorses, validates) = definition.name, OWN_PLUGINS
    endorsing = chaincode_definition_pb2.ChaincodeEndorsementInfo(
        version=definition.version,
        init_required=definition.init_required,
        endorsement_plugin=endorses,
    )
    validating = chaincode_definition_pb2.ChaincodeValidationInfo(
        validation_plugin=validates, validation_parameter=definition.policy
    )
    nothing = collection_pb2.CollectionConfigPackage()
    metadata = db_pb2.StateMetadata(datatype=KIND, fields=list(FIELDS))
    yield metadata_key(name), metadata.SerializeToString()
    yield (
        field_key(name, "Sequence"),
        db_pb2.StateData(Int64=definition.sequence).SerializeToString(),
    )
    for field, message in zip(FIELDS[1:], (endorsing, validating, nothing), strict=True):
        held = db_pb2.StateData(Bytes=message.SerializeToString())
        yield field_key(name, field), held.SerializeToString()


def _read_bytes(held: bytes | None) -> bytes:
    found: bytes = parse(db_pb2.StateData, held or b"", WHO).Bytes
    return found
