"""`edgemark account register|rotate|succeed|retire`: what the registry says of this account."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.stations import ROLES, RegistryStation
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role
from edgemark.identity.registration import Registration
from edgemark.party.evm import membership
from edgemark.party.evm.opening import describe_server
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import ServerSettings
from edgemark.settings.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("register")
@takes_settings
@click.option("--role", type=click.Choice(list(ROLES)), help="With --sign-only: as what.")
@click.option("--name", default="", help="With --role provider: its name.")
@click.option("--sign-only", type=FILE, help="Sign the registration into this file; costs no gas.")
@click.option("--relay", type=FILE, help="Send the registration that another account signed.")
def register(
    invocation: Invocation,
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
    if sign_only is not None and role is None:
        raise click.UsageError("--sign-only needs --role")
    settings = invocation.settings()
    with RegistryStation.open(settings) as station:
        if relay is not None:
            statement = membership.relay_registration(station, relay)
        elif sign_only is not None and role is not None:
            wanted = describe_wish(settings, station.keys, ROLES[role], name)
            statement = membership.sign_registration(station, wanted)
            statement.save(sign_only)
    facts = {
        "account": statement.account,
        "role": statement.wanted.role.name.lower(),
        "valid_until": statement.deadline,
    }
    invocation.show(facts)


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
@takes_settings
@click.option("--new-tls-key", is_flag=True, help="Make a new TLS key first.")
def rotate(invocation: Invocation, *, new_tls_key: bool) -> None:
    """Register the TLS key, endpoint and resources that this home has now. Stop its server first.

    Run it again should it fail after the key was made: it registers what is there.
    """
    settings = invocation.settings()
    wanted = settings.of(RegistrationSettings)
    endpoint, resources = describe_server(settings.of(ServerSettings), wanted)
    with RegistryStation.open(settings) as station:  # refuses while a server of this home runs
        membership.require_server(station)
    if new_tls_key:
        KeyStore.renew_tls(settings.home / "keys")
    with RegistryStation.open(settings) as station:
        changed = membership.rotate_server(station, endpoint, resources)
        pin = station.keys.tls.pin
    facts = {"endpoint": endpoint, "tls_pin": pin.hex(), "changed": changed}
    invocation.show(facts)


@click.command("succeed")
@takes_settings
@click.argument("former", type=click.Path(path_type=Path, file_okay=False, exists=True))
def succeed(invocation: Invocation, former: Path) -> None:
    """Take the place of the account of the home folder FORMER, which retires.

    What it has under way and its tokens remain its own, so keep its key until all that has ended. A
    server takes new work once its provider has admitted this account. Where the former acted for an
    organisation, name, members and stake stay, and this account acts for it.
    """
    with RegistryStation.open(invocation.settings()) as station:
        account = membership.succeed(station, KeyStore.open(former / "keys"))
        me = station.address
    invocation.show({"account": me, "succeeds": account})


@click.command("retire")
@takes_settings
@click.confirmation_option(prompt="For good: this account takes no new work any more. Retire?")
def retire(invocation: Invocation) -> None:
    """Take no new work any more, for good; keep the server running until all has ended."""
    with RegistryStation.open(invocation.settings()) as station:
        membership.retire(station)
        me = station.address
    invocation.show({"account": me, "retired": True})
