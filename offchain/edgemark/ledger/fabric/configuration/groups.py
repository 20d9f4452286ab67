"""Groups of a channel's configuration: policies, values, and an organisation with its MSP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import configtx_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2

from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import MemberRole, Organisation
from edgemark.ledger.fabric.identities.revocation_lists import read_revoked
from edgemark.ledger.fabric.identities.signing import parse_certificate
from edgemark.ledger.fabric.wire.limits import MAX_CAS
from edgemark.ledger.fabric.wire.messages import parse
from edgemark.ledger.fabric.wire.policy.policies import message_of
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_text

ADMINS = "Admins"
WHO = "configuration"
FABRIC_MSP = 0  # MSPConfig.type


def new_group() -> Any:
    """An empty group that its own administrators may change."""
    return configtx_pb2.ConfigGroup(mod_policy=ADMINS)


def put_value(group: Any, name: str, message: Any) -> None:
    """Set a value of a group."""
    value = group.values[name]
    value.value, value.mod_policy = message.SerializeToString(), ADMINS


def put_implicit(group: Any, rules: Mapping[str, tuple[str, str]]) -> None:
    """Set policies over the policies of the groups below: name -> (ANY or MAJORITY, policy)."""
    for name, (rule, below) in rules.items():
        number = policies_pb2.ImplicitMetaPolicy.Rule.Value(rule)
        message = policies_pb2.ImplicitMetaPolicy(rule=number, sub_policy=below)
        _put_policy(group, name, policies_pb2.Policy.IMPLICIT_META, message)


def put_signature(group: Any, rules: Mapping[str, str]) -> None:
    """Set policies over signatures: name -> text."""
    for name, text in rules.items():
        message = message_of(parse_policy_text(text))
        _put_policy(group, name, policies_pb2.Policy.SIGNATURE, message)


def _put_policy(group: Any, name: str, kind: int, message: Any) -> None:
    policy = group.policies[name]
    policy.policy.type, policy.policy.value = kind, message.SerializeToString()
    policy.mod_policy = ADMINS


def group_of(organisation: Organisation, *, orders: bool) -> Any:
    """The group of an organisation.

    Args:
        organisation: of the channel.
        orders: whether it is the one that orders.

    Raises:
        IdentityRefused: it has revoked what no list of its own says, or too much.
    """
    name = organisation.msp_id
    group = new_group()
    anybody = f"OR('{name}.member')"
    reads = anybody if orders else f"OR('{name}.admin', '{name}.peer', '{name}.client')"
    writes = anybody if orders else f"OR('{name}.admin', '{name}.client')"
    put_signature(group, {"Readers": reads, "Writers": writes, ADMINS: f"OR('{name}.admin')"})
    if not orders:
        put_signature(group, {"Endorsement": f"OR('{name}.peer')"})
    put_value(group, "MSP", _msp_of(organisation))
    return group


def _msp_of(organisation: Organisation) -> Any:
    if read_revoked(organisation.revocations, organisation.roots, organisation.msp_id) != (
        organisation.revoked
    ):
        needed = "the same serial numbers in its revocation lists"
        raise IdentityRefused("revoked others", who=organisation.msp_id, needed=needed)
    units = msp_config_pb2.FabricNodeOUs(enable=True)
    for role in MemberRole:
        unit = getattr(units, f"{role.value}_ou_identifier")
        unit.organizational_unit_identifier = role.value
    message = msp_config_pb2.FabricMSPConfig(
        name=organisation.msp_id,
        root_certs=_pem_of(organisation.roots),
        tls_root_certs=_pem_of(organisation.tls_roots),
        revocation_list=organisation.revocations,
        fabric_node_ous=units,
    )
    message.crypto_config.signature_hash_family = "SHA2"
    message.crypto_config.identity_identifier_hash_function = "SHA256"
    return msp_config_pb2.MSPConfig(type=FABRIC_MSP, config=message.SerializeToString())


def _pem_of(certificates: Iterable[x509.Certificate]) -> list[bytes]:
    return [each.public_bytes(Encoding.PEM) for each in certificates]


def organisation_of(group: Any) -> Organisation:
    """The organisation of a group.

    Raises:
        MessageMalformed, IdentityRefused: its MSP is missing, of another kind, or contradicts
            itself.
    """
    outer = parse(msp_config_pb2.MSPConfig, group.values["MSP"].value, WHO)
    if outer.type != FABRIC_MSP:
        raise IdentityRefused("is another kind of MSP", who=WHO, had=outer.type, needed="X.509")
    message = parse(msp_config_pb2.FabricMSPConfig, outer.config, WHO)
    name = message.name
    if not 1 <= len(message.root_certs) <= MAX_CAS or len(message.tls_root_certs) > MAX_CAS:
        had = f"{len(message.root_certs)} and {len(message.tls_root_certs)} for TLS"
        raise IdentityRefused("number of CAs", who=name[:64], had=had, needed=f"1 .. {MAX_CAS}")
    roots = tuple(parse_certificate(each, name) for each in message.root_certs)
    revocations = tuple(message.revocation_list)
    return Organisation(
        msp_id=name,
        roots=roots,
        revoked=read_revoked(revocations, roots, name),
        tls_roots=tuple(parse_certificate(each, name) for each in message.tls_root_certs),
        revocations=revocations,
    )
