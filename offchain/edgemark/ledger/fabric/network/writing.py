"""Writes what a network begins with: certificates, settings, the first block of each channel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgemark.files import OWNER_ONLY_FILE, make_private_folder, read_limited, write_whole
from edgemark.ledger.fabric.identities.layout import CRYPTO
from edgemark.ledger.fabric.network.builder import write_builder
from edgemark.ledger.fabric.network.channel_settings import PROFILE, draft_channel
from edgemark.ledger.fabric.network.node_settings import (
    draft_certificates,
    draft_orderer_node,
    draft_peer_node,
)
from edgemark.ledger.fabric.network.plan import NodePlace, Places, Plan
from edgemark.ledger.fabric.network.programs import FabricPrograms
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.profile.reading import MAX_CA_BYTES
from edgemark.ledger.fabric.profile.writing import Named, make_profile, profile_path, write_profile
from edgemark.ledger.launching.ports import LOOPBACK

SETTINGS, BLOCKS, DATA, LOGS = "settings", "blocks", "data", "logs"
PROFILES = "profiles"
BUILDER = "builder"


def write_network(folder: Path, plan: Plan, places: Places, programs: FabricPrograms) -> None:
    """Write everything that nodes of a network need before their first start.

    Args:
        folder: of the network; what an earlier network left there is removed.
        plan: what network.
        places: its nodes in that folder.
        programs: that make certificates and blocks.

    Raises:
        ProgramFailed: one of Fabric's programs said no.
    """
    remove_network_files(folder)
    make_private_folder(folder)
    for name in (SETTINGS, BLOCKS, DATA, LOGS):
        make_private_folder(folder / name)
    settings = folder / SETTINGS
    _write(settings / "certificates.yaml", draft_certificates(places))
    programs.run(
        "cryptogen",
        "generate",
        "--config",
        settings / "certificates.yaml",
        "--output",
        folder / CRYPTO,
        settings=settings,
    )
    (folder / CRYPTO).chmod(0o700)
    _write(settings / "configtx.yaml", draft_channel(plan, places))
    for channel in plan.channels:
        words = ("-profile", PROFILE, "-channelID", channel)
        block = first_block(folder, channel)
        programs.run("configtxgen", *words, "-outputBlock", block, settings=settings)
    write_builder(settings / BUILDER)
    for orderer in places.orderers:
        drafted = draft_orderer_node(orderer, data_of(folder, orderer))
        _write(settings_of(folder, orderer) / "orderer.yaml", drafted)
    for peer in places.peers:
        data, builder = data_of(folder, peer), settings / BUILDER
        drafted = draft_peer_node(peer, places, data, builder, plan.execute_timeout_s)
        _write(settings_of(folder, peer) / "core.yaml", drafted)


def write_profiles(folder: Path, places: Places, channels: Sequence[str]) -> None:
    """Write a connection profile for each organisation's clients: `profiles/MSP.json`."""
    peers = {
        msp_id: [_named(each) for each in nodes] for msp_id, nodes in places.organisations.items()
    }
    orderers = [_named(each) for each in places.members]
    for msp_id in peers:
        profile = make_profile(msp_id, peers, orderers, channels)
        write_profile(profile_path(folder, msp_id), profile)


def _named(place: NodePlace) -> Named:
    roots = read_limited(place.tls / "ca.crt", MAX_CA_BYTES)
    return Named(place.name, PeerAddress(f"{LOOPBACK}:{place.port}", roots, place.name))


def remove_network_files(folder: Path) -> None:
    """Remove what `write_network` wrote, and what the nodes made of it; nothing else."""
    for name in (CRYPTO, SETTINGS, BLOCKS, DATA, LOGS, PROFILES):
        shutil.rmtree(folder / name, ignore_errors=True)


def settings_of(folder: Path, place: NodePlace) -> Path:
    """Folder with the settings of a node, `FABRIC_CFG_PATH`."""
    return folder / SETTINGS / place.name


def data_of(folder: Path, place: NodePlace) -> Path:
    """Folder in which a node keeps its blocks."""
    return folder / DATA / place.name


def first_block(folder: Path, channel: str) -> Path:
    """The first block of a channel."""
    return folder / BLOCKS / f"{channel}.block"


def _write(path: Path, settings: Mapping[str, Any]) -> None:
    """As JSON, which is YAML too."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, json.dumps(settings, indent=2).encode() + b"\n", mode=OWNER_ONLY_FILE)
