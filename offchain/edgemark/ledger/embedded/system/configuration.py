"""`cscc`: which channels there are, and their configuration."""

from __future__ import annotations

from collections.abc import Mapping

from fabric_protos.common import configtx_pb2
from fabric_protos.peer import query_pb2

from edgemark.ledger.embedded.simulation.calls import FAILED, Call, Completion
from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.embedded.system.questions import NotAnswered, find_ground, read_question
from edgemark.ledger.fabric.wire.blocks import parse_block
from edgemark.ledger.fabric.wire.codes import OK
from edgemark.ledger.fabric.wire.messages import parse, read_payload
from edgemark.ledger.fabric.wire.names import CONFIGURATION

BLOCK, CONFIG, CHANNELS = "GetConfigBlock", "GetChannelConfig", "GetChannels"
JOINING = frozenset({"JoinChain", "JoinChainBySnapshot", "JoinBySnapshotStatus"})


class Configuration:
    """The chaincode `cscc`.

    Args:
        channels: by name.
    """

    needs_state = False

    def __init__(self, channels: Mapping[str, Ground]) -> None:
        self._channels = channels

    def answer(self, call: Call) -> Completion:
        """Names of channels, or a channel's configuration."""
        try:
            (name,) = read_question(call, CONFIGURATION, ("function",))
            if name == CHANNELS:
                return self._list(call)
            if name not in (BLOCK, CONFIG):
                return Completion(FAILED, _refuse(name))
            _, channel = read_question(call, CONFIGURATION, ("function", "channel"))
            ground = find_ground(self._channels, call, name, channel, "Unknown channel ID")
        except NotAnswered as refused:
            return refused.completion
        raw = ground.config_block()
        return Completion(OK, payload=raw if name == BLOCK else _config_of(raw, channel))

    def _list(self, call: Call) -> Completion:
        msp_id = call.asked.msp_id
        if call.asked.member.msp_id != msp_id:
            return Completion(
                FAILED, f"access denied for [{CHANNELS}]: [needs a member of {msp_id}]"
            )
        answer = query_pb2.ChannelQueryResponse()
        for name, channel in sorted(self._channels.items()):
            if msp_id in channel.organisations:
                answer.channels.add(channel_id=name)
        return Completion(OK, payload=answer.SerializeToString())


def _refuse(name: str) -> str:
    if name in JOINING:
        return (
            f"{name} is not in the development ledger: whoever runs it makes its channels, "
            "and all organisations of one have joined it"
        )
    return f"Requested function {name[:64]} not found."


def _config_of(block: bytes, channel: str) -> bytes:
    who = f"configuration of {channel}"
    payload = read_payload(parse_block(block).envelopes[0], who)
    made: bytes = parse(configtx_pb2.ConfigEnvelope, payload.data, who).config.SerializeToString()
    return made
