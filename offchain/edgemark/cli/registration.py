"""`edgemark account register|rotate|succeed|retire`: what the registry says of this account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.stations import ROLES, RegistryStation
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Moment, parse_address
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role
from edgemark.identity.registration import Registration, SignedRegistration
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.party.evm import membership
from edgemark.party.evm.opening import describe_server
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.evm.station import EvmStation
from edgemark.party.settings import ServerSettings
from edgemark.settings.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("register")
@spends()
@click.option("--role", type=click.Choice(list(ROLES)), help="With --sign-only: as what.")
@click.option("--name", default="", help="With --role provider: its name.")
@click.option("--sign-only", type=FILE, help="Sign the registration into this file; costs no gas.")
@click.option("--relay", type=FILE, help="Send the registration that another account signed.")
def register(
    spending: Spending,
    role: str | None,
    name: str,
    sign_only: Path | None,
    relay: Path | None,
) -> None:
    """Register through somebody who pays the gas: one signs into a file, the other sends it.

    With gas of its own, an account needs neither: the first start of a server, `provider register`
    and whatever a device begins first register it.
    """
    if (sign_only is None) == (relay is None):
        raise click.UsageError("one of --sign-only and --relay is needed")
    if relay is not None:
        path = relay
        spending.carry_out(
            RegistryStation,
            lambda station: membership.relay_registration(station, path),
            lambda _, statement: describe(statement),
        )
        return
    if role is None or sign_only is None:
        raise click.UsageError("--sign-only needs --role")
    settings = spending.invocation.settings()
    with RegistryStation.look(settings, may_make=not spending.is_dry) as station:
        wanted = describe_wish(settings, station.keys, ROLES[role], name)
        statement = membership.sign_registration(station, wanted)
    if not spending.is_dry:
        statement.save(sign_only)
    spending.invocation.show(describe(statement))


def describe(statement: SignedRegistration) -> dict[str, object]:
    """What was signed."""
    return {
        "account": statement.account,
        "role": statement.wanted.role.word,
        "valid_until": Moment(statement.deadline),
    }


def describe_wish(settings: Settings, keys: KeyStore, role: Role, name: str) -> Registration:
    """What an account of these settings would be registered as.

    Raises:
        RefusedInput: the settings lack what the role needs.
    """
    if role is Role.DEVICE:
        return Registration(role)
    if role is Role.PROVIDER:
        if not name:
            raise RefusedInput("has no name", who="provider", needed="--name of 1 to 64 bytes")
        return Registration(role, name=name)
    wanted = settings.of(RegistrationSettings)
    endpoint, resources = describe_server(settings.of(ServerSettings), wanted)
    provider = parse_address(wanted.provider, who="provider")
    return Registration(role, provider, keys.tls.pin, endpoint, resources=resources)


@click.command("rotate")
@spends()
@click.option("--new-tls-key", is_flag=True, help="Make a new TLS key first.")
def rotate(spending: Spending, *, new_tls_key: bool) -> None:
    """Register the TLS key, endpoint and resources that this home has now. Stop its server first.

    Run it again should it fail after the key was made: it registers what is there.
    """
    settings = spending.invocation.settings()
    wanted = settings.of(RegistrationSettings)
    endpoint, resources = describe_server(settings.of(ServerSettings), wanted)

    def act(station: EvmStation) -> tuple[Hash32, bool]:
        membership.require_server(station)
        keys = station.keys
        if new_tls_key:
            keys = station.keys.with_new_tls(
                None if station.is_rehearsed else settings.home / "keys"
            )
        changed = membership.rotate_server(replace(station, keys=keys), endpoint, resources)
        return keys.tls.pin, changed

    def tell(_: EvmStation, done: tuple[Hash32, bool]) -> dict[str, object]:
        pin, changed = done
        return {"endpoint": endpoint, "tls_pin": pin.hex(), "changed": changed}

    spending.carry_out(RegistryStation, act, tell)  # refuses while a server of this home runs


@click.command("succeed")
@spends(for_good="The former account takes no new work any more, and never gets its place back.")
@click.argument("former", type=click.Path(path_type=Path, file_okay=False, exists=True))
def succeed(spending: Spending, former: Path) -> None:
    """Take the place of the account of the home folder FORMER, which retires.

    What it has under way and its tokens remain its own, so keep its key until all that has ended. A
    server takes new work once its provider has admitted this account. Where the former acted for an
    organisation, name, members and stake stay, and this account acts for it.
    """

    def act(station: EvmStation) -> Address:
        return membership.succeed(station, KeyStore.open(former / "keys", may_make=False))

    def tell(station: EvmStation, account: Address) -> dict[str, object]:
        return {"account": station.address, "succeeds": account}

    spending.carry_out(RegistryStation, act, tell)


@click.command("retire")
@spends(for_good="This account takes no new work any more.")
def retire(spending: Spending) -> None:
    """Take no new work any more, for good; keep the server running until all has ended."""

    def tell(station: EvmStation, _: Receipt) -> dict[str, object]:
        return {"account": station.address, "retired": True}

    spending.carry_out(RegistryStation, membership.retire, tell)
