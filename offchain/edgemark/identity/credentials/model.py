"""A credential as typed values, read by the rules of the data model and refused by name. Pure.

Source: VC Data Model 2.0, section 4 (contexts, identifiers, types, names, issuer, subject, period,
status, schema, evidence, terms, refresh service, related resources); "Securing Verifiable
Credentials using JOSE and COSE", 3.1.1 and 3.1.3 (no claims `vc` and `vp`; what JWT has a claim for
must not say another thing than the credential).

What needs a JSON-LD processor is not looked at, but for this: no context written into a credential
may give another meaning to a word of the data model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.instants import SECOND_NS, Instant, parse_instant
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

CONTEXT = "https://www.w3.org/ns/credentials/v2"
UNDEFINED_TERMS = "https://www.w3.org/ns/credentials/undefined-terms/v2"
TYPE = "VerifiableCredential"
MAX_CREDENTIAL_BYTES = 48 * 1024  # base64 of it is 64 KiB, the most that a signed text may have
MAX_ITEMS = 64  # of each list of the data model
MAX_URL = 2048

# Absolute, with a scheme (RFC 3986, 3.1, 4.3); nothing that ends a line, a word or a quotation.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~%]+", re.ASCII)
_TYPED = ("credentialStatus", "evidence", "termsOfUse", "refreshService")
_TEXTS = ("name", "description")
_WORDS = frozenset({TYPE, "VerifiablePresentation", "credentialSubject", "credentialStatus"}) | {
    "issuer", "validFrom", "validUntil", "credentialSchema", "type", "id",
}  # fmt: skip


class CredentialInvalid(RefusedInput):
    """Something is no credential by the data model."""


@dataclass(frozen=True)
class SchemaRef:
    """Which template the claims of a credential follow: another one has another digest.

    Attributes:
        id: of the template, a URL.
        type: of the schema, `JsonSchema` here.
        version: of the template; empty when nothing is said.
        digest: `digestSRI`, as of `schema.compute_digest`; empty when nothing is said.
    """

    id: str
    type: str
    version: str = ""
    digest: str = ""

    def as_json(self) -> dict[str, str]:
        """As it stands in a credential."""
        said = {"id": self.id, "type": self.type}
        if self.version:
            said["version"] = self.version
        return said | ({"digestSRI": self.digest} if self.digest else {})


@dataclass(frozen=True)
class Credential:
    """What an issuer says.

    Attributes:
        facts: the whole JSON.
        issuer: a URL, a DID here.
        subjects: ids of the subjects that have one, in order.
        types: with `VerifiableCredential`.
        valid_from, valid_until: None when nothing is said; both seconds are within.
        status: entries, each with a type.
        schemas: each with id and type.
    """

    facts: Mapping[str, Any]
    issuer: str
    subjects: tuple[str, ...]
    types: tuple[str, ...]
    valid_from: Instant | None
    valid_until: Instant | None
    status: tuple[Mapping[str, Any], ...]
    schemas: tuple[SchemaRef, ...]

    @property
    def id(self) -> str | None:
        """A URL; None when it has none."""
        return self.facts.get("id")


def parse_credential(raw: bytes) -> Credential:
    """Read a credential.

    Args:
        raw: JSON, UTF-8: what a signed text holds.

    Raises:
        CredentialInvalid, InstantInvalid: which part is not as the data model has it.
    """
    try:
        facts = parse_object_strictly(raw, most=MAX_CREDENTIAL_BYTES)
    except NotThatFormat as error:
        raise CredentialInvalid("cannot be read", who="credential", had=error) from None
    return read_credential(facts)


def read_credential(facts: Mapping[str, Any]) -> Credential:
    """The same of JSON that was read already; each object has each name once.

    Raises:
        CredentialInvalid, InstantInvalid: as `parse_credential`.
    """
    _check_contexts(facts.get("@context"))
    types = _types(facts, "type")
    if TYPE not in types:
        _refuse("type", f"{TYPE} among them")
    if "id" in facts:
        _url(facts["id"], "id")
    for name in _TYPED:
        for part in _parts(facts, name):
            _check_part(part, name)
    _check_resources(facts)
    issuer = facts.get("issuer")
    _check_texts(facts)
    if isinstance(issuer, dict):
        _check_texts(issuer)
        issuer = issuer.get("id")
    since, until = _instant(facts, "validFrom"), _instant(facts, "validUntil")
    if since is not None and until is not None and until < since:
        _refuse("validUntil", "not before validFrom")
    credential = Credential(
        facts,
        _url(issuer, "issuer"),
        _subjects(facts),
        types,
        since,
        until,
        tuple(_parts(facts, "credentialStatus")),
        tuple(_schema(part) for part in _parts(facts, "credentialSchema")),
    )
    _check_claims(credential)
    return credential


def _check_contexts(contexts: object) -> None:
    if not isinstance(contexts, list) or not 1 <= len(contexts) <= MAX_ITEMS:
        _refuse("@context", f"a list, {CONTEXT} first")
    if contexts[0] != CONTEXT:
        _refuse("@context", f"{CONTEXT} first")
    for context in contexts[1:]:
        if isinstance(context, dict):
            if taken := sorted(_WORDS & context.keys()):
                _refuse(f"@context, {', '.join(taken)}", "no other meaning of it")
        else:
            _url(context, "@context")


def _types(part: Mapping[str, Any], name: str) -> tuple[str, ...]:
    types = part.get("type")
    types = [types] if isinstance(types, str) else types
    if not isinstance(types, list) or not 1 <= len(types) <= MAX_ITEMS:
        _refuse(name, "a type, or a list of types")
    for item in types:
        if not isinstance(item, str) or not item or item.isspace() or len(item) > MAX_URL:
            _refuse(name, "types that are texts")
    return tuple(types)


def _parts(facts: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Objects under a name that has one or a list of them; none when it is not there."""
    if name not in facts:
        return []
    value = facts[name]
    parts = value if isinstance(value, list) else [value]
    if not 1 <= len(parts) <= MAX_ITEMS or not all(isinstance(part, dict) for part in parts):
        _refuse(name, "an object, or a list of objects")
    return parts


