"""What a channel takes of an offer, how that comes back, what is recommended. Rows T1, T30."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contracts.trading.evidence_world import THIEF
from tests.contracts.trading.market_world import DEPOSIT, SPECIFICATION, MarketWorld
from tests.contracts.world import refused, term_name
from tests.offchain.systems.trading.channel_cast import KEYS

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.systems.trading.contract.market.matching import recommend
from edgemark.systems.trading.contract.market.records import (
    MAX_ISSUERS,
    MAX_OFFER_PIECES,
    Demand,
    Offer,
    Qualification,
    make_offer_id,
)
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.identifiers import OfferId

AUDITOR = KEYS["payer's next key"]


def take_alone(market: MarketWorld, offer: OfferId, sender: Any) -> Any:
    seller = market.escrow.who("seller")
    return market.book.take(offer, seller, sender=sender)


def test_t1_opening__takes_of_the_offer_and_release_gives_it_back(market: MarketWorld):
    offer = market.post()
    first, second = market.open(offer), market.open(offer)
    assert market.taken(offer) == 2
    assert market.recommend() == ([], 0)
    with refused(market.book.CapacityTaken, offer=offer, capacity=2):
        market.open(offer)
    values = {"channel": first.id, "had": ChannelPhase.OPEN}
    with refused(market.book.ChannelNotEnded, **values):
        market.release(first)
    market.end(first)
    assert market.taken(offer) == 2  # an exit calls nobody
    receipt = market.release(first)
    (log,) = receipt.decode_logs(market.book.CapacityReleased)
    assert (bytes(log.offer), bytes(log.channel), log.taken) == (offer, first.id, 1)
    assert market.book.isReleased(market.at, first.id)
    with refused(market.book.NothingTaken, channel=first.id, offer=offer):
        market.release(first)
    assert market.recommend() == ([offer], 1)
    market.open(offer)
    assert (market.taken(offer), bool(second)) == (2, True)


def test_t1_refused_opening__takes_nothing_and_locks_nothing(market: MarketWorld):
    offer = market.post(capacity=1)
    market.open(offer)
    with market.escrow.moved() as moved:
        terms = [market.escrow.terms(offer=each) for each in (bytes(32), offer)]
        openings = [market.escrow.opening(each) for each in terms]
        with refused(market.book.CapacityTaken, offer=offer, capacity=1):
            market.at.open(openings, sender=market.people["payer"])
    assert (moved, market.taken(offer)) == ({}, 1)


def test_t1_capacity__is_filled_by_nobody_that_the_seller_has_not_signed_for(market: MarketWorld):
    """An opening needs the seller's signature; `take` is for escrows, each for its own offers."""
    offer = market.post()
    for stranger in ("rival", "payer", "seller"):
        values = {"escrow": market.people[stranger], "offer": offer}
        with refused(market.book.OfferUnknown, **values):
            take_alone(market, offer, market.people[stranger])
    terms = market.escrow.terms(offer=offer)
    channel = market.escrow.id(terms)
    values = {"channel": channel, "signer": THIEF.address, "needed": market.escrow.who("seller")}
    with refused(market.at.NotSigned, **values):
        opening = market.escrow.opening(terms, seller=THIEF)
        market.at.open([opening], sender=market.people["payer"])
    assert market.taken(offer) == 0


def test_t1_offer_of_another_seller__is_not_taken_by_terms_that_name_it(market: MarketWorld):
    """Else who sells to itself fills a rival's capacity."""
    offer = market.post("rival")
    values = {"offer": offer, "seller": market.escrow.who("seller")}
    with refused(market.book.OfferNotOfSeller, **values):
        market.open(offer)
    assert market.taken(offer) == 0


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_t1_offer__is_taken_until_its_last_second(market: MarketWorld, step: int):
    offer = market.post()
    expires_at = market.book.offerOf(market.at, offer).expiresAt
    opening = market.escrow.opening(
        market.escrow.terms(offer=offer, expires_at=expires_at + 2000, close_by=expires_at + 3000)
    )
    market.escrow.at(expires_at + step)
    if step <= 0:
        market.at.open([opening], sender=market.people["payer"])
        assert market.taken(offer) == 1
        return
    with refused(market.book.TooLate, nowAt=expires_at + 1, deadline=expires_at):
        market.at.open([opening], sender=market.people["payer"])


