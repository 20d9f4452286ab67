"""What a buyer's channels lock: tokens are brought in and allowed; what is refused is looked at."""

from __future__ import annotations

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.joining import bring_in
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.protocol.events import FoundOpeningRefused
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.station.sending import held
from edgemark.systems.trading.station.station import TradingStation

LOCKING_S = 30 * 86_400  # for which the escrow may lock what was brought in


class TooFewTokens(RefusedInput):
    """This account has less than what a channel would lock."""


def check_means(station: TradingStation, deposit: Tokens, bond: Tokens) -> None:
    """Check that this account could open a channel, before its seller is asked for anything.

    Args:
        station: of the buyer.
        deposit: smallest units.
        bond: smallest units.

    Raises:
        TooFewTokens: wallet and free balance together hold less.
    """
    me, needed = station.address, Tokens(deposit + bond)
    had = Tokens(station.accounts.free_balance(me) + station.token.balance(me))
    if had < needed:
        raise TooFewTokens(
            "has too few tokens for deposit and bond",
            who=f"account {me} of this home",
            had=Amount(had),
            needed=f"{Amount(needed)}: a deposit of {Amount(deposit)}, a bond of {Amount(bond)}",
            remedy=f"Send MTC to {me}; `buy` brings in what it locks, and what is not used "
            "comes back.",
        )


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


def find_refused(
    station: TradingStation, state: Purchase, refused: ContractRefused
) -> FoundOpeningRefused:
    """That an opening is refused for good: a node that lags refuses one that stands already.

    Raises:
        TryAgain: it may be opened, or was, and a confirmed block that is later tells.
        LedgerUnavailable: the chain does not say.
    """
    block = station.chain.confirmed()
    stored = station.escrow.channel(state.known.terms, block=block)
    until = held(state.opening).valid_until
    why = refused.error_name or refused.what
    if stored.phase is ChannelPhase.NONE and station.time_of(block) > until:
        return FoundOpeningRefused(why)
    raise TryAgain("opening is refused for the moment", who=refused.contract, had=why)
