"""`edgemark account`: this home's account, its tokens, and the way out for them."""

from __future__ import annotations

import click

from edgemark.amounts import Amount, Coin
from edgemark.cli.options.amounts import MTC, SOME_MTC
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.stations import AnchorStation
from edgemark.cli.systems import OF_SYSTEMS
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.identity.keys import KeyStore
from edgemark.party.evm.joining import provide_balance
from edgemark.party.evm.station import EvmStation


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
        gas = station.chain.balance(me)
        facts = {
            "account": me,
            "wallet": Amount(station.token.balance(me)),
            "anchor_free": Amount(station.accounts.free_balance(me)),
            "gas_wei": str(gas),
            "tls_pin": station.keys.tls.pin.hex(),
        }
    told = {"gas" if name == "gas_wei" else name: fact for name, fact in facts.items()}
    invocation.show(facts, align(told | {"gas": Coin(gas)}))


@click.command("deposit")
@spends()
@click.argument("amount", type=MTC)
def deposit(spending: Spending, amount: Tokens) -> None:
    """Bring the free balance in the anchor up to AMOUNT MTC."""

    def tell(station: EvmStation, _: None) -> dict[str, object]:
        return {"anchor_free": Amount(station.accounts.free_balance(station.address))}

    spending.carry_out(AnchorStation, lambda station: provide_balance(station, amount), tell)


@click.command("withdraw")
@spends()
@click.argument("amount", type=SOME_MTC)
def withdraw(spending: Spending, amount: Tokens) -> None:
    """Take AMOUNT MTC of the free balance back into the wallet."""

    def act(station: EvmStation) -> None:
        check_left(station, amount)
        station.lane.send(station.accounts.withdraw(station.address, amount))

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
        held = [f"{Amount(each)} for {what}" for each, what in kept if each]
        raise RefusedInput(
            "free balance is too low",
            who=station.address,
            had=" beside ".join([str(Amount(left)), *held]),
            needed=Amount(wanted),
            remedy=f"What {whose} hold or may need comes back when they end.",
        )
