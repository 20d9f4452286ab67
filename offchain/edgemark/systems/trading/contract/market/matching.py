"""Which offers suit a demand, and in which order: the twin of `OfferBook.recommend`. Pure.

    suits(o, d)   o lasts until d.until, costs no more than d.most_price, has room for d.channels,
                  at least what d.least asks, d.template where that is named, and of each of
                  d.issuers a qualification that was recorded
    order         price, then place

Source: EFSC, section III: Q_s, P_s, R_s of a seller, D_c of a buyer; which order, it does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Moment
from edgemark.systems.trading.contract.market.records import Demand, Offer
from edgemark.systems.trading.identifiers import NO_TEMPLATE

IsRecorded = Callable[[Address, Hash32, Address], bool]
"""Whether (holder, credential, issuer) stands in the registry of evidence that a buyer trusts."""


class Unsuitable(RefusedInput):
    """An offer is not what a demand asks for."""


def suits(offer: Offer, demand: Demand, now: int, is_recorded: IsRecorded) -> bool:
    """Whether an offer suits a demand.

    Args:
        offer: as it is listed.
        demand: what is needed.
        now: chain time.
        is_recorded: asked of what the offer names, for each issuer that is demanded.
    """
    return find_lack(offer, demand, now, is_recorded) is None


def find_lack(offer: Offer, demand: Demand, now: int, is_recorded: IsRecorded) -> Unsuitable | None:
    """The first thing by which an offer does not suit a demand; as `suits`."""
    return next(_find_lacks(offer, demand, now, is_recorded), None)


def _find_lacks(
    offer: Offer, demand: Demand, now: int, is_recorded: IsRecorded
) -> Iterator[Unsuitable]:
    said = offer.draft
    had, least = said.specification.as_abi(), demand.least.as_abi()
    until, channels = max(now, demand.until), max(1, demand.channels)
    if (said.escrow, said.category) != (demand.escrow, demand.category):
        yield Unsuitable("is of another escrow or category", who="offer")
    if said.price > demand.most_price:
        price, most = Amount(said.price), f"<= {Amount(demand.most_price)}"
        yield Unsuitable("is above the most", who="price", had=price, needed=most)
    if said.expires_at < until:
        needed = f"{Moment(until)} or later"
        yield Unsuitable(
            "is over too early", who="offer", had=Moment(said.expires_at), needed=needed
        )
    if offer.free < channels:
        yield Unsuitable("is used up", who="capacity", had=offer.free, needed=channels)
    if demand.template not in (NO_TEMPLATE, said.template):
        ids = said.template.hex(), demand.template.hex()
        yield Unsuitable("is another", who="template", had=ids[0], needed=ids[1])
    if any(had_ < least_ for had_, least_ in zip(had, least, strict=True)):
        yield Unsuitable("is below the least", who="specification", had=had, needed=least)
    for issuer in demand.issuers:
        if not _is_qualified(offer, issuer, is_recorded):
            yield Unsuitable("is not recorded", who="qualification", needed=issuer)


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
