"""What a channel begins with: organisations, policies, ordering; as `configtxgen` reads it.

Organisations of peers decide by majority about the channel and about chaincode; each one's word is
that of its administrators, its endorsement that of its peers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgemark.ledger.fabric.identities.layout import ORDERER_MSP
from edgemark.ledger.fabric.network.plan import (
    BFT,
    NodePlace,
    OrdererPlace,
    Places,
    Plan,
)
from edgemark.ledger.launching.ports import LOOPBACK

PROFILE = "Channel"
TICK_MS, ELECTION_TICKS = 250, 10  # of etcdraft: a leader after 2.5 s of silence
OLD, NEW = ("V2_0", "V2_5"), ("V3_0", "V2_5")  # capabilities of a channel, of its application
ABSOLUTE_MAX, PREFERRED_MAX = "10 MB", "2 MB"  # of a block

Settings = dict[str, Any]


def draft_channel(plan: Plan, places: Places) -> Settings:
    """Settings of `configtxgen` with the profile `PROFILE`."""
    of_channel, of_application = NEW if plan.consensus == BFT else OLD
    peers = [draft_organisation(nodes) for nodes in places.organisations.values()]
    profile = {
        "Policies": _general_policies(),
        "Capabilities": {of_channel: True},
        "Orderer": draft_orderer(plan, places.members),
        "Application": {
            "Organizations": peers,
            "Policies": {
                **_general_policies(),
                "LifecycleEndorsement": _of_members("MAJORITY Endorsement"),
                "Endorsement": _of_members("MAJORITY Endorsement"),
            },
            "Capabilities": {of_application: True},
        },
    }
    return {"Profiles": {PROFILE: profile}}


def draft_organisation(nodes: Sequence[NodePlace]) -> Settings:
    """An organisation with peers; the first of them is found by peers of others."""
    first = nodes[0]
    name = first.msp_id
    return {
        "Name": name,
        "ID": name,
        "MSPDir": str(first.organisation / "msp"),
        "Policies": {
            "Readers": _signed_by(name, "admin", "peer", "client"),
            "Writers": _signed_by(name, "admin", "client"),
            "Admins": _signed_by(name, "admin"),
            "Endorsement": _signed_by(name, "peer"),
        },
        "AnchorPeers": [{"Host": LOOPBACK, "Port": first.port}],
    }


def draft_orderer(plan: Plan, members: Sequence[OrdererPlace]) -> Settings:
    """Who orders, and when a block is cut."""
    return {
        "OrdererType": plan.consensus,
        "BatchTimeout": f"{plan.batch_timeout_ms}ms",
        "BatchSize": {
            "MaxMessageCount": plan.batch_messages,
            "AbsoluteMaxBytes": ABSOLUTE_MAX,
            "PreferredMaxBytes": PREFERRED_MAX,
        },
        "Organizations": [
            {
                "Name": ORDERER_MSP,
                "ID": ORDERER_MSP,
                "MSPDir": str(members[0].organisation / "msp"),
                "Policies": {
                    "Readers": _signed_by(ORDERER_MSP, "member"),
                    "Writers": _signed_by(ORDERER_MSP, "member"),
                    "Admins": _signed_by(ORDERER_MSP, "admin"),
                },
                "OrdererEndpoints": [f"{LOOPBACK}:{each.port}" for each in members],
            }
        ],
        "Policies": {**_general_policies(), "BlockValidation": _of_members("ANY Writers")},
        "Capabilities": {"V2_0": True},
        **(_bft(members) if plan.consensus == BFT else _raft(members)),
    }


def _raft(members: Sequence[OrdererPlace]) -> Settings:
    return {
        "EtcdRaft": {
            "Consenters": [_consenter(each) for each in members],
            "Options": {
                "TickInterval": f"{TICK_MS}ms",
                "ElectionTick": ELECTION_TICKS,
                "HeartbeatTick": 1,
                "MaxInflightBlocks": 5,
                "SnapshotIntervalSize": "16 MB",
            },
        }
    }


def _bft(members: Sequence[OrdererPlace]) -> Settings:
    return {
        "ConsenterMapping": [
            {
                "ID": at,
                "MSPID": each.msp_id,
                "Identity": str(each.msp / "signcerts" / f"{each.name}-cert.pem"),
                **_consenter(each),
            }
            for at, each in enumerate(members, 1)
        ],
        "SmartBFT": {
            "RequestBatchMaxInterval": "50ms",
            "RequestForwardTimeout": "5s",
            "RequestComplainTimeout": "20s",
            "RequestAutoRemoveTimeout": "3m0s",
            "ViewChangeResendInterval": "5s",
            "ViewChangeTimeout": "20s",
            "LeaderHeartbeatTimeout": "30s",
            "CollectTimeout": "1s",
            "IncomingMessageBufferSize": 200,
            "RequestPoolSize": 10000,
            "LeaderHeartbeatCount": 10,
        },
    }


def _consenter(place: OrdererPlace) -> Settings:
    certificate = str(place.tls / "server.crt")  # one for both sides of a connection
    return {
        "Host": LOOPBACK,
        "Port": place.port,
        "ClientTLSCert": certificate,
        "ServerTLSCert": certificate,
    }


def _general_policies() -> Mapping[str, Settings]:
    return {
        "Readers": _of_members("ANY Readers"),
        "Writers": _of_members("ANY Writers"),
        "Admins": _of_members("MAJORITY Admins"),
    }


def _of_members(rule: str) -> Settings:
    return {"Type": "ImplicitMeta", "Rule": rule}


def _signed_by(msp_id: str, *roles: str) -> Settings:
    names = ", ".join(f"'{msp_id}.{role}'" for role in roles)
    return {"Type": "Signature", "Rule": f"OR({names})"}
