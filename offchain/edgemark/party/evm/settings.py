"""[registration]: what a server registers, and what an EVM adds to the settings of a party."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgemark.deployment.settings import ChainSettings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens, parse_address
from edgemark.party import settings as chainless
from edgemark.settings.section import Section, SettingInvalid, amount, setting
from edgemark.transport.asking.endpoint import parse_endpoint

MAX_RESOURCE = 2**32 - 1


def _check_provider(account: str, who: str) -> None:
    if account:
        _check(parse_address, account, who, "0x and 40 hex digits, with capitals as in EIP-55")


def _check_endpoint(url: str, who: str) -> None:
    if url:
        _check(parse_endpoint, url, who, "https://HOST:PORT")


def _check(parse: Callable[[str], object], text: str, who: str, needed: str) -> None:
    try:
        parse(text)
    except RefusedInput as refused:
        raise SettingInvalid(refused.what, who=who, had=refused.had, needed=needed) from None


@dataclass(frozen=True)
class RegistrationSettings(Section):
    """How a server stands in the registry and in the anchor.

    Attributes:
        provider: account of the organisation that a server works for.
        advertise: endpoint that a server registers when others reach it by another name.
        deposit: free balance that a server keeps in the anchor, for its stakes.
        cpu_cores: whole cores that a server says it has, where it registers.
        ram_mib: MiB of memory that it says it has.
        storage_mib: MiB of storage that it says it has.
        network_mbps: Mbit/s that it says it has.
    """

    NAME = "registration"

    provider: str = setting("", check=_check_provider, flat="provider")
    advertise: str = setting("", check=_check_endpoint, flat="advertise")
    deposit: Tokens = amount(Tokens(0), flat="deposit")
    cpu_cores: int = setting(1, within=(0, MAX_RESOURCE), flat="cpu_cores")
    ram_mib: int = setting(1024, within=(0, MAX_RESOURCE), flat="ram_mib")
    storage_mib: int = setting(1024, within=(0, MAX_RESOURCE), flat="storage_mib")
    network_mbps: int = setting(100, within=(0, MAX_RESOURCE), flat="network_mbps")


SECTIONS: tuple[type[Section], ...] = (ChainSettings, RegistrationSettings, *chainless.SECTIONS)
