"""Acceptances: a node signs what it takes on, the device checks it, anybody brings it to the chain.

In the paper nodes take whatever they are sent. Here a node checks the offer, and its signature
covers job, index, root, terms and stake. The device brings the acceptances of all in one call, at
half the price; after `compute_waiting` a node brings its own, so that none depends on the device.

An acceptance is valid until `accept_by`. A shorter life would free nothing: the node brings its
acceptance itself later on, so stake and place are kept for the job until `accept_by` either way. It
would only let the first one lapse while the last is awaited.
"""

from __future__ import annotations

from edgemark.crypto.ethereum.secp256k1 import SecretKey, check_signature
from edgemark.errors import PeerFault
from edgemark.identifiers import Hash32, ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.protocol.events import HeardOffer, Order
from edgemark.systems.outsourcing.protocol.messages import Acceptance


class WrongAcceptance(PeerFault):
    """An acceptance that the contract would not take, or not in time: it counts as none."""


def compute_waiting(now: int, accept_by: Timestamp) -> Timestamp:
    """Last second for which a node that takes an offer `now` leaves its acceptance to the device.

    Half of what is left of the window: a device that keeps acceptances back gains nothing, and the
    node has the other half for its own transaction.
    """
    return Timestamp(now + max(0, accept_by - now) // 2)


def sign_acceptance(offer: HeardOffer, key: SecretKey, domain: SettlementDomain) -> Acceptance:
    """The acceptance of a checked offer; the same bytes whenever it is signed."""
    until = offer.terms.accept_by
    signature = key.sign(_digest(offer, offer.index, until, domain))
    return Acceptance(offer.job, offer.index, until, signature)


def check_acceptance(
    acceptance: Acceptance, order: Order, index: ShareIndex, domain: SettlementDomain
) -> None:
    """Check what the node of `index` left to the device: the contract takes it until `accept_by`.

    Raises:
        WrongAcceptance: of another job or index, or valid for another time. BadSignature: by
            another account, or over another root, other terms or another stake.
    """
    until = order.terms.accept_by
    had = (acceptance.job, acceptance.index, acceptance.valid_until)
    if had != (order.job, index, until):
        raise WrongAcceptance(
            "acceptance is not the one that was asked for",
            who=f"node {order.nodes[index - 1]} at index {index}",
            had=f"job {had[0].hex()}, index {had[1]}, until {had[2]}",
            needed=f"job {order.job.hex()}, index {index}, until {until}",
        )
    check_signature(
        _digest(order, index, until, domain), acceptance.signature, order.nodes[index - 1]
    )


def _digest(
    taken: HeardOffer | Order, index: ShareIndex, until: Timestamp, domain: SettlementDomain
) -> Hash32:
    terms = taken.terms
    return domain.acceptance(taken.job, index, taken.root, terms.hash, terms.stake, until)
