"""What orderers, peers and `cryptogen` read at their start.

Whatever is not named here has Fabric's own default. Peers of one machine hear of each other at
once, so they gossip about it in short intervals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgemark.ledger.fabric.identities.layout import ORDERER_DOMAIN
from edgemark.ledger.fabric.network.builder import NAME as BUILDER
from edgemark.ledger.fabric.network.plan import OrdererPlace, PeerPlace, Places
from edgemark.ledger.fabric.wire.limits import (
    GATEWAY_CALLS,
    MAX_MESSAGE_BYTES,
    TIMESTAMP_WINDOW_S,
)
from edgemark.ledger.fabric.wire.names import SYSTEM_CHAINCODES
from edgemark.ledger.launching.ports import LOOPBACK

GOSSIP_S = 1  # between looks at what others have
HERE = [LOOPBACK, "localhost"]  # names in every TLS certificate

Settings = dict[str, Any]


def draft_certificates(places: Places) -> Settings:
    """Settings of `cryptogen`: an authority, identities and TLS for each organisation."""
    orderers = [{"Hostname": each.host, "SANS": HERE} for each in places.orderers]
    return {
        "OrdererOrgs": [
            {
                "Name": "Orderer",
                "Domain": ORDERER_DOMAIN,
                "EnableNodeOUs": True,
                "Specs": orderers,
            }
        ],
        "PeerOrgs": [
            {
                "Name": msp_id.removesuffix("MSP"),
                "Domain": nodes[0].domain,
                "EnableNodeOUs": True,
                "Specs": [{"Hostname": each.host, "SANS": HERE} for each in nodes],
                "Users": {"Count": 1},
            }
            for msp_id, nodes in places.organisations.items()
        ],
    }


def draft_orderer_node(place: OrdererPlace, data: Path) -> Settings:
    """`orderer.yaml` of an orderer that keeps its blocks below `data`."""
    tls = {
        "Enabled": True,
        "Certificate": str(place.tls / "server.crt"),
        "PrivateKey": str(place.tls / "server.key"),
        "RootCAs": [str(place.tls / "ca.crt")],
    }
    return {
        "General": {
            "ListenAddress": LOOPBACK,
            "ListenPort": place.port,
            "TLS": tls,
            "LocalMSPID": place.msp_id,
            "LocalMSPDir": str(place.msp),
            "BootstrapMethod": "none",
            "MaxRecvMsgSize": MAX_MESSAGE_BYTES,
            "MaxSendMsgSize": MAX_MESSAGE_BYTES,
            "Cluster": {"SendBufferSize": 100},
            "BCCSP": _software_keys(),
        },
        "FileLedger": {"Location": str(data)},
        "Consensus": {"WALDir": str(data / "wal"), "SnapDir": str(data / "snap")},
        "ChannelParticipation": {"Enabled": True, "MaxRequestBodySize": "10 MB"},
        "Admin": {
            "ListenAddress": f"{LOOPBACK}:{place.own_port}",
            "TLS": {
                **{name: tls[name] for name in ("Enabled", "Certificate", "PrivateKey")},
                "ClientAuthRequired": True,
                "ClientRootCAs": tls["RootCAs"],
            },
        },
        "Operations": {"ListenAddress": f"{LOOPBACK}:{place.operations_port}"},
        "Metrics": {"Provider": "prometheus"},
    }


def draft_peer_node(
    place: PeerPlace, others: Places, data: Path, builder: Path, execute_timeout_s: int
) -> Settings:
    """`core.yaml` of a peer that keeps its blocks below `data`."""
    colleagues = others.organisations[place.msp_id]
    own = [each for each in colleagues if each != place] or [place]
    address, for_chaincode = f"{LOOPBACK}:{place.port}", f"{LOOPBACK}:{place.own_port}"
    return {
        "peer": {
            "id": place.name,
            "networkId": "edgemark",
            "address": address,
            "listenAddress": address,
            "chaincodeAddress": for_chaincode,
            "chaincodeListenAddress": for_chaincode,
            "localMspId": place.msp_id,
            "mspConfigPath": str(place.msp),
            "fileSystemPath": str(data),
            "maxRecvMsgSize": MAX_MESSAGE_BYTES,
            "maxSendMsgSize": MAX_MESSAGE_BYTES,
            "BCCSP": _software_keys(),
            "tls": _tls_of_peer(place),
            "gossip": {
                "bootstrap": f"{LOOPBACK}:{own[0].port}",
                "externalEndpoint": address,
                "orgLeader": True,
                "useLeaderElection": False,
                **{name: f"{GOSSIP_S}s" for name in _INTERVALS},
            },
            **_services(execute_timeout_s),
        },
        "chaincode": _chaincode(builder, execute_timeout_s),
        "vm": {"endpoint": ""},  # no Docker
        "ledger": {
            "state": {"stateDatabase": "goleveldb"},
            "history": {"enableHistoryDatabase": True},
            "snapshots": {"rootDir": str(data / "snapshots")},
        },
        "operations": {"listenAddress": f"{LOOPBACK}:{place.operations_port}"},
        "metrics": {"provider": "prometheus"},
    }


def _tls_of_peer(place: PeerPlace) -> Settings:
    return {
        "enabled": True,
        "cert": {"file": str(place.tls / "server.crt")},
        "key": {"file": str(place.tls / "server.key")},
        "rootcert": {"file": str(place.tls / "ca.crt")},
    }


def _services(execute_timeout_s: int) -> Settings:
    return {
        "gateway": {
            "enabled": True,
            "endorsementTimeout": f"{execute_timeout_s}s",
            "broadcastTimeout": "30s",
            "dialTimeout": "10s",
        },
        "authentication": {"timewindow": f"{TIMESTAMP_WINDOW_S}s"},
        "deliveryclient": {"connTimeout": "3s", "reConnectBackoffThreshold": "5s"},
        "discovery": {"enabled": True},
        "limits": {"concurrency": {"gatewayService": GATEWAY_CALLS}},
        "handlers": {
            "authFilters": [
                {"name": name} for name in ("DefaultAuth", "ExpirationCheck", "TimeWindowCheck")
            ],
            "decorators": [{"name": "DefaultDecorator"}],
            "endorsers": {"escc": {"name": "DefaultEndorsement"}},
            "validators": {"vscc": {"name": "DefaultValidation"}},
        },
    }


def _chaincode(builder: Path, execute_timeout_s: int) -> Settings:
    return {
        "mode": "net",
        "installTimeout": "60s",
        "startuptimeout": "60s",
        "executetimeout": f"{execute_timeout_s}s",
        "system": dict.fromkeys(SYSTEM_CHAINCODES, "enable"),
        "externalBuilders": [{"name": BUILDER, "path": str(builder)}],
        "runtimeParams": {
            "useWriteBatch": True,
            "maxSizeWriteBatch": 1000,
            "useGetMultipleKeys": True,
            "maxSizeGetMultipleKeys": 1000,
        },
    }


_INTERVALS = (
    "pullInterval",
    "requestStateInfoInterval",
    "publishStateInfoInterval",
    "membershipTrackerInterval",
    "aliveTimeInterval",
    "reconnectInterval",
)


def _software_keys() -> Settings:
    return {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}}
