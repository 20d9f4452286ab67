"""Which text of a list counts: what the issuer's identity said last. Pure.

A service entry `did/svc/StatusList` of the issuer's DID holds a list's name, its number and the
CID of its text. The chain is the one place that says which text counts; whoever has the text may
hand it over, for its CID is its digest.

Law 1: of one list the last entry counts, in the order of the chain, also when its time is over or
       the identity has ended since: what was revoked stays revoked.
Law 2: a list that was never announced has no bit set: the chain knows all that an issuer announced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from edgemark.identifiers import NO_TIME
from edgemark.identity.credentials.status.entries import SERVICE
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.events import DIDAttributeChanged
from edgemark.identity.did.history import DatedChange
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

NAME = encode_name(f"did/svc/{SERVICE}")
MAX_BYTES = 256
MAX_NUMBER = 2**31


@dataclass(frozen=True)
class Announcement:
    """A text of a list, named.

    Attributes:
        name: of the list, within its issuer.
        number: of the text, 1 for the first.
        cid: of the text.
    """

    name: str
    number: int
    cid: str

    def encode(self) -> bytes:
        """The value of the attribute: sorted names, no spaces."""
        facts = {"cid": self.cid, "list": self.name, "number": self.number}
        return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True)
class Announced:
    """An announcement, and what said it."""

    what: Announcement
    change: DatedChange


def find_announced(name: str, changes: Sequence[DatedChange]) -> Announced | None:
    """What counts of a list; None when nothing was ever announced.

    Args:
        name: of the list.
        changes: of its issuer's identity, in the order of the chain.
    """
    for dated in reversed(changes):
        told = _read(dated)
        if told is not None and told.name == name:
            return Announced(told, dated)
    return None


def _read(dated: DatedChange) -> Announcement | None:
    """The announcement that a change is; None for all others, and for what nobody can read."""
    change = dated.change
    if not isinstance(change, DIDAttributeChanged) or change.name != NAME:
        return None
    if change.valid_to == NO_TIME:
        return None
    try:
        facts = parse_object_strictly(change.value, most=MAX_BYTES)
    except NotThatFormat:
        return None
    match facts:
        case {"cid": str(cid), "list": str(name), "number": int(number)} if 0 < number < MAX_NUMBER:
            return Announcement(name, number, cid)
    return None
