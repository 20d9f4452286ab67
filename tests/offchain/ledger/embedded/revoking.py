"""An identity taken back on a ledger, ours or Fabric's: there by an update of the configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import ab_pb2
from tests.offchain.ledger.embedded.served import CHANNEL, LedgerWorld, User
from tests.waiting import wait_until

ORDERER = "OrdererMSP"
BY = "Application"


def revoke(world: LedgerWorld, msp_id: str, name: str) -> None:
    """Take an identity back, and wait until the channel knows."""
    world.folders[msp_id].revoke(name, datetime.now(UTC))
    if world.thread is not None:
        world.development.revoke(msp_id)
        return
    admin = world.user(msp_id, "Admin")
    before = _config_of(admin)
    listed = [each.raw for each in world.folders[msp_id].revocations.read()]
    _send(world, admin, _update(before, msp_id, listed))
    for each in (name for name in world.folders if name != ORDERER):
        asks = world.user(each, "Admin")
        wait_until(f"the new configuration at {each}", lambda who=asks: _has_more(who, before))


def _has_more(admin: User, before: Any) -> bool:
    return bool(_config_of(admin).sequence > before.sequence)


def _config_of(admin: User) -> Any:
    raw = admin.evaluate(admin.propose("cscc", "GetConfigBlock", CHANNEL)).payload
    envelope = common_pb2.Envelope.FromString(common_pb2.Block.FromString(raw).data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    return configtx_pb2.ConfigEnvelope.FromString(payload.data).config


def _update(config: Any, msp_id: str, listed: Sequence[bytes]) -> bytes:
    """`ConfigUpdate` that changes the MSP of one organisation: what was read, and what is new."""
    update = configtx_pb2.ConfigUpdate(channel_id=CHANNEL)
    known = config.channel_group.groups[BY].groups[msp_id]
    for part in (update.read_set, update.write_set):
        part.version = config.channel_group.version
        part.groups[BY].version = config.channel_group.groups[BY].version
        part.groups[BY].groups[msp_id].version = known.version
    value = msp_config_pb2.MSPConfig.FromString(known.values["MSP"].value)
    msp = msp_config_pb2.FabricMSPConfig.FromString(value.config)
    del msp.revocation_list[:]
    msp.revocation_list.extend(listed)
    value.config = msp.SerializeToString()
    new = update.write_set.groups[BY].groups[msp_id].values["MSP"]
    new.version = known.values["MSP"].version + 1
    new.mod_policy = known.values["MSP"].mod_policy
    new.value = value.SerializeToString()
    raw: bytes = update.SerializeToString()
    return raw


def _send(world: LedgerWorld, admin: User, update: bytes) -> None:
    header = common_pb2.SignatureHeader(creator=admin.signer.identity, nonce=os.urandom(24))
    signed = header.SerializeToString()
    asked = configtx_pb2.ConfigUpdateEnvelope(config_update=update)
    asked.signatures.add(signature_header=signed, signature=admin.signer.sign(signed + update))
    channel = common_pb2.ChannelHeader(type=common_pb2.CONFIG_UPDATE, channel_id=CHANNEL)
    channel.timestamp.GetCurrentTime()
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=channel.SerializeToString(), signature_header=signed
        ),
        data=asked.SerializeToString(),
    ).SerializeToString()
    envelope = common_pb2.Envelope(payload=payload, signature=admin.signer.sign(payload))
    path = "/orderer.AtomicBroadcast/Broadcast"
    answers = world.channel(ORDERER).stream_stream(path)(iter([envelope.SerializeToString()]))
    answer = ab_pb2.BroadcastResponse.FromString(next(answers))
    assert answer.status == common_pb2.SUCCESS, answer.info
