"""What an offer is paid by before its seller is asked: nothing that it could choose then."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, PEOPLE, START
from tests.offchain.systems.trading.credentials.trade_cast import TEMPLATES, of_our_seller
from tests.offchain.systems.trading.templates.template_forms import draft_initiation
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense

from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.systems.trading.buyer.market.asking import NotOffered, read_tariff, read_unit
from edgemark.systems.trading.buyer.market.bidding import Choice, Wishes, draft_bid
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.template import Template

PRICE = Tokens(2000)
FUNCTION = make_dense()
WANTED = Wanted.polynomial(FUNCTION, make_batch(FUNCTION, 10))


def with_unit(**parts: Any) -> Template:
    schema = draft_initiation(TEMPLATES.settlement)
    schema["properties"]["specification"]["properties"] |= parts
    return of_our_seller(schema)


@dataclass
class Desk:
    """A station without a chain: what is drafted asks it for nothing but these."""

    escrow: Any = None

    def __post_init__(self) -> None:
        self.settings = SimpleNamespace(of=lambda _: BuyerSettings())
        self.deployment = SimpleNamespace(group=lambda _: SimpleNamespace(limits=LIMITS))

    def head(self) -> Any:
        return SimpleNamespace(block=START, clock=START)


def bid_for(template: Template, **wished: Any) -> Any:
    draft = SimpleNamespace(price=PRICE, template=template.version_id)
    offer = SimpleNamespace(id=b"offer", seller=PEOPLE["seller"], draft=draft)
    templates = Templates(template, TEMPLATES.settlement)
    choice = Choice(cast(Any, offer), cast(Any, None), templates)
    return draft_bid(cast(Any, Desk()), choice, Wishes(**wished), WANTED, PEOPLE["outsider"])


def test_unit__is_what_the_template_has_as_constants() -> None:
    template = with_unit()
    assert read_unit(template) == (Meter.PRODUCTS, 1000)
    assert read_tariff(template, PRICE).per == 1000


@pytest.mark.parametrize(
    "parts",
    [
        {"meter": {"enum": ["products", "seconds"]}},
        {"per": {"enum": ["1000", "1"]}},
        {"per": {"type": "string", "maxLength": 8}},
    ],
    ids=str,
)
def test_a_template_that_lets_its_seller_choose_what_is_counted__is_not_bought_by(
    parts: dict[str, Any],
) -> None:
    template = with_unit(**parts)
    with pytest.raises(NotOffered, match="leaves open what is counted"):
        read_unit(template)
    with pytest.raises(NotOffered):
        bid_for(template, deposit=Tokens(10**6))


def test_work_that_the_meter_does_not_count__is_not_ordered() -> None:
    with pytest.raises(RefusedInput, match="is not counted by this offer"):
        bid_for(with_unit(meter={"const": "bytes"}), deposit=Tokens(10**6))


def test_a_seller__is_asked_for_the_price_of_its_offer_whatever_the_user_would_pay() -> None:
    bid = bid_for(with_unit(), deposit=Tokens(10**6), most_price=Tokens(100 * PRICE))
    assert bid.most_price == PRICE
    with pytest.raises(RefusedInput, match="is above the most"):
        bid_for(with_unit(), deposit=Tokens(10**6), most_price=Tokens(PRICE - 1))
