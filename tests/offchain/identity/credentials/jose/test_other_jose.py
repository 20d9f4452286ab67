"""Two other libraries check what we sign, and we what they sign: joserfc 1.8.0, jwcrypto 1.6.1."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from coincurve import PublicKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe as joserfc_jwe
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, KeySet, OKPKey
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws
from tests.offchain.identity.credentials.jose.tokens import HEADER, KEY, STRANGER, encode

from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.identity.credentials.jose.compact import JwsSigner, check_compact, parse_compact
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader, decrypt, encrypt

SIGNER = JwsSigner(KEY, {name: HEADER[name] for name in ("typ", "cty", "kid")})
ONE, OTHER = (AgreementKey(bytes([number]) * 32) for number in (1, 2))
KIDS = ("did:one#key", "did:other#key")
READERS = [Reader(KIDS[0], ONE.public_key), Reader(KIDS[1], OTHER.public_key)]
ALGORITHMS = ["ECDH-ES+A256KW", "A256GCM"]


def jwk_of(key: SecretKey, *, is_secret: bool = False) -> dict[str, Any]:
    point = PublicKey(key.public_key).format(compressed=False)
    public = {"kty": "EC", "crv": "secp256k1", "x": encode(point[1:33]), "y": encode(point[33:])}
    return public | ({"d": encode(key.reveal())} if is_secret else {})


def agreement_jwk(key: AgreementKey, kid: str) -> dict[str, Any]:
    x, d = encode(key.public_key), encode(key.secret)
    return {"kty": "OKP", "crv": "X25519", "kid": kid, "x": x, "d": d}


def checked_by_joserfc(token: str, key: SecretKey) -> bytes:
    found = joserfc_jws.deserialize_compact(token, ECKey.import_key(jwk_of(key)), ["ES256K"])
    return found.payload


def checked_by_jwcrypto(token: str, key: SecretKey) -> bytes:
    found = jwcrypto_jws.JWS()
    found.allowed_algs = ["ES256K"]
    found.deserialize(token, jwcrypto_jwk.JWK(**jwk_of(key)))
    payload: bytes = found.payload
    return payload


def signed_by_joserfc(payload: bytes) -> str:
    key = ECKey.import_key(jwk_of(KEY, is_secret=True))
    return joserfc_jws.serialize_compact(dict(HEADER), payload, key, ["ES256K"])


def signed_by_jwcrypto(payload: bytes) -> str:
    token = jwcrypto_jws.JWS(payload)
    token.allowed_algs = ["ES256K"]
    key = jwcrypto_jwk.JWK(**jwk_of(KEY, is_secret=True))
    token.add_signature(key, None, json.dumps(HEADER))
    return str(token.serialize(compact=True))


CHECKS = [checked_by_joserfc, checked_by_jwcrypto]


@pytest.mark.parametrize("check", CHECKS)
@given(payload=st.binary(max_size=200))
def test_our_text__is_taken_elsewhere_and_by_no_other_key(
    check: Callable[[str, SecretKey], bytes], payload: bytes
) -> None:
    token = SIGNER.sign(payload)
    assert check(token, KEY) == payload
    with pytest.raises(Exception, match=r"(?i)signature|verification"):
        check(token, STRANGER)


@pytest.mark.parametrize("sign", [signed_by_joserfc, signed_by_jwcrypto])
def test_their_text__is_taken_here_where_its_s_is_low(sign: Callable[[bytes], str]) -> None:
    """They take either s and make either; of 24 texts both kinds come, but once in 2^23."""
    taken = 0
    for number in range(24):
        payload = json.dumps({"claim": number}).encode()
        jws = parse_compact(sign(payload))
        assert jws.payload == payload
        try:
            check_compact(jws, KEY.address)
            taken += 1
        except BadSignature as refused:
            assert refused.what == "s is out of range"
    assert 0 < taken < 24


def test_what_we_encrypt__is_read_elsewhere_by_each_reader() -> None:
    for number, (kid, key) in enumerate(zip(KIDS, (ONE, OTHER), strict=True)):
        text = f"text {number}".encode()
        sealed = encrypt(text, READERS, Randomness())
        told = jwcrypto_jwe.JWE(algs=ALGORITHMS)
        told.deserialize(sealed.decode(), jwcrypto_jwk.JWK(**agreement_jwk(key, kid)))
        assert told.payload == text
    keys = KeySet(
        [
            OKPKey.import_key(agreement_jwk(key, kid))
            for kid, key in zip(KIDS, (ONE, OTHER), strict=True)
        ]
    )
    found = joserfc_jwe.decrypt_json(json.loads(sealed), keys, algorithms=ALGORITHMS)
    assert found.plaintext == text


def test_what_they_encrypt__is_read_here_by_each_reader() -> None:
    protected = {"alg": ALGORITHMS[0], "enc": ALGORITHMS[1]}
    theirs = jwcrypto_jwe.JWE(b"a text", json.dumps(protected), algs=ALGORITHMS)
    for kid, key in zip(KIDS, (ONE, OTHER), strict=True):
        recipient = jwcrypto_jwk.JWK(**agreement_jwk(key, kid))
        theirs.add_recipient(recipient, json.dumps({"kid": kid}))
    sealed = theirs.serialize().encode()
    assert decrypt(sealed, KIDS[0], ONE) == decrypt(sealed, KIDS[1], OTHER) == b"a text"
    general = joserfc_jwe.GeneralJSONEncryption(protected, b"a text")
    for kid, key in zip(KIDS, (ONE, OTHER), strict=True):
        general.add_recipient({"kid": kid}, OKPKey.import_key(agreement_jwk(key, kid)))
    sealed = json.dumps(joserfc_jwe.encrypt_json(general, None, algorithms=ALGORITHMS)).encode()
    assert decrypt(sealed, KIDS[0], ONE) == decrypt(sealed, KIDS[1], OTHER) == b"a text"
