"""All contracts that this installation knows: a new system adds its group, one line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from edgemark.deployment.group import ContractGroup
from edgemark.identity.records import Role

PLACES = (  # module and name, each behind the groups it stands on
    "edgemark.party.evm.contracts:BaseContracts",
    "edgemark.party.evm.contracts:DidContracts",
    "edgemark.systems.outsourcing.station.contracts:OutsourcingContracts",
    "edgemark.systems.trading.station.contracts:TradingContracts",
)


def _load(place: str) -> type[ContractGroup]:
    module, _, name = place.partition(":")
    group: type[ContractGroup] = getattr(import_module(module), name)
    return group


GROUPS = tuple(map(_load, PLACES))
KINDS = {kind.name: kind for group in GROUPS for kind in group.KINDS}
CONTRACTS = tuple(KINDS)  # in the order in which they are made


def list_roles(groups: Sequence[type[ContractGroup]]) -> dict[str, Role]:
    """Every role that an account may register in, by what whoever has it is called."""
    servers = {name: Role(number) for group in groups for name, number in group.ROLES.items()}
    return {"device": Role.DEVICE, **servers, "provider": Role.PROVIDER}
