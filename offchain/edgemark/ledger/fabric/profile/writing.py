"""Writes a connection profile of Fabric's common form, which gateway clients and `hfc` read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.files import write_whole
from edgemark.ledger.fabric.profile.addresses import PeerAddress


@dataclass(frozen=True)
class Named:
    """A node with its name.

    Attributes:
        name: as `peer0.org1.example.com`.
        address: where it is reached.
    """

    name: str
    address: PeerAddress


def profile_path(folder: Path, msp_id: str) -> Path:
    """Where the profile of an organisation's clients stands, in the folder of a ledger."""
    return folder / "profiles" / f"{msp_id}.json"


def make_profile(
    own: str,
    peers: Mapping[str, Sequence[Named]],
    orderers: Sequence[Named],
    channels: Sequence[str] = (),
) -> dict[str, Any]:
    """A connection profile as a value of JSON.

    Args:
        own: MSP id of the client's organisation, one of `peers`.
        peers: of each organisation, by MSP id.
        orderers: all of them.
        channels: names of those whose peers they all are.
    """
    everyone = [each for those in peers.values() for each in those]
    roles = {
        "endorsingPeer": True,
        "chaincodeQuery": True,
        "ledgerQuery": True,
        "eventSource": True,
    }
    return {
        "name": f"edgemark-{own}",
        "version": "1.0.0",
        "client": {
            "organization": own,
            "connection": {"timeout": {"peer": {"endorser": "300"}, "orderer": "300"}},
        },
        "organizations": {
            msp_id: {"mspid": msp_id, "peers": [each.name for each in those]}
            for msp_id, those in peers.items()
        },
        "peers": {each.name: _node(each) for each in everyone},
        "orderers": {each.name: _node(each) for each in orderers},
        "channels": {
            channel: {
                "orderers": [each.name for each in orderers],
                "peers": {each.name: roles for each in everyone},
            }
            for channel in channels
        },
    }


def write_profile(path: Path, profile: Mapping[str, Any]) -> None:
    """Write a profile, whole; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(profile, indent=2) + "\n").encode())


def _node(each: Named) -> dict[str, Any]:
    address = each.address
    host = address.target.rpartition(":")[0]
    name = address.server_name or host
    return {
        "url": f"grpcs://{address.target}",
        "tlsCACerts": {"pem": address.roots.decode()},
        "grpcOptions": {"ssl-target-name-override": name, "hostnameOverride": name},
    }
