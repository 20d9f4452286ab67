"""Signed texts: one algorithm, one text a signature, no key out of a header (A29, A56)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.ethereum.test_secp256k1 import wycheproof_cases
from tests.offchain.identity.credentials.jose.tokens import (
    HEADER,
    KEY,
    KID,
    STRANGER,
    VECTORS,
    encode,
    make,
    sign,
    with_high_s,
)

from edgemark.crypto.ethereum.secp256k1 import ORDER, BadSignature
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address
from edgemark.identity.credentials.jose.base64url import TokenInvalid
from edgemark.identity.credentials.jose.compact import (
    MAX_HEADER_BYTES,
    MAX_TOKEN_BYTES,
    REFUSED,
    AlgorithmRefused,
    CompactJws,
    JwsSigner,
    check_compact,
    parse_compact,
    text_in,
)

PAYLOAD = b'{"claim":1}'
TOKEN = make(HEADER, PAYLOAD)


def test_signed_text__is_read_and_its_signature_is_by_the_one_key_alone() -> None:
    signer = JwsSigner(KEY, {"typ": "vc+jwt", "kid": KID})
    jws = parse_compact(signer.sign(PAYLOAD))
    assert jws.header == {"alg": "ES256K", "typ": "vc+jwt", "kid": KID}
    assert jws.payload == PAYLOAD
    assert len(jws.signature) == 64
    check_compact(jws, KEY.address)
    with pytest.raises(BadSignature):
        check_compact(jws, STRANGER.address)
    assert signer.sign(PAYLOAD) == signer.sign(PAYLOAD)


@given(st.binary(max_size=300), st.integers(0, 2**511 - 1))
def test_changed_text_or_signature__is_by_nobody(payload: bytes, other: int) -> None:
    jws = parse_compact(JwsSigner(KEY, {}).sign(payload))
    check_compact(jws, KEY.address)
    for changed in (
        CompactJws(jws.header, payload, jws.signature, jws.signed + b"A"),
        CompactJws(jws.header, payload, other.to_bytes(64, "big"), jws.signed),
    ):
        with pytest.raises(BadSignature):
            check_compact(changed, KEY.address)


@pytest.mark.parametrize("case", VECTORS["of_another_algorithm"], ids=lambda case: case["alg"])
def test_a56_examples_of_the_rfc__are_of_another_algorithm_and_say_which(
    case: dict[str, str],
) -> None:
    with pytest.raises(AlgorithmRefused) as refused:
        parse_compact(case["token"])
    assert refused.value.had == repr(case["alg"])


@pytest.mark.parametrize(
    "algorithm",
    [
        *("none", "None", "NONE", "", "HS256", "ES256", "ES256k", "ES256K-R", "RS256", "EdDSA"),
        *(None, 1, True, ["ES256K"], {"ES256K": 1}),
    ],
)
def test_a56_another_algorithm__is_refused_before_anything_is_computed(algorithm: object) -> None:
    with pytest.raises(AlgorithmRefused):
        parse_compact(make({**HEADER, "alg": algorithm}, PAYLOAD))
    header = {name: value for name, value in HEADER.items() if name != "alg"}
    with pytest.raises(AlgorithmRefused):
        parse_compact(make(header, PAYLOAD))


def test_a56_mac_with_the_public_key_for_a_secret__is_refused() -> None:
    """Who lets the header choose would take the issuer's public key for a secret that it shares."""
    import hmac

    signed = f"{encode({**HEADER, 'alg': 'HS256'})}.{encode(PAYLOAD)}"
    mac = hmac.digest(KEY.public_key, signed.encode(), "sha256")
    for signature in (mac, mac + mac):
        with pytest.raises(AlgorithmRefused):
            parse_compact(f"{signed}.{encode(signature)}")
    # The same under the right name is no signature of anybody known.
    signed = f"{encode(HEADER)}.{encode(PAYLOAD)}"
    mac = hmac.digest(KEY.public_key, signed.encode(), "sha256")
    with pytest.raises(BadSignature):
        check_compact(parse_compact(f"{signed}.{encode(mac + mac)}"), KEY.address)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a56_what_a_header_says_of_keys_or_of_how_to_read__is_refused(name: str) -> None:
    for value in (["exp"], {"kty": "EC"}, "https://keys.example", False, None):
        with pytest.raises(TokenInvalid) as refused:
            parse_compact(make({**HEADER, name: value}, PAYLOAD))
        assert refused.value.had == name


def test_a56_own_key_in_the_header__signs_for_nobody() -> None:
    point = STRANGER.public_key
    jwk = {"kty": "EC", "crv": "secp256k1", "x": encode(point[1:]), "y": encode(point[1:])}
    with pytest.raises(TokenInvalid):
        parse_compact(make({**HEADER, "jwk": jwk}, PAYLOAD, STRANGER))


def test_a56_name_twice_in_a_header__is_refused_at_any_depth() -> None:
    for header in (
        b'{"alg":"ES256K","alg":"none"}',
        b'{"alg":"none","alg":"ES256K"}',
        b'{"alg":"ES256K","other":{"a":1,"a":1}}',
        b'{"alg":"ES256K","other":[[{"a":1,"\\u0061":1}]]}',
    ):
        with pytest.raises(TokenInvalid):
            parse_compact(make(header, PAYLOAD))


def test_a29_high_s__is_refused() -> None:
    high = with_high_s(TOKEN)
    with pytest.raises(BadSignature) as refused:
        check_compact(parse_compact(high), KEY.address)
    assert refused.value.what == "s is out of range"
    check_compact(parse_compact(TOKEN), KEY.address)