def test_t1_offer_that_left__is_taken_by_nobody_and_its_channels_end_as_ever(market: MarketWorld):
    offer = market.post()
    channel = market.open(offer)
    market.book.withdraw(market.at, offer, sender=market.people["seller"])
    with refused(market.book.OfferUnknown, escrow=market.at, offer=offer):
        market.open(offer)
    market.end(channel)
    with refused(market.book.NothingTaken, channel=channel.id, offer=offer):
        market.release(channel)
    market.post()
    market.release(channel, channel)
    assert not market.book.isReleased(market.at, channel.id)


def test_t1_release_of_several__passes_over_what_goes_on_or_is_done(market: MarketWorld):
    offer = market.post(capacity=9)
    channels = [market.open(offer) for _ in range(3)]
    bare = market.escrow.open()  # names no offer
    for channel in (*channels[:2], bare):
        market.end(channel)
    market.release(channels[0])
    receipt = market.release(*channels, bare, channels[1])
    logs = receipt.decode_logs(market.book.CapacityReleased)
    assert [(bytes(log.channel), log.taken) for log in logs] == [(channels[1].id, 1)]
    for count in (0, MAX_OFFER_PIECES + 1):
        bounds = {"field": term_name("pieces"), "had": count, "least": 1, "most": MAX_OFFER_PIECES}
        with refused(market.book.OutOfBounds, **bounds):
            market.release(*[bare] * count)


def test_t1_lapsed_channel__gives_its_capacity_back_too(market: MarketWorld):
    expires_at = market.escrow.now() + 4000
    offer = market.post(expires_at=expires_at)
    until = market.escrow.now() + 100
    channel = market.open(offer, expires_at=until, close_by=until + 200)
    for renewed in (expires_at + 4000, expires_at + 7000):
        market.escrow.at(renewed - 4500)
        market.book.renew(market.at, offer, renewed, sender=market.people["seller"])
    market.at.endUnclosed([channel.terms.as_abi()], sender=market.people["outsider"])
    market.release(channel)
    assert market.taken(offer) == 0


def test_t1_another_escrow__releases_nothing_of_this_one(market: MarketWorld, project):
    """A contract that says of every channel that it ended counts for its own offers alone."""
    offer = market.post()
    channel = market.open(offer)
    liar = market.escrow.deployer.deploy(project.LyingEscrow)
    terms = [channel.terms.as_abi()]
    told = liar.channelIdOf(terms[0])
    with refused(market.book.NothingTaken, channel=bytes(told), offer=offer):
        market.book.release(liar, terms, sender=market.people["rival"])
    mine = market.post("rival", escrow=Address(str(liar.address)))
    liar.take(market.book, mine, sender=market.people["rival"])
    assert market.book.offerOf(liar, mine).taken == 1
    own = [market.escrow.terms(seller=market.escrow.who("rival"), offer=mine).as_abi()]
    market.book.release(liar, own, sender=market.people["rival"])
    assert market.book.offerOf(liar, mine).taken == 0
    assert not market.book.isReleased(market.at, channel.id)
    market.end(channel)
    market.release(channel)
    assert market.taken(offer) == 0


def test_t1_terms_with_bits_beyond_their_fields__open_nothing(market: MarketWorld):
    """Terms have one encoding, and the id is its hash: any other one is refused."""
    terms = market.escrow.terms()
    data = bytearray(market.at.open.encode_input([market.escrow.opening(terms)]))
    start = bytes(data).index(bytes(12) + bytes.fromhex(terms.payer[2:]))
    for field in (0, 1, 2, 3, 4, 5, 6, 7, 8, 12):
        changed = bytearray(data)
        changed[start + 32 * field] = 1
        channel = market.escrow.chain.provider
        sent = {"from": terms.payer, "to": str(market.at.address), "data": "0x" + changed.hex()}
        mined = channel.make_request("eth_sendTransactionSync", [{**sent, "gas": hex(10**6)}])
        assert int(mined["status"], 16) == 0, field


# Recommendations.


