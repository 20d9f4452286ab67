"""Which bit of which list is a credential's, and the list as a credential of its issuer. Pure.

Source: W3C, "Bitstring Status List v1.0", 2.1 (entries), 2.2 (lists), 3.2 (validation).

A list is named by a DID URL of its issuer, `DID?service=StatusList&relativeRef=NAME`: which text
of it counts, the issuer's DID says by its service entries (`announced`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.instants import Instant
from edgemark.identity.credentials.model import CONTEXT, TYPE, Credential
from edgemark.identity.credentials.status.bitstring import (
    Bitstring,
    StatusListInvalid,
    decode_bitstring,
)
from edgemark.identity.did.identifier import Did, format_second, parse_did

ENTRY_TYPE, LIST_TYPE, SUBJECT_TYPE = (
    "BitstringStatusListEntry",
    "BitstringStatusListCredential",
    "BitstringStatusList",
)
SERVICE = "StatusList"
_INDEX = re.compile(r"0|[1-9][0-9]{0,7}", re.ASCII)
_NAME = re.compile(r"[a-z]{1,12}-[1-9][0-9]{0,5}", re.ASCII)


class Purpose(StrEnum):
    """What a set bit means."""

    REVOCATION = "revocation"  # for good
    SUSPENSION = "suspension"  # until it is lifted


class NotGood(RefusedInput):
    """A credential was revoked, or is suspended."""


@dataclass(frozen=True)
class ListName:
    """A list of one issuer.

    Attributes:
        issuer: its DID.
        name: within it, purpose and number: `revocation-1`.
    """

    issuer: Did
    name: str

    @property
    def url(self) -> str:
        """`statusListCredential` of entries."""
        return f"{self.issuer}?service={SERVICE}&relativeRef={self.name}"


@dataclass(frozen=True)
class StatusEntry:
    """A credential's bit.

    Attributes:
        listed: the list.
        purpose: of the bit.
        index: in the list.
    """

    listed: ListName
    purpose: Purpose
    index: int

    def as_json(self) -> dict[str, str]:
        """As it stands in the credential."""
        return {
            "id": f"{self.listed.url}#{self.index}",
            "type": ENTRY_TYPE,
            "statusPurpose": self.purpose.value,
            "statusListIndex": str(self.index),
            "statusListCredential": self.listed.url,
        }


def parse_list_name(url: object) -> ListName:
    """Parse the URL of a list.

    Raises:
        StatusListInvalid: it names no list of a DID.
    """
    before, mark, name = str(url).partition(f"?service={SERVICE}&relativeRef=")
    try:
        if isinstance(url, str) and mark and _NAME.fullmatch(name):
            return ListName(parse_did(before), name)
    except RefusedInput:
        pass
    needed = f"DID?service={SERVICE}&relativeRef=NAME"
    raise StatusListInvalid("is not where a list is", who=repr(url)[:120], needed=needed)


def parse_entry(part: Mapping[str, Any]) -> StatusEntry:
    """Parse an entry of a credential's status.

    Raises:
        StatusListInvalid: of another type, purpose or size, or without its parts.
    """
    index, purpose = part.get("statusListIndex"), part.get("statusPurpose")
    if part.get("type") != ENTRY_TYPE or part.get("statusSize", 1) != 1:
        needed = f"{ENTRY_TYPE}, statusSize 1"
        raise StatusListInvalid("is of another type", who="credentialStatus", needed=needed)
    if purpose not in list(Purpose):
        had, needed = repr(purpose)[:40], " or ".join(Purpose)
        raise StatusListInvalid(
            "has another purpose", who="credentialStatus", had=had, needed=needed
        )
    if not isinstance(index, str) or not _INDEX.fullmatch(index):
        had = repr(index)[:40]
        raise StatusListInvalid("has no index", who="credentialStatus", had=had, needed="digits")
    return StatusEntry(
        parse_list_name(part.get("statusListCredential")), Purpose(purpose), int(index)
    )


def list_facts(listed: ListName, purpose: Purpose, bits: Bitstring, since: int) -> dict[str, Any]:
    """A list as the credential that its issuer signs; `since`: Unix seconds."""
    return {
        "@context": [CONTEXT],
        "id": listed.url,
        "type": [TYPE, LIST_TYPE],
        "issuer": listed.issuer.text,
        "validFrom": format_second(since),
        "credentialSubject": {
            "id": f"{listed.url}#list",
            "type": SUBJECT_TYPE,
            "statusPurpose": purpose.value,
            "encodedList": bits.encode(),
        },
    }


def read_list(
    credential: Credential, listed: ListName, purpose: Purpose, now: Instant
) -> Bitstring:
    """The bits of a list whose signature was checked.

    Args:
        credential: the list.
        listed: which one it has to be.
        purpose: that its bits have to be for.
        now: a list counts within its period.

    Raises:
        StatusListInvalid: another list, purpose or type, or its period is not now.
    """
    subject = credential.facts["credentialSubject"]
    purposes = subject.get("statusPurpose") if isinstance(subject, dict) else None
    wanted = {"type": LIST_TYPE, "id": listed.url, "statusPurpose": purpose.value}
    is_it = (
        LIST_TYPE in credential.types
        and credential.id == listed.url
        and isinstance(subject, dict)
        and subject.get("type") == SUBJECT_TYPE
        and purpose in (purposes if isinstance(purposes, list) else [purposes])
    )
    if not is_it:
        raise StatusListInvalid("is another list", who="status list", needed=wanted)
    if not is_within(credential, now):
        raise StatusListInvalid("does not count now", who="status list", needed="its period")
    return decode_bitstring(subject.get("encodedList"))


def is_within(credential: Credential, now: Instant) -> bool:
    """Whether a second lies within the period of a credential."""
    since, until = credential.valid_from, credential.valid_until
    return (since is None or since <= now) and (until is None or now <= until)


def check_good(entry: StatusEntry, bits: Bitstring) -> None:
    """Check that a credential's bit is not set.

    Raises:
        NotGood: it is.
        StatusListInvalid: the list has no such index.
    """
    if bits[entry.index]:
        done = "was revoked" if entry.purpose is Purpose.REVOCATION else "is suspended"
        raise NotGood(f"{done} by its issuer", who="credential", had=f"entry {entry.index} is set")
