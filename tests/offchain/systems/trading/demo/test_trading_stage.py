"""What the stage of the demonstration has prepared before anybody trades; on a real Anvil."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgemark.identifiers import Address, Tokens
from edgemark.identity.did.identifier import make_did
from edgemark.systems.trading.contract.market.records import Demand, compute_category
from edgemark.systems.trading.demo.cast import AUDITOR, TradingStage
from edgemark.systems.trading.demo.market import CATEGORY, PRICE, SHOWN, draft_templates
from edgemark.systems.trading.station.station import TradingStation

pytestmark = [pytest.mark.chain, pytest.mark.lasts(4)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingStage]:
    with TradingStage(tmp_path_factory.mktemp("stage"), buyers=2) as stage:
        stage.set()
        yield stage


@pytest.fixture
def looking(stage: TradingStage) -> Iterator[TradingStation]:
    with TradingStation.look(stage.settings_of(AUDITOR)) as station:
        yield station


def demand_of(stage: TradingStage, station: TradingStation, *issuers: Address) -> Demand:
    return Demand(
        escrow=station.escrow.address,
        category=compute_category(CATEGORY),
        template=stage.market.templates.initiation.version_id,
        most_price=PRICE,
        evidence=station.evidence.address,
        issuers=issuers,
    )


def test_the_offer__suits_whoever_asks_for_its_auditor_and_nobody_else(
    stage: TradingStage, looking: TradingStation
) -> None:
    demand = demand_of(stage, looking, stage.market.auditor)
    found, fitting = looking.offers.recommend(demand)
    assert [each.id for each in found] == [stage.market.offer]
    assert (found[0].seller, fitting) == (stage.seller.account, 1)
    stranger = stage.buying[0].account
    for other in (
        replace(demand, issuers=(stranger,)),
        replace(demand, most_price=Tokens(PRICE - 1)),
    ):
        assert looking.offers.recommend(other) == ([], 0)


def test_the_templates__are_registered_and_their_texts_kept_by_the_seller(
    stage: TradingStage, looking: TradingStation
) -> None:
    templates = draft_templates(make_did(looking.chain.chain_id, stage.seller.account))
    kept = looking.templates.version_of(templates.initiation.version_id)
    assert kept.content_hash == templates.initiation.content_hash
    assert kept.settlement == templates.settlement.version_id
    content = Path(stage.seller.home / "content")
    texts = {each.read_bytes() for each in content.rglob("*") if each.is_file()}
    assert {templates.initiation.text, templates.settlement.text} <= texts
    shown = (each for each in (stage.seller.home / SHOWN).iterdir() if each.is_file())
    assert stage.market.qualification in {each.read_text().strip() for each in shown}


def test_the_seller__sells_by_that_offer_alone(stage: TradingStage) -> None:
    home = (stage.seller.home / "edgemark.toml").read_text()
    assert stage.market.offer.hex() in home
    assert stage.buying[1].name == "buyer 2"
    with pytest.raises(LookupError, match="listens at no port"):
        _ = stage.buying[1].port
