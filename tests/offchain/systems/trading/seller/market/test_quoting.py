"""The seller signs nothing that it would not serve: each bad request is refused by name."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, PEOPLE, START
from tests.offchain.systems.trading.credentials.asking_cast import (
    SELLER_KEY,
    draft_request,
)
from tests.offchain.systems.trading.credentials.trade_cast import (
    SELLER,
    TEMPLATES,
    TERMS,
    did_of,
)

from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.resources import Resources
from edgemark.settings.section import settings_of
from edgemark.systems.trading.buyer.market.asking import plan_money
from edgemark.systems.trading.contract.market.records import Offer, OfferDraft, make_offer_id
from edgemark.systems.trading.contract.terms import ChannelRefused, compute_least_bond
from edgemark.systems.trading.identifiers import NO_OFFER, ChannelId, OfferId, TemplateVersionId
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.seller.market.quoting import (
    KEPT_BACK,
    MAX_OF_PAYER,
    MAX_OF_PEER,
    MAX_PROMISES,
    MAX_UNENDED,
    NotSold,
    Occupied,
    Promise,
    Promises,
    Wares,
    check_asked,
    count_occupied,
    draft_claims,
    draft_policy,
    least_bond,
    promise_until,
)
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.settings import BuyerSettings, SellerSettings
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.schema import ClaimsRefused

TAKEN = SellerSettings(
    min_window_s=50,
    margin_s=60,
    min_deposit=Tokens(1000),
    min_bond=Tokens(100),
    max_deposit=Tokens(10_000),
)
WARES = Wares(
    seller=did_of(SELLER),
    account=SELLER.address,
    key=SELLER_KEY,
    initiation=TEMPLATES.initiation,
    settlement=TEMPLATES.settlement,
    price=Tokens(2000),
    first_price=Tokens(50),
    specification={"cores": 4, "region": "eu-1"},
)
OTHER = Address("0x" + "77" * 20)
ASKED = draft_request(cap=Tokens(1000))
NONE_OPEN, ONE_OPEN = Occupied(0, 0), Occupied(1, 1)


def check(**changed: Any) -> None:
    check_asked(replace(ASKED, **changed), WARES, TAKEN, LIMITS, START)


def test_request__for_what_is_sold__is_taken() -> None:
    check()
    claims, agreed = draft_claims(ASKED, WARES)
    assert (agreed.unit_price, agreed.first_price, agreed.interval_s) == (2000, 50, 60)
    assert agreed.buyer == ASKED.buyer and agreed.seller == did_of(SELLER)
    assert agreed.specification.cores == 4
    assert claims["maxCycles"] == 100  # the template's constant


@pytest.mark.parametrize(
    ("changed", "who"),
    [
        ({"seller": OTHER}, "request, seller"),
        ({"template": TemplateVersionId(bytes(32))}, "request, initiation template"),
        ({"offer": OfferId(bytes([1]) * 32)}, "request, offer"),
        ({"valid_until": Timestamp(START - 1)}, "request, valid until"),
        ({"most_price": Tokens(1999)}, "request, most price"),
        ({"most_first_price": Tokens(49)}, "request, most first price"),
        ({"interval_s": 4}, "request, interval"),
        ({"interval_s": 3601}, "request, interval"),
        ({"grace_s": 3601}, "request, grace"),
        ({"window": 49}, "request, window"),
        ({"cap": Tokens(0)}, "request, cap of an interval"),
        ({"cap": Tokens(TAKEN.max_cap + 1)}, "request, cap of an interval"),
        ({"credit": Tokens(TAKEN.max_credit + 1)}, "request, credit"),
        ({"deposit": Tokens(10_001), "bond": Tokens(1001)}, "request, deposit"),
    ],
)
def test_request__that_this_seller_does_not_take__is_refused_by_name(
    changed: dict[str, Any], who: str
) -> None:
    with pytest.raises(NotSold) as caught:
        check(**changed)
    assert caught.value.who == who
    assert caught.value.had is not None and caught.value.needed is not None


def test_bond__below_what_this_seller_takes__is_refused() -> None:
    check_asked(ASKED, WARES, replace(TAKEN, min_bond=Tokens(TERMS.bond)), LIMITS, START)
    taken = replace(TAKEN, min_bond=Tokens(TERMS.bond + 1))
    with pytest.raises(NotSold, match="none that this seller takes"):
        check_asked(ASKED, WARES, taken, LIMITS, START)
    check(cap=Tokens(10 * TERMS.bond))
    with pytest.raises(NotSold) as caught:
        check(cap=Tokens(10 * TERMS.bond + 1))
    assert caught.value.who == "request, bond"


def test_least_bond__bounds_how_often_a_payer_has_its_seller_send_a_checkpoint() -> None:
    """Of all intervals and payers within the bounds: the worst is a bond as small as can be."""
    taken = SellerSettings()
    bond, cap = taken.min_bond, 10 * taken.min_bond
    assert compute_least_bond(taken.min_deposit) == least_bond(cap, taken) == bond
    terms = replace(TERMS, deposit=taken.min_deposit, bond=bond)
    limit = draft_policy(taken, LIMITS, terms, ()).checkpoint_above
    assert limit == bond
    for fee in (1, bond // 7, bond - 1, bond, cap):
        off = paid = sent = 0
        for _ in range(100):
            off += fee
            if off >= limit:  # as `Sale` does, which tells it by its own tests
                sent, paid, off = sent + 1, paid + off, 0
        assert sent * taken.min_bond <= paid


def test_deposit__below_what_a_place_is_worth__is_refused() -> None:
    taken = replace(TAKEN, min_deposit=Tokens(TERMS.deposit))
    check_asked(ASKED, WARES, taken, LIMITS, START)
    dear = replace(TAKEN, min_deposit=Tokens(TERMS.deposit + 1))
    with pytest.raises(NotSold) as caught:
        check_asked(ASKED, WARES, dear, LIMITS, START)
    assert caught.value.who == "request, deposit"


def test_close__so_late_that_a_place_is_held_for_long__is_refused() -> None:
    taken = replace(TAKEN, max_close_s=ASKED.close_by - ASKED.expires_at)
    check_asked(ASKED, WARES, taken, LIMITS, START)
    for late in (taken, TAKEN):
        close_by = Timestamp(ASKED.expires_at + late.max_close_s + 1)
        with pytest.raises(NotSold) as caught:
            check_asked(replace(ASKED, close_by=close_by), WARES, late, LIMITS, START)
        assert caught.value.who == "request, time to close"


def test_close__that_a_buyer_asks_for_by_its_settings__is_taken() -> None:
    longest = BuyerSettings(close_s=30 * 86_400, window_s=30 * 86_400)
    money = plan_money(ASKED.deposit, ASKED.bond, 3600, longest, LIMITS, START)
    assert money.close_by - money.expires_at <= SellerSettings().max_close_s


@pytest.mark.parametrize("expires_at", [START, START + 60 + 59, START + TAKEN.max_service_s + 1])
def test_time_of_service__too_short_or_too_long__is_refused(expires_at: int) -> None:
    with pytest.raises(NotSold) as caught:
        check(expires_at=Timestamp(expires_at), close_by=Timestamp(expires_at + 1000))
    assert caught.value.who == "request, time of service"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"bond": Tokens(100)}, "OutOfBounds"),  # a tenth of 1001 is 101
        ({"deposit": Tokens(0)}, "OutOfBounds"),
        ({"deposit": Tokens(LIMITS.max_deposit + 1)}, "OutOfBounds"),
        ({"window": LIMITS.max_window + 1}, "OutOfBounds"),
        ({"window": 0}, "OutOfBounds"),
        ({"close_by": Timestamp(TERMS.expires_at)}, "OutOfBounds"),
        ({"expires_at": Timestamp(START - 1)}, "OutOfBounds"),
        ({"payer": SELLER.address}, "PartiesInvalid"),
        ({"payer_key": SELLER_KEY}, "PartiesInvalid"),
        ({"payer_key": Address("0x" + "0" * 40)}, "PartiesInvalid"),
    ],
)
def test_request__that_the_escrow_would_not_open__is_refused(
    changed: dict[str, Any], error: str
) -> None:
    with pytest.raises(ChannelRefused) as caught:
        check(**changed)
    assert caught.value.error == error


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"interval_s": 301}, "intervalS"),
        ({"cycles": 101}, "cycles"),
        ({"cycles": 0}, "cycles"),
        ({"buyer": did_of(SELLER)}, "buyer"),
    ],
)
def test_claims__that_the_template_does_not_take__are_refused(
    changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(RefusedInput) as caught:
        draft_claims(draft_request(**changed), WARES)
    assert field in str(caught.value)


def test_specification__that_the_template_does_not_take__is_refused() -> None:
    with pytest.raises(ClaimsRefused):
        draft_claims(ASKED, replace(WARES, specification={"cores": 4}))
    claims, _ = draft_claims(
        ASKED, replace(WARES, specification={"cores": 1, "region": "eu-2", "per": "1"})
    )
    assert claims["specification"]["per"] == "1000"  # a constant stays what it is


def test_claims__are_sealed_only_where_it_was_asked_for() -> None:
    claims, _ = draft_claims(draft_request(encryption=Encryption.JWE), WARES)
    assert claims["encryption"] == "jwe"


def test_policy__claims_at_the_bond_and_warns_before_half_is_gone() -> None:
    policy = draft_policy(TAKEN, LIMITS, TERMS, (OTHER,))
    assert policy.checkpoint_above == TERMS.bond
    assert policy.warn_below == TERMS.deposit // 2
    assert policy.lock_grace_s == LIMITS.exit_grace
    assert policy.controllers == (OTHER,)
    small = replace(TAKEN, checkpoint_above=Tokens(7), warn_below=Tokens(9))
    told = draft_policy(small, LIMITS, TERMS, ())
    assert (told.checkpoint_above, told.warn_below) == (7, 9)


def test_word_for_terms__counts_no_longer_than_was_asked_or_is_promised() -> None:
    assert promise_until(ASKED, TAKEN, START) == ASKED.valid_until
    assert promise_until(ASKED, replace(TAKEN, promise_s=10), START) == START + 10


# --- promises ----------------------------------------------------------------------------------

OFFER = make_offer_id(SELLER.address, 1)


def promise(payer: Address = TERMS.payer, peer: str = "::1", offer: OfferId = NO_OFFER) -> Promise:
    return Promise(payer, TERMS.deposit + TERMS.bond, offer, peer, Timestamp(START + 300))


def out(*promises: Promise) -> Promises:
    return Promises({ChannelId(bytes([n]) * 32): each for n, each in enumerate(promises)})


def listed(capacity: int, taken: int) -> Offer:
    draft = OfferDraft(
        OTHER,
        TERMS.initiation,
        TEMPLATES.initiation.version_id,
        Resources(1, 1, 1, 1),
        Tokens(2000),
        capacity,
        TERMS.expires_at,
    )
    return Offer(OFFER, draft, taken)


def people(count: int) -> list[Address]:
    return [Address(f"0x{number:040x}") for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("had", "who"),
    [
        ([promise() for _ in range(MAX_OF_PAYER)], f"payer {TERMS.payer}"),
        ([promise(each) for each in people(MAX_OF_PEER)], "this address"),
        (
            [promise(each, peer=each) for each in people(MAX_PROMISES)],
            "promises of this seller",
        ),
    ],
)
def test_promises__beyond_their_places__wait_for_another_time(had: list[Promise], who: str) -> None:
    with pytest.raises(Overloaded) as caught:
        out(*had).check(promise(), None, NONE_OPEN, 1000)
    assert caught.value.who == who
    assert caught.value.retry_after_s > 0
    out(*had[1:]).check(promise(), None, NONE_OPEN, 1000)


def test_promises__are_no_more_than_the_offer_has_free() -> None:
    wanted, had = promise(offer=OFFER), promise(PEOPLE["tower"], "a", OFFER)
    with pytest.raises(Overloaded) as caught:
        out(had).check(wanted, listed(3, 2), NONE_OPEN, 100)
    assert caught.value.who == "offer"
    out(had).check(wanted, listed(3, 1), NONE_OPEN, 100)
    out(promise()).check(wanted, listed(3, 2), NONE_OPEN, 100)


def test_promises__and_channels_are_no_more_than_are_served() -> None:
    with pytest.raises(Overloaded):
        out(promise(PEOPLE["tower"])).check(promise(), None, ONE_OPEN, 2)
    out().check(promise(), None, ONE_OPEN, 2)


def test_places__that_are_left_are_not_all_for_those_that_came_first() -> None:
    """Four networks have what they may have; a fifth that comes late finds places."""
    most = MAX_PROMISES - MAX_PROMISES // KEPT_BACK
    had = [promise(each, peer=f"net {at % 4}") for at, each in enumerate(people(most))]
    for wanted in (promise(peer="net 1"), promise(had[0].payer, "new")):
        with pytest.raises(Overloaded, match="no place"):
            out(*had).check(wanted, None, NONE_OPEN, 1000)
        out(*had[1:]).check(wanted, None, NONE_OPEN, 1000)
    out(*had).check(promise(OTHER, "new"), None, NONE_OPEN, 1000)
    more = [*had, *(promise(each, peer=each) for each in people(MAX_PROMISES)[most:])]
    out(*more[:-1]).check(promise(peer="new"), None, NONE_OPEN, 1000)
    with pytest.raises(Overloaded):
        out(*more).check(promise(peer="new"), None, NONE_OPEN, 1000)


def test_promises__whose_tokens_went_elsewhere_hold_no_place() -> None:
    """One deposit goes from account to account: it holds as many places as it is good for."""
    each = TERMS.deposit + TERMS.bond
    first, second, third = people(3)
    told = out(promise(first), promise(second), promise(third), promise(third))
    looked: list[Address] = []

    def tokens_of(payer: Address) -> int:
        looked.append(payer)
        return {third: 2 * each - 1, second: each}.get(payer, 0)

    left = told.backed(tokens_of)
    assert [kept.payer for kept in left.out.values()] == [second, third]
    assert sorted(looked) == sorted(people(3))


def sale_in(phase: SellerPhase, *, is_signed: bool = False) -> Sale:
    """A fake, for it has no more than what a count of places looks at."""
    return cast(Sale, SimpleNamespace(phase=phase, voucher=object() if is_signed else None))


def test_channel_that_nobody_pays__holds_no_place_while_it_waits_for_its_end() -> None:
    held = (SellerPhase.SERVING, SellerPhase.STOPPED)
    for phase in SellerPhase:
        for is_signed in (False, True):
            has_place = phase in held or (phase is SellerPhase.CLAIMING and is_signed)
            told = count_occupied([sale_in(phase, is_signed=is_signed)])
            is_open = phase in (*held, SellerPhase.CLAIMING, SellerPhase.WINDOW)
            assert told == Occupied(int(has_place), int(is_open)), phase


def test_largest_case__of_idle_channels_and_of_places_is_refused_by_name() -> None:
    """As many as an engine has accounts for, none of which pays; then one more."""
    idle = [sale_in(SellerPhase.CLAIMING) for _ in range(MAX_UNENDED)]
    out().check(promise(), None, count_occupied(idle[1:]), 1)
    with pytest.raises(Overloaded) as caught:
        out().check(promise(), None, count_occupied(idle), 1)
    assert (caught.value.who, caught.value.needed) == ("promises of this seller", "< 0")
    setting = next(
        each for each in settings_of(SellerSettings) if each.name.endswith(".max_channels")
    )
    assert setting.rule.within == (1, MAX_UNENDED)


def test_tokens__of_a_payer_are_those_of_all_that_it_was_promised() -> None:
    each = TERMS.deposit + TERMS.bond
    told = out(promise(), promise(), promise(PEOPLE["tower"]))
    assert told.count_tokens(TERMS.payer) == 2 * each
    assert told.count_tokens(OTHER) == 0


def test_an_unknown_address__is_no_peer_of_others() -> None:
    had = [promise(each, peer="") for each in people(MAX_OF_PEER + 1)]
    out(*had).check(promise(peer=""), None, NONE_OPEN, 1000)
