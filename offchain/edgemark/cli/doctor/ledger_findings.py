"""What `edgemark doctor` finds of the consortium ledger: which one, peers, Fabric's programs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from edgemark.cli.doctor.findings import Finding, look
from edgemark.errors import LedgerUnavailable, RefusedInput, lacks_extra
from edgemark.ledger.fabric.network.network import NOTE, find_network
from edgemark.ledger.fabric.network.programs import VARIABLE, find_programs
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, FOLDERS, PROFILE, LedgerSettings
from edgemark.ledger.launching.program import ToolMissing
from edgemark.settings.settings import Settings
from edgemark.words import count

ANSWER_S = 2.0


def find_on_ledger(settings: Settings, *, serves: bool, offline: bool) -> Iterator[Finding]:
    """What there is of a consortium ledger; nothing of it is needed where no home uses one.

    Args:
        settings: of the home.
        serves: whether it is a server's home, which needs nothing of what is for development.
        offline: ask no peer.
    """
    if not serves:
        yield look("fabric programs", False, partial(_programs, is_wanted=_wants_fabric(settings)))
    if (settings.home / FOLDERS[FABRIC] / NOTE).exists():
        yield look("fabric network", True, partial(_network, settings.home / FOLDERS[FABRIC]))
    if not uses_ledger(settings):
        return
    peers: list[str] = []
    yield look("ledger", True, partial(_ledger, settings, peers))
    for target in [] if offline else peers:
        yield look(f"peer {target}", True, partial(_peer, target))


def uses_ledger(settings: Settings) -> bool:
    """Whether a home has a consortium ledger, or names one."""
    chosen = settings.of(LedgerSettings)
    is_named = chosen.kind == PROFILE or bool(chosen.profile)
    return is_named or any((settings.home / name).is_dir() for name in FOLDERS.values())


def _wants_fabric(settings: Settings) -> bool:
    """Whether this home has a network of Fabric's programs, or asks for one."""
    is_named = settings.of(LedgerSettings).kind == FABRIC or bool(os.environ.get(VARIABLE))
    return is_named or (settings.home / FOLDERS[FABRIC]).is_dir()


def _programs(*, is_wanted: bool) -> str:
    """Version and folder of Fabric's programs, or that there are none where nobody wants them.

    Raises:
        RefusedInput: they are not there, and this home wants them.
    """
    try:
        found = find_programs()
    except ToolMissing as missing:
        if not is_wanted:
            return "none; the development ledger needs none, `edgemark fabric up` does"
        raise RefusedInput(
            "are not installed; the development ledger needs none",
            who="programs of Fabric",
            remedy=f"Only for `edgemark fabric up`. {missing.remedy}",
        ) from missing
    return f"{found.version} in {found.paths['peer'].parent}"


def _network(folder: Path) -> str:
    """How many nodes of a network are well.

    Raises:
        LedgerUnavailable: some are not.
    """
    network = find_network(folder)
    states = network.status() if network else {}
    ill = [f"{name} {state}" for name, state in states.items() if state != "healthy"]
    if ill:
        raise LedgerUnavailable(
            f"{len(ill)} of {count(len(states), 'node')} not well",
            who=folder,
            had=", ".join(ill),
            remedy="Start it: `edgemark fabric up`; or remove it: `edgemark fabric down --remove`.",
        )
    return f"{count(len(states), 'node')}, all healthy"


def _ledger(settings: Settings, peers: list[str]) -> str:
    """Which ledger, and as whom; its peers go into `peers`.

    Raises:
        RefusedInput: profile or identity are missing or wrong, or a package is not installed.
    """
    for name in ("grpc", "fabric_protos"):
        if find_spec(name) is None:
            raise lacks_extra(ModuleNotFoundError(name=name), "fabric")
    from edgemark.ledger.fabric.opening import open_ledger  # noqa: PLC0415 - needs these packages

    chosen, hint = settings.of(LedgerSettings), ""
    if chosen.kind == DEVELOPMENT and not chosen.profile and _has_fabric_alone(settings.home):
        chosen = replace(chosen, kind=FABRIC)
        hint = "; give commands --ledger fabric, or `edgemark config set ledger.kind fabric`"
    access = open_ledger(chosen, settings.home)
    peers.extend(each.target for those in access.profile.peers.values() for each in those)
    place = access.profile.source
    who = access.signer.msp_id
    return f"{chosen.kind}, channel {chosen.channel}, as {who}, by {place}{hint}"


def _has_fabric_alone(home: Path) -> bool:
    return (home / FOLDERS[FABRIC] / NOTE).exists() and not (home / FOLDERS[DEVELOPMENT]).is_dir()


def _peer(target: str) -> str:
    """That somebody listens there.

    Raises:
        LedgerUnavailable: nobody does.
    """
    host, _, port = target.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S):
            return "listens"
    except OSError as error:
        raise LedgerUnavailable(
            "does not answer",
            who=f"peer {target}",
            had=error.strerror or str(error),
            remedy="Start it: `edgemark ledger up` or `edgemark fabric up`; see [ledger].",
        ) from error
