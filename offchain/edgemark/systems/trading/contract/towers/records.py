"""What Watchtowers stores and takes, as values: pure.

Amounts are in the token's smallest unit, times in Unix seconds of chain time.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class Watching:
    """What all towers hold to, fixed at deployment.

    Args:
        claim_seconds: how long after its `until` a receipt counts.
    """

    claim_seconds: int


@dataclass(frozen=True)
class TowerTerms:
    """On which terms a tower takes channels, in the order of `IWatchtowers.TowerTerms`.

    Args:
        least_bond: of a channel, which pays the tower when it catches a payer.
        retainer: moved to the tower before its first receipt of a channel.
        until: last second until which it watches.
    """

    least_bond: Tokens
    retainer: Tokens
    until: Timestamp

    def as_abi(self) -> tuple[int, ...]:
        """The tuple that the contract takes."""
        return astuple(self)


@dataclass(frozen=True)
class Cover:
    """What a tower has set aside for a channel, in the order of `IWatchtowers.Cover`.

    Args:
        amount: that is left of it.
        paid: what the seller was paid of it.
        until: last second of what it answers for.
    """

    amount: Tokens
    paid: Tokens
    until: Timestamp


@dataclass(frozen=True)
class Receipt:
    """What a tower signs for a state of a channel that it holds.

    Args:
        channel: which it watches.
        amount: that it holds, and brings.
        payer_key, seller_key: whose signatures it has under that amount.
        until: last second until which it watches.
    """

    channel: ChannelId
    amount: Tokens
    payer_key: Address
    seller_key: Address
    until: Timestamp

    @property
    def keys(self) -> tuple[Address, Address]:
        """It counts while these are in force: the payer's and the seller's."""
        return self.payer_key, self.seller_key

    def as_abi(self) -> tuple[object, ...]:
        """The values in the order in which they are signed."""
        return astuple(self)
