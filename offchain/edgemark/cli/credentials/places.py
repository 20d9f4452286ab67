"""Where credentials and texts of lists are, and how somebody names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgemark.cli.terminal.begun_ids import KindOfId, Known, find_id
from edgemark.files import read_limited
from edgemark.identifiers import Hash32, parse_hash32
from edgemark.identity.credentials.keeping import IssuedCredentials, read_token
from edgemark.identity.credentials.model import SchemaRef
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.schema import MAX_SCHEMA_BYTES, SchemaInvalid, read_schema
from edgemark.identity.credentials.status.reading import ListMissing
from edgemark.identity.did.identifier import Did, parse_did
from edgemark.settings.settings import Settings
from edgemark.storage.cid import MAX_BLOCK_BYTES, Cid, cid_of, parse_cid
from edgemark.storage.content import ContentMissing
from edgemark.storage.local import LocalStore

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
CREDENTIAL: KindOfId[Hash32] = KindOfId(
    "credential", 64, lambda text: parse_hash32(text, who="credential")
)

F = TypeVar("F", bound=Callable[..., Any])

credential_argument = click.argument("credential")


def issued_of(settings: Settings) -> IssuedCredentials:
    """What this home issued."""
    return IssuedCredentials(settings.home / "credentials" / "issued")


def place_of_store(settings: Settings) -> Path:
    """Where this home's blocks of content are, when there are any."""
    return settings.home / "content"


def store_of(settings: Settings) -> LocalStore:
    """This home's blocks of content; makes their folder."""
    return LocalStore(place_of_store(settings))


def find_credential(settings: Settings, named: str) -> SignedCredential:
    """The credential of a file; else the one of this home whose digest is meant.

    Raises:
        RefusedInput: neither is there, or what is there is none.
    """
    path = Path(named)
    if path.is_file() or not _may_be_digest(named):
        return read_token(path)
    return find_issued(settings, named)


def find_issued(settings: Settings, named: str) -> SignedCredential:
    """The one of this home whose digest is meant.

    Raises:
        IdUnknown, IdAmbiguous, NotIssuedHere: there is none, or several.
    """
    issued = issued_of(settings)
    return issued.read(find_id(CREDENTIAL, named, Known("this home", issued.digests)))


def fetch_lists(settings: Settings, folder: Path | None) -> Callable[[str], bytes]:
    """Where texts of lists are looked for: in a folder that is named, then in this home."""

    def fetch(name: str) -> bytes:
        cid = parse_cid(name)
        path = None if folder is None else folder / str(cid)
        if path is not None and path.is_file():
            raw = read_limited(path, MAX_BLOCK_BYTES)
            if cid_of(raw) == cid:
                return raw
        try:
            return read_own(settings, cid)
        except ContentMissing:
            raise ListMissing(
                "is not at hand, so whether the credential was revoked is not known",
                who=f"status list {cid}",
                remedy="Get it from the issuer (`credential export --lists`), and name its folder.",
            ) from None

    return fetch


def read_own(settings: Settings, cid: Cid) -> bytes:
    """A block of this home.

    Raises:
        ContentMissing: it has none of this name.
    """
    place = place_of_store(settings)
    if not place.is_dir():  # who looks makes none
        raise ContentMissing("is not there", who=f"content {cid}", had=f"no {place}")
    return store_of(settings).get(cid)


def read_schema_file(path: Path | None) -> SchemaRef | None:
    """What a credential says of the template in a file; None for none."""
    if path is None:
        return None
    raw = read_limited(path, MAX_SCHEMA_BYTES, SchemaInvalid)
    return read_schema(raw, lambda canonical: f"ipfs://{cid_of(canonical)}")


def did_option(name: str, text: str, *, required: bool = False) -> Callable[[F], F]:
    """An option that takes a DID."""
    return click.option(name, callback=_parse_did, required=required, help=text)


def _parse_did(_: click.Context, __: click.Parameter, value: str | None) -> Did | None:
    return None if value is None else parse_did(value)


def _may_be_digest(named: str) -> bool:
    try:
        int(named, 16)
    except ValueError:
        return False
    return True
