"""Which template the claims follow: its id, its version and the digest of its text. Pure.

Source: VC Data Model 2.0, 4.11 (`credentialSchema`) and 5.3 (`digestSRI`, of W3C, "Subresource
Integrity"); "Verifiable Credentials JSON Schema Specification"; RFC 8785 (canonical JSON).

The digest is of the template's canonical form: spaces and order are nobody's business, and nobody
can put another text under the same id and version. `digestSRI` of other issuers is of the bytes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode

import rfc8785

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.model import Credential, SchemaRef
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

JSON_SCHEMA = "JsonSchema"
MAX_SCHEMA_BYTES = 64 * 1024


class SchemaMismatch(RefusedInput):
    """A credential was made by another template than the one that is asked for."""


class SchemaInvalid(RefusedInput):
    """A text is no template."""


def compute_digest(raw: bytes) -> str:
    """The digest of a template's text: `sha256-` and base64.

    Raises:
        SchemaInvalid: no JSON object, or one with numbers that no canonical form has.
    """
    try:
        canonical = rfc8785.dumps(parse_object_strictly(raw, most=MAX_SCHEMA_BYTES))
    except (NotThatFormat, rfc8785.CanonicalizationError) as error:
        raise SchemaInvalid("cannot be read", who="schema", had=str(error)[:80]) from None
    return f"sha256-{b64encode(hashlib.sha256(canonical).digest()).decode()}"


def check_schema(credential: Credential, wanted: SchemaRef) -> None:
    """Check that a credential follows one template, by id, type, version and digest.

    Raises:
        SchemaMismatch: by another one, by several, or by none.
    """
    if credential.schemas != (wanted,):
        had = [schema.as_json() for schema in credential.schemas]
        raise SchemaMismatch(
            "follows another template",
            who="credential",
            had=had or "none",
            needed=wanted.as_json(),
            remedy="Ask its issuer for one by this template.",
        )
