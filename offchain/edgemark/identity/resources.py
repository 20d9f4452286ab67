"""What a server offers: by it a server is registered, and what it sells is found. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Resources:
    """What a server offers (`IParticipantRegistry.Resources`).

    Args:
        cpu_cores: whole cores, < 2^32 as all fields.
        ram_mib: MiB of memory.
        storage_mib: MiB of storage.
        network_mbps: Mbit/s.
    """

    cpu_cores: int
    ram_mib: int
    storage_mib: int
    network_mbps: int

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the contract takes."""
        return astuple(self)
