"""Whoever registers templates and looks them up: the registry on chain, and texts beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identity.did.identifier import make_did
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.station import EvmStation
from edgemark.settings.settings import Settings
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.market.records import TemplateDraft
from edgemark.systems.trading.contract.market.registry import TemplateRegistry, VersionUnknown
from edgemark.systems.trading.identifiers import NO_TEMPLATE
from edgemark.systems.trading.station.contracts import TradingContracts
from edgemark.systems.trading.templates.fields import TemplateKind
from edgemark.systems.trading.templates.template import Template, check_pair

FOLDER = "content"  # of a home: texts that a chain has the hash of


@dataclass(frozen=True)
class TemplateStation(EvmStation):
    """An account, the registry of templates, and the folder with their texts."""

    GROUPS = (BaseContracts, TradingContracts)
    CONTRACTS = ("TemplateRegistry",)

    templates: TemplateRegistry
    content: LocalStore

    @classmethod
    def furnish(
        cls, settings: Settings, chain: EvmChain, deployment: Deployment
    ) -> Mapping[str, Any]:
        """The registry, and the folder."""
        return {
            "templates": TemplateRegistry(chain, deployment.contract("TemplateRegistry")),
            "content": LocalStore(settings.home / FOLDER),
        }


def register(station: TemplateStation, template: Template, settlement: Template | None) -> Receipt:
    """Keep the text of a template, then register the version.

    Args:
        station: of its seller.
        template: the next version of its name.
        settlement: of an initiation template, the settlement template, registered before.

    Raises:
        RefusedInput: it is of another account or chain, not the next version, or a settlement
            template is missing or too many.
        TemplateSwapped, VersionUnknown: another settlement template, or one that is not registered.
        StoreFull: there is no room for its text.
    """
    seller = make_did(station.chain.chain_id, station.address)
    if (template.seller.chain_id, template.seller.identity) != (seller.chain_id, seller.identity):
        raise RefusedInput(
            "is of another seller", who=template.label, had=template.seller, needed=seller
        )
    draft = TemplateDraft.of(template, _settlement_of(station, template, settlement))
    needed = station.templates.latest_of(station.address, template.label.name) + 1
    if template.label.version != needed:
        raise RefusedInput(
            "is not the next version", who=template.label, had=template.label.version, needed=needed
        )
    if not station.is_rehearsed:
        station.content.put(template.text)  # first: a chain must not name what nobody has
    return station.lane.send(station.templates.register(draft))


def _settlement_of(
    station: TemplateStation, template: Template, settlement: Template | None
) -> Any:
    if (template.label.kind is TemplateKind.INITIATION) != (settlement is not None):
        raise RefusedInput(
            "needs its settlement template, and a settlement template needs none",
            who=template.label,
            needed="--settlement FILE with an initiation template alone",
        )
    if settlement is None:
        return NO_TEMPLATE
    check_pair(template, settlement)
    try:
        station.templates.version_of(settlement.version_id)
    except VersionUnknown as unknown:
        raise VersionUnknown(
            unknown.what,
            who=f"settlement template {settlement.label}",
            needed="the settlement template, registered before its initiation template",
            remedy="Register it first: `edgemark trading template register` with its file.",
        ) from unknown
    return settlement.version_id
