"""What a buyer checks of a quote before it takes the terms: that it is what was asked for.

The credential's signature, its period and its status are checked apart, against the chain of
identities (`identity.credentials.verification`), as is whether the templates are registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.did.identifier import is_same
from edgemark.systems.trading.credentials.initiation import Templates, check_initiation
from edgemark.systems.trading.protocol.agreement import Agreement, Conditions, Opening
from edgemark.systems.trading.protocol.asking.quotes import (
    Quote,
    QuoteRequest,
    QuoteStrange,
    check_opening,
)
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.templates.initiation import InitiationClaims


@dataclass(frozen=True)
class Quoted:
    """A quote that is what was asked for.

    Attributes:
        agreement: channel, terms, conditions.
        agreed: the claims of the initiation credential: what is sold, and its price.
        opening: the seller's word for the terms.
    """

    agreement: Agreement
    agreed: InitiationClaims
    opening: Opening


def check_quote(
    request: QuoteRequest,
    quote: Quote,
    signed: SignedCredential,
    claims: Mapping[str, Any],
    templates: Templates,
    domain: ChannelDomain,
    now: int,
) -> Quoted:
    """Check that a quote answers a request.

    Args:
        request: of this buyer.
        quote: what came back.
        signed: `read_signed(quote.token)`.
        claims: of it, in the clear, or as `sealing.unseal` gave them.
        templates: of the trade, as a chain has them.
        domain: of the escrow.
        now: chain time.

    Raises:
        BadSignature: the seller did not sign these terms.
        QuoteStrange: another buyer, seller, interval, N, cap, credit, grace or encryption than was
            asked for, a price above the most, or a word that counts no more.
        PayloadInvalid, SchemaMismatch, TemplateSwapped: the credential is of another trade.
        RefusedInput: claims that are not what the template asks for.
    """
    channel, terms = check_opening(request, quote, signed.digest, domain, now)
    agreed = check_initiation(signed, claims, templates, terms)
    _check_parties(request, agreed)
    for what, had, needed in (
        ("interval", agreed.interval_s, request.interval_s),
        ("N", agreed.cycles, request.cycles),
        ("grace", agreed.grace_s, request.grace_s),
        ("cap of an interval", agreed.interval_cap, request.cap),
        ("credit", agreed.credit, request.credit),
        ("encryption", agreed.encryption.value, request.encryption.value),
    ):
        if had != needed:
            _strange(what, had, needed)
    for what, price, most in (
        ("price", agreed.unit_price, request.most_price),
        ("first price", agreed.first_price, request.most_first_price),
    ):
        if price > most:
            _strange(what, price, f"<= {most}")
    return Quoted(Agreement(channel, terms, Conditions.of(agreed)), agreed, quote.opening)


def _check_parties(request: QuoteRequest, agreed: InitiationClaims) -> None:
    if not is_same(agreed.buyer, request.buyer):
        _strange("buyer", agreed.buyer, request.buyer)
    if agreed.seller.identity != request.seller:
        _strange("seller", agreed.seller, request.seller)


def _strange(what: str, had: object, needed: object) -> NoReturn:
    raise QuoteStrange(
        "is another than was asked for", who=f"quote, {what}", had=had, needed=needed
    )
