"""The frame of this system's credentials, and the parts that they have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.identity.credentials.model import CONTEXT, TYPE, UNDEFINED_TERMS, SchemaRef
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.schema import compute_digest
from edgemark.identity.did.identifier import Did, format_second, parse_did
from edgemark.storage.cid import cid_of
from edgemark.systems.trading.templates.template import Template

INITIATION = "TransactionInitiationCredential"
SETTLEMENT = "TransactionSettlementCredential"
QUALIFICATION = "QualificationCredential"
TEMPLATE_TYPE = "ClaimTemplate"  # the schema of claims; `JsonSchema` is one of a whole credential
SIGNATURE_BYTES = 65
CACHED_TEMPLATES = 256  # by which credentials are made and read again and again

_SIGNATURE = re.compile(r"0x[0-9a-f]{130}")


class PayloadInvalid(RefusedInput):
    """A credential is none of this system, or not of this trade."""


@dataclass(frozen=True)
class Period:
    """When a credential counts, Unix seconds; both are within.

    Attributes:
        until: None: without an end.
    """

    since: int
    until: int | None = None


def schema_of(template: Template) -> SchemaRef:
    """How a credential names the template that its claims follow."""
    return _schema_of(template.text, template.label.version)


@lru_cache(maxsize=CACHED_TEMPLATES)
def _schema_of(text: bytes, version: int) -> SchemaRef:
    return SchemaRef(f"ipfs://{cid_of(text)}", TEMPLATE_TYPE, str(version), compute_digest(text))


def frame(
    kind: str,
    issuer: Did,
    subject: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    period: Period,
    *,
    template: Template | None = None,
    status: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The JSON of a credential, as its issuer signs it.

    Args:
        kind: one of the three.
        issuer: who will sign it.
        subject: what it says; of a settlement, of two parties.
        period: when it counts.
        template: that its claims follow.
        status: entries of its issuer's lists (`StatusEntry.as_json`).
    """
    facts: dict[str, Any] = {
        "@context": [CONTEXT, UNDEFINED_TERMS],
        "type": [TYPE, kind],
        "issuer": str(issuer),
        "validFrom": format_second(period.since),
        "credentialSubject": subject,
    }
    if period.until is not None:
        facts["validUntil"] = format_second(period.until)
    if template is not None:
        facts["credentialSchema"] = schema_of(template).as_json()
    if status:
        facts["credentialStatus"] = list(status)
    return facts


def subjects_of(signed: SignedCredential, kind: str, many: int) -> list[Mapping[str, Any]]:
    """What a credential of this kind says, by subject.

    Raises:
        PayloadInvalid: of another kind, or about more or fewer.
    """
    types = signed.credential.types
    if set(types) != {TYPE, kind}:
        raise PayloadInvalid("is of another kind", who="credential", had=types, needed=kind)
    said = signed.credential.facts["credentialSubject"]
    subjects = said if isinstance(said, list) else [said]
    if len(subjects) != many or not all("id" in each for each in subjects):
        needed = f"{many}, each with its DID"
        raise PayloadInvalid("is about others", who="credential", had=len(subjects), needed=needed)
    return subjects


def party_of(subject: Mapping[str, Any]) -> Did:
    """The DID of a subject; raises `RefusedInput`."""
    return parse_did(subject["id"])


def parse_signature(value: Any) -> bytes:
    """The 65 bytes of `0x` and hexadecimal digits.

    Raises:
        PayloadInvalid: another form.
    """
    if not isinstance(value, str) or not _SIGNATURE.fullmatch(value):
        needed = f"0x and {2 * SIGNATURE_BYTES} of 0-9, a-f"
        raise PayloadInvalid("is no signature", needed=needed)
    return bytes.fromhex(value[2:])


def parse_account(value: Any) -> Address:
    """An account, with its checksum.

    Raises:
        RefusedInput: another form, or none.
    """
    account = parse_address(value)
    if account != value:
        raise PayloadInvalid("is written in another way", had=str(value)[:60], needed=account)
    return account


def write_hex(octets: bytes) -> str:
    """`0x` and small hexadecimal digits."""
    return f"0x{octets.hex()}"
