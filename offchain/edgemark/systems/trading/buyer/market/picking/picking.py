"""Which offer is taken: the first that goes through every check.

All that suit are looked at, some together (`window`), and the one comes first by which this order
costs least: the contract compares prices alone, of as many units as each seller's template says,
and by its weights. Where more suit than are looked at together, those are looked at first whose
word this home took before: no stranger buys that by a low price.

Law 1: a cheap offer that cannot be taken hides none behind it, however many there are: each is
       passed over, with why, until one is taken or all that suit the demand were looked at.
Law 2: it ends: a category has `MAX_PLACES` offers, and the buyer has its time, `choose_s`. Sellers
       that stall have so little of it that all others are asked (`compute_promised`), and one that
       is out of reach is asked once.
Law 3: a seller is asked for its word, which makes it hold a place, when nothing else is left.
Law 4: whatever a seller's data make of one offer, is that offer's fault, and ends no purchase.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.buyer.market.bidding import Choice, Wishes
from edgemark.systems.trading.buyer.market.choosing import (
    SellerPlace,
    check_qualified,
    fetch_templates,
    fetch_text,
    find_seller,
)
from edgemark.systems.trading.buyer.market.leasts import ServesAnother, fetch_leasts
from edgemark.systems.trading.buyer.market.picking.candidates import (
    find_known,
    find_places,
    shares_of,
)
from edgemark.systems.trading.buyer.market.picking.canvass import Canvass
from edgemark.systems.trading.buyer.market.picking.passing import (
    AWAY,
    NoOffer,
    PassedOver,
    by_fault_of,
    fault_of_offer,
)
from edgemark.systems.trading.buyer.market.picking.window import (
    AT_ONCE,
    Asked,
    Step,
    Window,
    compute_paces,
)
from edgemark.systems.trading.buyer.market.programs import find_program
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.market.matching import find_lack
from edgemark.systems.trading.contract.market.records import MAX_PLACES, Demand, Offer
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.station import TradingStation

FEW = 3  # reasons that one line says; all of them are told one by one

T = TypeVar("T")


@dataclass(frozen=True)
class Looked:
    """An offer that may be taken, and what the order costs by it at most."""

    choice: Choice
    cost: int


@dataclass(frozen=True)
class Word(Generic[T]):
    """What came of the offer that is taken."""

    given: T


@dataclass
class Picking:
    """One choice among the offers of a demand.

    Args:
        station: of the buyer.
        wishes: of the user.
        tell: hears of each offer that is passed over, at once.
        clock: seconds that never go back.
    """

    station: TradingStation
    wishes: Wishes
    tell: Callable[[PassedOver], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    passed_over: list[PassedOver] = field(default_factory=list)
    _away: dict[Address, EdgemarkError] = field(default_factory=dict)
    _unknown: BaseException | None = None

    def pick(
        self,
        take: Callable[[Choice], T],
        cost: Callable[[Choice], int] = lambda _: 0,
        words: int = 1,
    ) -> T:
        """What `take` makes of the first offer that it can be made of.

        Args:
            take: of an offer whose seller is there, and vouched for; raises why it is passed over.
                It is called in threads, of several at a time where one stalls.
            cost: of what is ordered, by an offer; raises as `take`.
            words: for which `take` asks a seller, one after the other.

        Raises:
            NoOffer: none can be taken, or none was found in time.
            OfferUnknown: the one that was named is not listed.
            OfferStrange: nothing can be computed with what its seller says of it.
            EdgemarkError: why the one that was named cannot be taken.
            LedgerUnavailable, Overloaded, Unrecoverable: nobody knows.
        """
        wishes, book = self.wishes, self.station.offers
        if wishes.offer is not None:
            named = book.offer(wishes.offer)
            with by_fault_of(named):
                return take(self._look_at(named, find_seller(self.station, named.seller)))
        if wishes.demand is None:
            raise NoOffer("is named", who="no offer and no demand", needed="one of them")
        offers, _ = book.recommend_all(wishes.demand, MAX_PLACES)
        if not offers:
            raise self._none_suits(wishes.demand)
        return self._pick_of(self._in_order(offers), take, cost, words)

    def _in_order(self, offers: Sequence[Offer]) -> Sequence[Offer]:
        """As they are looked at; where all are together the order says nothing."""
        if len(offers) <= AT_ONCE:
            return offers
        known = find_known(self.station.deals, self.station.address)
        return sorted(offers, key=lambda offer: offer.seller not in known)

    def _pick_of(
        self,
        offers: Sequence[Offer],
        take: Callable[[Choice], T],
        cost: Callable[[Choice], int],
        words: int,
    ) -> T:
        seconds = self.station.settings.of(BuyerSettings).choose_s
        places = find_places(self.station, offers)
        ends_at = self.clock() + seconds  # from when sellers are asked
        looked: dict[int, Looked] = {}

        def ask(asked: Asked) -> Looked | Word[T]:
            offer = offers[asked.seller]
            with by_fault_of(offer):
                if asked.step is Step.WORD:
                    return Word(take(looked[asked.seller].choice))
                place = places[offer.seller]
                if isinstance(place, EdgemarkError):
                    raise place
                choice = self._look_at(offer, place)
                return Looked(choice, cost(choice))

        shares = [shares_of(places[each.seller], each.seller) for each in offers]
        window = Window(shares, compute_paces(len(offers), seconds, words))
        canvass = Canvass[Looked | Word[T]](window, ask, self.clock)
        while (heard := canvass.hear(ends_at)) is not None:
            found, number = heard.found, heard.asked.seller
            if isinstance(found, Word):
                return found.given
            if isinstance(found, Looked) and offers[number].seller not in self._away:
                looked[number] = found
                window.keep(number, found.cost)
            else:
                self._pass_over(offers, heard.asked, found, window)
        if self._unknown is not None:
            raise self._unknown
        raise self._none_of(len(offers), None if window.is_over else seconds)

    def _pass_over(
        self, offers: Sequence[Offer], asked: Asked, found: object, window: Window
    ) -> None:
        """One that cannot be taken; of a seller that is away all its offers."""
        offer = offers[asked.seller]
        why = self._away.get(offer.seller)
        if isinstance(found, BaseException):
            why = fault_of_offer(found)
            if why is None and asked.step is Step.WORD:
                raise found
            if why is None:  # those that may be taken go first
                self._unknown = self._unknown or found
                window.look_no_more()
                return
        if why is None:
            return
        self._note(offer, why)
        if isinstance(why, AWAY):
            self._away[offer.seller] = why
            for each in window.drop(lambda each: offers[each].seller == offer.seller):
                self._note(offers[each], why)
        if isinstance(why, ServesAnother):  # nor does anybody else who says that it serves there
            server, shared = why.account, window.shares[asked.seller] - {offer.seller}
            for each in window.drop(
                lambda each: offers[each].seller != server and bool(shared & window.shares[each])
            ):
                self._note(offers[each], why)

    def _note(self, offer: Offer, why: EdgemarkError) -> None:
        passed = PassedOver(offer.id, why)
        self.passed_over.append(passed)
        self.tell(passed)

    def _look_at(self, offer: Offer, place: SellerPlace) -> Choice:
        station, wishes = self.station, self.wishes
        leasts = fetch_leasts(station, place)
        templates = fetch_templates(station, place, offer.draft.template, wishes.texts)
        if wishes.auditor is not None:
            at_hand = dict(wishes.qualifications)

            def show(digest: Hash32) -> bytes:
                return at_hand.get(digest) or fetch_text(station, place, digest)

            check_qualified(station, offer, wishes.auditor, show)
        program = find_program(station, place, wishes.program) if wishes.program else None
        return Choice(offer, place, templates, leasts, program)

    def _none_suits(self, demand: Demand) -> NoOffer:
        """Of a demand that the contract finds nothing for: why not each that is listed."""
        station = self.station
        listed = [station.offers.offer(each) for each in station.offers.listed(demand.category)]
        listed.sort(key=lambda offer: (offer.draft.price, offer.place))

        def is_recorded(holder: Address, digest: Hash32, issuer: Address) -> bool:
            signed = station.evidence_domain.qualification(holder, digest)
            found = station.evidence.recorded([compute_evidence_id(signed, [issuer])])
            return bool(found[0].recorded_at)

        now = station.head().block
        lacks = {each.id: find_lack(each, demand, now, is_recorded) for each in listed}
        self.passed_over += [PassedOver(key, why) for key, why in lacks.items() if why is not None]
        if self.passed_over:
            error = self._none_of(len(self.passed_over))
            error.needed = "an offer that suits; the cheapest of the category is told first"
            return error
        return NoOffer(
            "can be taken",
            who="no offer",
            had=f"none in the category {demand.category.hex()[:16]}",
            needed="a category as its sellers name it: the exact text, or its hash",
            remedy="`edgemark index offers` lists those of all categories.",
        )

    def _none_of(self, many: int, seconds: float | None = None) -> NoOffer:
        """Of `many` that suit; `seconds`: the time was over before all were looked at."""
        passed = self.passed_over
        said = [f"{each.offer.hex()[:16]}: {each.why}".rstrip(". ") for each in passed[:FEW]]
        more = [f"and {len(passed) - FEW} more"] if len(passed) > FEW else []
        late = [] if seconds is None else [f"{many - len(passed)} not looked at in {seconds} s"]
        error = NoOffer(
            "can be taken",
            who="no offer",
            had="; ".join([*said, *more, *late]) or "none that suits the demand",
            needed="one that suits, and whose seller is there and gives its word",
            remedy="Name one, or give it more time: trading.buyer.choose_s." if late else "",
        )
        error.passed_over = tuple(passed)
        return error
