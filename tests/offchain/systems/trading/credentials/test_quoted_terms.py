"""A buyer takes a quote when it is what it asked for, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START, key_of
from tests.offchain.systems.trading.credentials.asking_cast import (
    DOMAIN,
    QUOTE,
    REQUEST,
    draft_request,
    sign_quote,
)
from tests.offchain.systems.trading.credentials.trade_cast import (
    CHANNEL,
    TEMPLATES,
    TERMS,
    TIC,
    did_of,
    initiate,
)

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Tokens
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.systems.trading.credentials.initiation import carried_in
from edgemark.systems.trading.credentials.payloads import PayloadInvalid
from edgemark.systems.trading.credentials.quoted import Quoted, check_quote
from edgemark.systems.trading.credentials.sealing import TravelsOtherwise, claims_in
from edgemark.systems.trading.protocol.agreement import Conditions
from edgemark.systems.trading.protocol.asking.quotes import Quote, QuoteRequest, QuoteStrange
from edgemark.systems.trading.templates.fields import Encryption


def check(request: QuoteRequest, quote: Quote) -> Quoted:
    signed = read_signed(quote.token)
    claims = claims_in(carried_in(signed))
    assert claims is not None
    return check_quote(request, quote, signed, claims, TEMPLATES, DOMAIN, START)


def test_quote__that_is_what_was_asked_for__is_the_agreement() -> None:
    quoted = check(REQUEST, QUOTE)
    assert quoted.agreement.channel == CHANNEL
    assert quoted.agreement.terms == TERMS
    assert quoted.agreement.conditions == Conditions.of(quoted.agreed)
    assert quoted.opening == QUOTE.opening


@pytest.mark.parametrize(
    ("claim", "who"),
    [
        ({"intervalS": 61}, "quote, interval"),
        ({"cycles": 11}, "quote, N"),
        ({"graceS": 119}, "quote, grace"),
        ({"intervalCap": "99999"}, "quote, cap of an interval"),
        ({"credit": "10001"}, "quote, credit"),
        ({"unitPrice": "2001"}, "quote, price"),
        ({"firstPrice": "51"}, "quote, first price"),
    ],
)
def test_quote__on_other_conditions__is_strange(claim: dict[str, Any], who: str) -> None:
    with pytest.raises(QuoteStrange) as caught:
        check(REQUEST, sign_quote(REQUEST, initiate(**claim)))
    assert caught.value.who == who
    assert caught.value.had is not None and caught.value.needed is not None


def test_quote__that_says_sealed_and_is_not__travels_otherwise() -> None:
    with pytest.raises(TravelsOtherwise, match="otherwise"):
        check(REQUEST, sign_quote(REQUEST, initiate(encryption="jwe")))


def test_quote__below_the_most_price__is_taken() -> None:
    request = draft_request(most_price=Tokens(2001), most_first_price=Tokens(51))
    assert check(request, sign_quote(request)).agreed.unit_price == 2000


def of_another_buyer() -> SignedCredential:
    """Its claims say another buyer than the credential's subject."""
    return initiate(buyer=str(did_of(key_of("rival"))))


def test_quote__about_another_buyer__is_refused() -> None:
    with pytest.raises(PayloadInvalid, match="subject"):
        check(REQUEST, sign_quote(REQUEST, of_another_buyer()))
    other = draft_request(buyer=did_of(key_of("rival")))
    with pytest.raises(QuoteStrange, match="another than was asked for"):
        check(other, sign_quote(other))


def test_quote__of_a_seller_that_is_not_its_templates__is_strange() -> None:
    rival = key_of("rival")
    request = draft_request(seller=rival.address)
    with pytest.raises(QuoteStrange) as caught:
        check(request, sign_quote(request, key=rival))
    assert caught.value.who == "quote, seller"


def test_quote__of_another_template_than_was_asked_for__is_refused() -> None:
    request = draft_request(template=TEMPLATES.settlement.version_id)
    with pytest.raises(RefusedInput, match="names another template"):
        check(request, sign_quote(request))


def test_quote__with_terms_of_another_credential__is_refused() -> None:
    other = initiate(unitPrice="1")
    mixed = Quote(TIC.token, *_rest(sign_quote(REQUEST, other)))
    with pytest.raises(EdgemarkError, match="sign"):
        check(REQUEST, mixed)


def _rest(quote: Quote) -> tuple[Any, ...]:
    return quote.seller_key, quote.settlement_template, quote.opening


def test_request__asks_for_a_way_that_the_template_has() -> None:
    assert {each.value for each in Encryption} == set(
        TEMPLATES.initiation.schema["properties"]["encryption"]["enum"]
    )
