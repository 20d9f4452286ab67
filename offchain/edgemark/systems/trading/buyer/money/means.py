"""Tokens that a buyer's channels lock: brought into the anchor, and allowed to the escrow."""

from __future__ import annotations

from edgemark.identifiers import Tokens
from edgemark.party.evm.joining import bring_in
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.station.station import TradingStation

LOCKING_S = 30 * 86_400  # for which the escrow may lock what was brought in


def compute_unlocked(state: Purchase) -> int:
    """Tokens that a channel owes to lock and has not yet, as far as its buyer sees."""
    if state.phase is BuyerPhase.AGREED:
        return state.known.terms.deposit + state.known.terms.bond
    is_buying = state.phase is BuyerPhase.BUYING
    return max(0, state.wanted_deposit - state.deposit) if is_buying else 0


def bring_in_tokens(station: TradingStation, amount: Tokens) -> None:
    """Bring the free balance up to an amount, and let the escrow lock as much.

    Raises:
        RefusedInput: the wallet holds too few tokens.
    """
    bring_in(station, amount, [station.escrow.address], amount, lasts_s=LOCKING_S)
