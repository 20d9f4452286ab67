"""The status of a credential, from the text of a list that the issuer's DID names. Pure.

Law: a list is asked for by its CID, which is compared; its signature is by the key that the issuer
     had when it announced it; it is the issuer's own list, for the purpose of the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.evidence import Evidence, build_document_then
from edgemark.identity.credentials.instants import instant_of
from edgemark.identity.credentials.jose.compact import check_compact
from edgemark.identity.credentials.keys import find_signer
from edgemark.identity.credentials.model import Credential
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.status.announced import Announced, find_announced
from edgemark.identity.credentials.status.bitstring import Bitstring, StatusListInvalid
from edgemark.identity.credentials.status.entries import (
    ListName,
    Purpose,
    StatusEntry,
    check_good,
    parse_entry,
    read_list,
)
from edgemark.identity.did.history import DatedChange
from edgemark.identity.did.identifier import Did, is_same

FetchList = Callable[[str], bytes]  # text by CID; raises `ListMissing`


class ListMissing(RefusedInput):
    """The text of a list that the chain names is not at hand, so the status is not known."""


def check_status(
    credential: Credential,
    issuer: Did,
    changes: Sequence[DatedChange],
    fetch: FetchList,
    now: Timestamp,
) -> str:
    """Check that no bit of a credential is set; answers what was seen.

    Args:
        credential: its signature was checked.
        issuer: its issuer.
        changes: of the issuer's identity, all up to now.
        fetch: gets the text of a list.
        now: Unix seconds.

    Raises:
        NotGood: revoked or suspended.
        StatusListInvalid, ListMissing: that is not known.
    """
    told = []
    for part in credential.status:
        entry = parse_entry(part)
        if not is_same(entry.listed.issuer, issuer):
            had, needed = str(entry.listed.issuer), str(issuer)
            raise StatusListInvalid("is another issuer's", who="list", had=had, needed=needed)
        told.append(_check_entry(entry, changes, fetch, now))
    return ", ".join(told) or "none: it cannot be revoked"


def _check_entry(
    entry: StatusEntry, changes: Sequence[DatedChange], fetch: FetchList, now: Timestamp
) -> str:
    announced = find_announced(entry.listed.name, changes)
    if announced is None:
        check_good(entry, Bitstring())  # of an index that there is not, nothing is known
        return f"no {entry.purpose} was ever announced"
    bits = open_list(entry.listed, entry.purpose, announced, changes, fetch, now)
    check_good(entry, bits)
    return f"no {entry.purpose} in list {announced.what.number}"


def open_list(
    listed: ListName,
    purpose: Purpose,
    announced: Announced,
    changes: Sequence[DatedChange],
    fetch: FetchList,
    now: Timestamp,
) -> Bitstring:
    """The bits of the text that was announced.

    Raises:
        ListMissing: nobody has the text.
        StatusListInvalid: it is not the issuer's list, or none.
        KeyUnusable, BadSignature, TokenInvalid, CredentialInvalid: it is not signed as it must be.
    """
    raw = fetch(announced.what.cid)
    try:
        signed = read_signed(raw.decode("ascii"))
    except UnicodeDecodeError:
        raise StatusListInvalid("is no text", who="status list", needed="a signed list") from None
    if not is_same(signed.issuer, listed.issuer):
        had, needed = str(signed.issuer), str(listed.issuer)
        raise StatusListInvalid("is another issuer's", who="status list", had=had, needed=needed)
    evidence = Evidence(announced.change.at, announced.change.change)
    then = build_document_then(listed.issuer, changes, evidence, now)
    check_compact(signed.jws, find_signer(signed.jws.header, signed.issuer, then.document))
    return read_list(signed.credential, listed, purpose, instant_of(now))
