"""`edgemark identity create|rotate|delegate|attribute|deactivate|...`: what owners do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.free_texts import FREE
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Moment, Timestamp, parse_address
from edgemark.identity.did.acts import (
    Act,
    AttributeRevocation,
    AttributeSetting,
    Deactivation,
    DelegateAddition,
    DelegateRevocation,
    OwnerChange,
)
from edgemark.identity.did.attributes import (
    MAX_VALUE_BYTES,
    decode_name,
    encode_name,
    parse_name,
)
from edgemark.identity.did.identifier import NetworkUnknown, parse_did
from edgemark.identity.did.signed_act import SignedAct
from edgemark.party.evm.did.acting import act_as_owner, sign_act, submit_act, void_signatures
from edgemark.party.evm.did.agreeing import DAY_S, MOST_DAYS
from edgemark.party.evm.did.station import IdentityStation
from edgemark.words import count

FILE = click.Path(path_type=Path, dir_okay=False)
Make = Callable[[Address, Timestamp], Act]  # of an identity and chain time
F = TypeVar("F", bound=Callable[..., Any])


class ValueInvalid(RefusedInput):
    """What an identity is to say of itself is not as it has to be written."""


def of_identity(command: F) -> F:
    """Whose identity it is about: this home's account, or another one that belongs to it."""
    return click.option("--identity", help="DID or account.  [default: this home's account]")(
        command
    )


def signs_instead(command: F) -> F:
    """An option to sign only."""
    text = "Sign it into this file for `edgemark identity submit`; costs no gas."
    return click.option("--sign-only", type=FILE, help=text)(command)


days_option = click.option(
    "--days",
    type=WholeRange(1, MOST_DAYS),
    default=365,
    show_default=True,
    help="For how long it is valid.",
)
revoke_option = click.option("--revoke", "is_revoked", is_flag=True, help="End it instead.")


@click.command("create")
@takes_settings
def create(invocation: Invocation) -> None:
    """Make this home's identity: its keys on first run, and its DID; costs nothing.

    Every account owns itself without registration, on every chain with a registry.
    """
    with IdentityStation.look(invocation.settings(), may_make=True) as station:
        me = station.address
        facts = {
            "did": station.registry.did(me).text,
            "account": me,
            "owner": station.registry.owner(me),
        }
    invocation.show(facts)


@click.command("rotate")
@spends(for_good="Only the new owner can change the identity then, or give it back.")
@click.argument("owner")
@of_identity
@signs_instead
def rotate(spending: Spending, owner: str, identity: str | None, sign_only: Path | None) -> None:
    """Give the identity to the account OWNER, which signs for it from then on.

    Whoever lost the key of the new owner has lost the identity.
    """
    heir = parse_address(owner, who="owner")
    change(spending, identity, sign_only, lambda whose, _: OwnerChange(whose, heir))


@click.command("delegate")
@spends()
@click.argument("account")
@click.option(
    "--kind",
    default="veriKey",
    show_default=True,
    help="veriKey: it signs; sigAuth: it logs in too; or any other.",
)
@days_option
@revoke_option
@of_identity
@signs_instead
def delegate(
    spending: Spending,
    account: str,
    kind: str,
    days: int,
    identity: str | None,
    sign_only: Path | None,
    *,
    is_revoked: bool,
) -> None:
    """Let ACCOUNT act for the identity; with --revoke no longer, from that second on."""
    named, word = parse_address(account, who="delegate"), encode_name(kind)

    def make(whose: Address, now: Timestamp) -> Act:
        if is_revoked:
            return DelegateRevocation(whose, word, named)
        return DelegateAddition(whose, word, named, Timestamp(now + days * DAY_S))

    change(spending, identity, sign_only, make)


@click.command("attribute")
@spends()
@click.argument("name")
@click.argument("value", type=FREE)
@click.option("--hex", "is_hex", is_flag=True, help="VALUE is hex digits, whatever NAME says.")
@days_option
@revoke_option
@of_identity
@signs_instead
def attribute(
    spending: Spending,
    name: str,
    value: str,
    days: int,
    identity: str | None,
    sign_only: Path | None,
    *,
    is_hex: bool,
    is_revoked: bool,
) -> None:
    """Say VALUE of the identity under NAME; with --revoke no longer.

    A service is `did/svc/NAME`, and VALUE its address, or JSON. A key is
    `did/pub/ALGORITHM/PURPOSE/ENCODING`, and VALUE its hex digits (of `pem` its text).
    What begins with - stands behind `--`, and options before that.
    """
    word, told = encode_name(name), read_value(name, value, is_hex=is_hex)

    def make(whose: Address, now: Timestamp) -> Act:
        if is_revoked:
            return AttributeRevocation(whose, word, told)
        return AttributeSetting(whose, word, told, Timestamp(now + days * DAY_S))

    change(spending, identity, sign_only, make)


