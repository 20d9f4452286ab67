"""Offers as people type them: whole, or the beginning of one that was ever posted.

Law: tokens and work go to whom an offer names, so one that begins alike on purpose never takes
     another's place. Offers that are gone stay known: of two sellers whose offers begin alike none
     is meant. Of one seller, all of whose offers begin alike, those count that are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.market.events import OfferPosted
from edgemark.systems.trading.contract.market.offers import OfferContract, OfferUnknown
from edgemark.systems.trading.contract.market.records import seller_of
from edgemark.systems.trading.identifiers import OfferId, parse_offer_id
from edgemark.systems.trading.story.reading import Lookout

OFFER: KindOfId[OfferId] = KindOfId("offer", 64, parse_offer_id)


def find_offer(settings: Settings, typed: str) -> OfferId:
    """The offer that somebody typed; the chain is asked only for one that is not whole.

    Raises:
        IdUnknown, IdAmbiguous, RefusedInput: as `find_id`.
        LedgerUnavailable: the chain does not answer.
    """

    def list_ids() -> list[str]:
        lookout = Lookout.open(settings)
        chain, deployment = lookout.chain, lookout.deployment
        escrow = deployment.contract("ChannelEscrow").address
        contract = deployment.contract("OfferBook")
        book = OfferContract(chain, contract, escrow)
        logs = chain.logs([contract.address], deployment.block, chain.head())
        posted = [
            event.offer
            for event in decode_logs([contract], logs)
            if isinstance(event, OfferPosted) and event.escrow == escrow
        ]
        return [each.hex() for each in choose(typed, posted, lambda key: _is_listed(book, key))]

    return find_id(OFFER, typed, Known("this chain", list_ids))


def choose(
    typed: str, posted: Sequence[OfferId], is_listed: Callable[[OfferId], bool]
) -> list[OfferId]:
    """The offers among which a beginning is looked up.

    Args:
        typed: the beginning, with or without `0x`.
        posted: all that ever were.
        is_listed: asked of those that begin so, where all are of one seller.
    """
    digits = typed.lower().removeprefix("0x")
    begun = [each for each in posted if each.hex().startswith(digits)]
    if len({seller_of(each) for each in begun}) == 1:
        return [each for each in begun if is_listed(each)] or begun
    return list(posted)


def _is_listed(book: OfferContract, offer: OfferId) -> bool:
    try:
        book.offer(offer)
    except OfferUnknown:
        return False
    return True
