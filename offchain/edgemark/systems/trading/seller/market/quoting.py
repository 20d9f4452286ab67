"""What a seller signs terms for, and what it does not. Pure.

Law: it signs nothing that it would not serve. Each refusal says who, what there was, what it takes.

| checked of a request                                 | by                                     |
|------------------------------------------------------|----------------------------------------|
| seller, template, offer, price, encryption           | `check_asked`: what it sells           |
| interval, grace, cap, credit, window, bond, times    | `check_asked`: its own bounds          |
| deposit, bond, window, times, parties                | `contract.terms.check_terms`: the      |
|                                                      | escrow's                               |
| every claim                                          | `draft_claims`: the template's         |
| how many may be promised                             | `Promises.check`                       |
| controller, buyer's keys, template, payer's tokens   | whoever has the chain                  |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from edgemark.amounts import Amount
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import NO_HASH, Address, Timestamp, Tokens
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.contract.records import Limits
from edgemark.systems.trading.contract.terms import Terms, check_terms, compute_least_bond
from edgemark.systems.trading.identifiers import NO_OFFER, ChannelId, OfferId
from edgemark.systems.trading.protocol.agreement import Policy
from edgemark.systems.trading.protocol.asking.quotes import QuoteRequest, draft_terms
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.template import Template, take_claims
from edgemark.systems.trading.work.meter import MAX_CHANNELS

MAX_PROMISES = 64  # of channels that are not open yet
MAX_OF_PAYER = 4
MAX_OF_PEER = 16  # an address, or the network of one
KEPT_BACK = 4  # one place of so many is for who has none yet, by payer and by address
MAX_UNENDED = MAX_CHANNELS  # channels that did not end: as many as an engine has accounts for
RETRY_S = 30.0


class NotSold(RefusedInput):
    """The seller signs nothing for this request; the words say by which of its values."""


@dataclass(frozen=True)
class Wares:
    """What a seller sells.

    Attributes:
        seller: its DID.
        account: that signs openings, and is paid.
        key: address that signs vouchers and letters.
        initiation, settlement: the templates.
        price: for `per` units; first_price: owed once.
        specification: what of it the template leaves open.
        offer: by which it sells; `NO_OFFER`: by none.
    """

    seller: Did
    account: Address
    key: Address
    initiation: Template
    settlement: Template
    price: Tokens
    first_price: Tokens
    specification: Mapping[str, Any] = field(default_factory=dict)
    offer: OfferId = NO_OFFER


def check_asked(
    request: QuoteRequest, wares: Wares, taken: SellerSettings, limits: Limits, now: int
) -> None:
    """Check that a request is for what is sold, within what this seller takes.

    Args:
        request: whose signature is checked apart.
        wares: what is sold.
        taken: the seller's settings.
        limits: of the escrow.
        now: chain time.

    Raises:
        NotSold: it is not.
        ChannelRefused: the escrow would not open a channel on such terms.
    """
    for what, had, needed in (
        ("seller", request.seller, wares.account),
        ("initiation template", request.template.hex(), wares.initiation.version_id.hex()),
        ("offer", request.offer.hex(), wares.offer.hex()),
    ):
        if had != needed:
            _refuse(what, "is not sold here", had, needed)
    if not now <= request.valid_until:
        _refuse("valid until", "is over", request.valid_until, f">= {now}")
    check_terms(draft_terms(request, wares.key, wares.settlement.version_id, NO_HASH), limits, now)
    _check_prices(request, wares)
    _check_bounds(request, taken, now)


def _check_prices(request: QuoteRequest, wares: Wares) -> None:
    for what, price, most in (
        ("most price", wares.price, request.most_price),
        ("most first price", wares.first_price, request.most_first_price),
    ):
        if price > most:
            _refuse(what, "is below the price", Amount(most), f">= {Amount(price)}")


def _check_bounds(request: QuoteRequest, taken: SellerSettings, now: int) -> None:
    for what, number, least, most in (
        ("interval", request.interval_s, taken.min_interval_s, taken.max_interval_s),
        ("grace", request.grace_s, 0, taken.max_grace_s),
        ("window", request.window, taken.min_window_s, request.window),
        (
            "time of service",
            request.expires_at - now,
            taken.margin_s + request.interval_s,
            taken.max_service_s,
        ),
        ("time to close", request.close_by - request.expires_at, 1, taken.max_close_s),
    ):
        if not least <= number <= most:
            _refuse(what, "is none that this seller takes", f"{number} s", f"{least} .. {most} s")
    for what, amount, least, most in (
        ("cap of an interval", request.cap, 1, taken.max_cap),
        ("credit", request.credit, 0, taken.max_credit),
        ("deposit", request.deposit, max(1, taken.min_deposit), taken.max_deposit),
        ("bond", request.bond, least_bond(request.cap, taken), request.bond),
    ):
        if not least <= amount <= most:
            needed = f"{Amount(Tokens(least))} .. {Amount(Tokens(most))}"
            _refuse(what, "is none that this seller takes", Amount(amount), needed)


def least_bond(cap: int, taken: SellerSettings) -> int:
    """Of a payer, besides what the escrow asks for by the deposit.

    What is signed and not paid goes to the chain at the bond at the latest (`draft_policy`), in a
    transaction of the seller's. So a bond of dust would have it send one each interval, for dust;
    with these bounds each brings `min_bond` at least, and what a payer may ever owe beyond what the
    chain has (a bond, and an interval) is never above eleven bonds, also after a top-up. The first
    price comes on top, once: it is this seller's own, and no cap is on it.

    Args:
        cap: of an interval.
        taken: the seller's settings.
    """
    return max(taken.min_bond, compute_least_bond(cap))


def draft_claims(request: QuoteRequest, wares: Wares) -> tuple[Mapping[str, Any], InitiationClaims]:
    """The claims of the credential for a request, and what they say.

    What the template has as a constant is that; the rest is the buyer's wish, and the seller's
    price and specification.

    Raises:
        RefusedInput: the template does not take them; with the name of the field.
    """
    properties = wares.initiation.schema["properties"]
    constant = {name: part["const"] for name, part in properties.items() if "const" in part}
    asked = {
        "buyer": str(request.buyer),
        "specification": specify(wares.initiation, wares.specification),
        "unitPrice": str(wares.price),
        "firstPrice": str(wares.first_price),
        "encryption": request.encryption.value,
        "intervalS": request.interval_s,
        "cycles": request.cycles,
        "graceS": request.grace_s,
        "credit": str(request.credit),
        "intervalCap": str(request.cap),
    }
    claims = {**constant, **asked}
    agreed = take_claims(claims, wares.initiation)
    if not isinstance(agreed, InitiationClaims):
        raise TypeError("an initiation template has initiation claims")
    return claims, agreed


def specify(template: Template, chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    """The specification that a template leaves open, filled in.

    Args:
        template: TIT.
        chosen: by the seller, by name; what is constant stays what it is.
    """
    part = template.schema["properties"]["specification"]
    if "const" in part:
        whole: Mapping[str, Any] = part["const"]
        return whole
    parts = part.get("properties", {})
    constant = {name: each["const"] for name, each in parts.items() if "const" in each}
    return {**chosen, **constant}


def draft_policy(
    taken: SellerSettings, limits: Limits, terms: Terms, controllers: tuple[Address, ...]
) -> Policy:
    """What this seller decides for a channel.

    Nobody watches for it unless a tower was named: then it brings to the chain what is signed and
    not paid as soon as that is as much as the bond, which is all that a cheating payer loses.

    Args:
        taken: its settings.
        limits: of the escrow.
        terms: of the channel.
        controllers: whom it takes as the next one.
    """
    return Policy(
        margin_s=taken.margin_s,
        patience_s=taken.patience_s,
        valid_s=taken.valid_s,
        checkpoint_above=Tokens(max(1, min(taken.checkpoint_above, terms.bond))),
        warn_below=Tokens(min(taken.warn_below, terms.deposit // 2)),
        stale_after_s=taken.stale_after_s,
        lock_grace_s=limits.exit_grace,
        controllers=controllers,
    )


def promise_until(request: QuoteRequest, taken: SellerSettings, now: int) -> Timestamp:
    """Until when the seller's word for the opening counts."""
    return Timestamp(min(request.valid_until, now + taken.promise_s, request.expires_at))


