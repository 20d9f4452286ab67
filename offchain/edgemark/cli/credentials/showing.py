"""`edgemark credential show`: what a credential says, as far as this home knows."""

from __future__ import annotations

from typing import Any

import click

from edgemark.cli.credentials.opening import open_seals
from edgemark.cli.credentials.places import find_credential, issued_of
from edgemark.cli.terminal.invocation import Invocation, lay_out, takes_settings
from edgemark.identifiers import Moment
from edgemark.identity.credentials.instants import SECOND_NS
from edgemark.identity.credentials.reading import SignedCredential


@click.command("show")
@takes_settings
@click.argument("credential", required=False)
def show(invocation: Invocation, credential: str | None) -> None:
    """Print what CREDENTIAL says, a file or the beginning of a digest; without it, a list.

    What is sealed in it is opened by the keys of this home, or it is told for whom it is. Nothing
    of it is checked here: `edgemark credential verify` does that.
    """
    settings = invocation.settings()
    if credential is not None:
        signed = find_credential(settings, credential)
        seals = [each.as_facts() for each in open_seals(settings, signed)]
        invocation.show({**facts_of(signed), **({"sealed": seals} if seals else {})})
        return
    issued = issued_of(settings)
    found = [facts_of(issued.read(bytes.fromhex(each))) for each in issued.digests()]  # type: ignore[arg-type]
    rows = [
        [str(each[name]) for name in ("credential", "subject", "valid_until")] for each in found
    ]
    text = lay_out(rows) if rows else "this home issued no credential"
    invocation.show({"credentials": found}, text)


def facts_of(signed: SignedCredential) -> dict[str, Any]:
    """What a credential says, without a word on whether it holds."""
    said = signed.credential
    facts: dict[str, Any] = {
        "credential": signed.digest.hex(),
        "checked": False,
        "issuer": said.issuer,
        "subject": ", ".join(said.subjects) or None,
        "types": list(said.types),
        "valid_from": _moment(said.valid_from),
        "valid_until": _moment(said.valid_until),
        "key": signed.jws.header.get("kid"),
        "schemas": [schema.as_json() for schema in said.schemas],
        "status": [dict(entry) for entry in said.status],
        "says": said.facts["credentialSubject"],
    }
    return facts


def _moment(instant: int | None) -> Moment:
    return Moment(0 if instant is None else instant // SECOND_NS)
