"""When a credential is known to have been there, and the issuer's document at that time. Pure.

A key signs what it likes, with any date in it, also after its owner took it away: so a time in a
credential proves nothing. What a chain recorded of its digest does.

Law 1: with evidence the issuer's document is that of the evidence: a later rotation, revocation of
       a delegate or deactivation voids nothing; an earlier one does.
Law 2: without evidence it is the newest document.
Law 3: whoever recorded the digest, it was there: an anchor may stand in anybody's identity.

The digest is Keccak-256 of the signed text. It is anchored as the attribute `vc/anchor` of an
identity (`edgemark identity attribute vc/anchor DIGEST --hex`); records of it on another chain, or
in another contract, come as a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import NO_TIME, Hash32, Timestamp
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.events import Change, DIDAttributeChanged
from edgemark.identity.did.history import DatedChange, Latest, Resolution, build_document
from edgemark.identity.did.identifier import Did

ANCHOR = "vc/anchor"  # name of the attribute; no resolver takes it for a key or a service
_ANCHOR = encode_name(ANCHOR)


@dataclass(frozen=True)
class Evidence:
    """A record of a digest.

    Attributes:
        at: Unix seconds, of its block; what changed within this second came before, without an
            anchor to tell.
        anchor: the event, where it is one of the registry that the issuer's identity is in: then
            its place in the chain counts, not its second.
    """

    at: Timestamp
    anchor: Change | None = None


def digest_of(token: str) -> Hash32:
    """What is recorded of a signed text."""
    return keccak256(token.encode("ascii"))


def find_anchor(digest: Hash32, changes: Sequence[DatedChange]) -> Evidence | None:
    """The first anchor of a digest among changes of one registry; None when there is none."""
    found = [dated for dated in changes if _is_anchor(dated.change, digest)]
    first = min(found, key=lambda dated: _place(dated.change), default=None)
    return None if first is None else Evidence(first.at, first.change)


def build_document_then(
    issuer: Did, changes: Sequence[DatedChange], evidence: Evidence | None, now: Timestamp
) -> Resolution:
    """The issuer's document at the time that counts.

    Args:
        issuer: as the credential names it.
        changes: all of the issuer's identity, in the order of the chain.
        evidence: of the credential.
        now: Unix seconds; counts without evidence.
    """
    if evidence is None:
        return build_document(issuer, changes, Latest(now))
    if evidence.anchor is None:
        before = [dated for dated in changes if dated.at <= evidence.at]
    else:
        place = _place(evidence.anchor)
        before = [dated for dated in changes if _place(dated.change) < place]
    return build_document(issuer, before, Latest(evidence.at))


def _is_anchor(change: Change, digest: Hash32) -> bool:
    return (
        isinstance(change, DIDAttributeChanged)
        and change.name == _ANCHOR
        and change.value == digest
        and change.valid_to != NO_TIME
    )


def _place(change: Change) -> tuple[int, int]:
    return change.at.block_number, change.at.log_index
