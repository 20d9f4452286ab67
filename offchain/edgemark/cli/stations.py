"""Stations of the commands that serve the parties of every system.

Who imports this has the roles of all systems by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.cli.catalogue import GROUPS, list_roles
from edgemark.party.evm.station import EvmStation

ROLES = list_roles(GROUPS)


@dataclass(frozen=True)
class RegistryStation(EvmStation):
    """Of what the registry says: no system's contracts are asked for, so that who leaves can."""


@dataclass(frozen=True)
class AnchorStation(EvmStation):
    """Of the tokens in the anchor: all contracts that may lock them are known."""

    GROUPS = GROUPS
