"""Why offers are not taken, one by one; and whose fault it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgemark.errors import EdgemarkError, Overloaded, PeerFault, RefusedInput
from edgemark.systems.trading.buyer.market.choosing import SellerUnreachable
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.identifiers import OfferId
from edgemark.transport.faults import PeerUnreachable, WrongCertificate

AWAY = (SellerUnreachable, PeerUnreachable, WrongCertificate)  # whatever it is asked for
SLIPS = (  # what a computation with strange data ends in
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)


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


def fault_of_offer(raised: BaseException) -> EdgemarkError | None:
    """What is the fault of the offer that was looked at; None: of nobody, or of this home.

    What a seller says of its being overloaded is a fault of its.
    """
    is_own = isinstance(raised, Overloaded)
    return raised if isinstance(raised, RefusedInput | PeerFault) and not is_own else None


@contextmanager
def by_fault_of(offer: Offer) -> Iterator[None]:
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
