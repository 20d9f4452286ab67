"""The forms of an answer and its status, as the Universal Resolver has them (T12)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgemark.errors import EdgemarkError
from edgemark.identity.did.identifier import (
    DidInvalid,
    DidUrlInvalid,
    MethodUnknown,
    NetworkUnknown,
)
from edgemark.resolver.representations import (
    PROFILE,
    RESULT_TYPE,
    RepresentationUnknown,
    choose_form,
    status_of_result,
    write_result,
)
from edgemark.resolver.results import DidNotFound, HistoryTooLong, as_failure

RESULT: dict[str, Any] = {
    "didResolutionMetadata": {"contentType": "application/did+ld+json"},
    "didDocument": {"@context": ["c"], "id": "did:ethr:0x1:0x0"},
    "didDocumentMetadata": {},
}


@pytest.mark.parametrize(
    ("accept", "content_type", "is_document"),
    [
        ("", RESULT_TYPE, False),
        ("*/*", RESULT_TYPE, False),
        ("application/did-resolution", RESULT_TYPE, False),
        ("application/json", "application/json", False),
        ("application/did+json", "application/did+json", True),
        ("application/did+ld+json", "application/did+ld+json", True),
        ("application/did", "application/did", True),
        (PROFILE, "application/ld+json", False),
        ("application/ld+json; profile=https://w3id.org/did-resolution", "application/ld+json", 0),
        ("application/ld+json", "application/ld+json", True),
        ("text/html, application/did+json;q=0.5", "application/did+json", True),
        ("application/did+json;q=0.5, application/did+ld+json", "application/did+ld+json", True),
        ("APPLICATION/DID+JSON", "application/did+json", True),
        ("application/did+json;q=x, */*;q=0.1", RESULT_TYPE, False),
    ],
)
def test_form__is_the_one_that_is_liked_best(
    accept: str, content_type: str, is_document: bool
) -> None:
    form = choose_form(accept)
    assert (form.content_type, form.is_document) == (content_type, bool(is_document))
    told, body = write_result(RESULT, form)
    assert told == content_type
    answer = json.loads(body)
    assert ("didDocument" not in answer) == form.is_document
    document = answer if form.is_document else answer["didDocument"]
    assert ("@context" in document) == (content_type != "application/did+json")


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/did+json;q=0",
        "application/did+json;q=2",
        "application/did+json;q=0_1",
        "application/did+json;q=nan",
        "application/did+json;q=-1",
        "application/did+json;q=1e0",
        "application/did+json;profile=x",
        "application/did+json\x00",
        "\udcff",
        ";;;",
        ",",
        "text/html,",
        ",".join(["text/html"] * 16 + ["*/*"]),
    ],
)
def test_forms_that_are_none_of_ours__are_refused(accept: str) -> None:
    with pytest.raises(RepresentationUnknown):
        choose_form(accept)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (DidInvalid, 400),
        (DidUrlInvalid, 400),
        (DidNotFound, 404),
        (NetworkUnknown, 404),
        (RepresentationUnknown, 406),
        (MethodUnknown, 501),
        (HistoryTooLong, 500),
    ],
)
def test_failure__has_the_status_of_its_code_and_is_told_whole_in_any_form(
    kind: type[EdgemarkError], status: int
) -> None:
    failure = as_failure(kind("no"))
    assert status_of_result(failure) == status
    told, body = write_result(failure, choose_form("application/did+json"))
    assert (told, json.loads(body)["didDocument"]) == (RESULT_TYPE, None)


def test_document__is_there_or_gone() -> None:
    assert status_of_result(RESULT) == 200
    assert status_of_result(RESULT | {"didDocumentMetadata": {"deactivated": True}}) == 410
    failed = RESULT | {"didResolutionMetadata": {"error": "internalError"}}
    assert status_of_result(failed) == 500
