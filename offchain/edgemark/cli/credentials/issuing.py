"""`edgemark credential issue`: a credential signed by this home's account, kept and written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from edgemark.cli.credentials.places import FILE, did_option, issued_of, read_schema_file
from edgemark.cli.identities.acting import days_option
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import about
from edgemark.files import read_limited, write_whole
from edgemark.identifiers import Moment, Timestamp
from edgemark.identity.credentials.keeping import write_token
from edgemark.identity.credentials.model import (
    CONTEXT,
    MAX_CREDENTIAL_BYTES,
    TYPE,
    UNDEFINED_TERMS,
    CredentialInvalid,
    SchemaRef,
    read_credential,
)
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.schema import (
    MAX_SCHEMA_BYTES,
    SchemaInvalid,
    check_claims,
)
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status.entries import Purpose
from edgemark.identity.did.identifier import Did, format_second
from edgemark.party.evm.did.acting import check_owned
from edgemark.party.evm.did.agreeing import DAY_S
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.evm.did.statuses import draw_entry
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Statement:
    """What is to be said.

    Attributes:
        subject: of whom.
        claims: what.
        kind: a type of its own; None for none.
        template: that the claims follow; None for none.
    """

    subject: Did
    claims: dict[str, Any]
    kind: str | None
    template: SchemaRef | None


def takes_statement(command: F) -> F:
    """Options that say what is to be said; the command gets a `Statement`."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        subject, claims = kwargs.pop("subject"), read_claims(kwargs.pop("claims"))
        schema = kwargs.pop("schema")
        template = read_schema_file(schema)
        if schema is not None:
            check_claims(claims, read_limited(schema, MAX_SCHEMA_BYTES, SchemaInvalid))
        statement = Statement(subject, claims, kwargs.pop("kind"), template)
        return command(*args, statement=statement, **kwargs)

    found: Any = wrapped
    for option in (
        click.option("--type", "kind", help="A type beside VerifiableCredential."),
        click.option(
            "--schema", type=FILE, help="JSON Schema of the claims, checked, and named by digest."
        ),
        click.option("--claims", type=FILE, required=True, help="JSON object: what is said of it."),
        did_option("--subject", "DID of whom it is about.", required=True),
    ):
        found = option(found)
    return found  # type: ignore[no-any-return]


@click.command("issue")
@takes_settings
@takes_statement
@did_option("--issuer", "An identity that belongs to this home's account.  [default: its own]")
@days_option
@click.option(
    "--status/--no-status",
    "has_status",
    default=True,
    show_default=True,
    help="Whether it can be revoked and suspended.",
)
@click.option("-o", "--out", type=FILE, help="Write it here too.")
def issue(
    invocation: Invocation,
    statement: Statement,
    issuer: Did | None,
    days: int,
    out: Path | None,
    *,
    has_status: bool,
) -> None:
    """Sign what this home's identity says of another; nothing is sent to the chain.

    It is printed, and kept in the home. Its digest can be anchored, so that it outlives the key
    that signed it: `edgemark identity attribute vc/anchor DIGEST --hex`.
    """
    settings = invocation.settings()
    with IdentityStation.look(settings) as station:
        by = issuer or station.registry.did(station.address)
        check_owned(station, by.identity)
        now = station.now()
        period = (now, Timestamp(now + days * DAY_S))
        facts = draft_facts(by, statement, period)
        read_credential(facts)  # before an entry is set aside for it
        if has_status:
            facts["credentialStatus"] = list_entries(station, by)
        signed = read_signed(CredentialSigner(station.keys.account, by).sign(facts))
    issued_of(settings).keep(signed)
    if out is not None:
        write_whole(out, write_token(signed.token))
    invocation.show(
        {
            "credential": signed.digest.hex(),
            "issuer": by.text,
            "subject": statement.subject.text,
            "valid_until": Moment(period[1]),
            "token": signed.token,
        }
    )


def read_claims(path: Path) -> dict[str, Any]:
    """The claims in a file.

    Raises:
        CredentialInvalid: no JSON object, or one that says whom it is about.
    """
    raw = read_limited(path, MAX_CREDENTIAL_BYTES, CredentialInvalid)
    with about(path):
        try:
            said = parse_object_strictly(raw, most=MAX_CREDENTIAL_BYTES)
        except NotThatFormat as error:
            raise CredentialInvalid("cannot be read", had=error, needed="a JSON object") from None
        if not said or "id" in said:
            needed = "what is said; whom it is about is --subject"
            raise CredentialInvalid("are no claims", had="id" if said else "nothing", needed=needed)
    return said


def draft_facts(
    issuer: Did, statement: Statement, period: tuple[Timestamp, Timestamp]
) -> dict[str, Any]:
    """The JSON of the credential."""
    facts: dict[str, Any] = {
        "@context": [CONTEXT, UNDEFINED_TERMS],
        "type": [TYPE, *([statement.kind] if statement.kind else [])],
        "issuer": issuer.text,
        "validFrom": format_second(period[0]),
        "validUntil": format_second(period[1]),
        "credentialSubject": {"id": statement.subject.text, **statement.claims},
    }
    if statement.template is not None:
        facts["credentialSchema"] = statement.template.as_json()
    return facts


def list_entries(station: IdentityStation, issuer: Did) -> list[dict[str, str]]:
    """An entry for each purpose."""
    randomness = Randomness()
    return [draw_entry(station, issuer, purpose, randomness).as_json() for purpose in Purpose]
