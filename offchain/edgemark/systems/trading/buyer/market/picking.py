"""Which offer is taken: the first that goes through every check.

They are looked at in the order of the contract, `AT_ONCE` together. Among those the one comes first
by which this order costs least: the contract compares prices alone, of as many units as each
seller's template says, and by its weights.

Law 1: a cheap offer that cannot be taken hides none behind it, however many there are: each is
       passed over, with why, until one is taken or all that suit the demand were looked at.
Law 2: it ends: a category has `MAX_PLACES` offers, and the buyer has its time, `choose_s`. Sellers
       that answer slowly are asked side by side, and one that is out of reach once.
Law 3: a seller is asked for its word, which makes it hold a place, when nothing else is left.
Law 4: whatever a seller's data make of one offer, is that offer's fault, and ends no purchase.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from edgemark.errors import EdgemarkError, Overloaded, PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.buyer.market.bidding import Choice, Wishes
from edgemark.systems.trading.buyer.market.choosing import (
    SellerUnreachable,
    check_qualified,
    fetch_templates,
    fetch_text,
    find_seller,
)
from edgemark.systems.trading.buyer.market.leasts import fetch_leasts
from edgemark.systems.trading.buyer.market.programs import find_program
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.market.matching import find_lack
from edgemark.systems.trading.contract.market.records import MAX_PLACES, Demand, Offer
from edgemark.systems.trading.identifiers import OfferId
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.faults import PeerUnreachable, WrongCertificate

AT_ONCE = 16  # sellers that are asked side by side
FEW = 3  # reasons that one line says; all of them are told one by one
AWAY = (SellerUnreachable, PeerUnreachable, WrongCertificate)  # whatever it is asked for
SLIPS = (  # what a computation with strange data ends in
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)

T = TypeVar("T")


class OfferStrange(PeerFault):
    """Nothing can be computed with what a seller says of its offer."""


@dataclass(frozen=True)
class PassedOver:
    """An offer that was not taken: it does not suit the demand, or could not be.

    Attributes:
        offer: id.
        why: what it was refused by.
    """

    offer: OfferId
    why: EdgemarkError

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {"offer": self.offer.hex(), "why": str(self.why)}


class NoOffer(RefusedInput):
    """No offer suits, or none could be taken; `passed_over` says why not each."""

    passed_over: tuple[PassedOver, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """With every offer that was looked at."""
        return {**super().as_dict(), "passed_over": [each.as_dict() for each in self.passed_over]}


@dataclass(frozen=True)
class Looked:
    """An offer that may be taken, and what the order costs by it at most."""

    choice: Choice
    cost: int


Found = Looked | EdgemarkError


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

    def pick(self, take: Callable[[Choice], T], cost: Callable[[Choice], int] = lambda _: 0) -> T:
        """What `take` makes of the first offer that it can be made of.

        Args:
            take: of an offer whose seller is there, and vouched for; raises why it is passed over.
            cost: of what is ordered, by an offer; raises as `take`.

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
            with _by_fault_of(named):
                return take(self._look_at(named))
        if wishes.demand is None:
            raise NoOffer("is named", who="no offer and no demand", needed="one of them")
        offers, _ = book.recommend_all(wishes.demand, MAX_PLACES)
        seconds = self.station.settings.of(BuyerSettings).choose_s
        ends_at = self.clock() + seconds
        with ThreadPoolExecutor(AT_ONCE, "looking") as pool:
            for first in range(0, len(offers), AT_ONCE):
                some = offers[first : first + AT_ONCE]
                looked = pool.map(lambda offer: self._try(offer, cost), some)
                for offer, found in _rank(list(zip(some, looked, strict=True))):
                    taken = self._take(offer, found, take)
                    if taken is not None:
                        return taken[0]
                    if self.clock() >= ends_at and len(self.passed_over) < len(offers):
                        raise self._none_of(len(offers), seconds)
        raise self._none_of(len(offers)) if offers else self._none_suits(wishes.demand)

    def _take(self, offer: Offer, found: Found, take: Callable[[Choice], T]) -> tuple[T] | None:
        try:
            if isinstance(found, EdgemarkError):
                raise found
            if offer.seller in self._away:
                raise self._away[offer.seller]
            with _by_fault_of(offer):
                return (take(found.choice),)
        except Overloaded:  # of this home: what a seller says so is a fault of its
            raise
        except (RefusedInput, PeerFault) as error:
            passed = PassedOver(offer.id, error)
            if isinstance(error, AWAY):
                self._away[offer.seller] = error
        self.passed_over.append(passed)
        self.tell(passed)
        return None

    def _try(self, offer: Offer, cost: Callable[[Choice], int]) -> Found:
        """In a thread of its own; what is no fault of the offer is raised by who asked."""
        known = self._away.get(offer.seller)
        if known is not None:
            return known
        try:
            with _by_fault_of(offer):
                choice = self._look_at(offer)
                return Looked(choice, cost(choice))
        except EdgemarkError as error:
            return error

    def _look_at(self, offer: Offer) -> Choice:
        station, wishes = self.station, self.wishes
        place = find_seller(station, offer.seller)
        templates = fetch_templates(station, place, offer.draft.template, wishes.texts)
        if wishes.auditor is not None:
            at_hand = dict(wishes.qualifications)

            def show(digest: Hash32) -> bytes:
                return at_hand.get(digest) or fetch_text(station, place, digest)

            check_qualified(station, offer, wishes.auditor, show)
        leasts = fetch_leasts(station, place)
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
        )

    def _none_of(self, many: int, seconds: float | None = None) -> NoOffer:
        """Of `many` that suit; `seconds`: the time was over before all were looked at."""
        passed = self.passed_over
        said = [f"{each.offer.hex()[:16]}: {each.why}" for each in passed[:FEW]]
        more = [f"and {len(passed) - FEW} more"] if len(passed) > FEW else []
        late = [] if seconds is None else [f"{many - len(passed)} not looked at in {seconds} s"]
        error = NoOffer(
            "can be taken",
            who="no offer",
            had="; ".join([*said, *more, *late]) or "none that suits the demand",
            needed="an offer of `edgemark trading recommend`",
            remedy="Name one, or give it more time: trading.buyer.choose_s." if late else "",
        )
        error.passed_over = tuple(passed)
        return error


def _rank(looked: list[tuple[Offer, Found]]) -> list[tuple[Offer, Found]]:
    """Those that cannot be taken, then the cheapest first, then of which nobody knows."""

    def place(each: tuple[Offer, Found]) -> tuple[int, int]:
        found = each[1]
        if isinstance(found, Looked):
            return 1, found.cost
        return (0 if isinstance(found, RefusedInput | PeerFault) else 2), 0

    return sorted(looked, key=place)


@contextmanager
def _by_fault_of(offer: Offer) -> Iterator[None]:
    """What is no error of this project's is one of the offer with whose data it was computed."""
    try:
        yield
    except EdgemarkError:
        raise
    except SLIPS as error:
        raise OfferStrange(
            "is nothing to compute with",
            who=f"offer {offer.id.hex()[:16]}",
            had=f"{type(error).__name__}: {error}"[:200],
            remedy="Choose another offer.",
        ) from error
