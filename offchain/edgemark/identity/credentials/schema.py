"""Which template the claims follow: its id, its version and the digest of its text. Pure.

Source: VC Data Model 2.0, 4.11 (`credentialSchema`) and 5.3 (`digestSRI`, of W3C, "Subresource
Integrity"); "Verifiable Credentials JSON Schema Specification"; RFC 8785 (canonical JSON).

The digest is of the template's canonical form: spaces and order are nobody's business, and nobody
can put another text under the same id and version. `digestSRI` of other issuers is of the bytes.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.model import Credential, SchemaRef, is_url
from edgemark.untrusted.jcs import encode_jcs, parse_hashable
from edgemark.untrusted.strict_json import parse_object_strictly

JSON_SCHEMA = "JsonSchema"
MAX_SCHEMA_BYTES = 64 * 1024
CACHED_TEXTS = 64  # an issuer has few templates, and makes all its credentials by them


class SchemaMismatch(RefusedInput):
    """A credential was made by another template than the one that is asked for."""


class ClaimsMismatch(RefusedInput):
    """Claims are not what their template asks for."""


class SchemaInvalid(RefusedInput):
    """A text is no template."""


@lru_cache(maxsize=CACHED_TEXTS)
def compute_digest(raw: bytes) -> str:
    """The digest of a template's text: `sha256-` and base64.

    Raises:
        SchemaInvalid: no JSON object, or one with numbers that no canonical form has.
    """
    return _digest(_canonical(raw))


def read_schema(raw: bytes, place_of: Callable[[bytes], str]) -> SchemaRef:
    """What a credential says of the template with this text: its `$id`, `version` and digest.

    Args:
        raw: the text.
        place_of: the URL of a template without `$id`, by its canonical form.

    Raises:
        SchemaInvalid: no JSON object, or `$id` is no URL.
    """
    canonical = _canonical(raw)
    facts = parse_object_strictly(canonical, most=2 * MAX_SCHEMA_BYTES)
    found, version = facts.get("$id", place_of(canonical)), facts.get("version", "")
    if not is_url(found) or not isinstance(version, str):
        raise SchemaInvalid("names no template", who="schema", needed="$id, a URL; version, a text")
    return SchemaRef(str(found), JSON_SCHEMA, version, _digest(canonical))


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


def check_claims(claims: Mapping[str, Any], raw: bytes) -> None:
    """Check claims against their template before they are signed.

    Both are the issuer's own, so it may use all of JSON Schema, and as much time; but nothing is
    fetched. Templates of strangers are checked by who takes them.

    Args:
        claims: what is to be said.
        raw: text of the template.

    Raises:
        SchemaInvalid: it is no JSON Schema, or refers to what does not stand in it.
        ClaimsMismatch: the first thing that is wrong, with its place.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - most commands check no claims
    from jsonschema.exceptions import SchemaError, best_match  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    schema = parse_object_strictly(_canonical(raw), most=2 * MAX_SCHEMA_BYTES)
    try:
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
        # An empty registry: the one that it has by default fetches what it does not know.
        error = best_match(kind(schema, registry=Registry()).iter_errors(claims))
    except (SchemaError, Unresolvable, RecursionError, re.error, TypeError) as wrong:
        had = str(wrong).partition("\n")[0][:160]
        needed = "JSON Schema that refers to nothing outside"
        raise SchemaInvalid("cannot be used", who="schema", had=had, needed=needed) from None
    if error is not None:
        place = "".join(f"/{part}" for part in error.absolute_path)
        needed = encode_jcs({str(error.validator): error.validator_value}).decode()[:160]
        had = encode_jcs(error.instance).decode()[:160]
        raise ClaimsMismatch(
            "is not what the schema asks for",
            who=f"claims{place}",
            had=had,
            needed=needed,
            remedy="Correct the claims; nothing was signed.",
        )


def _canonical(raw: bytes) -> bytes:
    facts = parse_hashable(raw, who="schema", most=MAX_SCHEMA_BYTES, refusal=SchemaInvalid)
    if not isinstance(facts, dict):
        raise SchemaInvalid("is no object", who="schema", needed="a JSON Schema")
    return encode_jcs(facts)


def _digest(canonical: bytes) -> str:
    return f"sha256-{b64encode(hashlib.sha256(canonical).digest()).decode()}"
