"""What can happen to what both parties sign beside vouchers; the rest is in `protocol.events`."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Timestamp
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing


@dataclass(frozen=True)
class AskedController:
    """The user wants this controller to be the next."""

    controller: Address
    at: Timestamp


@dataclass(frozen=True)
class AskedKey:
    """The user wants to sign with this key from the next amendment on."""

    key: Address


@dataclass(frozen=True)
class FoundAmending:
    """One's own word for what one wants is signed; it may leave now."""

    amending: Amending


@dataclass(frozen=True)
class HeardAmending:
    """The other's word for a controller or key that this party takes as well."""

    amending: Amending


@dataclass(frozen=True)
class FoundConsent:
    """One's own word for the key that the other wants is signed; it may leave now."""

    amending: Amending


@dataclass(frozen=True)
class SawLapsed:
    """Of what was said to count until before this time nothing will come on chain any more."""

    at: Timestamp


@dataclass(frozen=True)
class AskedReduce:
    """The user wants so much of the deposit back."""

    reducing: Reducing


@dataclass(frozen=True)
class HeardReducing:
    """The buyer wants deposit back that the seller can do without."""

    reducing: Reducing


@dataclass(frozen=True)
class FoundReducing:
    """The seller's word for it is signed; it may leave now."""

    reducing: Reducing


@dataclass(frozen=True)
class HeardReducingBack:
    """The seller signed that so much goes back."""

    reducing: Reducing


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


OfBoth = AskedController | AskedKey | FoundAmending | HeardAmending | FoundConsent
