"""What an offer is paid by before its seller is asked: nothing that it could choose then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, PEOPLE, START
from tests.offchain.systems.trading.credentials.trade_cast import TEMPLATES, of_our_seller
from tests.offchain.systems.trading.templates.template_forms import draft_initiation
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense

from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.systems.trading.buyer.market.asking import NotOffered, read_tariff, read_unit
from edgemark.systems.trading.buyer.market.bidding import Choice, DepositUnknown, Wishes, draft_bid
from edgemark.systems.trading.buyer.market.leasts import (
    NO_LEASTS,
    BelowLeast,
    Leasts,
    LeastTooHigh,
    read_leasts,
)
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.seller.market.quoting import least_bond
from edgemark.systems.trading.settings import BuyerSettings, SellerSettings
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


def bid_for(template: Template, leasts: Leasts = NO_LEASTS, **wished: Any) -> Any:
    draft = SimpleNamespace(price=PRICE, template=template.version_id)
    offer = SimpleNamespace(id=b"offer", seller=PEOPLE["seller"], draft=draft)
    templates = Templates(template, TEMPLATES.settlement)
    choice = Choice(cast(Any, offer), cast(Any, None), templates, leasts)
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


# --- the least that a seller begins a channel with ----------------------------------------------

TOKEN = TOKEN_UNIT
DUST = with_unit()
DEAR = Leasts(Tokens(TOKEN), Tokens(TOKEN // 2))


def test_deposit_and_bond__that_nobody_named_follow_what_the_seller_asks_for() -> None:
    cheap, dear = bid_for(DUST), bid_for(DUST, DEAR)
    assert 0 < cheap.money.deposit < TOKEN
    assert (dear.money.deposit, dear.money.bond) == (TOKEN, TOKEN // 2)
    assert dear.conditions.cap == cheap.conditions.cap  # an interval costs what the work does
    most = BuyerSettings().max_least
    assert bid_for(DUST, Leasts(most, most)).money.locked == 2 * most
    for more in (Leasts(Tokens(most + 1), most), Leasts(most, Tokens(most + 1))):
        with pytest.raises(LeastTooHigh, match=r"100 MTC.*trading.buyer.max_least"):
            bid_for(DUST, more)


def test_named_deposit_or_bond__below_what_the_seller_asks_for_is_refused_with_the_figure() -> None:
    bid = bid_for(DUST, DEAR, deposit=Tokens(TOKEN), bond=Tokens(TOKEN))
    assert (bid.money.deposit, bid.money.bond) == (TOKEN, TOKEN)
    for named in ({"deposit": Tokens(TOKEN - 1)}, {"bond": Tokens(TOKEN // 2 - 1)}):
        (what,) = named
        with pytest.raises(BelowLeast) as caught:
            bid_for(DUST, DEAR, **named)
        assert caught.value.who == what
        assert "MTC" in str(caught.value.needed)


def test_bond__goes_with_the_cap_of_an_interval_as_sellers_ask_for_it() -> None:
    bid = bid_for(DUST, cap=Tokens(50 * TOKEN), deposit=Tokens(TOKEN))
    assert bid.money.bond == 5 * TOKEN == least_bond(bid.conditions.cap, SellerSettings())


def test_deposit__of_work_without_a_known_cost_is_asked_for_with_the_figure() -> None:
    with pytest.raises(DepositUnknown) as caught:
        bid_for(with_unit(meter={"const": "seconds"}), DEAR)
    assert "1 MTC" in str(caught.value.needed)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"least_deposit": "1"},
        {"least_deposit": 1, "least_bond": "1"},
        {"least_deposit": "-1", "least_bond": "1"},
        {"least_deposit": "1.5", "least_bond": "1"},
        {"least_deposit": "1", "least_bond": "9" * 4000},
        {"least_deposit": "1", "least_bond": str(10**27 + 1)},
    ],
    ids=str,
)
def test_status__that_says_no_least_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(RefusedInput):
        read_leasts(json.dumps(told).encode())
    assert read_leasts(b'{"least_deposit": "5", "least_bond": "0", "role": "seller"}').deposit == 5
