"""A buyer asks a seller for a channel, and takes the terms only when they are what it asked for.

| step                                  | function                                              |
|---------------------------------------|-------------------------------------------------------|
| conditions that the template allows   | `fit_conditions`                                      |
| request, signed by the buyer's DID    | `draft_request`                                       |
| the seller's quote                    | `ask_quote`                                           |
| credential, terms, opening checked    | `ask_quote`: `credentials.quoted`, `verification`     |

What the request's signature covers stands in `protocol.asking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.credentials.jose.encryption import Reader
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.verification import Wanted, verify
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.buyer.market.choosing import SellerPlace, lists_of
from edgemark.systems.trading.contract.records import Limits
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.credentials.initiation import Templates, carried_in
from edgemark.systems.trading.credentials.payloads import INITIATION, schema_of
from edgemark.systems.trading.credentials.quoted import Quoted, check_quote
from edgemark.systems.trading.credentials.sealing import check_readers, check_travel
from edgemark.systems.trading.identifiers import OfferId, TemplateVersionId
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Policy
from edgemark.systems.trading.protocol.asking.quotes import (
    MAX_QUOTE_BYTES,
    Quote,
    QuoteRequest,
    QuoteStrange,
    sign_request,
)
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.post.seals import Seals, find_readers
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.fields import Encryption, parse_choice
from edgemark.systems.trading.templates.initiation import parse_per, parse_strategy
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import Tariff
from edgemark.systems.trading.templates.template import Template, list_ways
from edgemark.transport.faults import from_peer

INITIATIONS = "/v1/initiations"
NONCE_BITS = 256
MAX_GRACE = 2**31


class NotOffered(RefusedInput):
    """The seller's template does not allow what is wanted."""


@dataclass(frozen=True)
class Conditions:
    """What a buyer wants of a channel, as far as a template leaves it open; see `QuoteRequest`."""

    interval_s: int
    cycles: int
    grace_s: int
    cap: Tokens
    credit: Tokens


@dataclass(frozen=True)
class Money:
    """What a buyer puts into a channel, and until when.

    Attributes:
        deposit, bond: smallest unit.
        window: seconds, in which a larger amount may be shown.
        expires_at, close_by: chain time.
    """

    deposit: Tokens
    bond: Tokens
    window: int
    expires_at: Timestamp
    close_by: Timestamp

    @property
    def locked(self) -> Tokens:
        """Both together."""
        return Tokens(self.deposit + self.bond)


def plan_money(
    deposit: Tokens,
    bond: Tokens,
    seconds: int,
    settings: BuyerSettings,
    limits: Limits,
    now: int,
) -> Money:
    """Money and times of a channel that is opened now.

    Args:
        deposit: smallest units.
        bond: smallest units.
        seconds: of service.
        settings: of the buyer.
        limits: of the escrow.
        now: chain time.
    """
    window = min(max(settings.window_s, limits.min_window), limits.max_window)
    expires_at = now + seconds + settings.margin_s
    close_by = expires_at + max(window, settings.close_s)
    times = Timestamp(expires_at), Timestamp(close_by)
    return Money(deposit, bond, window, *times)


def read_unit(template: Template) -> tuple[Meter, int]:
    """What an initiation template counts, and how many of it have the unit price.

    Both have to be constant: what a template leaves open its seller fills in when it quotes, and
    one that may then count seconds instead of work would be paid for none.

    Args:
        template: TIT.

    Raises:
        NotOffered: it leaves one of them open.
        RefusedInput: no unit has the price.
    """
    part = template.schema["properties"]["specification"]
    parts = part.get("properties", {})
    said = part.get("const") or {n: each["const"] for n, each in parts.items() if "const" in each}
    if not {"meter", "per"} <= said.keys():
        raise NotOffered(
            "leaves open what is counted",
            who=template.label,
            had="meter or per that the seller chooses when it quotes",
            needed="both as constants of its specification",
        )
    return parse_choice(Meter)(said["meter"]), parse_per(said["per"])


