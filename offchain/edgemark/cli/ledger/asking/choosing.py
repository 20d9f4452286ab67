"""Which ledger a command speaks with, and as whom: the settings of [ledger] as options."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from edgemark.cli.ledger.asking.reaching import check_is_up
from edgemark.cli.options.plain_numbers import RealRange
from edgemark.cli.terminal.invocation import Invocation, takes_home
from edgemark.ledger.fabric.opening import LedgerAccess, open_ledger
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, PROFILE, LedgerSettings

F = TypeVar("F", bound=Callable[..., Any])

MAX_WAIT_S = 24 * 3600
_OF = LedgerSettings()  # what counts where neither settings nor options say anything
_SETTINGS = {
    "ledger_kind": "ledger.kind",
    "channel": "ledger.channel",
    "msp_id": "ledger.msp_id",
    "msp_folder": "ledger.msp_folder",
    "ledger_profile": "ledger.profile",
}


def waits_for(otherwise: str) -> Callable[[F], F]:
    """The option of the longest time to wait.

    Args:
        otherwise: that counts where it is not given.
    """
    return click.option(
        "--wait",
        "wait_s",
        type=RealRange(0.001, MAX_WAIT_S),
        help=f"Longest time, in seconds.  [default: {otherwise}]",
    )


def chooses_ledger(command: F) -> F:
    """Options that say which ledger and which identity; they win over environment and file."""
    options = [
        click.option(
            "--ledger",
            "ledger_kind",
            type=click.Choice([DEVELOPMENT, FABRIC, PROFILE]),
            help=f"Of this home, or by a connection profile.  [default: {_OF.kind}]",
        ),
        click.option(
            "--channel", metavar="NAME", help=f"Of the channel.  [default: {_OF.channel}]"
        ),
        click.option(
            "--msp-id",
            metavar="MSP",
            help=f"Organisation that the identity belongs to.  [default: {_OF.msp_id}]",
        ),
        click.option(
            "--msp-folder", metavar="FOLDER", help="Of the identity.  [default: User1, here]"
        ),
        click.option(
            "--ledger-profile",
            metavar="FILE",
            help="Connection profile, JSON or YAML.  [default: this home's]",
        ),
    ]

    @functools.wraps(command)
    def wrapped(invocation: Invocation, **kwargs: Any) -> Any:
        given = {setting: kwargs.pop(name) for name, setting in _SETTINGS.items()}
        if given["ledger.profile"] and not given["ledger.kind"]:
            given["ledger.kind"] = PROFILE
        told = {name: value for name, value in given.items() if value is not None}
        chosen = replace(invocation, overrides={**invocation.overrides, **told})
        return command(chosen, **kwargs)

    for option in reversed(options):
        wrapped = option(wrapped)
    return takes_home(wrapped)  # type: ignore[return-value]


def open_chosen(invocation: Invocation) -> LedgerAccess:
    """The ledger that the settings name.

    Raises:
        ProfileInvalid, IdentityRefused: see `open_ledger`.
    """
    settings = invocation.settings()
    return open_ledger(settings.of(LedgerSettings), settings.home)


def open_running(invocation: Invocation) -> LedgerAccess:
    """The same, for who asks at once: nobody waits for a ledger of this home that is down.

    Raises:
        ProfileInvalid, IdentityRefused: see `open_ledger`.
        LedgerSilent: it is known to be down.
    """
    access = open_chosen(invocation)
    check_is_up(access.settings, access.home)
    return access


def show_bytes(value: bytes) -> str:
    """A value for people and programs: its text where it is one, else 0x and hex digits."""
    return value.decode() if is_text(value) else f"0x{value.hex()}"


def is_text(value: bytes) -> bool:
    """Whether bytes are a text that can be printed."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each in "\n\t" for each in text)
