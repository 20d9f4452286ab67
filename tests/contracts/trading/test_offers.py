"""OfferBook: how offers come, are kept to a category's 256 places, and go. Rows T1, T19."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.trading.escrow_world import WEALTH, address
from tests.contracts.trading.market_world import CATEGORY, DEPOSIT, LIFE, SPECIFICATION, MarketWorld
from tests.contracts.world import refused, term_name
from tests.offchain.systems.trading.channel_cast import OFFER_LIMITS

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import NOBODY, Hash32
from edgemark.systems.trading.contract.market.records import (
    MAX_OFFER_PIECES,
    MAX_PLACES,
    MAX_QUALIFICATIONS,
    Qualification,
    make_offer_id,
)
from edgemark.systems.trading.identifiers import OfferId

UNKNOWN = OfferId(b"\5" * 32)


def clear(market: MarketWorld, *offers: OfferId) -> Any:
    return market.book.clear(market.at, list(offers), sender=market.people["outsider"])


def withdraw(market: MarketWorld, offer: OfferId, role: str = "seller") -> Any:
    return market.book.withdraw(market.at, offer, sender=market.people[role])


def listed(market: MarketWorld) -> list[bytes]:
    return [bytes(each) for each in market.book.listedIn(market.at, CATEGORY)]


def test_t1_post__lists_what_the_seller_says_and_locks_its_deposit(market: MarketWorld):
    named = Qualification(market.escrow.who("rival"), Hash32(keccak256(b"audited")))
    draft = market.draft(qualifications=(named,))
    with market.escrow.moved() as moved:
        receipt = market.book.post(draft.as_abi(), DEPOSIT, 0, sender=market.people["seller"])
    offer = make_offer_id(market.escrow.who("seller"), 1)
    assert moved == {"seller": -DEPOSIT, "locked": DEPOSIT}
    (log,) = receipt.decode_logs(market.book.OfferPosted)
    assert (bytes(log.offer), log.escrow, bytes(log.category)) == (offer, market.at, CATEGORY)
    assert log.deposit == DEPOSIT
    kept = market.book.offerOf(market.at, offer)
    assert (kept.price, kept.capacity, kept.taken) == (draft.price, draft.capacity, 0)
    assert (kept.expiresAt, kept.place) == (draft.expires_at, 0)
    assert tuple(kept.specification) == SPECIFICATION.as_abi()
    assert (bytes(kept.template), bytes(kept.category)) == (market.initiation, CATEGORY)
    assert [tuple(each) for each in kept.qualifications] == [named.as_abi()]
    assert listed(market) == [offer]
    assert market.book.sellerOf(offer) == market.escrow.who("seller")
    assert tuple(market.anchor.lockOf(market.book, offer)) == (draft.expires_at, False)


@pytest.mark.parametrize(
    ("field", "had", "least", "most"),
    [
        ("deposit", DEPOSIT - 1, DEPOSIT, 2**96 - 1),
        ("deposit", 2**96, DEPOSIT, 2**96 - 1),
        ("price", 0, 1, 2**88 - 1),
        ("capacity", 0, 1, 2**32 - 1),
        ("qualifications", MAX_QUALIFICATIONS + 1, 0, MAX_QUALIFICATIONS),
    ],
)
def test_t1_post__out_of_bounds__is_refused(
    market: MarketWorld, field: str, had: int, least: int, most: int
):
    changes: dict[str, Any] = {} if field == "deposit" else {field: had}
    if field == "qualifications":
        changes[field] = (Qualification(NOBODY, Hash32(bytes(32))),) * had
    deposit = had if field == "deposit" else DEPOSIT
    bounds = {"field": term_name(field), "had": had, "least": least, "most": most}
    with refused(market.book.OutOfBounds, **bounds):
        market.post(deposit=deposit, **changes)


@pytest.mark.parametrize("beyond", [-1, 1])
def test_t19_expiry_sooner_or_later_than_the_limits__is_refused(market: MarketWorld, beyond: int):
    at = market.escrow.now() + 100
    least, most = at + OFFER_LIMITS.min_seconds, at + OFFER_LIMITS.max_seconds
    had = least - 1 if beyond < 0 else most + 1
    market.escrow.at(at)
    bounds = {"field": term_name("expiresAt"), "had": had, "least": least, "most": most}
    with refused(market.book.OutOfBounds, **bounds):
        market.post(expires_at=had)


def test_t2_offer_with_a_template_that_nobody_registered__is_refused(market: MarketWorld):
    values = {"template": market.settlement, "kind": 2, "deprecatedAt": 0}
    with refused(market.book.TemplateUnfit, **values):
        market.post(template=market.settlement)
    with refused(market.book.OfferUnknown, escrow=NOBODY, offer=bytes(32)):
        market.post(escrow=NOBODY)


def test_t19_withdrawn_offer__is_off_the_list_and_its_deposit_stays_until_the_expiry(
    market: MarketWorld,
):
    """Else a place is taken, and others are thrown out of it, for nothing."""
    offer = market.post()
    expires_at = market.book.offerOf(market.at, offer).expiresAt
    with market.escrow.moved() as moved:
        receipt = withdraw(market, offer)
    (log,) = receipt.decode_logs(market.book.OfferWithdrawn)
    assert (bytes(log.offer), log.expiresAt) == (offer, expires_at)
    assert (moved, listed(market)) == ({}, [])
    assert market.held(offer) == DEPOSIT
    market.escrow.at(expires_at)
    with refused(market.book.TooEarly, nowAt=expires_at, allowedAfter=expires_at):
        clear(market, offer)
    market.escrow.at(expires_at + 1)
    with market.escrow.moved() as moved:
        clear(market, offer)
    assert moved == {"seller": DEPOSIT, "locked": -DEPOSIT}
    with refused(market.book.OfferUnknown, escrow=market.at, offer=offer):
        clear(market, offer)


def test_t19_expired_offer__a_stranger_returns_its_deposit(market: MarketWorld):
    offer = market.post()
    expires_at = market.book.offerOf(market.at, offer).expiresAt
    assert market.recommend() == ([offer], 1)
    market.escrow.at(expires_at)
    with refused(market.book.TooEarly, nowAt=expires_at, allowedAfter=expires_at):
        clear(market, offer)
    market.escrow.at(expires_at + 1)
    with market.escrow.moved() as moved:
        receipt = clear(market, offer)
    assert moved == {"seller": DEPOSIT, "locked": -DEPOSIT}
    assert [bytes(log.offer) for log in receipt.decode_logs(market.book.OfferCleared)] == [offer]
    assert listed(market) == []


def test_t19_deposit__returns_without_the_book(market: MarketWorld):
    """Should nobody ever call it again; and the place is free all the same."""
    offer = market.post()
    market.escrow.at(market.escrow.now() + LIFE + 1)
    with market.escrow.moved() as moved:
        market.anchor.expire(market.book, offer, 0, sender=market.people["outsider"])
    assert moved == {"seller": DEPOSIT, "locked": -DEPOSIT}
    with market.escrow.moved() as moved:
        clear(market, offer)
    assert (moved, listed(market)) == ({}, [])


def test_t19_clear_of_several__passes_over_what_is_not_over(market: MarketWorld):
    first, second = market.post(), market.post(expires_at=market.escrow.now() + 2 * LIFE)
    market.escrow.at(market.escrow.now() + LIFE + 1)
    receipt = clear(market, first, first, second, UNKNOWN)
    assert [bytes(log.offer) for log in receipt.decode_logs(market.book.OfferCleared)] == [first]
    assert listed(market) == [second]
    for count in (0, MAX_OFFER_PIECES + 1):
        bounds = {"field": term_name("pieces"), "had": count, "least": 1, "most": MAX_OFFER_PIECES}
        with refused(market.book.OutOfBounds, **bounds):
            clear(market, *[first] * count)


def test_renew__lists_it_longer_with_its_deposit(market: MarketWorld):
    offer = market.post()
    before = market.book.offerOf(market.at, offer).expiresAt
    until = market.escrow.now() + 2 * LIFE
    receipt = market.book.renew(market.at, offer, until, sender=market.people["seller"])
    (log,) = receipt.decode_logs(market.book.OfferRenewed)
    assert (bytes(log.offer), log.expiresAt) == (offer, until)
    market.escrow.at(before + 1)
    with refused(market.book.TooEarly, nowAt=before + 1, allowedAfter=until):
        clear(market, offer)
    assert market.recommend() == ([offer], 1)
    market.escrow.at(until + 1)
    with refused(market.book.TooLate, nowAt=until + 1, deadline=until):
        market.book.renew(market.at, offer, until + LIFE, sender=market.people["seller"])


def test_a30_what_is_a_sellers__nobody_else_renews_or_withdraws(market: MarketWorld):
    offer, rival = market.post(), market.people["rival"]
    values = {"had": rival, "needed": market.escrow.who("seller")}
    with refused(market.book.CallerWrong, **values):
        withdraw(market, offer, "rival")
    with refused(market.book.CallerWrong, **values):
        market.book.renew(market.at, offer, market.escrow.now() + LIFE, sender=rival)
    mine = make_offer_id(market.escrow.who("rival"), 7)
    with refused(market.book.OfferUnknown, escrow=market.at, offer=mine):
        withdraw(market, mine, "rival")


def test_no_number_of_an_offer_comes_twice(market: MarketWorld):
    """A channel of an offer that left gives nothing back to the next one."""
    first = market.post()
    withdraw(market, first)
    second = market.post()
    assert (first[20:], second[20:]) == ((1).to_bytes(12), (2).to_bytes(12))
    assert listed(market) == [second]


def test_t19_full_category__has_room_for_who_brings_the_double_of_one(market: MarketWorld):
    """A spammer that holds all 256 places keeps nobody out that locks twice what it did in one."""
    spam = market.fill("rival", MAX_PLACES)
    assert listed(market) == spam
    assert tuple(market.book.roomIn(market.at, CATEGORY)) == (0, 2 * DEPOSIT)
    for place in (0, 255):
        values = {
            "category": CATEGORY,
            "place": place,
            "had": 2 * DEPOSIT - 1,
            "needed": 2 * DEPOSIT,
        }
        with refused(market.book.CategoryFull, **values):
            market.post(deposit=2 * DEPOSIT - 1, place=place)
    bounds = {"field": term_name("place"), "had": 256, "least": 0, "most": 255}
    with refused(market.book.OutOfBounds, **bounds):
        market.post(deposit=2 * DEPOSIT, place=256)
    with market.escrow.moved() as moved:
        offer = market.post(deposit=2 * DEPOSIT, place=17, price=1)
    assert moved == {"seller": -2 * DEPOSIT, "rival": DEPOSIT, "locked": DEPOSIT}
    (log,) = market.posted.decode_logs(market.book.OfferDisplaced)
    assert (bytes(log.offer), bytes(log.by)) == (spam[17], offer)
    assert market.recommend(count=1) == ([offer], MAX_PLACES)
    assert market.book.offerOf(market.at, spam[17]).expiresAt == 0
    assert listed(market) == [*spam[:17], offer, *spam[18:]]
    values = {"category": CATEGORY, "place": 17, "had": 3 * DEPOSIT, "needed": 4 * DEPOSIT}
    with refused(market.book.CategoryFull, **values):
        market.post("rival", 3 * DEPOSIT, place=17)
    assert (
        market.post(category=Hash32(b"\1" * 32)) != offer
    )  # other categories have their own places


def test_t19_place_of_an_expired_offer__goes_to_the_next_one_that_comes(market: MarketWorld):
    """T19: nobody has to clear a full category first, and the stale deposit goes home."""
    spam = market.fill("rival", MAX_PLACES)
    market.escrow.at(market.escrow.now() + LIFE + 1)
    clear(market, spam[3])  # a place that is free comes before any that is named
    first = market.post(place=9)
    assert market.book.offerOf(market.at, first).place == 3
    assert tuple(market.book.roomIn(market.at, CATEGORY)) == (0, DEPOSIT)
    with market.escrow.moved() as moved:
        second = market.post(place=9)
    assert moved == {"seller": -DEPOSIT, "rival": DEPOSIT}
    assert market.book.offerOf(market.at, second).place == 9
    assert market.recommend() == ([first, second], 2)
    market.anchor.expire(market.book, spam[10], 0, sender=market.people["outsider"])
    with market.escrow.moved() as moved:
        market.post(place=10)
    assert moved == {"seller": -DEPOSIT, "locked": DEPOSIT}


def test_t19_planted_free_offers__are_filled_for_good_and_taken_unasked(
    market: MarketWorld, project
):
    planted = market.escrow.deployer.deploy(project.PlantedFreeOffers)
    for _ in range(MAX_PLACES):
        planted.post(1, sender=market.people["rival"])
    with refused(planted.NothingLeft):
        planted.post(1, sender=market.people["seller"])
    planted.take(0, sender=market.people["outsider"])
    assert planted.capacityOf(0) == 0


def test_deprecate__stops_new_offers_and_nothing_else(market: MarketWorld):
    offer = market.post()
    market.book.deprecate(sender=market.escrow.guardian)
    with refused(market.book.Deprecated):
        market.post()
    channel = market.open(offer)
    market.end(channel)
    market.release(channel)
    until = market.escrow.now() + 2 * LIFE
    market.book.renew(market.at, offer, until, sender=market.people["seller"])
    withdraw(market, offer)
    market.escrow.at(until + 1)
    clear(market, offer)
    assert market.anchor.freeBalanceOf(market.people["seller"]) == 2 * WEALTH + 9


@pytest.mark.parametrize(
    ("limits", "field", "had", "least", "most"),
    [
        ((0, 1, 2), "minDeposit", 0, 1, (2**96 - 1) // 2),
        ((2**95, 1, 2), "minDeposit", 2**95, 1, (2**96 - 1) // 2),
        ((1, 0, 2), "minSeconds", 0, 1, 2),
        ((1, 3, 2), "minSeconds", 3, 1, 2),
        ((1, 1, 730 * 86_400 + 1), "maxSeconds", 730 * 86_400 + 1, 1, 730 * 86_400),
    ],
)
def test_deploy__book_with_limits_that_leave_no_room__reverts(
    market: MarketWorld, project, limits: Any, field: str, had: int, least: int, most: int
):
    bounds = {"field": term_name(field), "had": had, "least": least, "most": most}
    with refused(market.book.OutOfBounds, **bounds):
        market.escrow.deployer.deploy(
            project.OfferBook, market.anchor, market.templates, market.escrow.guardian, limits
        )


def test_deployed_book__tells_what_it_is_bound_to(market: MarketWorld):
    assert market.book.anchor() == market.anchor
    assert market.book.templates() == market.templates
    assert address(market.book.guardian()) == address(market.escrow.guardian)
    assert tuple(market.book.limits()) == OFFER_LIMITS.as_abi()
    assert market.at.offers() == market.book
