"""Which offer is bought of, when cheaper ones cannot be: by a station without a chain."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import ESCROW
from tests.offchain.systems.trading.credentials.trade_cast import TEMPLATES

from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens, parse_address
from edgemark.systems.trading.buyer.market.bidding import Choice, Wishes
from edgemark.systems.trading.buyer.market.choosing import SellerUnreachable
from edgemark.systems.trading.buyer.market.leasts import ServesAnother
from edgemark.systems.trading.buyer.market.picking import canvass
from edgemark.systems.trading.buyer.market.picking.passing import NoOffer, OfferStrange, PassedOver
from edgemark.systems.trading.buyer.market.picking.picking import Picking
from edgemark.systems.trading.buyer.market.picking.window import AT_ONCE
from edgemark.systems.trading.contract.market.records import (
    NOTHING,
    Demand,
    Offer,
    OfferDraft,
    compute_category,
)
from edgemark.systems.trading.identifiers import OfferId
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.transport.faults import PeerUnreachable

BAD = 40  # cheap offers that nobody can buy of
LEASTS = b'{"least_deposit": "0", "least_bond": "0"}'


def status_at(endpoint: str, *_: object, **__: object) -> bytes:
    """Of the seller whose account is the number of the port."""
    account = Address(f"0x{int(endpoint.rpartition(':')[2]):040x}")
    return json.dumps({"account": account, "least_deposit": "0", "least_bond": "0"}).encode()


STATUS = status_at("https://127.0.0.1:1")


def make_offer(number: int, seller: int | None = None) -> Any:
    draft = SimpleNamespace(template=TEMPLATES.initiation.version_id, qualifications=())
    account = parse_address(f"0x{(number if seller is None else seller) + 1:040x}")
    return SimpleNamespace(id=OfferId(number.to_bytes(32, "big")), seller=account, draft=draft)


@dataclass
class FastClock:
    """Seconds that pass faster than others."""

    times: float

    def __call__(self) -> float:
        return time.monotonic() * self.times


@dataclass
class Market:
    """Offers in the order of the contract, and sellers that can be found."""

    offers: list[Any]
    found: Callable[[Address], bool]
    choose_s: int = 600
    asked: list[Address] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.documents = SimpleNamespace(chain_id=31337, services=self._services)
        self.templates = SimpleNamespace(version_of=self._version_of)
        self.client = SimpleNamespace(request=lambda *_, **__: LEASTS)
        self.strangers = SimpleNamespace(request=status_at)
        self.address, self.deals = Address("0x" + "77" * 20), SimpleNamespace(channels=list)
        self.settings = SimpleNamespace(of=lambda _: BuyerSettings(choose_s=self.choose_s))

        def recommend_all(_: object, most: int) -> tuple[list[Any], int]:
            return self.offers[:most], len(self.offers)

        self.offers_of_market = SimpleNamespace(
            recommend_all=recommend_all,
            offer=lambda wanted: next(each for each in self.offers if each.id == wanted),
        )

    def _services(self, did: Any, _: str) -> list[Any]:
        self.asked.append(did.identity)
        place = {"uri": f"https://127.0.0.1:{int(did.identity, 16)}", "pin": "11" * 32}
        return [SimpleNamespace(endpoint=place)] if self.found(did.identity) else []

    def stall(self) -> None:
        """Let no seller answer."""
        self.strangers = SimpleNamespace(request=lambda *_, **__: time.sleep(5))

    def known(self, seller: Address) -> None:
        """Let this home have a deal with a seller."""
        deal = SimpleNamespace(terms=SimpleNamespace(payer=self.address, seller=seller))
        self.deals = SimpleNamespace(channels=lambda: [b""], find=lambda _: deal)

    def _version_of(self, version: Any) -> Any:
        of = TEMPLATES.initiation
        template = of if version == of.version_id else TEMPLATES.settlement
        settlement = TEMPLATES.settlement.version_id
        return SimpleNamespace(content_hash=template.content_hash, settlement=settlement)

    def picking(
        self, told: list[PassedOver] | None = None, clock: Any = lambda: 0.0, **wished: Any
    ) -> Picking:
        station = SimpleNamespace(**{**vars(self), "offers": self.offers_of_market})
        texts = (TEMPLATES.initiation.text, TEMPLATES.settlement.text)
        wishes = Wishes(**{"demand": cast(Any, "any"), "texts": texts, **wished})
        return Picking(
            cast(Any, station), wishes, [].append if told is None else told.append, clock
        )


def name(choice: Choice) -> OfferId:
    return choice.offer.id


def test_an_offer__is_found_behind_forty_that_nobody_can_buy_of() -> None:
    offers = [make_offer(number) for number in range(BAD + 2)]
    good = offers[BAD]
    told: list[PassedOver] = []
    market = Market(offers, lambda seller: seller == good.seller)
    picking = market.picking(told)
    assert picking.pick(name) == good.id
    looked = sorted(each.offer for each in told)  # several are asked at once
    assert looked[:BAD] == [each.id for each in offers[:BAD]]
    assert good.id not in looked
    assert {type(each.why) for each in told} == {SellerUnreachable}
    assert len(market.asked) == BAD + 2, "of each its document, and no seller"


def test_an_offer_whose_seller_gives_no_word__hides_none_behind_it() -> None:
    offers = [make_offer(number) for number in range(BAD + 1)]
    market = Market(offers, lambda _: True)

    def take(choice: Choice) -> OfferId:
        if choice.offer.id != offers[-1].id:
            raise PeerFault("refused the request", who=choice.offer.seller)
        return choice.offer.id

    assert market.picking().pick(take) == offers[-1].id


@pytest.mark.parametrize(
    "slip", [ZeroDivisionError("by zero"), KeyError("per"), ValueError("digits"), TypeError()]
)
@pytest.mark.parametrize("is_looked_at", [True, False])
def test_data_that_nothing_can_be_computed_with__are_the_fault_of_one_offer(
    slip: Exception, is_looked_at: bool
) -> None:
    offers, told = [make_offer(number) for number in range(3)], list[PassedOver]()

    def fail(choice: Choice) -> int:
        if choice.offer.id == offers[0].id:
            raise slip
        return 0

    def take(choice: Choice) -> OfferId:
        fail(choice)
        return choice.offer.id

    market = Market(offers, lambda _: True)
    picking = market.picking(told)
    found = picking.pick(name, fail) if is_looked_at else picking.pick(take)
    assert found == offers[1].id
    (passed,) = told
    assert isinstance(passed.why, OfferStrange)
    assert type(slip).__name__ in str(passed.why)
    with pytest.raises(OfferStrange):
        market.picking(offer=offers[0].id).pick(take)


def test_an_offer_that_looks_cheap__comes_after_those_by_which_the_order_costs_less() -> None:
    offers = [make_offer(number) for number in range(3 * AT_ONCE)]
    costs = {each.id: 1000 - place for place, each in enumerate(offers)}

    def cost(choice: Choice) -> int:
        return costs[choice.offer.id]

    picked = Market(offers, lambda _: True).picking().pick(name, cost)
    assert picked == offers[-1].id, "however many that look cheap come before it"
    away = offers[-1].seller
    assert Market(offers, lambda each: each != away).picking().pick(name, cost) == offers[-2].id


def test_no_offer__names_each_that_was_looked_at_with_why() -> None:
    market = Market([make_offer(number) for number in range(BAD)], lambda _: False)
    with pytest.raises(NoOffer, match=f"and {BAD - 3} more") as refused:
        market.picking().pick(name)
    told = cast(Any, refused.value.as_dict()["passed_over"])
    assert len(told) == BAD
    assert all("does not say where it serves" in each["why"] for each in told)


def test_a_seller_that_is_out_of_reach__is_asked_once_for_all_its_offers() -> None:
    offers = [make_offer(number, 0) for number in range(BAD)] + [make_offer(BAD)]
    asked: list[Address] = []

    def take(choice: Choice) -> OfferId:
        asked.append(choice.offer.seller)
        if choice.offer.seller == offers[0].seller:
            raise PeerUnreachable("nobody answers", who=choice.offer.seller)
        return choice.offer.id

    assert Market(offers, lambda _: True).picking().pick(take) == offers[-1].id
    assert asked.count(offers[0].seller) == 1


def test_offers_of_a_seller_that_refuses_one__are_looked_at_each() -> None:
    offers = [make_offer(number, 0) for number in range(3)]

    def take(choice: Choice) -> OfferId:
        if choice.offer.id != offers[-1].id:
            raise RefusedInput("is not counted by this offer", who="order")
        return choice.offer.id

    assert Market(offers, lambda _: True).picking().pick(take) == offers[-1].id


def test_time__ends_the_search_and_says_how_many_were_not_looked_at() -> None:
    market = Market([make_offer(number) for number in range(BAD)], lambda _: True, choose_s=1)
    market.stall()
    with pytest.raises(NoOffer, match=f"{BAD} not looked at in 1 s") as refused:
        market.picking(clock=time.monotonic).pick(name)
    assert "choose_s" in refused.value.remedy
    assert refused.value.passed_over == ()


@pytest.mark.parametrize("place", [BAD // 2, BAD - 1])
@pytest.mark.parametrize("stalls_at", ["look", "word"])
def test_an_offer__is_found_wherever_it_stands_among_sellers_that_stall(
    place: int, stalls_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvass, "LOOK_AGAIN_S", 0.005)  # of a clock that is that much faster
    offers, over = [make_offer(number) for number in range(BAD)], threading.Event()
    good, clock = offers[place], FastClock(100)
    market = Market(offers, lambda _: True)

    def cost(choice: Choice) -> int:
        if stalls_at == "look" and choice.offer.id != good.id:
            over.wait(60)
        return int.from_bytes(choice.offer.id, "big")

    def take(choice: Choice) -> OfferId:
        if choice.offer.id != good.id:
            over.wait(60)
        return choice.offer.id

    try:
        assert market.picking(clock=clock).pick(take, cost) == good.id
    finally:
        over.set()


def test_sellers_that_this_home_knows__are_looked_at_first_and_are_no_dearer_for_it() -> None:
    offers = [make_offer(number) for number in range(2 * BAD)]
    market = Market(offers, lambda _: True)
    market.known(offers[-1].seller)
    costs = {each.id: 1000 + place for place, each in enumerate(offers)}
    looked: list[OfferId] = []

    def cost(choice: Choice) -> int:
        looked.append(choice.offer.id)
        return costs[choice.offer.id]

    assert market.picking().pick(name, cost) == offers[0].id
    assert offers[-1].id in looked[: 2 * AT_ONCE]
    assert set(looked) == set(costs)


def test_offers_that_name_anothers_server__are_passed_over_with_the_first_and_hide_no_seller() -> (
    None
):
    offers = [make_offer(number) for number in range(BAD)]
    market, victim = Market(offers, lambda _: True), offers[-1]
    looked: list[str] = []
    there = f"https://127.0.0.1:{int(victim.seller, 16)}"
    services = market._services

    def all_there(did: Any, kind: str) -> list[Any]:
        found = services(did, kind)
        found[0].endpoint["uri"] = there
        return found

    def answer(endpoint: str, *_: object, **__: object) -> bytes:
        looked.append(endpoint)
        return status_at(endpoint)

    market.documents.services = all_there
    market.strangers = SimpleNamespace(request=answer)
    told: list[PassedOver] = []
    assert market.picking(told).pick(name) == victim.id
    assert len(looked) <= 2, "one of them, then whom it serves"
    assert len(told) == BAD - 1
    assert all(isinstance(each.why, ServesAnother) for each in told)


ANSWERS = (None, b"", b"\xff", b"[]", b"{", 17, [b"{}"], {}, b"[" * 9999, STATUS, OSError("gone"))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_sellers_answer__is_a_fault_of_theirs_and_one_that_serves_is_found(
    seed: int,
) -> None:
    lots, offers = Random(seed), [make_offer(number) for number in range(BAD)]
    good, market = lots.choice(offers), Market(offers, lambda _: True)
    by_port = {f"https://127.0.0.1:{number + 1}": each for number, each in enumerate(offers)}

    def answer(endpoint: str, *_: object, **__: object) -> object:
        if by_port[endpoint].id == good.id:
            return status_at(endpoint)
        time.sleep(lots.choice((0, 0, 0.01)))
        said = lots.choice(ANSWERS)
        if isinstance(said, OSError):
            raise PeerUnreachable("cannot be reached", who=endpoint) from said
        return said

    def take(choice: Choice) -> OfferId:
        if choice.offer.id != good.id:
            raise lots.choice((PeerFault("no"), RefusedInput("no"), ValueError("no"), KeyError(1)))
        return choice.offer.id

    market.strangers = SimpleNamespace(request=answer)
    told: list[PassedOver] = []
    assert market.picking(told).pick(take, lambda _: lots.randrange(9)) == good.id
    assert len({each.offer for each in told}) == len(told), "each is told once"


def test_a_chain_that_does_not_answer__is_no_fault_of_an_offer() -> None:
    def away(_: Address) -> bool:
        raise LedgerUnavailable("does not answer", who="chain")

    with pytest.raises(LedgerUnavailable):
        Market([make_offer(number) for number in range(3)], away).picking().pick(name)


def test_the_offer_that_is_named__says_itself_why_it_cannot_be_taken() -> None:
    offers = [make_offer(0), make_offer(1)]
    market = Market(offers, lambda seller: seller == offers[1].seller)
    assert market.picking(offer=offers[1].id).pick(name) == offers[1].id
    with pytest.raises(SellerUnreachable):
        market.picking(offer=offers[0].id).pick(name)


DEMAND = Demand(ESCROW, compute_category("products"), most_price=Tokens(10**14))


def list_in_category(prices: Sequence[int]) -> Any:
    """A market whose offers are none that suits, of these prices."""
    template = TEMPLATES.initiation.version_id
    market, until = Market([], lambda _: True), Timestamp(10**10)
    drafts = [
        OfferDraft(ESCROW, DEMAND.category, template, NOTHING, Tokens(each), 1, until)
        for each in prices
    ]
    listed = {
        OfferId(number.to_bytes(32, "big")): draft for number, draft in enumerate(drafts, start=1)
    }
    book = market.offers_of_market
    book.listed = lambda category: list(listed) if category == DEMAND.category else []
    book.offer = lambda key: Offer(key, listed[key])
    market.head = lambda: SimpleNamespace(block=1000)  # type: ignore[attr-defined]
    return market


def test_a_demand_below_every_price__names_each_offer_the_cheapest_first() -> None:
    told = r"no offer: can be taken; had 0{16}: price: is above the most; had 0\.01 MTC"
    with pytest.raises(NoOffer, match=told) as refused:
        list_in_category([10**17, 10**16]).picking(demand=DEMAND).pick(name)
    assert [each.offer[-1] for each in refused.value.passed_over] == [2, 1]


def test_a_category_without_offers__is_told_to_be_an_exact_text() -> None:
    with pytest.raises(NoOffer, match="the exact text, or its hash"):
        list_in_category([]).picking(demand=DEMAND).pick(name)
