"""Connection profiles of a ledger that runs, for Fabric's clients: in its folder `profiles`.

| file | for |
|---|---|
| `MSP_ID.json` | Gateway clients of that organisation; Fabric's common form |
| `hfc.json` | fabric-sdk-py, for all organisations |
| `caliper.json` | Caliper, for all organisations |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgemark.files import write_whole
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.running.development import DevelopmentLedger
from edgemark.ledger.fabric.identities.layout import ORDERERS
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.profile.writing import Named, make_profile, profile_path, write_profile
from edgemark.ledger.launching.ports import LOOPBACK

HFC, CALIPER = "hfc.json", "caliper.json"


def write_profiles(ledger: DevelopmentLedger) -> None:
    """Write all profiles, whole, in place of those of the last start."""
    folders, folder = ledger.organisations, ledger.place.folder
    peers = {msp_id: [_named(ledger, each)] for msp_id, each in folders.peers.items()}
    orderers = [_named(ledger, folders.orderer)]
    for msp_id in peers:
        made = make_profile(msp_id, peers, orderers, list(ledger.served.channels))
        write_profile(profile_path(folder, msp_id), made)
    _write(ledger.place.profiles / HFC, make_hfc(ledger))
    _write(ledger.place.profiles / CALIPER, make_caliper(ledger))


def make_hfc(ledger: DevelopmentLedger) -> dict[str, Any]:
    """A network profile of fabric-sdk-py."""
    folders = ledger.organisations
    everyone = [*folders.peers.values(), folders.orderer]
    first = next(iter(folders.peers.values()))
    return {
        "name": "edgemark",
        "description": "a development ledger",
        "version": "0.1",
        "client": {
            "organization": first.domain,
            "credentialStore": {
                "path": str(ledger.place.folder / "hfc-kvs"),
                "cryptoStore": {"path": str(ledger.place.folder / "hfc-cvs")},
                "wallet": "wallet-name",
            },
        },
        "organizations": {each.domain: _hfc_organisation(each) for each in everyone},
        "orderers": {folders.orderer.server.name: _hfc_server(ledger, folders.orderer)},
        "peers": {each.server.name: _hfc_server(ledger, each) for each in folders.peers.values()},
        "certificateAuthorities": {},  # it reads them, and there are no servers of Fabric CA
    }


def make_caliper(ledger: DevelopmentLedger) -> dict[str, Any]:
    """A network configuration of Caliper; contracts are those defined now."""
    folder = ledger.place.folder
    return {
        "name": "edgemark",
        "version": "2.0.0",
        "caliper": {"blockchain": "fabric"},
        "channels": [
            {"channelName": name, "contracts": [{"id": each} for each in ledger.chaincodes(name)]}
            for name in ledger.served.channels
        ],
        "organizations": [
            {
                "mspid": msp_id,
                "identities": {
                    "certificates": [
                        {
                            "name": user["name"],
                            "clientPrivateKey": {"path": user["private_key"]},
                            "clientSignedCert": {"path": user["cert"]},
                        }
                        for user in _users_of(each)
                    ]
                },
                "connectionProfile": {
                    "path": str(profile_path(folder, msp_id)),
                    "discover": False,
                },
            }
            for msp_id, each in ledger.organisations.peers.items()
        ],
    }


def _named(ledger: DevelopmentLedger, each: OrganisationFolder) -> Named:
    target = f"{LOOPBACK}:{ledger.ports[each.msp_id]}"
    address = PeerAddress(target, each.tls().root, server_name=each.server.name)
    return Named(each.server.name, address)


def _users_of(each: OrganisationFolder) -> list[dict[str, str]]:
    """Those whose keys are here."""
    found = []
    for user in each.identities():
        keys = sorted(user.folder.glob("msp/keystore/*_sk"))
        certificates = sorted(user.folder.glob("msp/signcerts/*.pem"))
        if keys and certificates and not user.is_revoked:
            paths = {"private_key": str(keys[0]), "cert": str(certificates[0])}
            found.append({"name": user.name, **paths})
    return found


def _hfc_organisation(each: OrganisationFolder) -> dict[str, Any]:
    kind = "orderers" if ORDERERS in each.path.parts else "peers"
    users = {
        user["name"]: {"cert": user["cert"], "private_key": user["private_key"]}
        for user in _users_of(each)
    }
    return {
        "mspid": each.msp_id,
        kind: [each.server.name],
        "certificateAuthorities": [],
        "users": users,
    }


def _hfc_server(ledger: DevelopmentLedger, each: OrganisationFolder) -> dict[str, Any]:
    return {
        "url": f"{LOOPBACK}:{ledger.ports[each.msp_id]}",
        "grpcOptions": {"grpc.ssl_target_name_override": each.server.name},
        "tlsCACerts": {"path": str(each.server / "tls" / "ca.crt")},
    }


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(facts, indent=2) + "\n").encode())