@dataclass(frozen=True)
class Occupied:
    """What the channels of a seller take.

    Attributes:
        places: of those that are served at one time.
        unended: channels that are open on chain.
    """

    places: int
    unended: int


_OPEN = (SellerPhase.SERVING, SellerPhase.STOPPED, SellerPhase.CLAIMING, SellerPhase.WINDOW)


def count_occupied(sales: Iterable[Sale]) -> Occupied:
    """What is taken by those that are open.

    A place is for work, and for the voucher that pays it. In a window nothing is worked at, nor
    where the payer signed nothing: such a channel waits for its payer's word, or for `close_by`.
    """
    phases = Counter(
        (sale.phase, sale.voucher is not None) for sale in sales if sale.phase in _OPEN
    )
    idle = sum(phases[SellerPhase.WINDOW, has] for has in (False, True))
    idle += phases[SellerPhase.CLAIMING, False]
    return Occupied(phases.total() - idle, phases.total())


@dataclass(frozen=True)
class Promise:
    """The seller's word for a channel that is not open yet.

    Attributes:
        payer: who may open it; `deposit`: with so many tokens, the bond included.
        offer: that it takes of; `NO_OFFER`: of none.
        peer: from where it was asked for; empty when that is not known any more.
        until: last second at which it counts, chain time.
    """

    payer: Address
    deposit: int
    offer: OfferId
    peer: str
    until: Timestamp


