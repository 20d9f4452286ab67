"""`edgemark account`: this home's account, its tokens, and the way out for them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation, Overflow

import click

from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.stations import AnchorStation
from edgemark.cli.systems import OF_SYSTEMS
from edgemark.cli.terminal.facts import Amount
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Tokens, format_tokens
from edgemark.identity.keys import KeyStore
from edgemark.party.evm.joining import provide_balance
from edgemark.party.evm.station import EvmStation


def parse_tokens(text: str) -> Tokens:
    """Parse an amount in MTC, at most 18 decimals.

    Raises:
        RefusedInput: no number, negative, or finer than the token's smallest unit.
    """
    try:
        amount = Decimal(text) * TOKEN_UNIT
    except (InvalidOperation, Overflow) as error:
        raise RefusedInput("is no number", who="amount", had=text[:40], needed="MTC") from error
    if not amount.is_finite() or not 0 <= amount < 2**96 or amount != int(amount):
        raise RefusedInput(
            "is out of range", who="amount", had=text[:40], needed="0 to 10^9 MTC, 18 decimals"
        )
    return Tokens(int(amount))


@click.command("address")
@takes_settings
def address(invocation: Invocation) -> None:
    """Print the account and the TLS pin; makes the keys on first run, needs no chain."""
    keys = KeyStore.of(invocation.settings())
    invocation.show({"account": keys.account.address, "tls_pin": keys.tls.pin.hex()})


@click.command("show")
@takes_settings
def show(invocation: Invocation) -> None:
    """Print account, wallet, free balance in the anchor, and the TLS pin; its server may run."""
    with AnchorStation.look(invocation.settings()) as station:
        me = station.address
        facts = {
            "account": me,
            "wallet": Amount(station.token.balance(me)),
            "anchor_free": Amount(station.accounts.free_balance(me)),
            "gas_wei": station.chain.balance(me),
            "tls_pin": station.keys.tls.pin.hex(),
        }
    invocation.show(facts)


@click.command("deposit")
@spends()
@click.argument("amount")
def deposit(spending: Spending, amount: str) -> None:
    """Bring the free balance in the anchor up to AMOUNT MTC."""
    wanted = parse_tokens(amount)

    def tell(station: EvmStation, _: None) -> dict[str, object]:
        return {"anchor_free": Amount(station.accounts.free_balance(station.address))}

    spending.carry_out(AnchorStation, lambda station: provide_balance(station, wanted), tell)


@click.command("withdraw")
@spends()
@click.argument("amount")
def withdraw(spending: Spending, amount: str) -> None:
    """Take AMOUNT MTC of the free balance back into the wallet."""
    wanted = parse_tokens(amount)
    if not wanted:
        raise RefusedInput("is nothing", who="amount", had=f"{amount} MTC", needed="more than 0")

    def act(station: EvmStation) -> None:
        check_left(station, wanted)
        station.lane.send(station.accounts.withdraw(station.address, wanted))

    def tell(station: EvmStation, _: None) -> dict[str, object]:
        return {"wallet": Amount(station.token.balance(station.address))}

    spending.carry_out(AnchorStation, act, tell)


def check_left(station: EvmStation, wanted: Tokens) -> None:
    """Check that so much may be withdrawn beside what the matters of each system have yet to lock.

    Raises:
        RefusedInput: the free balance is too low.
    """
    # before the balance: what locks meanwhile counts twice
    doors = [door for system in OF_SYSTEMS for door in system.RESERVES]
    kept = [(door.load()(station), door.summary) for door in doors]
    left = max(0, station.accounts.free_balance(station.address) - sum(each for each, _ in kept))
    if wanted > left:
        whose = " and ".join(what for _, what in kept)
        held = [f"{format_tokens(each)} MTC for {what}" for each, what in kept if each]
        raise RefusedInput(
            "free balance is too low",
            who=station.address,
            had=" beside ".join([f"{format_tokens(Tokens(left))} MTC", *held]),
            needed=f"{format_tokens(wanted)} MTC",
            remedy=f"What {whose} hold or may need comes back when they end.",
        )
