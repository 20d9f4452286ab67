"""Which parties serve, and which of them are at it with a home now."""

from __future__ import annotations

from pathlib import Path

from edgemark.cli.catalogue import GROUPS, list_roles
from edgemark.files import find_holder


def list_servers() -> list[str]:
    """Names of the parties that serve."""
    return [name for name, role in list_roles(GROUPS).items() if role.is_server]


def locate_journals(home: Path) -> dict[str, Path]:
    """The journal of each party that may serve with a home."""
    return {name: home / f"{name}.journal" for name in list_servers()}


def find_serving(home: Path) -> dict[str, str]:
    """Whoever serves with a home now: name of the party, number of its process. Writes nothing."""
    found = {name: find_holder(path) for name, path in locate_journals(home).items()}
    return {name: process for name, process in found.items() if process}
