"""Credentials by the data model: the cases of W3C's suite for 2.0, drawn anew, and our own (A56).

Which cases there are, and what is to become of each, are facts of w3c/vc-data-model-2.0-test-suite
at 6e075243825f50c79017de4a27089d329c093d0f; the credentials are written here.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.identity.credentials.samples import KIND, START, facts_of

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.instants import SECOND_NS
from edgemark.identity.credentials.model import (
    CONTEXT,
    MAX_CREDENTIAL_BYTES,
    MAX_ITEMS,
    CredentialInvalid,
    SchemaRef,
    parse_credential,
    read_credential,
)

BASE = "VerifiableCredential"
WORD, MORE = "https://example.org/#Word", "https://example.org/#More"
AT_PLACE = "https://example.org/place/1"
NO_URL = "https ://not-a-url/1"
SAID = {"@value": "a word", "@language": "en"}
SAID_BOTH = [SAID, {"@value": "ein Wort", "@language": "de"}]

GOOD: dict[str, dict[str, Any]] = {
    "base": {},
    "second context": {"@context": [CONTEXT, "https://example.org/context"]},
    "context of its own": {"@context": [CONTEXT, {"Word": WORD}], "type": [BASE, "Word"]},
    "base type alone, as a text": {"type": BASE},
    "types that are URLs, in one order": {"type": [WORD, MORE, BASE]},
    "types that are URLs, in another order": {"type": [MORE, BASE, WORD]},
    "id": {"id": AT_PLACE},
    "id that is no web address": {"id": "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"},
    "subject without id": {"credentialSubject": {"cores": 1}},
    "several subjects": {"credentialSubject": [{"id": "did:a:1"}, {"id": "did:a:2"}]},
    "issuer that is an object": {"issuer": {"id": "did:a:1", "name": SAID}},
    "evidence": {"evidence": {"type": WORD}},
    "evidences": {"evidence": [{"type": WORD}, {"type": MORE}]},
    "refresh service": {"refreshService": {"id": AT_PLACE, "type": WORD}},
    "refresh services": {"refreshService": [{"type": WORD}, {"type": MORE, "id": AT_PLACE}]},
    "schema": {"credentialSchema": {"id": AT_PLACE, "type": "JsonSchema"}},
    "schemas": {
        "credentialSchema": [{"id": AT_PLACE, "type": WORD}, {"id": "did:a:1", "type": MORE}]
    },
    "status": {"credentialStatus": {"id": AT_PLACE, "type": WORD}},
    "status without id": {"credentialStatus": {"type": WORD}},
    "terms": {"termsOfUse": {"type": WORD}},
    "terms with id": {"termsOfUse": [{"type": WORD, "id": AT_PLACE}, {"type": MORE}]},
    "no period": {"validFrom": None, "validUntil": None},
    "milliseconds": {"validFrom": "2023-02-26T01:02:58.447Z"},
    "another zone": {"validFrom": "2023-02-25T19:10:39-06:00"},
    "far in the future": {"validFrom": "4023-02-26T01:02:58.447Z", "validUntil": None},
    "ends where it begins": {
        "validFrom": "2023-02-26T01:21:29Z",
        "validUntil": "2023-02-25T19:21:29-06:00",
    },
    "name": {"name": "a word"},
    "name in a language": {"name": SAID},
    "name with a direction": {"name": SAID | {"@direction": "ltr"}},
    "names": {"name": SAID_BOTH},
    "description": {"description": "a word"},
    "description in a language": {"description": SAID},
    "description with a direction": {"description": SAID | {"@direction": "rtl"}},
    "descriptions": {"description": SAID_BOTH},
    "issuer with a description": {"issuer": {"id": "did:a:1", "description": SAID_BOTH}},
    "resources": {"relatedResource": [{"id": AT_PLACE, "digestSRI": "sha256-AA=="}]},
    "claims of JWT that say the same": {
        "id": AT_PLACE,
        "issuer": "did:a:1",
        "credentialSubject": {"id": "did:a:2"},
        "iss": "did:a:1",
        "sub": "did:a:2",
        "jti": AT_PLACE,
        "nbf": START,
        "exp": START + 1000,
        "iat": START,
    },
}

BAD: dict[str, dict[str, Any]] = {
    "no context": {"@context": None},
    "context that is a text": {"@context": CONTEXT},
    "no contexts": {"@context": []},
    "another context first": {"@context": ["https://example.org/context", CONTEXT]},
    "another context alone": {"@context": ["https://example.org/context"]},
    "context of 1.1": {"@context": ["https://www.w3.org/2018/credentials/v1"]},
    "context that is no URL": {"@context": [CONTEXT, NO_URL]},
    "context that is a number": {"@context": [CONTEXT, 123192875]},
    "base type of another meaning": {"@context": [CONTEXT, {BASE: WORD}]},
    "issuer of another meaning": {"@context": [CONTEXT, {"issuer": WORD}]},
    "no type": {"type": None},
    "without the base type": {"type": [KIND]},
    "type that is a number": {"type": [BASE, 2]},
    "empty type": {"type": [BASE, ""]},
    "several ids": {"id": [AT_PLACE, "https://example.net/place/1"]},
    "null for an id": {"id": ...},
    "id that is no URL": {"id": NO_URL},
    "id that ends a line": {"id": "urn:a\n"},
    "no subject": {"credentialSubject": None},
    "no subjects": {"credentialSubject": []},
    "subject without claims": {"credentialSubject": {}},
    "a subject without claims": {"credentialSubject": [{"id": "did:a:1"}, {}]},
    "subject that is a text": {"credentialSubject": "did:a:1"},
    "subject with several ids": {"credentialSubject": {"id": ["did:a:1", "did:a:2"]}},
    "no issuer": {"issuer": None},
    "null for an issuer": {"issuer": ...},
    "issuer that is no URL": {"issuer": "an-issuer"},
    "issuer whose id is no URL": {"issuer": {"id": "an-issuer"}},
    "issuer whose id is null": {"issuer": {"id": None}},
    "issuer without id": {"issuer": {"name": "a word"}},
    "issuer with another part in its name": {
        "issuer": {"id": "did:a:1", "name": SAID | {"url": AT_PLACE}}
    },
    "issuers": {"issuer": ["did:a:1"]},
    "evidence without type": {"evidence": {}},
    "refresh service without type": {"refreshService": {"id": AT_PLACE}},
    "schema without id": {"credentialSchema": {"type": WORD}},
    "schema without type": {"credentialSchema": {"id": AT_PLACE}},
    "schema whose id is no URL": {"credentialSchema": {"id": NO_URL, "type": WORD}},
    "schema with a number for a version": {
        "credentialSchema": {"id": AT_PLACE, "type": WORD, "version": 1}
    },
    "no schemas": {"credentialSchema": []},
    "status without type": {"credentialStatus": {"id": AT_PLACE}},
    "status with several ids": {"credentialStatus": {"id": [AT_PLACE], "type": WORD}},
    "status whose id is no URL": {"credentialStatus": {"id": NO_URL, "type": WORD}},
    "status whose type is a number": {"credentialStatus": {"id": AT_PLACE, "type": 2}},
    "terms without type": {"termsOfUse": {}},
    "terms with id and without type": {"termsOfUse": {"id": AT_PLACE}},
    "ends before it begins": {
        "validFrom": "2023-02-26T01:21:30Z",
        "validUntil": "2023-02-25T19:21:29-06:00",
    },
    "begins at no time": {"validFrom": "Sat 25 Feb 2023 07:16:31 PM CST"},
    "ends at no time": {"validUntil": "Sun, 26 Feb 2023 01:22:14 +0000"},
    "begins at a number": {"validFrom": START},
    "name with another part": {"name": SAID | {"url": AT_PLACE}},
    "description with another part": {"description": SAID | {"url": AT_PLACE}},
    "name that is a number": {"name": 1},
    "name without a value": {"name": {"@language": "en"}},
    "resource twice": {"relatedResource": [{"id": AT_PLACE, "digestSRI": "a"}] * 2},
    "resource without digest": {"relatedResource": {"id": AT_PLACE}},
    "proof that nobody checks": {"proof": {"type": WORD}},
    "envelope of 1.1": {"vc": {}},
    "presentation in it": {"vp": {}},
    "another issuer in a claim": {"iss": "did:a:2"},
    "another subject in a claim": {"sub": "did:a:2"},
    "an id in a claim alone": {"jti": AT_PLACE},
    "another begin in a claim": {"nbf": START + 1},
    "another end in a claim": {"exp": START},
    "an end in a claim alone": {"validUntil": None, "exp": START},
    "truth for a time": {"nbf": True, "validFrom": "1970-01-01T00:00:01Z"},
}


@pytest.mark.parametrize("name", GOOD)
def test_credential_by_the_data_model__is_read(name: str) -> None:
    facts = facts_of(**GOOD[name])
    assert parse_credential(json.dumps(facts).encode()).facts == facts


@pytest.mark.parametrize("name", BAD)
def test_a56_what_is_no_credential_by_the_data_model__is_refused_by_name(name: str) -> None:
    facts = facts_of(**BAD[name])
    facts = {part: None if value is ... else value for part, value in facts.items()}
    with pytest.raises(RefusedInput) as refused:
        parse_credential(json.dumps(facts).encode())
    assert "credential" in str(refused.value.who)
    assert refused.value.needed


def test_parts__are_typed() -> None:
    schema = SchemaRef(AT_PLACE, "JsonSchema", "1.2", "sha256-AA==")
    facts = facts_of(credentialSchema=schema.as_json(), credentialStatus=[{"type": WORD}])
    found = read_credential(facts)
    assert found.issuer == facts["issuer"]
    assert found.subjects == (facts["credentialSubject"]["id"],)
    assert found.types == (BASE, KIND)
    assert (found.valid_from, found.valid_until) == (START * SECOND_NS, (START + 1000) * SECOND_NS)
    assert found.schemas == (schema,)
    assert found.status == ({"type": WORD},)
    assert found.id is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"1",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"issuer":"did:a:1","issuer":"did:a:2"}',
        b'{"credentialSubject":{"id":"did:a:1","id":"did:a:2"}}',
        b'{"credentialSubject":[{"a":{"b":1,"\\u0062":2}}]}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"\\udc00":1}',
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
        b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b" " * (MAX_CREDENTIAL_BYTES + 1),
    ],
)
def test_a56_json_that_readers_differ_about__is_refused(raw: bytes) -> None:
    with pytest.raises(CredentialInvalid):
        parse_credential(raw)


def test_lists__have_a_most() -> None:
    subject = {"id": "did:a:1"}
    read_credential(facts_of(credentialSubject=[subject] * MAX_ITEMS))
    for part in (
        {"credentialSubject": [subject] * (MAX_ITEMS + 1)},
        {"type": [BASE] * (MAX_ITEMS + 1)},
        {"@context": [CONTEXT] * (MAX_ITEMS + 1)},
    ):
        with pytest.raises(CredentialInvalid):
            read_credential(facts_of(**part))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "type", "@value", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted({name for case in [*GOOD.values(), *BAD.values()] for name in case}))


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_door__parts_that_are_anything__are_read_or_refused(parts: dict[str, Any]) -> None:
    with contextlib.suppress(RefusedInput):
        parse_credential(json.dumps(facts_of() | parts).encode())


@given(st.binary(max_size=100))
def test_door__bytes_that_are_anything__are_refused(raw: bytes) -> None:
    with pytest.raises(RefusedInput):
        parse_credential(raw)