@dataclass(frozen=True)
class Promises:
    """All that are out, by channel; one that is over, or is a channel by now, is none."""

    out: Mapping[ChannelId, Promise]

    def check(
        self, wanted: Promise, offer: Offer | None, open_now: Occupied, most_open: int
    ) -> None:
        """Check that one more can be given.

        Of the places that are left a part is kept back for who has none: so nobody that came first
        has them all, by however many accounts it asks.

        Args:
            wanted: the next one.
            offer: as the chain has it; None when there is none.
            open_now: channels that there are.
            most_open: that are served at one time.

        Raises:
            Overloaded: as many are out as there are places, in all, for this payer or peer, or of
                this offer.
        """
        out = list(self.out.values())
        of_offer = sum(each.offer == wanted.offer for each in out)
        of_payer = sum(each.payer == wanted.payer for each in out)
        of_peer = sum(each.peer == wanted.peer for each in out) if wanted.peer else 0
        left = min(MAX_PROMISES, most_open - open_now.places, MAX_UNENDED - open_now.unended)
        free = left if offer is None else min(left, offer.free)
        has_some = of_payer > 0 or of_peer > 0

        def most_of(places: int) -> int:
            return places - (places // KEPT_BACK if has_some else 0)

        for what, had, most in (
            (f"payer {wanted.payer}", of_payer, MAX_OF_PAYER),
            ("this address", of_peer, MAX_OF_PEER),
            ("promises of this seller", len(out), most_of(left)),
            ("offer", of_offer, most_of(free)),
        ):
            if had >= most:
                raise Overloaded(
                    "has no place for another channel",
                    who=what,
                    had=had,
                    needed=f"< {most}",
                    retry_after_s=RETRY_S,
                )

    def backed(self, tokens_of: Callable[[Address], int]) -> Promises:
        """Those whose payers still have the tokens; who moved them away has no place any more.

        Args:
            tokens_of: what an account has, in the anchor and beside it.
        """
        left: dict[Address, int] = {}
        kept: dict[ChannelId, Promise] = {}
        for channel, each in self.out.items():
            had = left[each.payer] if each.payer in left else tokens_of(each.payer)
            if had >= each.deposit:
                kept[channel], had = each, had - each.deposit
            left[each.payer] = had
        return Promises(kept)

    def count_tokens(self, payer: Address) -> int:
        """What a payer needs for those that it was promised."""
        return sum(each.deposit for each in self.out.values() if each.payer == payer)


def _refuse(what: str, why: str, had: object, needed: object) -> NoReturn:
    raise NotSold(why, who=f"request, {what}", had=had, needed=needed)
