"""A server that watches an EVM chain: whoever has an open matter there is known at its door."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from edgemark.identity.visiting import Doorkeeper
from edgemark.loop.machine import Machine
from edgemark.metrics.health import Dependency
from edgemark.party.evm.monitoring import ChainFigures
from edgemark.party.evm.station import E
from edgemark.party.server import PartyServer


class EvmServer(PartyServer[E]):
    """Runs one party's machine behind an HTTPS server, in rounds over a chain.

    Args:
        station, machine, name: as a `PartyServer` has them.

    Attributes:
        door: told by subclasses who has an open matter here.
    """

    def __init__(self, station: E, machine: Machine[Any, Any, Any], name: str) -> None:
        self.door = Doorkeeper(station.address, station.registry.domain())
        super().__init__(station, machine, name, look=self.look, door=self.door)

    @abstractmethod
    def look(self) -> None:
        """One round over the chain."""

    def locked_tokens(self) -> int:
        """Tokens of this party that open matters hold, smallest unit."""
        return 0

    def facts(self) -> dict[str, object]:
        """With the gas that its transactions used."""
        return {**super().facts(), "chain_gas": self.station.lane.gas_used}

    def dependencies(self) -> Sequence[Dependency]:
        """Its chain."""
        return (ChainFigures(self),)