@pytest.mark.parametrize("r", [0, 1, ORDER - 1, ORDER, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER // 2, ORDER, 2**256 - 1])
def test_a29_numbers_at_the_edge__are_no_signature(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    signed = TOKEN.rpartition(".")[0]
    with pytest.raises(BadSignature):
        check_compact(parse_compact(f"{signed}.{encode(raw)}"), KEY.address)


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 70, 72, 128])
def test_signature_of_another_length__is_refused(length: int) -> None:
    with pytest.raises(TokenInvalid):
        parse_compact(f"{TOKEN.rpartition('.')[0]}.{encode(b'1' * length)}")


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "a.b", "é.é.é", f"{TOKEN}.", f".{TOKEN}", f"{TOKEN}.AA"),
        *(f"{TOKEN}=", f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}é", TOKEN.replace(".", "=.")),
        TOKEN.replace(".", ""),
        json.dumps({"protected": "", "payload": "", "signature": ""}),
    ],
)
def test_other_forms__are_refused(token: str) -> None:
    with pytest.raises(TokenInvalid):
        parse_compact(token)
    with pytest.raises(TokenInvalid):
        parse_compact(token.encode())


@pytest.mark.parametrize(
    "header",
    [b"", b"1", b"[]", b"null", b'"ES256K"', b"{", b"\xff", b'{"alg":"ES256K"}x', b"[" * 900],
)
def test_header_that_is_no_object__is_refused(header: bytes) -> None:
    with pytest.raises(TokenInvalid):
        parse_compact(make(header, PAYLOAD))


def test_sizes_at_the_edge__are_taken_and_one_more_is_refused() -> None:
    signer = JwsSigner(KEY, {})
    least = len(signer.sign(b""))
    most = (MAX_TOKEN_BYTES - least) * 3 // 4
    token = signer.sign(bytes(most))
    assert len(token) <= MAX_TOKEN_BYTES
    check_compact(parse_compact(token), KEY.address)
    with pytest.raises(TokenInvalid):
        signer.sign(bytes(most + 3))
    with pytest.raises(TokenInvalid):
        parse_compact("A" * (MAX_TOKEN_BYTES + 1))
    pad = "x" * (MAX_HEADER_BYTES - len(json.dumps({"alg": "ES256K", "x": ""})))
    parse_compact(make({"alg": "ES256K", "x": pad}, PAYLOAD))
    with pytest.raises(TokenInvalid):
        parse_compact(make({"alg": "ES256K", "x": pad + "x"}, PAYLOAD))


@pytest.mark.parametrize("value", [1, [], {}, True, "x" * 513])
def test_parameter_that_is_no_short_text__is_refused(value: object) -> None:
    with pytest.raises(TokenInvalid):
        text_in({"kid": value}, "kid")
    assert text_in({"kid": "x" * 512}, "kid") == "x" * 512
    assert text_in({}, "kid") is None


def raw_of(der: bytes) -> bytes | None:
    """r || s of a DER signature; None where it is not strict DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import (
        decode_dss_signature,
        encode_dss_signature,
    )

    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        return None
    is_strict = encode_dss_signature(r, s) == der
    is_short = 0 <= r < 2**256 and 0 <= s < 2**256
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") if is_strict and is_short else None


def is_taken(case: dict[str, Any], signer: str) -> bool:
    raw = raw_of(bytes.fromhex(case["sig"]))
    if raw is None:
        return False  # there is no such text
    try:
        check_compact(CompactJws({}, b"", raw, bytes.fromhex(case["msg"])), Address(signer))
    except BadSignature:
        return False
    return True


def test_a29_wycheproof_by_the_check_of_signed_texts__every_vector_is_judged_as_published() -> None:
    """The one vector whose r is x - n needs a parity that no text has: 2^-127 of all signatures."""
    judged = [(case, is_taken(case, key)) for case, key in wycheproof_cases()]
    wrong = [case["tcId"] for case, taken in judged if taken is not (case["result"] == "valid")]
    beyond = [case["tcId"] for case, _ in judged if is_beyond(case)]
    assert len(judged) == 463
    assert wrong == [number for number in wrong if number in beyond]
    assert not any(taken and case["result"] != "valid" for case, taken in judged)


def is_beyond(case: dict[str, Any]) -> bool:
    """Whether r may be x - n: below p - n."""
    raw = raw_of(bytes.fromhex(case["sig"]))
    field = 2**256 - 2**32 - 977
    return raw is not None and int.from_bytes(raw[:32], "big") < field - ORDER


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80)))
def test_door__whatever_comes__raises_typed_errors_alone(token: str | bytes) -> None:
    with pytest.raises(EdgemarkError):
        check_compact(parse_compact(token), KEY.address)


@given(st.data())
def test_door__a_good_text_with_a_few_octets_changed__is_refused_or_is_the_same(
    data: st.DataObject,
) -> None:
    raw = bytearray(TOKEN.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255))
    if bytes(raw) == TOKEN.encode():
        return
    with pytest.raises(EdgemarkError):
        check_compact(parse_compact(bytes(raw)), KEY.address)


def test_digest_that_is_signed__is_sha256_of_the_text_as_it_stands() -> None:
    signed, _, signature = TOKEN.rpartition(".")
    assert encode(sign(signed)) == signature
    digest = hashlib.sha256(signed.encode()).digest()
    assert KEY.sign(digest)[:64] == parse_compact(TOKEN).signature
