"""Which offers suit a demand, and in which order: the twin of `OfferBook.recommend`. Pure.

    suits(o, d)   o lasts until d.until, costs no more than d.most_price, has room for d.channels,
                  at least what d.least asks, d.template where that is named, and of each of
                  d.issuers a qualification that was recorded
    order         price, then place

Source: EFSC, section III: Q_s, P_s, R_s of a seller, D_c of a buyer; which order, it does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.contract.market.records import Demand, Offer
from edgemark.systems.trading.identifiers import NO_TEMPLATE

IsRecorded = Callable[[Address, Hash32, Address], bool]
"""Whether (holder, credential, issuer) stands in the registry of evidence that a buyer trusts."""


def suits(offer: Offer, demand: Demand, now: int, is_recorded: IsRecorded) -> bool:
    """Whether an offer suits a demand.

    Args:
        offer: as it is listed.
        demand: what is needed.
        now: chain time.
        is_recorded: asked of what the offer names, for each issuer that is demanded.
    """
    said = offer.draft
    had, least = said.specification, demand.least
    return (
        (said.escrow, said.category) == (demand.escrow, demand.category)
        and said.expires_at >= max(now, demand.until)
        and said.price <= demand.most_price
        and offer.free >= max(1, demand.channels)
        and demand.template in (NO_TEMPLATE, said.template)
        and all(had_ >= least_ for had_, least_ in zip(had.as_abi(), least.as_abi(), strict=True))
        and all(_is_qualified(offer, issuer, is_recorded) for issuer in demand.issuers)
    )


def recommend(
    offers: Sequence[Offer], demand: Demand, now: int, is_recorded: IsRecorded
) -> list[Offer]:
    """Those that suit a demand, the best first."""
    fitting = [offer for offer in offers if suits(offer, demand, now, is_recorded)]
    return sorted(fitting, key=lambda offer: (offer.draft.price, offer.place))


def _is_qualified(offer: Offer, issuer: Address, is_recorded: IsRecorded) -> bool:
    return any(
        named.issuer == issuer and is_recorded(offer.seller, named.credential_hash, issuer)
        for named in offer.draft.qualifications
    )
