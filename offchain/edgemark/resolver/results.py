"""What resolving a DID came to, in the form that the Universal Resolver answers. Pure.

Source: DID Core 7.1 (metadata, errors); "DID Resolution v0.3", resolution result.
"""

from __future__ import annotations

from typing import Any

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identity.did.history import Resolution
from edgemark.identity.did.identifier import (
    DidInvalid,
    DidUrlInvalid,
    MethodUnknown,
    NetworkUnknown,
)
from edgemark.resolver.representations import RepresentationUnknown

CONTENT_TYPE = "application/did+ld+json"


class DidNotFound(RefusedInput):
    """The DID, or the version that is asked for, is not on the chain that is looked at."""


class HistoryTooLong(RefusedInput):
    """More happened to an identity than anybody is made to read."""


CODES: dict[type[EdgemarkError], str] = {
    DidInvalid: "invalidDid",
    DidUrlInvalid: "invalidDidUrl",
    MethodUnknown: "methodNotSupported",
    NetworkUnknown: "notFound",
    DidNotFound: "notFound",
    RepresentationUnknown: "representationNotSupported",
}
OTHERWISE = "internalError"


def as_result(found: Resolution) -> dict[str, Any]:
    """A document, of which version it is, and how it is written."""
    return {
        "didResolutionMetadata": {"contentType": CONTENT_TYPE},
        "didDocument": found.document.as_json(),
        "didDocumentMetadata": found.metadata.as_json(),
    }


def as_failure(error: EdgemarkError) -> dict[str, Any]:
    """Why there is no document: the code of the specification, and our own words."""
    code = CODES.get(type(error), OTHERWISE)
    return {
        "didResolutionMetadata": {"error": code, "message": str(error)},
        "didDocument": None,
        "didDocumentMetadata": {},
    }