def _check_part(part: Mapping[str, Any], name: str) -> None:
    _types(part, f"{name}, type")
    if "id" in part:
        _url(part["id"], f"{name}, id")


def _check_resources(facts: Mapping[str, Any]) -> None:
    ids = [_url(part.get("id"), "relatedResource, id") for part in _parts(facts, "relatedResource")]
    if len(set(ids)) != len(ids):
        _refuse("relatedResource, id", "each once")
    for part in _parts(facts, "relatedResource"):
        if not {"digestSRI", "digestMultibase"} & part.keys():
            _refuse("relatedResource", "digestSRI or digestMultibase")


def _check_texts(part: Mapping[str, Any]) -> None:
    for name in _TEXTS:
        if name in part and not isinstance(part[name], str):
            for item in _parts(part, name):
                _check_text(item, name)


def _check_text(item: Mapping[str, Any], name: str) -> None:
    known = {"@value", "@language", "@direction"}
    if "@value" not in item or not known >= item.keys():
        _refuse(name, "a text, or @value with @language and @direction")
    if not all(isinstance(value, str) for value in item.values()):
        _refuse(name, "texts")


def _subjects(facts: Mapping[str, Any]) -> tuple[str, ...]:
    subjects = _parts(facts, "credentialSubject")
    if not subjects or not all(subjects):
        _refuse("credentialSubject", "a subject, or a list of them, each with a claim")
    return tuple(
        _url(subject["id"], "credentialSubject, id") for subject in subjects if "id" in subject
    )


def _schema(part: Mapping[str, Any]) -> SchemaRef:
    (kind, *others) = _types(part, "credentialSchema, type")
    said = {name: part.get(name, "") for name in ("version", "digestSRI")}
    if others or not all(isinstance(value, str) for value in said.values()):
        _refuse("credentialSchema", "one type; version and digestSRI as texts")
    schema = _url(part.get("id"), "credentialSchema, id")
    return SchemaRef(schema, kind, said["version"], said["digestSRI"])


def _instant(facts: Mapping[str, Any], name: str) -> Instant | None:
    return parse_instant(facts[name], who=f"credential, {name}") if name in facts else None


def is_url(value: object) -> bool:
    """Whether a value is a URL with a scheme."""
    return isinstance(value, str) and len(value) <= MAX_URL and bool(_URL.fullmatch(value))


def _url(value: object, name: str) -> str:
    if not is_url(value):
        _refuse(name, "a URL")
    return str(value)


def _check_claims(credential: Credential) -> None:
    """Refuse what the envelope of before had, and claims of JWT that say something else."""
    facts = credential.facts
    if refused := sorted({"vc", "vp", "proof"} & facts.keys()):
        _refuse(", ".join(refused), "a credential that the signature around it secures alone")
    subject = credential.subjects[0] if len(credential.subjects) == 1 else None
    same = (("iss", credential.issuer), ("sub", subject), ("jti", credential.id))
    for claim, value in same:
        if claim in facts and facts[claim] != value:
            _refuse(claim, "what the credential says itself, or nothing")
    for claim, instant in (("nbf", credential.valid_from), ("exp", credential.valid_until)):
        if claim in facts:
            second = facts[claim]
            is_number = isinstance(second, int) and not isinstance(second, bool)
            if not is_number or instant is None or second != instant // SECOND_NS:
                _refuse(claim, "the second that the credential says itself, or nothing")


def _refuse(name: str, needed: str) -> NoReturn:
    raise CredentialInvalid(
        "is not as the data model has it", who=f"credential, {name}", needed=needed
    )
