"""What the organisations of a channel agree on of a chaincode, and what one of them approves.

Each message of the lifecycle that holds a definition has the same fields; they are written and read
here alone. Source: `peer/lifecycle/lifecycle.proto` of `fabric-protos`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fabric_protos.peer import collection_pb2

from edgemark.ledger.fabric.wire.policy.policies import ENDORSEMENT, make_policy

OWN_PLUGINS = ("escc", "vscc")  # Fabric's, of every definition that names none
NO_PLUGINS = ("", "")


@dataclass(frozen=True)
class ChaincodeDefinition:
    """What the organisations of a channel agree on.

    Attributes:
        name: of the chaincode.
        version: whatever they call it.
        sequence: number of the definition, from 1.
        policy: `ApplicationPolicy`, see `wire.policy`; the majority of the channel by default.
        init_required: whether a first call has to be marked as such.
        plugins: that endorse and validate; empty for Fabric's own.
        collections: `CollectionConfigPackage`, of private data; empty for none.
    """

    name: str
    version: str
    sequence: int = 1
    policy: bytes = make_policy(ENDORSEMENT)
    init_required: bool = False
    plugins: tuple[str, str] = NO_PLUGINS
    collections: bytes = b""

    @property
    def terms(self) -> tuple[object, ...]:
        """What two definitions of a name may differ in."""
        return self.version, self.policy, self.init_required, self.plugins, self.collections


@dataclass(frozen=True)
class Approval:
    """What one organisation approved.

    Attributes:
        definition: of the chaincode.
        package_id: of the package that its process runs; empty for none: it does not endorse.
    """

    definition: ChaincodeDefinition
    package_id: str


def fill_definition(
    message: Any, definition: ChaincodeDefinition, own: tuple[str, str] = NO_PLUGINS
) -> None:
    """Write a definition into a message of the lifecycle, with its name where that has one.

    Args:
        message: of the lifecycle.
        definition: to be written.
        own: what Fabric's own plugins are called there; empty where that is left to the ledger.
    """
    if "name" in message.DESCRIPTOR.fields_by_name:
        message.name = definition.name
    message.sequence = definition.sequence
    message.version = definition.version
    message.validation_parameter = definition.policy
    message.init_required = definition.init_required
    endorses, validates = definition.plugins
    message.endorsement_plugin = endorses or own[0]
    message.validation_plugin = validates or own[1]
    if definition.collections:
        found = collection_pb2.CollectionConfigPackage.FromString(definition.collections)
        message.collections.CopyFrom(found)


def read_definition(name: str, message: Any) -> ChaincodeDefinition:
    """The definition in a message of the lifecycle; the name is that of the chaincode."""
    endorses, validates = message.endorsement_plugin, message.validation_plugin
    return ChaincodeDefinition(
        name=name,
        version=message.version,
        sequence=message.sequence,
        policy=message.validation_parameter,
        init_required=message.init_required,
        plugins=(
            "" if endorses == OWN_PLUGINS[0] else endorses,
            "" if validates == OWN_PLUGINS[1] else validates,
        ),
        collections=message.collections.SerializeToString(),
    )


def fill_approval(message: Any, approval: Approval, own: tuple[str, str] = NO_PLUGINS) -> None:
    """Write an approval into a message that has a `source`; `own` as in `fill_definition`."""
    fill_definition(message, approval.definition, own)
    if approval.package_id:
        message.source.local_package.package_id = approval.package_id
    else:
        message.source.unavailable.SetInParent()


def read_approval(name: str, message: Any) -> Approval:
    """The approval in a message that has a `source`; the name is that of the chaincode."""
    return Approval(read_definition(name, message), message.source.local_package.package_id)
