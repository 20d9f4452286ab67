"""Who takes part in a channel: orderers join by its first block, then peers."""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.ledger.fabric.network.plan import OrdererPlace, PeerPlace
from edgemark.ledger.fabric.network.programs import FabricPrograms, ProgramFailed
from edgemark.ledger.launching.ports import LOOPBACK


def join_orderer(
    programs: FabricPrograms, settings: Path, place: OrdererPlace, channel: str, block: Path
) -> None:
    """Let an orderer take part in a channel; it may do so already.

    Args:
        programs: of Fabric.
        settings: folder of the orderer's settings.
        place: the orderer.
        channel: its name.
        block: its first block, or one with its newest configuration.

    Raises:
        ProgramFailed: the orderer said no.
    """
    if channel in list_channels(programs, settings, place):
        return
    _administer(programs, settings, place, "join", "-c", channel, "-b", block)
    if channel not in list_channels(programs, settings, place):
        raise ProgramFailed("did not take the channel", who=place.name, had=channel)


def list_channels(programs: FabricPrograms, settings: Path, place: OrdererPlace) -> tuple[str, ...]:
    """Channels in which an orderer takes part.

    Raises:
        ProgramFailed: the orderer said no, or something else.
    """
    text = _administer(programs, settings, place, "list")
    try:
        return tuple(each["name"] for each in json.loads(text)["channels"] or ())
    except (ValueError, KeyError, TypeError) as error:
        raise ProgramFailed("said something else", who="osnadmin", had=text[:200]) from error


def _administer(
    programs: FabricPrograms, settings: Path, place: OrdererPlace, *words: str | Path
) -> str:
    tls = place.tls  # its own certificate is one of its organisation's
    return programs.run(
        "osnadmin",
        "channel",
        *words,
        "-o",
        f"{LOOPBACK}:{place.own_port}",
        "--ca-file",
        tls / "ca.crt",
        "--client-cert",
        tls / "server.crt",
        "--client-key",
        tls / "server.key",
        "--no-status",
        settings=settings,
    )


def join_peer(
    programs: FabricPrograms, settings: Path, place: PeerPlace, channel: str, block: Path
) -> None:
    """Let a peer take part in a channel; it may do so already.

    Raises:
        ProgramFailed: the peer said no.
    """
    environment = administrator_of(place)
    listed = programs.run(
        "peer", "channel", "list", settings=settings, environment=environment
    ).splitlines()
    if channel not in listed:
        words = ("channel", "join", "-b", block)
        programs.run("peer", *words, settings=settings, environment=environment)


def administrator_of(place: PeerPlace) -> dict[str, str]:
    """What the program `peer` needs to know to act for a peer's organisation."""
    return {
        "CORE_PEER_ADDRESS": f"{LOOPBACK}:{place.port}",
        "CORE_PEER_LOCALMSPID": place.msp_id,
        "CORE_PEER_MSPCONFIGPATH": str(place.admin_msp),
        "CORE_PEER_TLS_ENABLED": "true",
        "CORE_PEER_TLS_ROOTCERT_FILE": str(place.tls / "ca.crt"),
        "FABRIC_LOGGING_SPEC": "error",
    }
