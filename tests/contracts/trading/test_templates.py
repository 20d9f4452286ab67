"""TemplateRegistry: versions of templates, whose they are, what is refused. Rows T2, A30."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.contracts.trading.market_world import LOCATOR, MarketWorld
from tests.contracts.world import refused, term_name

from edgemark.identifiers import NO_HASH
from edgemark.systems.trading.contract.market.records import (
    MAX_LOCATOR_BYTES,
    TemplateDraft,
    number_of,
)
from edgemark.systems.trading.identifiers import NO_TEMPLATE, compute_template_id, pack_name
from edgemark.systems.trading.templates.fields import TemplateKind
from edgemark.systems.trading.templates.template import MAX_TEXT_BYTES

INITIATION, SETTLEMENT = TemplateKind.INITIATION, TemplateKind.SETTLEMENT
TIT, TST = number_of(INITIATION), number_of(SETTLEMENT)


def register(market: MarketWorld, draft: TemplateDraft, role: str = "seller") -> Any:
    return market.templates.register(draft.as_abi(), sender=market.people[role])


def test_t2_registered_version__has_its_hash_its_kind_and_its_settlement(market: MarketWorld):
    draft = market.draft_template(INITIATION, 2)
    receipt = register(market, draft)
    version = market.version_of(draft)
    template = compute_template_id(market.escrow.who("seller"), draft.name)
    (log,) = receipt.decode_logs(market.templates.TemplateRegistered)
    assert (bytes(log.version), bytes(log.template)) == (version, template)
    assert log.registrant == market.escrow.who("seller")
    assert (bytes(log.draft[0]), log.draft[5]) == (pack_name(draft.name), LOCATOR)
    kept = market.templates.versionOf(version)
    size, now = draft.text_bytes, market.escrow.now()
    assert tuple(kept)[:5] == (TIT, 2, size, now, 0)
    assert bytes(kept.contentHash) == draft.content_hash
    assert bytes(kept.settlement) == market.settlement
    assert tuple(market.templates.templateOf(template)) == (TIT, 2)
    assert bytes(market.templates.templateIdOf(log.registrant, pack_name(draft.name))) == template
    assert bytes(market.templates.versionIdOf(template, 2)) == version


def test_t2_a_version_never_changes__only_the_next_one_comes(market: MarketWorld):
    template = compute_template_id(market.escrow.who("seller"), SETTLEMENT.value)
    for number in (0, 1, 3):
        values = {"template": template, "had": number, "needed": 2}
        with refused(market.templates.VersionNumberWrong, **values):
            register(market, market.draft_template(SETTLEMENT, number))


def test_a30_the_same_name_of_another__is_another_template(market: MarketWorld):
    """Nothing to squat: who is first takes no name from anybody."""
    draft = market.draft_template(SETTLEMENT)
    receipt = register(market, draft, "rival")
    (log,) = receipt.decode_logs(market.templates.TemplateRegistered)
    assert bytes(log.version) == market.version_of(draft, "rival") != market.settlement
    assert bytes(market.templates.versionOf(market.settlement).contentHash) == draft.content_hash
    values = {"version": market.version_of(market.draft_template(INITIATION), "rival")}
    with refused(market.templates.VersionUnknown, **values):  # and ends no other's
        name = pack_name(INITIATION.value)
        market.templates.deprecate(name, 1, sender=market.people["rival"])


def test_a30_planted_first_come_names__are_taken_by_whoever_sees_them_coming(
    market: MarketWorld, project
):
    planted = market.escrow.deployer.deploy(project.PlantedTemplateNames)
    theirs, ours = b"\1" * 32, b"\2" * 32
    planted.register(pack_name("settlement"), theirs, sender=market.people["rival"])
    with refused(planted.NameTaken, registrant=market.people["rival"]):
        planted.register(pack_name("settlement"), ours, sender=market.people["seller"])
    assert bytes(planted.contentOf(pack_name("settlement"))) == theirs


def test_t2_deprecated_version__is_for_no_new_template_and_no_new_offer(market: MarketWorld):
    seller = market.people["seller"]
    receipt = market.templates.deprecate(pack_name(SETTLEMENT.value), 1, sender=seller)
    at = market.escrow.now()
    (log,) = receipt.decode_logs(market.templates.TemplateDeprecated)
    assert bytes(log.version) == market.settlement
    values = {"settlement": market.settlement, "kind": TST, "deprecatedAt": at}
    with refused(market.templates.SettlementWrong, **values):
        register(market, market.draft_template(INITIATION, 2))
    with refused(market.templates.AlreadyDeprecated, version=market.settlement, deprecatedAt=at):
        market.templates.deprecate(pack_name(SETTLEMENT.value), 1, sender=seller)
    market.templates.deprecate(pack_name(INITIATION.value), 1, sender=seller)
    values = {"template": market.initiation, "kind": TIT}
    values["deprecatedAt"] = market.escrow.now()
    with refused(market.book.TemplateUnfit, **values):
        market.post()


def test_t2_initiation_template__names_a_settlement_template_that_is_there(market: MarketWorld):
    for named, kind in ((NO_TEMPLATE, 0), (b"\7" * 32, 0), (market.initiation, TIT)):
        values = {"settlement": named, "kind": kind, "deprecatedAt": 0}
        with refused(market.templates.SettlementWrong, **values):
            register(market, market.draft_template(INITIATION, 2, settlement=named))
    values = {"settlement": market.settlement, "kind": TST, "deprecatedAt": 0}
    with refused(market.templates.SettlementWrong, **values):
        register(market, market.draft_template(SETTLEMENT, 2, settlement=market.settlement))


@pytest.mark.parametrize(
    ("change", "field", "had", "most"),
    [
        ({"text_bytes": 0}, "textBytes", 0, MAX_TEXT_BYTES),
        ({"text_bytes": MAX_TEXT_BYTES + 1}, "textBytes", MAX_TEXT_BYTES + 1, MAX_TEXT_BYTES),
        ({"locator": ""}, "locator", 0, MAX_LOCATOR_BYTES),
        ({"locator": "b" * 129}, "locator", 129, MAX_LOCATOR_BYTES),
    ],
)
def test_t2_text_or_locator_out_of_bounds__is_refused(
    market: MarketWorld, change: dict[str, Any], field: str, had: int, most: int
):
    bounds = {"field": term_name(field), "had": had, "least": 1, "most": most}
    with refused(market.templates.OutOfBounds, **bounds):
        register(market, market.draft_template(SETTLEMENT, 2, **change))


def test_t2_nameless_kindless_or_of_another_kind__is_refused(market: MarketWorld):
    draft = market.draft_template(SETTLEMENT, 2, content_hash=NO_HASH)
    values = {"name": pack_name(draft.name), "contentHash": NO_HASH}
    with refused(market.templates.NothingNamed, **values):
        register(market, draft)
    draft = replace(draft, content_hash=draft_hash(market))
    nameless = (bytes(32), *market.draft_template(SETTLEMENT).as_abi()[1:])
    values = {"name": bytes(32), "contentHash": draft_hash(market)}
    with refused(market.templates.NothingNamed, **values):
        market.templates.register(nameless, sender=market.people["seller"])
    template = compute_template_id(market.escrow.who("seller"), SETTLEMENT.value)
    for kind in (0, TIT):
        values = {"template": template, "had": kind, "needed": TST}
        with refused(market.templates.TemplateKindWrong, **values):
            market.templates.register(of_kind(draft, kind), sender=market.people["seller"])
    draft = replace(draft, name="new", number=1, content_hash=draft_hash(market))
    template = compute_template_id(market.escrow.who("rival"), "new")
    with refused(market.templates.TemplateKindWrong, template=template, had=0, needed=0):
        market.templates.register(of_kind(draft, 0), sender=market.people["rival"])


def of_kind(draft: TemplateDraft, kind: int) -> tuple[object, ...]:
    """What `register` takes, of another kind."""
    name, _, *rest = draft.as_abi()
    return (name, kind, *rest)


def draft_hash(market: MarketWorld) -> bytes:
    return market.draft_template(SETTLEMENT).content_hash