def test_t30_issuers_that_are_demanded__signed_what_the_offer_names(market: MarketWorld):
    good, other = market.qualify("audited", AUDITOR), market.qualify("rated", THIEF)
    claimed = Qualification(AUDITOR.address, Hash32(b"\3" * 32))  # never recorded
    stolen = Qualification(AUDITOR.address, other.credential_hash)  # signed by another
    both = market.post(qualifications=(other, claimed, good), price=3)
    one = market.post(qualifications=(good,), price=2)
    market.post(qualifications=(claimed, stolen), price=1)
    market.post("rival", qualifications=(good,), price=1)  # of the seller, not of the rival
    assert market.recommend(market.demand(issuers=(AUDITOR.address,))) == ([one, both], 2)
    wanted = (AUDITOR.address, THIEF.address)
    assert market.recommend(market.demand(issuers=wanted)) == ([both], 1)
    bounds = {"field": term_name("issuers"), "least": 0, "most": MAX_ISSUERS}
    with refused(market.book.OutOfBounds, had=MAX_ISSUERS + 1, **bounds):
        demand = market.demand(issuers=(THIEF.address,) * (MAX_ISSUERS + 1))
        market.book.recommend.transact(demand.as_abi(), 0, 1, sender=market.people["payer"])


def test_t1_pages__are_parts_of_one_order(market: MarketWorld):
    """Of one price the lower place first."""
    offers = [market.post(price=price) for price in (5, 3, 9, 3, 1)]
    order = [offers[each] for each in (4, 1, 3, 0, 2)]
    assert market.recommend() == (order, 5)
    for start, count in ((0, 2), (2, 2), (4, 2), (5, 1), (9, 9), (0, 0)):
        assert market.recommend(None, start, count) == (order[start : start + count], 5)


AMOUNTS = st.integers(1, 4)


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """An offer that differs from the usual one a little."""
    return {
        "price": Tokens(draw(AMOUNTS)),
        "capacity": draw(AMOUNTS),
        "specification": Resources(*draw(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS))),
        "expires_at": draw(st.integers(1000, 1004)),
        "qualified": draw(st.booleans()),
    }


@given(offers=st.lists(changes(), min_size=6, max_size=12), data=st.data())
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_t1_recommendation__is_that_of_the_plain_model(
    market: MarketWorld, offers: list[dict[str, Any]], data: st.DataObject
):
    with market.escrow.undone():
        market.begin()
        named = market.qualify("audited", AUDITOR)
        start, kept = market.escrow.now(), list[Offer]()
        for said in offers:
            change = {**said, "expires_at": Timestamp(start + said["expires_at"])}
            qualified = change.pop("qualified")
            draft = market.draft(**change, qualifications=(named,) if qualified else ())
            market.book.post(draft.as_abi(), DEPOSIT, 0, sender=market.people["seller"])
            offer = make_offer_id(market.escrow.who("seller"), len(kept) + 1)
            kept.append(Offer(offer, draft, 0, len(kept)))
        for _ in range(8):
            demand: Demand = market.demand(
                least=Resources(*data.draw(st.tuples(*[st.integers(0, 2)] * 4))),
                most_price=Tokens(data.draw(AMOUNTS)),
                channels=data.draw(st.integers(0, 3)),
                until=Timestamp(start + data.draw(st.integers(999, 1005))),
                issuers=(AUDITOR.address,) if data.draw(st.booleans()) else (),
            )
            best = recommend(kept, demand, market.escrow.now(), lambda *_: True)
            assert market.recommend(demand) == ([each.id for each in best], len(best))


def test_t1_template_or_category_or_escrow_that_is_wanted__is_that_of_the_offer(
    market: MarketWorld,
):
    offer = market.post()
    assert market.recommend(market.demand(template=market.initiation)) == ([offer], 1)
    for change in ({"template": market.settlement}, {"category": Hash32(b"\1" * 32)}):
        assert market.recommend(market.demand(**change)) == ([], 0)
    assert market.recommend(market.demand(escrow=market.escrow.who("rival"))) == ([], 0)
    assert market.recommend(market.demand(channels=3)) == ([], 0)
    assert market.recommend(market.demand(least=SPECIFICATION)) == ([offer], 1)


def test_t1_the_largest_category__is_recommended_within_a_call(market: MarketWorld):
    """256 offers with four qualifications each, against four issuers; geth gives 50 million."""
    named = tuple(market.qualify(f"credential {each}", AUDITOR) for each in range(3))
    last = market.qualify("the last", THIEF)
    market.fill("seller", 256, qualifications=(*named, last))
    demand = market.demand(issuers=(*[AUDITOR.address] * 3, THIEF.address))
    data = market.book.recommend.encode_input(demand.as_abi(), 0, 32)
    asked = {"from": market.escrow.who("payer"), "to": str(market.book.address)}
    gas = market.escrow.chain.provider.make_request(
        "eth_estimateGas", [{**asked, "data": "0x" + bytes(data).hex(), "gas": hex(29_000_000)}]
    )
    assert int(gas, 16) < 25_000_000
