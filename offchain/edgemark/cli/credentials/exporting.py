"""`edgemark credential export`: a credential and the lists of its status, for whoever checks it."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.credentials.places import FILE, FOLDER, find_issued, store_of
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.files import write_whole
from edgemark.identity.credentials.keeping import write_token
from edgemark.identity.credentials.legacy import sign_legacy
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status.entries import parse_entry
from edgemark.party.evm.did.acting import check_owned
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.evm.did.statuses import open_keeper
from edgemark.storage.cid import parse_cid

NEW, OLD = "2.0", "1.1"


@click.command("export")
@takes_settings
@click.argument("credential")
@click.option("-o", "--out", type=FILE, required=True, help="Write it here.")
@click.option(
    "--form",
    type=click.Choice([NEW, OLD]),
    default=NEW,
    show_default=True,
    help="1.1 is signed anew, for those who read no other.",
)
@click.option("--lists", type=FOLDER, help="Write the lists of its status here, by their CIDs.")
def export(
    invocation: Invocation, credential: str, out: Path, form: str, lists: Path | None
) -> None:
    """Write CREDENTIAL of this home, a digest or how it begins, to a file.

    With --lists also the texts that say whether it was revoked: each has its own digest for a name,
    so whoever hands them on cannot change them. A list that was never announced has no text.
    """
    settings = invocation.settings()
    signed = find_issued(settings, credential)
    with IdentityStation.look(settings) as station:
        token = signed.token if form == NEW else sign_old(station, signed)
        texts = list_texts(station, signed)
    write_whole(out, write_token(token))
    if lists is not None:
        lists.mkdir(parents=True, exist_ok=True)
        for cid in texts:
            write_whole(lists / cid, store_of(settings).get(parse_cid(cid)))
    facts: dict[str, object] = {"credential": signed.digest.hex(), "form": form, "file": str(out)}
    invocation.show(facts if lists is None else {**facts, "lists": texts})


def sign_old(station: IdentityStation, signed: SignedCredential) -> str:
    """The 1.1 form, by the owner of the issuer's identity."""
    check_owned(station, signed.issuer.identity)
    key = station.keys.account
    return sign_legacy(signed.credential, key, CredentialSigner(key, signed.issuer).kid)


def list_texts(station: IdentityStation, signed: SignedCredential) -> list[str]:
    """CIDs of the texts that count of a credential's lists."""
    entries = [parse_entry(part) for part in signed.credential.status]
    keepers = [open_keeper(station, entry.listed, entry.purpose) for entry in entries]
    texts = [keeper.published() for keeper in keepers]
    return [text.cid for text in texts if text is not None]
