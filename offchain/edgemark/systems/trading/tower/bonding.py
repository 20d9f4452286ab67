"""The bond of a tower and its public terms: brought, published, retired, taken home."""

from __future__ import annotations

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.party.evm.joining import bring_in, send_as_asked
from edgemark.systems.trading.contract.towers.records import TowerTerms
from edgemark.systems.trading.station.station import TradingStation

BOND_ALLOWANCE_S = 3600  # the lock follows in the next transaction, or not at all
REGISTERS = "`edgemark tower run` registers a tower; `edgemark tower bond` brings its bond."


def provide_bond(station: TradingStation, amount: Tokens) -> None:
    """Lock so much more of this account's tokens, and the whole for as long as can be.

    Args:
        station: of the tower.
        amount: smallest units, from its free balance and then its wallet; 0 only renews.

    Raises:
        RefusedInput: the wallet holds too few tokens, or the account is no tower.
    """
    towers = station.towers
    found = towers.bond_of(station.address)
    is_held = station.chain.block("latest").timestamp <= found.expires_at
    total = Tokens(amount + (found.amount if is_held else 0))
    bring_in(station, amount, [towers.address], total, lasts_s=BOND_ALLOWANCE_S)
    send_as_asked(station, towers.bond(amount), REGISTERS)


def publish_terms(
    station: TradingStation, least_bond: Tokens, retainer: Tokens, lasts_s: int
) -> Timestamp:
    """Say on which terms this tower watches from now on; answers until when.

    Args:
        station: of the tower.
        least_bond: of a channel.
        retainer: for a channel.
        lasts_s: seconds for which it watches, for anybody new or old; 0: as long as its bond lets
            it.

    Raises:
        RefusedInput: there is no bond, or it does not last so long and for claims behind it.
    """
    towers, now = station.towers, station.chain.block("latest").timestamp
    latest = towers.bond_of(station.address).expires_at - towers.watching().claim_seconds
    until = Timestamp(now + lasts_s if lasts_s else max(latest, now))
    terms = TowerTerms(least_bond, retainer, until)
    send_as_asked(station, towers.publish(terms), f"Renew the bond first, or less. {REGISTERS}")
    return until


def retire(station: TradingStation) -> None:
    """Cover nothing new; what is covered stays so, and is watched.

    Raises:
        RefusedInput: there is no bond, or it retired before.
    """
    send_as_asked(station, station.towers.retire(), "See `edgemark tower show`.")


def release_bond(station: TradingStation, tower: Address) -> Tokens:
    """Give the bond back of a tower that retired and covers nothing; anyone may.

    Raises:
        RefusedInput: nothing is bonded, it has not retired, or covers something.
    """
    found = station.towers.bond_of(tower)
    if found.covered and not station.is_rehearsed:
        raise RefusedInput(
            "still covers channels",
            who=tower,
            had=Amount(found.covered),
            needed="nothing",
            remedy="What is set aside comes free when it can pay nothing any more.",
        )
    send_as_asked(station, station.towers.release(tower), "Retire first.")
    return found.amount
