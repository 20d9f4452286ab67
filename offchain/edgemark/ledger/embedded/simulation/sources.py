"""Which package an organisation approved a definition with: `approvals/MSP_ID/NAME#SEQUENCE`."""

from __future__ import annotations

from fabric_protos.peer.lifecycle import lifecycle_pb2

from edgemark.ledger.fabric.wire.messages import parse

WHO = "approval"


def package_of(approval: bytes | None) -> str:
    """Its package id; empty when it was approved without one, or not at all.

    Raises:
        MessageMalformed: what stands there is no approval.
    """
    if approval is None:
        return ""
    held = parse(lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs, approval, WHO)
    package_id: str = held.source.local_package.package_id
    return package_id
