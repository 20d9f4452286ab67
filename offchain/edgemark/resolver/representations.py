"""In which form a resolution is answered, and with which status: the Universal Resolver's. Pure.

Source: DID Resolution v0.3, "HTTP(S) Binding"; Universal Resolver, driver contract.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from edgemark.errors import RefusedInput

RESULT_TYPE = "application/did-resolution"
PROFILE = 'application/ld+json;profile="https://w3id.org/did-resolution"'
MOST_WISHES = 16  # forms in one Accept header
WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")  # RFC 9110 12.4.2

STATUS = {
    "invalidDid": 400,
    "invalidDidUrl": 400,
    "notFound": 404,
    "representationNotSupported": 406,
    "methodNotSupported": 501,
}
GONE, FAILED = 410, 500


class RepresentationUnknown(RefusedInput):
    """None of the forms that are asked for is one of ours."""


@dataclass(frozen=True)
class Form:
    """A form of an answer.

    Attributes:
        content_type: that it has.
        is_document: the document alone; else the whole result.
        has_context: JSON-LD, with `@context`.
    """

    content_type: str
    is_document: bool = False
    has_context: bool = True


WHOLE = Form(RESULT_TYPE)
FORMS = {
    RESULT_TYPE: WHOLE,
    PROFILE: Form("application/ld+json"),
    "application/json": Form("application/json"),
    "application/did": Form("application/did", is_document=True),
    "application/did+ld+json": Form("application/did+ld+json", is_document=True),
    "application/ld+json": Form("application/ld+json", is_document=True),
    "application/did+json": Form("application/did+json", is_document=True, has_context=False),
    "application/*": WHOLE,
    "*/*": WHOLE,
}


def choose_form(accept: str) -> Form:
    """The form that an Accept header likes best; of equals the first.

    Args:
        accept: the header; empty when there is none, and then the whole result is meant.

    Raises:
        RepresentationUnknown: it likes none of ours.
    """
    if not accept.strip():
        return WHOLE
    best, best_weight = None, 0.0
    for wish in accept.split(",")[:MOST_WISHES]:
        name, weight = _parse_wish(wish)
        if name in FORMS and weight > best_weight:
            best, best_weight = FORMS[name], weight
    if best is None:
        raise RepresentationUnknown(
            "is answered in none of these forms",
            who="DID",
            had=accept[:120],
            needed=", ".join(name for name in FORMS if "*" not in name),
        )
    return best


def _parse_wish(wish: str) -> tuple[str, float]:
    """A form, with its profile where it has one, and its weight, 0 .. 1; 0 for no number."""
    name, *parameters = (part.strip() for part in wish.split(";"))
    name, weight = name.lower(), 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "profile":
            name = f'{name};profile="{value.strip().strip(chr(34))}"'
        elif key.strip().lower() == "q":
            weight = float(value) if WEIGHT.fullmatch(value.strip()) else 0.0
    return name, weight


def status_of_result(result: dict[str, Any]) -> int:
    """HTTP status of a resolution result."""
    code = result["didResolutionMetadata"].get("error")
    if code is not None:
        return STATUS.get(code, FAILED)
    return GONE if result["didDocumentMetadata"].get("deactivated") else 200


def write_result(result: dict[str, Any], form: Form) -> tuple[str, bytes]:
    """Content type and body; what failed is told as a whole result in any form."""
    document = result["didDocument"]
    if document is None:
        return RESULT_TYPE, json.dumps(result).encode()
    if not form.has_context:
        document = {name: value for name, value in document.items() if name != "@context"}
    return form.content_type, json.dumps(document if form.is_document else result).encode()
