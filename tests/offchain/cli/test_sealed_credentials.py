"""Sealed parts of credentials, and claims that a schema asks for, on a chain of identities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.cli.test_credential_commands import (
    SCHEMA,
    Desk,
    auditor,
    issue,
    papers,
    seller,
)
from tests.offchain.identity.did.did_chains import sides

from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.field.randomness import Randomness
from edgemark.identity.credentials.agreement import AgreementKeys
from edgemark.identity.credentials.jose.base64url import encode_base64url
from edgemark.identity.credentials.jose.encryption import Reader, encrypt

__all__ = ["auditor", "papers", "seller", "sides"]  # fixtures

pytestmark = pytest.mark.chain


def test_sealed_part__is_opened_by_who_can_and_told_for_whom_it_is_by_who_cannot(
    auditor: Desk, seller: Desk, papers: Path
) -> None:
    key, kid = AgreementKeys.make(seller.home), f"{seller.did}#delegate-1"
    readers = [
        Reader(kid, key.public_key),
        Reader(f"{auditor.did}#delegate-1", bytes(31) + b"\x09"),
    ]
    whole = json.loads(encrypt(b'{"rate": 7}', readers, Randomness()))
    (papers / "claims.json").write_text(json.dumps({"terms": [whole]}))
    issue(auditor, seller, papers)
    file = str(papers / "credential.jwt")
    (opened,) = seller.done("credential", "show", file)["sealed"]
    assert opened["says"] == {"rate": 7} and opened["place"] == "/terms/0"
    (closed,) = auditor.done("credential", "show", file)["sealed"]
    assert (closed["opened"], closed["says"], kid in closed["for"]) == (False, None, True)
    for desk, said in ((seller, "opened by this home"), (auditor, "stays sealed")):
        status, facts, _ = desk.type("credential", "verify", file)
        assert (status, facts["checks"][-1]["name"]) == (Exit.DONE, "sealed")
        assert said in facts["checks"][-1]["told"]
    for protected in ({"alg": "dir", "enc": "A256GCM"}, {"alg": "ECDH-ES+A256KW", "enc": "none"}):
        named = encode_base64url(json.dumps(protected).encode()).decode()
        (papers / "claims.json").write_text(json.dumps({"terms": {**whole, "protected": named}}))
        issue(auditor, seller, papers)
        assert seller.failed(file) == ["sealed"]
        assert seller.done("credential", "show", file)["sealed"][0]["error"] == "TokenInvalid"


@pytest.mark.parametrize(
    ("schema", "error"),
    [
        ({"properties": {"cores": {"maximum": 63}}}, "ClaimsMismatch"),
        ({"required": ["memory"]}, "ClaimsMismatch"),
        ({"properties": {"service": {"type": "integer"}}}, "ClaimsMismatch"),
        ({"properties": {"cores": {"$ref": "https://example.org/other"}}}, "SchemaInvalid"),
        ({"properties": {"cores": {"$ref": "#/nowhere"}}}, "SchemaInvalid"),
        ({"type": 7}, "SchemaInvalid"),
        ({"properties": {"service": {"pattern": "("}}}, "SchemaInvalid"),
        ({"$defs": {"x": {"$ref": "#/$defs/x"}}, "$ref": "#/$defs/x"}, "SchemaInvalid"),
    ],
)
def test_claims_that_are_not_what_the_schema_asks_for__are_not_signed(
    auditor: Desk, seller: Desk, papers: Path, schema: dict[str, Any], error: str
) -> None:
    (papers / "schema.json").write_text(json.dumps(SCHEMA | schema))
    claims = ("--claims", str(papers / "claims.json"), "--schema", str(papers / "schema.json"))
    assert auditor.refused("credential", "issue", "--subject", seller.did, *claims) == error
    assert auditor.done("credential", "show") == {"credentials": []}
