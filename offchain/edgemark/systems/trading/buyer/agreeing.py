"""What the user of a buyer wants of both parties: deposit back, or the next controller.

Whatever is asked for here is in the journal when its method returns; what comes of it depends on
the seller, and is told by the channel's state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens, format_time
from edgemark.systems.trading.buyer.checking import NotReduced, draft_reducing
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.station.accords.asking import ask_controller, ask_key
from edgemark.systems.trading.station.station import TradingStation


class DepositFinal(RefusedInput):
    """A deposit to which nothing is added any more: service is over, or is just ending."""


def check_reduction(purchase: Purchase, amount: Tokens) -> Tokens:
    """What a deposit comes to when so much of it goes back.

    Raises:
        NotReduced: service has ended, or so much is not free of what is signed.
    """
    who = f"channel {purchase.known.channel.hex()}"
    if purchase.phase is not BuyerPhase.BUYING:
        had, needed = purchase.phase.value, BuyerPhase.BUYING.value
        raise NotReduced("gives nothing back now", who=who, had=had, needed=needed)
    free = purchase.deposit - max(purchase.signed.amount, purchase.paid)
    if not 0 < amount <= free:
        had, needed = Amount(amount), f"more than 0, at most {Amount(Tokens(free))}"
        raise NotReduced("cannot give so much back", who=who, had=had, needed=needed)
    return Tokens(purchase.deposit - amount)


def check_top_up(purchase: Purchase, at: int) -> None:
    """Check that a deposit may still grow; before anything is brought in for it.

    Raises:
        DepositFinal: the channel is not served any more, or not to its end when that would come.
    """
    last = purchase.service_ends
    if purchase.phase is not BuyerPhase.BUYING or at > last:
        raise DepositFinal(
            "deposit grows no more",
            who=f"channel {purchase.known.channel.hex()}",
            had=f"{purchase.phase.value}, at {format_time(Timestamp(at))}",
            needed=f"{BuyerPhase.BUYING.value}, by {format_time(last)}",
            remedy="Open another channel.",
        )


class Agreeing:
    """Of one buyer.

    Args:
        station: knows time and chain.
        state_of: a channel's present state; raises of one that is not known.
        tell: lets an event happen in a channel; on the disk when it returns.
    """

    def __init__(
        self,
        station: TradingStation,
        state_of: Callable[[ChannelId], Purchase],
        tell: Callable[..., Any],
    ) -> None:
        self._station, self._state_of, self._tell = station, state_of, tell

    def reduce(self, channel: ChannelId, amount: Tokens) -> Tokens:
        """Ask the seller for its word that so much goes back; what the deposit will be.

        Raises:
            ChannelUnknown, NotReduced, IllegalMove: that cannot be asked at the moment.
        """
        state = self._state_of(channel)
        deposit = check_reduction(state, amount)
        self._tell(channel, draft_reducing(state, deposit, self._station.head()))
        return deposit

    def amend(self, channel: ChannelId, controller: Address) -> int:
        """Want another controller; its epoch. Raises as `ask_controller`, and `ChannelUnknown`."""
        return ask_controller(self._station, self._state_of(channel), controller, self._tell)

    def renew(self, channel: ChannelId) -> Address:
        """Want to sign with a new key; its address. Raises as `ask_key`, and `ChannelUnknown`."""
        return ask_key(self._station, self._state_of(channel), self._tell)
