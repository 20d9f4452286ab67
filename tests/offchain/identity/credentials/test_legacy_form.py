"""The 1.1 form, as a verifier of before reads it: npm did-jwt-vc 4.0.16."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.checkout import ROOT
from tests.offchain.identity.credentials.jose.tokens import KEY, STRANGER
from tests.offchain.identity.credentials.samples import (
    HEIR,
    ISSUER,
    KIND,
    START,
    SUBJECT,
    History,
    facts_of,
)

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.jose.base64url import TokenInvalid
from edgemark.identity.credentials.jose.compact import parse_compact
from edgemark.identity.credentials.legacy import (
    NoLegacyForm,
    legacy_claims,
    sign_legacy,
)
from edgemark.identity.credentials.model import read_credential
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.history import Latest, build_document

SCRIPT = Path(__file__).with_name("check_legacy.mjs")
NOW = START + 500
KID = f"{ISSUER}#controller"


def token_of(key: SecretKey = KEY, kid: str = KID, **changes: Any) -> str:
    return sign_legacy(read_credential(facts_of(**changes)), key, kid)


def document_of(history: History) -> dict[str, Any]:
    latest = Latest(Timestamp(NOW))
    return build_document(ISSUER, history.changes, latest).document.as_json()


def ask(*tokens: tuple[str, dict[str, Any]], now: int = NOW) -> list[dict[str, Any]]:
    asked = json.dumps({"now": now, "tokens": tokens})
    done = subprocess.run(
        ["node", str(SCRIPT)], input=asked, capture_output=True, text=True, check=True, cwd=ROOT
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_other_verifier__takes_the_1_1_form_by_the_keys_of_our_documents() -> None:
    fresh, delegating, rotated = History(), History(), History()
    delegating.say("did/pub/Secp256k1/veriKey/hex", HEIR.public_key)
    rotated.rotate(HEIR.address)
    answers = ask(
        (token_of(), document_of(fresh)),
        (token_of(HEIR, f"{ISSUER}#delegate-1"), document_of(delegating)),
        (token_of(HEIR), document_of(rotated)),
        (token_of(STRANGER), document_of(fresh)),
        (token_of(), document_of(rotated)),
    )
    assert [answer.get("verified") for answer in answers] == [True, True, True, None, None]
    told = answers[0]["credential"]
    assert told["issuer"]["id"] == ISSUER.text
    assert told["credentialSubject"] == {"id": SUBJECT.text, "cores": 64}
    assert told["type"] == ["VerifiableCredential", KIND]
    assert told["issuanceDate"] == "2027-01-15T08:00:00.000Z"
    for answer in answers[3:]:
        assert "signature" in answer["error"].lower()


def test_other_verifier__keeps_to_the_same_period() -> None:
    credential = (token_of(), document_of(History()))
    skew = 300  # seconds that the other verifier allows clocks
    for second, is_taken in ((START, True), (START + 1000, True), (START + 1001 + skew, False)):
        (answer,) = ask(credential, now=second)
        assert (answer.get("verified") is True) is is_taken, answer


def test_claims__say_what_the_credential_says_and_no_more() -> None:
    status = {"type": "BitstringStatusListEntry"}
    facts = facts_of(id="urn:a:1", credentialStatus=status, validFrom="2027-01-15T08:00:00.5Z")
    claims = legacy_claims(read_credential(facts))
    assert (
        claims
        == {
            "iss": ISSUER.text,
            "sub": SUBJECT.text,
            "jti": "urn:a:1",
            "nbf": START + 1,  # not before half a second after
            "exp": START + 1000,
            "vc": {
                "@context": ["https://www.w3.org/2018/credentials/v1", *facts["@context"][1:]],
                "type": facts["type"],
                "credentialStatus": status,
                "credentialSubject": {"cores": 64},
            },
        }
    )
    claims = legacy_claims(read_credential(facts_of(validUntil="2027-01-15T08:00:01.5Z")))
    assert claims["exp"] == START + 1


def test_credential_that_has_no_place_there__is_refused() -> None:
    several = [{"id": "did:a:1"}, {"id": "did:a:2"}]
    for change in ({"credentialSubject": several}, {"validFrom": None}):
        with pytest.raises(NoLegacyForm):
            legacy_claims(read_credential(facts_of(**change)))
    one = legacy_claims(read_credential(facts_of(credentialSubject=[{"cores": 1}])))
    assert one["vc"]["credentialSubject"] == {"cores": 1}
    assert "sub" not in one


def test_a56_one_form__is_never_taken_for_the_other() -> None:
    """Another payload and another signature, so a record of one is no evidence of the other."""
    legacy, own = token_of(), CredentialSigner(KEY, ISSUER).sign(facts_of())
    assert parse_compact(legacy).header["typ"] == "JWT"
    assert parse_compact(legacy).signature != parse_compact(own).signature
    with pytest.raises(TokenInvalid):
        read_signed(legacy)
    (answer,) = ask((own, document_of(History())))
    assert "verified" not in answer