def read_tariff(template: Template, price: Tokens, most_first: Tokens = NO_TOKENS) -> Tariff:
    """What units cost by an initiation template.

    Args:
        template: TIT.
        price: of the offer, where the template leaves it open.
        most_first: first price at most, where the template leaves that open.

    Raises:
        NotOffered: as `read_unit`.
    """
    properties = template.schema["properties"]
    _, per = read_unit(template)
    unit_price = int(properties["unitPrice"].get("const", price))
    first = int(properties["firstPrice"].get("const", most_first))
    strategy = parse_strategy(template.constant("settlementStrategy"))
    return Tariff(Tokens(unit_price), per, Tokens(first), strategy)


def fit_conditions(template: Template, wanted: Conditions) -> Conditions:
    """What is wanted, within what a template allows.

    Raises:
        NotOffered: a field is a constant of a kind that no channel can have.
    """
    return Conditions(
        _fit(template, "intervalS", wanted.interval_s),
        min(_fit(template, "cycles", wanted.cycles), int(template.constant("maxCycles"))),
        _fit(template, "graceS", wanted.grace_s),
        Tokens(_fit(template, "intervalCap", wanted.cap)),
        Tokens(_fit(template, "credit", wanted.credit)),
    )


def _fit(template: Template, name: str, wanted: int) -> int:
    part: Mapping[str, Any] = template.schema["properties"][name]
    choices = [part["const"]] if "const" in part else part.get("enum")
    if choices is not None:
        try:
            return min(map(int, choices), key=lambda each: abs(each - wanted))
        except (TypeError, ValueError) as error:
            who = f"template {template.label}, {name}"
            raise NotOffered("is no number", who=who, had=str(choices)[:80]) from error
    return int(min(max(wanted, part.get("minimum", wanted)), part.get("maximum", wanted)))


def choose_encryption(templates: Templates, *, is_sealed: bool) -> Encryption:
    """How the claims travel: in the clear where both templates take that and nobody minds.

    Args:
        templates: of the trade.
        is_sealed: whether the user wants them sealed.

    Raises:
        NotOffered: a template takes no such claims.
    """
    both = [list_ways(each) for each in (templates.initiation, templates.settlement)]
    wanted = (Encryption.JWE,) if is_sealed else (Encryption.NONE, Encryption.JWE)
    for way in wanted:
        if all(way in ways for ways in both):
            return way
    had = " and ".join(", ".join(way.value for way in ways) for ways in both)[:80]
    raise NotOffered(
        "lets claims travel otherwise",
        who=f"template {templates.initiation.label}",
        had=had,
        needed=" or ".join(way.value for way in wanted),
        remedy="Choose another offer.",
    )


@dataclass(frozen=True)
class Bid:
    """What a seller is asked for.

    Attributes:
        offer, template: by which it sells.
        seller: its account.
        controller: that issues the credentials.
        money, conditions: of the channel.
        most_price: for `per` units; most_first_price: with the first interval.
        encryption: how claims travel.
        valid_until: last second at which the request counts.
    """

    offer: OfferId
    template: TemplateVersionId
    seller: Address
    controller: Address
    money: Money
    conditions: Conditions
    most_price: Tokens
    most_first_price: Tokens
    encryption: Encryption
    valid_until: Timestamp


