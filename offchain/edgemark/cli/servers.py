"""Which parties serve, and which of them are at it with a home now."""

from __future__ import annotations

from pathlib import Path

from edgemark.cli.catalogue import GROUPS, list_roles
from edgemark.cli.systems import OF_SYSTEMS
from edgemark.files import find_holder

UNREGISTERED = tuple(name for system in OF_SYSTEMS for name in system.UNREGISTERED)
STAYING = tuple(name for system in OF_SYSTEMS for name in system.STAYING)


def list_servers() -> list[str]:
    """Names of the parties that serve others, in a role or in none."""
    registered = [name for name, role in list_roles(GROUPS).items() if role.is_server]
    return [*registered, *UNREGISTERED]


def locate_journals(home: Path) -> dict[str, Path]:
    """The journal of each party that may serve with a home."""
    return {name: home / f"{name}.journal" for name in list_servers()}


def find_serving(home: Path) -> dict[str, str]:
    """Whoever runs with a home now: name of the party, number of its process. Writes nothing."""
    names = (*list_servers(), *STAYING)
    found = {name: find_holder(home / f"{name}.journal") for name in names}
    return {name: process for name, process in found.items() if process}
