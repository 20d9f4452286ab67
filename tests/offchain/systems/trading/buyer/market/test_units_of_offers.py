"""What an offer is paid by before its seller is asked: nothing that it could choose then."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
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
from edgemark.systems.trading.buyer.market.bidding import (
    Choice,
    DepositUnknown,
    GraceLong,
    TooDear,
    Wishes,
    compute_cost,
    describe_price,
    draft_bid,
)
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
    decided: BuyerSettings = field(default_factory=BuyerSettings)

    def __post_init__(self) -> None:
        self.settings = SimpleNamespace(of=lambda _: self.decided)
        self.deployment = SimpleNamespace(group=lambda _: SimpleNamespace(limits=LIMITS))

    def head(self) -> Any:
        return SimpleNamespace(block=START, clock=START)


def choose(template: Template, leasts: Leasts = NO_LEASTS) -> Choice:
    draft = SimpleNamespace(price=PRICE, template=template.version_id)
    offer = SimpleNamespace(id=b"offer", seller=PEOPLE["seller"], draft=draft)
    templates = Templates(template, TEMPLATES.settlement)
    return Choice(cast(Any, offer), cast(Any, None), templates, leasts)


def bid_for(template: Template, leasts: Leasts = NO_LEASTS, **wished: Any) -> Any:
    choice, wishes = choose(template, leasts), Wishes(**wished)
    return draft_bid(cast(Any, Desk()), choice, wishes, WANTED, PEOPLE["outsider"])


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


# --- what units cost in truth ------------------------------------------------------------------


def with_tariff(per: int = 1000, weight: int = 1000, first: int = 0) -> Template:
    """Of `PRICE` for so many units, that all weigh this."""
    schema = draft_initiation(TEMPLATES.settlement)
    schema["properties"]["specification"]["properties"]["per"] = {"const": str(per)}
    strategy = {"name": "tiers", "tiers": [{"upTo": "1", "weight": 1000}, {"weight": weight}]}
    schema["properties"]["settlementStrategy"] = {"const": strategy}
    schema["properties"]["firstPrice"] = {"const": str(first)}
    return of_our_seller(schema)


MOST = {"most_price": PRICE, "per": 1000}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (with_tariff(per=1), r"0\.000000000002 MTC for 1000 units at most"),
        (with_tariff(weight=1_000_000), "at most.*1000 times the unit price"),
        (with_tariff(weight=1001), "is above the most"),
        (with_tariff(per=999), "is above the most"),
    ],
)
def test_an_offer__that_costs_more_than_its_price_says_is_refused(
    template: Template, said: str
) -> None:
    assert bid_for(with_tariff(), **MOST).most_price == PRICE
    with pytest.raises(TooDear, match=said):
        bid_for(template, **MOST)
    with pytest.raises(TooDear, match=said):
        bid_for(template, **MOST, deposit=Tokens(TOKEN_UNIT))


def test_the_most__is_of_as_many_units_as_are_named_else_of_the_templates() -> None:
    bid_for(with_tariff(per=10**6), most_price=Tokens(2), per=1000, deposit=Tokens(TOKEN_UNIT))
    bid_for(with_tariff(per=1), most_price=PRICE)
    with pytest.raises(TooDear):
        bid_for(with_tariff(weight=1001), most_price=PRICE)


def test_first_price__is_paid_to_nobody_unless_it_was_allowed() -> None:
    dear = with_tariff(first=800)
    for more in ({}, {"deposit": Tokens(TOKEN_UNIT)}, {"most_first_price": Tokens(799)}):
        with pytest.raises(TooDear, match=r"first price.*trading.buyer.most_first_price"):
            bid_for(dear, **cast(Any, more))
    bid = bid_for(dear, most_first_price=Tokens(800))
    assert bid.most_first_price == 800
    assert bid.money.deposit == bid.conditions.cap + 800
    desk = cast(Any, Desk(decided=BuyerSettings(most_first_price=Tokens(800))))
    assert draft_bid(desk, choose(dear), Wishes(), WANTED, PEOPLE["outsider"]).money.deposit > 800
    with pytest.raises(TooDear, match="first price"):  # none is allowed, whatever is decided
        wishes = Wishes(most_first_price=Tokens(0))
        draft_bid(desk, choose(dear), wishes, WANTED, PEOPLE["outsider"])
    with pytest.raises(RefusedInput, match="costs more than an interval"):
        bid_for(dear, most_first_price=Tokens(800), deposit=Tokens(bid.money.deposit - 1))


def test_first_price_that_the_template_leaves_open__is_counted_as_the_most() -> None:
    left_open = with_unit()
    assert bid_for(left_open).most_first_price == 0
    bid = bid_for(left_open, most_first_price=Tokens(70))
    assert bid.most_first_price == 70
    assert bid.money.deposit == bid_for(left_open).money.deposit + 70


def test_work_that_costs_more_than_is_locked_unasked__wants_its_deposit_named() -> None:
    most, desk = BuyerSettings().max_deposit, cast(Any, Desk())
    template = with_tariff(per=1)
    cost = compute_cost(desk, choose(template), Wishes(), WANTED)
    far = replace(choose(template))
    far.offer.draft.price = Tokens(PRICE * most // cost + PRICE)  # type: ignore[misc]
    dear = compute_cost(desk, far, Wishes(), WANTED)
    assert cost < most < dear
    just = cast(Any, Desk(decided=BuyerSettings(max_deposit=cost)))
    bid = draft_bid(just, choose(template), Wishes(), WANTED, PEOPLE["outsider"])
    assert bid.money.deposit == cost
    with pytest.raises(TooDear, match=r"<= 100 MTC, by trading.buyer.max_deposit.*--deposit"):
        draft_bid(desk, far, Wishes(), WANTED, PEOPLE["outsider"])
    draft_bid(desk, far, Wishes(deposit=dear), WANTED, PEOPLE["outsider"])


def test_bond_for_a_cap_that_the_template_fixes__is_not_locked_unasked() -> None:
    most = BuyerSettings().max_least  # a bond is a tenth
    usual, huge = (with_cap(10 * most + more) for more in (0, 10))
    assert bid_for(usual).money.bond == most
    with pytest.raises(TooDear, match=r"<= 100 MTC, by the deposit .*--bond"):
        bid_for(huge)
    assert bid_for(huge, bond=Tokens(most + 1)).money.bond == most + 1
    assert bid_for(huge, deposit=Tokens(10 * most + 10)).money.bond == most + 1


def test_grace_that_the_template_fixes__is_not_followed_unasked_when_it_is_very_long() -> None:
    most = BuyerSettings().max_grace_s
    usual, long = (with_constant("graceS", most + more) for more in (0, 1))
    assert bid_for(usual).conditions.grace_s == most
    with pytest.raises(GraceLong, match="--grace 3601"):
        bid_for(long)
    assert bid_for(long, grace_s=most + 1).conditions.grace_s == most + 1


def with_constant(name: str, value: int) -> Template:
    schema = draft_initiation(TEMPLATES.settlement)
    schema["properties"][name] = {"const": value}
    return of_our_seller(schema)


def with_cap(cap: int) -> Template:
    schema = draft_initiation(TEMPLATES.settlement)
    schema["properties"]["intervalCap"] = {"const": str(cap)}
    return of_our_seller(schema)


def test_time__costs_what_all_the_service_does() -> None:
    """So an offer by time is not the cheapest one for want of a count."""
    template, desk = with_unit(meter={"const": "seconds"}), cast(Any, Desk())
    for wished, seconds in (({"seconds": 3000}, 3000), ({}, BuyerSettings().service_s)):
        owed = read_tariff(template, PRICE).compute_owed((seconds,))
        assert compute_cost(desk, choose(template), Wishes(**wished), WANTED) == owed


def test_price__is_told_with_all_that_makes_it_dearer() -> None:
    tariff = read_tariff(with_tariff(per=10, weight=3000, first=5), PRICE)
    said = describe_price(tariff, Meter.PRODUCTS)
    for part in ("for 10 products", "3 times the unit price", "at most", "first price 0.0"):
        assert part in said


def test_no_template__lets_none_of_its_units_have_the_price() -> None:
    with pytest.raises(RefusedInput, match=r"specification.*needed >= 1"):
        with_unit(per={"const": "0"})
    with pytest.raises(RefusedInput):
        with_unit(meter={"const": []})


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