def draft_request(station: TradingStation, bid: Bid) -> QuoteRequest:
    """A bid as a request, signed by this account's identity; the account pays and signs."""
    nonce = int.from_bytes(Randomness().octets(NONCE_BITS // 8), "big")
    account, money, wanted = station.keys.account, bid.money, bid.conditions
    request = QuoteRequest(
        seller=bid.seller,
        buyer=station.did,
        payer=account.address,
        payer_key=account.address,
        offer=bid.offer,
        template=bid.template,
        controller=bid.controller,
        deposit=money.deposit,
        bond=money.bond,
        window=money.window,
        expires_at=money.expires_at,
        close_by=money.close_by,
        nonce=nonce,
        interval_s=wanted.interval_s,
        cycles=wanted.cycles,
        grace_s=wanted.grace_s,
        cap=wanted.cap,
        credit=wanted.credit,
        most_price=bid.most_price,
        most_first_price=bid.most_first_price,
        encryption=bid.encryption,
        valid_until=bid.valid_until,
    )
    return sign_request(request, account.sign(request.digest(station.domain)))


@dataclass(frozen=True)
class Taken:
    """A quote that is what was asked for, and what is kept of it."""

    quoted: Quoted
    deal: Deal


def ask_quote(
    station: TradingStation, place: SellerPlace, request: QuoteRequest, templates: Templates
) -> Taken:
    """Ask a seller, and check everything that it answers.

    Args:
        station: of the buyer.
        place: of the seller.
        request: signed.
        templates: of the trade, as the chain has them.

    Raises:
        PeerUnreachable, PeerRefused: the seller gives no quote.
        QuoteStrange, BadSignature, KeyUnusable, OutOfTime, PayloadInvalid: it gives another.
        TravelsOtherwise: its claims are in the clear where they were to be sealed.
        KeyUnusable, AgreementKeyMissing: there is nobody to seal for.
        LedgerUnavailable, Overloaded: nobody knows who the seller is.
    """
    readers = find_readers_of(station, place.did, request.encryption)
    asked = (place.endpoint, place.pin, "POST", INITIATIONS, request.to_wire())
    raw = station.strangers.request(*asked, most_bytes=MAX_QUOTE_BYTES)
    now = station.head().block
    with from_peer(str(place.did)):
        quote = Quote.from_wire(raw)
        signed = read_signed(quote.token)
        claims = open_quoted(Seals.of_station(station), request, signed, readers)
        asked_for = (request, quote, signed, claims, templates)
        quoted = check_quote(*asked_for, station.domain, now)
    known = station.documents.knowledge(signed, lists_of(station))
    schema = schema_of(templates.initiation)
    wanted = Wanted(issuer=place.did, subject=request.buyer, kind=INITIATION, schema=schema)
    with from_peer(str(place.did)):
        verify(signed, known, wanted)
    opened = claims if readers else None
    deal = Deal.of(quoted.agreement.terms, quote.token, templates, opened, readers)
    return Taken(quoted, deal)


def find_readers_of(
    station: TradingStation, seller: Did, encryption: Encryption
) -> tuple[Reader, ...]:
    """For which keys claims of a channel of this buyer are sealed; none where they are not.

    Raises:
        KeyUnusable, AgreementKeyMissing: a party has none; with the command that makes one.
        LedgerUnavailable, Overloaded: nobody knows.
    """
    if encryption is Encryption.NONE:
        return ()
    me = station.did
    return find_readers(station.documents, station.home, seller, me, me)


def open_quoted(
    seals: Seals, request: QuoteRequest, signed: SignedCredential, readers: Sequence[Reader]
) -> Mapping[str, Any]:
    """The claims of a quote, once they travel as they were asked for, and for these readers.

    Raises:
        TravelsOtherwise: in the clear where they were to be sealed, or the other way round.
        QuoteStrange, PayloadInvalid: they are sealed for others.
        EdgemarkError: they cannot be opened, see `AgreementKeys.decrypt`.
    """
    part = carried_in(signed)
    check_travel(part, request.encryption)
    if request.encryption is Encryption.JWE:
        had = check_readers(part, (signed.issuer, request.buyer))
        needed = [each.kid for each in readers]
        if set(had) != set(needed):
            raise QuoteStrange("is sealed for other keys", who="quote", had=had, needed=needed)
    return seals.open_claims(part, request.buyer)


def draft_policy(settings: BuyerSettings, limits: Limits, terms: Terms) -> Policy:
    """What this buyer decides for a channel."""
    return Policy(
        margin_s=settings.margin_s,
        patience_s=settings.patience_s,
        valid_s=settings.quote_s,
        checkpoint_above=terms.deposit,
        warn_below=Tokens(0),
        stale_after_s=settings.stale_after_s,
        lock_grace_s=limits.exit_grace,
    )


def with_controllers(policy: Policy, controllers: tuple[Address, ...]) -> Policy:
    """The same, taking these as next controllers."""
    return replace(policy, controllers=controllers)
