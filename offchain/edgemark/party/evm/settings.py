"""[registration]: what a server registers, and what an EVM adds to the settings of a party."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.deployment.settings import ChainSettings
from edgemark.party import settings as chainless
from edgemark.settings.section import Section, setting

MAX_AMOUNT = 2**96 - 1  # smallest token units, as contracts keep them
MAX_RESOURCE = 2**32 - 1


@dataclass(frozen=True)
class RegistrationSettings(Section):
    """How a server stands in the registry and in the anchor.

    Attributes:
        provider: account of the organisation a server works for.
        advertise: endpoint that a server registers when others reach it by another name.
        deposit: free balance a server keeps in the anchor, smallest token unit.
        cpu_cores, ram_mib, storage_mib, network_mbps: what a server registers as its resources.
    """

    NAME = "registration"

    provider: str = setting("", flat="provider")
    advertise: str = setting("", flat="advertise")
    deposit: int = setting(0, within=(0, MAX_AMOUNT), flat="deposit")
    cpu_cores: int = setting(1, within=(0, MAX_RESOURCE), flat="cpu_cores")
    ram_mib: int = setting(1024, within=(0, MAX_RESOURCE), flat="ram_mib")
    storage_mib: int = setting(1024, within=(0, MAX_RESOURCE), flat="storage_mib")
    network_mbps: int = setting(100, within=(0, MAX_RESOURCE), flat="network_mbps")


SECTIONS: tuple[type[Section], ...] = (ChainSettings, RegistrationSettings, *chainless.SECTIONS)
