"""A channel's configuration: made, put into an envelope that the orderer signs, and read again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.configuration.groups import (
    ADMINS,
    WHO,
    group_of,
    new_group,
    organisation_of,
    put_implicit,
    put_value,
)
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.identities.members import Organisation
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.envelopes import make_envelope
from edgemark.ledger.fabric.wire.limits import MAX_ENVELOPE_BYTES, MAX_NAME, MAX_ORGANISATIONS
from edgemark.ledger.fabric.wire.messages import draft_headers, parse
from edgemark.ledger.fabric.wire.names import CHANNEL, MSP_ID

WHOLE_TREE = 2**32 - 1  # BlockDataHashingStructure: one hash over all
_RULES = {
    "Readers": ("ANY", "Readers"),
    "Writers": ("ANY", "Writers"),
    ADMINS: ("MAJORITY", ADMINS),
}
_ENDORSE = ("MAJORITY", "Endorsement")


@dataclass(frozen=True)
class Batches:
    """When a block is cut: at this many transactions, or this long after its first.

    Attributes:
        count: >= 1.
        timeout_ms: >= 0.
    """

    count: int
    timeout_ms: int


@dataclass(frozen=True)
class Configuration:
    """What a channel's members agreed on.

    Attributes:
        channel: its name.
        sequence: number of the configuration, from 0.
        organisations: those that endorse, by MSP id.
        orderer: the one that orders.
        batches: when blocks are cut.
    """

    channel: str
    sequence: int
    organisations: Mapping[str, Organisation]
    orderer: Organisation
    batches: Batches

    def with_organisation(self, organisation: Organisation) -> Configuration:
        """The next configuration, in which an organisation stands anew.

        Raises:
            RefusedInput: it is none of the channel's.
        """
        known = self.organisations
        if organisation.msp_id not in known:
            needed = ", ".join(known)
            raise RefusedInput("is not of the channel", who=organisation.msp_id, needed=needed)
        changed = {**known, organisation.msp_id: organisation}
        return replace(self, sequence=self.sequence + 1, organisations=changed)


def make_config_envelope(
    configuration: Configuration, signer: Signer, *, nonce: bytes, timestamp_ns: int
) -> bytes:
    """The envelope of a configuration, as the orderer puts it into a block of its own.

    Args:
        configuration: to count from the next block on.
        signer: of the organisation that orders.
        nonce: random, of NONCE_BYTES.
        timestamp_ns: Unix nanoseconds.

    Raises:
        RefusedInput: a name that no Fabric takes, no organisation or too many.
        IdentityRefused: an organisation contradicts itself.
    """
    _check(configuration)
    message = configtx_pb2.ConfigEnvelope()
    message.config.sequence = configuration.sequence
    message.config.channel_group.CopyFrom(_channel_group(configuration))
    _, header = draft_headers(
        common_pb2.CONFIG,
        configuration.channel,
        creator=signer.identity,
        nonce=nonce,
        timestamp_ns=timestamp_ns,
    )
    payload = common_pb2.Payload(header=header, data=message.SerializeToString())
    raw = payload.SerializeToString()
    envelope = make_envelope(raw, signer.sign(raw))
    if len(envelope) > MAX_ENVELOPE_BYTES:
        needed = f"<= {MAX_ENVELOPE_BYTES} bytes"
        raise RefusedInput("is too large", who=WHO, had=len(envelope), needed=needed)
    return envelope


def _check(configuration: Configuration) -> None:
    if not CHANNEL.fits(configuration.channel):
        had = configuration.channel[:MAX_NAME]
        raise RefusedInput("is no name of a channel", who=WHO, had=had, needed=CHANNEL.needed)
    for name in (*configuration.organisations, configuration.orderer.msp_id):
        if not MSP_ID.fits(name):
            raise RefusedInput("is no MSP id", who=WHO, had=name[:MAX_NAME], needed=MSP_ID.needed)
    for name, organisation in configuration.organisations.items():
        if name != organisation.msp_id:
            raise RefusedInput(
                "is another organisation", who=WHO, had=organisation.msp_id, needed=name
            )
    if not 1 <= len(configuration.organisations) <= MAX_ORGANISATIONS:
        count, needed = len(configuration.organisations), f"1 .. {MAX_ORGANISATIONS}"
        raise RefusedInput("number of organisations", who=WHO, had=count, needed=needed)


def _channel_group(configuration: Configuration) -> Any:
    group = new_group()
    put_implicit(group, _RULES)
    put_value(group, "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="SHA256"))
    structure = configuration_pb2.BlockDataHashingStructure(width=WHOLE_TREE)
    put_value(group, "BlockDataHashingStructure", structure)
    put_value(group, "Capabilities", _capabilities("V2_0"))
    group.groups["Application"].CopyFrom(_application_group(configuration))
    group.groups["Orderer"].CopyFrom(_orderer_group(configuration))
    return group


def _application_group(configuration: Configuration) -> Any:
    group = new_group()
    put_implicit(group, {**_RULES, "Endorsement": _ENDORSE, "LifecycleEndorsement": _ENDORSE})
    put_value(group, "Capabilities", _capabilities("V2_5"))
    for name, organisation in configuration.organisations.items():
        group.groups[name].CopyFrom(group_of(organisation, orders=False))
    return group


def _orderer_group(configuration: Configuration) -> Any:
    group = new_group()
    put_implicit(group, {**_RULES, "BlockValidation": ("ANY", "Writers")})
    put_value(group, "Capabilities", _capabilities("V2_0"))
    put_value(group, "ConsensusType", orderer_pb2.ConsensusType(type="solo"))
    batches = configuration.batches
    size = orderer_pb2.BatchSize(
        max_message_count=batches.count,
        absolute_max_bytes=MAX_ENVELOPE_BYTES,
        preferred_max_bytes=MAX_ENVELOPE_BYTES,
    )
    put_value(group, "BatchSize", size)
    timeout = orderer_pb2.BatchTimeout(timeout=f"{batches.timeout_ms}ms")
    put_value(group, "BatchTimeout", timeout)
    put_value(group, "ChannelRestrictions", orderer_pb2.ChannelRestrictions())
    orderer = configuration.orderer
    group.groups[orderer.msp_id].CopyFrom(group_of(orderer, orders=True))
    return group


def _capabilities(name: str) -> Any:
    message = configuration_pb2.Capabilities()
    message.capabilities[name].SetInParent()
    return message


def read_configuration(channel: str, data: bytes) -> Configuration:
    """The configuration in a config envelope's payload.

    Args:
        channel: that its header names.
        data: `ConfigEnvelope`.

    Raises:
        MessageMalformed, IdentityRefused: it is none that a channel here can have.
    """
    config = parse(configtx_pb2.ConfigEnvelope, data, WHO).config
    groups = config.channel_group.groups
    application, orderers = groups["Application"].groups, groups["Orderer"].groups
    if not 1 <= len(application) <= MAX_ORGANISATIONS or len(orderers) != 1:
        had, needed = f"{len(application)} and {len(orderers)}", f"1 .. {MAX_ORGANISATIONS} and 1"
        raise MessageMalformed("number of organisations", who=WHO, had=had, needed=needed)
    found = {name: organisation_of(application[name]) for name in sorted(application)}
    ((orderer_name, orderer_group),) = orderers.items()
    orderer = organisation_of(orderer_group)
    if any(name != each.msp_id for name, each in [*found.items(), (orderer_name, orderer)]):
        raise MessageMalformed("group has another name than its MSP", who=WHO)
    return Configuration(
        channel=channel,
        sequence=config.sequence,
        organisations=found,
        orderer=orderer,
        batches=_read_batches(groups["Orderer"].values),
    )


def _read_batches(values: Any) -> Batches:
    size = parse(orderer_pb2.BatchSize, values["BatchSize"].value, WHO)
    timeout = parse(orderer_pb2.BatchTimeout, values["BatchTimeout"].value, WHO).timeout
    found = re.fullmatch(r"([0-9]{1,9})(ms|s)", timeout)
    if found is None or not size.max_message_count:
        had = f"{size.max_message_count} or {timeout[:32]}"
        raise MessageMalformed("batches cannot be cut so", who=WHO, had=had)
    return Batches(size.max_message_count, int(found[1]) * (1000 if found[2] == "s" else 1))
