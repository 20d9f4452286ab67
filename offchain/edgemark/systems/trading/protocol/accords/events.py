"""What can happen to what both parties sign beside vouchers; the rest is in `protocol.events`."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Timestamp
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing


@dataclass(frozen=True)
class AskedController:
    """The user wants this controller to be the next."""

    controller: Address
    at: Timestamp


@dataclass(frozen=True)
class FoundAmending:
    """One's own word for the next controller is signed."""

    amending: Amending


@dataclass(frozen=True)
class HeardAmending:
    """The other's word for a controller that this party takes as well."""

    amending: Amending


@dataclass(frozen=True)
class HeardClosing:
    """The payer signed an end at which the seller has all that it is owed."""

    closing: Closing


@dataclass(frozen=True)
class FoundClosing:
    """One's own word for the end is signed; it may leave now."""

    closing: Closing


@dataclass(frozen=True)
class HeardClosingBack:
    """The seller signed the end at what it is owed."""

    closing: Closing