@click.command("deactivate")
@spends(for_good="Nobody owns the identity any more, and its DID never has a key again.")
@of_identity
@signs_instead
def deactivate(spending: Spending, identity: str | None, sign_only: Path | None) -> None:
    """End the identity, for good; the account and its tokens stay what they are."""
    change(spending, identity, sign_only, lambda whose, _: Deactivation(whose))


@click.command("revoke-signatures")
@spends()
@of_identity
def revoke_signatures(spending: Spending, identity: str | None) -> None:
    """Void what was signed with --sign-only and nobody has sent."""

    def act(station: IdentityStation) -> Address:
        whose = identity_of(station, identity)
        void_signatures(station, whose)
        return whose

    def tell(station: IdentityStation, whose: Address) -> dict[str, object]:
        return {"did": station.registry.did(whose).text, "nonce": station.registry.nonce(whose)}

    spending.carry_out(IdentityStation, act, tell)


@click.command("submit")
@spends()
@click.argument("file", type=FILE)
def submit(spending: Spending, file: Path) -> None:
    """Send what the owner of an identity signed into FILE, and pay the gas."""
    spending.carry_out(
        IdentityStation,
        lambda station: submit_act(station, file),
        lambda station, signed: {**describe(station, signed.act), "signer": signed.signer},
    )


def change(spending: Spending, identity: str | None, sign_only: Path | None, make: Make) -> None:
    """Do it as the owner, or sign it for somebody else to send."""
    if sign_only is None:
        spending.carry_out(
            IdentityStation,
            lambda station: act_as_owner(station, partial(make, identity_of(station, identity))),
            describe,
        )
        return
    spending.check_can_be_asked()
    with IdentityStation.look(spending.invocation.settings()) as station:
        signed = sign_act(station, partial(make, identity_of(station, identity)))
        facts = describe_signed(station, signed)
    if not spending.is_dry:
        spending.agree_to_sign()
        signed.save(sign_only)
    spending.invocation.show({"dry_run": True, **facts} if spending.is_dry else facts)


def identity_of(station: IdentityStation, text: str | None) -> Address:
    """The identity that is meant.

    Raises:
        RefusedInput: it is neither an account nor a DID of the station's chain.
    """
    if text is None:
        return station.address
    if not text.startswith("did:"):
        return parse_address(text, who="identity")
    did = parse_did(text)
    if did.chain_id != station.chain.chain_id:
        raise NetworkUnknown(
            "is on another chain than the registry of these settings",
            who=did,
            had=f"chain id {did.chain_id}",
            needed=f"chain id {station.chain.chain_id}",
            remedy="Name its chain in the settings: identity.url.",
        )
    return did.identity


def read_value(name: str, value: str, *, is_hex: bool) -> bytes:
    """The bytes that are said under a name.

    Raises:
        ValueInvalid: no hex digits where there have to be some, or too many bytes.
    """
    found = parse_name(name)
    is_key = found is not None and found.section == "pub" and found.encoding != "pem"
    try:
        digits = value.removeprefix("0x")
        raw = bytes.fromhex(digits) if is_hex or is_key else value.encode()
    except ValueError:  # also of a text that is no Unicode
        needed = "hex digits, two for each byte" if is_hex or is_key else "text"
        raise ValueInvalid("is not what is said under this name", who=name, needed=needed) from None
    if not 1 <= len(raw) <= MAX_VALUE_BYTES:
        raise ValueInvalid(
            "does not fit the registry",
            who=name,
            had=count(len(raw), "byte"),
            needed=f"1 to {MAX_VALUE_BYTES:,} bytes",
            remedy="Say where it is instead, as a service.",
        )
    return raw


def describe(station: IdentityStation, act: Act) -> dict[str, object]:
    """What was done, or is to be."""
    facts: dict[str, object] = {"did": station.registry.did(act.identity).text}
    facts["act"] = type(act).__name__
    for part in fields(act)[1:]:
        given = getattr(act, part.name)
        match part.name:
            case "valid_to":
                facts["valid_until"] = Moment(given)
            case "kind" | "name":
                facts[part.name] = decode_name(given)
            case "value":
                facts["value_bytes"] = len(given)
            case _:
                facts[part.name] = given
    return facts


def describe_signed(station: IdentityStation, signed: SignedAct) -> dict[str, object]:
    """What was signed, and until when it counts."""
    ends = {"nonce": signed.nonce, "counts_until": Moment(signed.deadline)}
    return {**describe(station, signed.act), "signer": signed.signer, **ends}
