"""Text for the parties alone: `jwe` (T2, A56)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.identity.credentials.jose.tokens import VECTORS

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.identity.credentials.jose.base64url import (
    TokenInvalid,
    decode_base64url,
    encode_base64url,
)
from edgemark.identity.credentials.jose.encryption import (
    MAX_READERS,
    MAX_SEALED_BYTES,
    AgreementKey,
    Reader,
    SealBroken,
    decrypt,
    derive_key,
    encrypt,
)

RANDOMNESS = Randomness()
ONE, OTHER, STRANGER = (AgreementKey(bytes([number]) * 32) for number in (1, 2, 3))
READERS = [Reader("did:one#key", ONE.public_key), Reader("did:other#key", OTHER.public_key)]
TEXT = b"what is metered"
SEALED = encrypt(TEXT, READERS, RANDOMNESS)


def test_derived_key__is_that_of_the_rfc() -> None:
    case = VECTORS["key_derivation"]
    found = derive_key(
        bytes.fromhex(case["shared"]),
        algorithm=case["algorithm"],
        bits=case["bits"],
        sender=case["sender"].encode(),
        receiver=case["receiver"].encode(),
    )
    assert encode_base64url(found).decode() == case["key"]


def test_shared_secret__is_that_of_the_rfc() -> None:
    case = VECTORS["agreement"]
    key = AgreementKey(bytes.fromhex(case["secret"]))
    assert encode_base64url(key.public_key).decode() == case["epk"]
    other = decode_base64url(case["other"].encode(), who="other")
    assert key.agree(other).hex() == case["shared"]


def test_wrapped_key__is_that_of_the_rfc() -> None:
    case = {name: bytes.fromhex(v) for name, v in VECTORS["key_wrap"].items() if name != "source"}
    assert aes_key_wrap(case["key"], case["content_key"]) == case["wrapped"]


def test_both_parties__read_it_and_nobody_else_does() -> None:
    assert decrypt(SEALED, "did:one#key", ONE) == TEXT
    assert decrypt(SEALED, "did:other#key", OTHER) == TEXT
    for kid in ("did:one#key", "did:other#key"):
        with pytest.raises(SealBroken):
            decrypt(SEALED, kid, STRANGER)
    with pytest.raises(TokenInvalid):
        decrypt(SEALED, "did:stranger#key", STRANGER)
    assert TEXT not in SEALED


@given(st.binary(max_size=300))
def test_whatever_is_encrypted__comes_back_and_is_another_text_each_time(text: bytes) -> None:
    one, other = (encrypt(text, READERS, RANDOMNESS) for _ in range(2))
    assert decrypt(one, "did:one#key", ONE) == decrypt(other, "did:other#key", OTHER) == text
    for part in ("iv", "recipients"):
        assert json.loads(one)[part] != json.loads(other)[part]


def flip(text: str) -> str:
    """Another text of as many bytes."""
    raw = bytearray(decode_base64url(text.encode(), who="part"))
    raw[len(raw) // 2] ^= 1
    return encode_base64url(bytes(raw)).decode()


@pytest.mark.parametrize("part", ["iv", "ciphertext", "tag"])
def test_changed_part__breaks_the_seal(part: str) -> None:
    whole = json.loads(SEALED)
    whole[part] = flip(whole[part])
    with pytest.raises(SealBroken):
        decrypt(json.dumps(whole).encode(), "did:one#key", ONE)


def test_changed_key_of_a_reader__breaks_the_seal_for_that_one_alone() -> None:
    whole = json.loads(SEALED)
    first = whole["recipients"][0]
    for change in (
        lambda: first.__setitem__("encrypted_key", flip(first["encrypted_key"])),
        lambda: first["header"]["epk"].__setitem__("x", flip(first["header"]["epk"]["x"])),
    ):
        change()
        raw = json.dumps(whole).encode()
        with pytest.raises(PeerFault):
            decrypt(raw, "did:one#key", ONE)
        assert decrypt(raw, "did:other#key", OTHER) == TEXT


@pytest.mark.parametrize(
    "protected",
    [
        {"alg": "ECDH-ES+A256KW", "enc": "A128GCM"},
        {"alg": "dir", "enc": "A256GCM"},
        {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "zip": "DEF"},
        {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "crit": ["exp"]},
        {"enc": "A256GCM"},
        {},
    ],
)
def test_a56_another_algorithm__is_refused(protected: dict[str, Any]) -> None:
    whole = json.loads(SEALED)
    whole["protected"] = encode_base64url(json.dumps(protected).encode()).decode()
    with pytest.raises(TokenInvalid):
        decrypt(json.dumps(whole).encode(), "did:one#key", ONE)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.pop("tag"),
        lambda whole: whole.update(unprotected={}),
        lambda whole: whole.update(aad=""),
        lambda whole: whole.update(recipients=[]),
        lambda whole: whole.update(recipients={}),
        lambda whole: whole.update(recipients=whole["recipients"] * 5),
        lambda whole: whole.update(recipients=whole["recipients"][:1] * 2),
        lambda whole: whole.update(iv=whole["iv"][:-2]),
        lambda whole: whole.update(iv=7),
        lambda whole: whole.update(tag=whole["tag"] + "="),
        lambda whole: whole.update(ciphertext="é"),
        lambda whole: whole["recipients"][0].update(header=1),
        lambda whole: whole["recipients"][0].pop("encrypted_key"),
        lambda whole: whole["recipients"][0].update(encrypted_key="AAAA"),
        lambda whole: whole["recipients"][0]["header"].update(alg="dir"),
        lambda whole: whole["recipients"][0]["header"]["epk"].update(crv="P-256"),
        lambda whole: whole["recipients"][0]["header"]["epk"].update(d="AAAA"),
        lambda whole: whole["recipients"][0]["header"]["epk"].update(x="AAAA"),
    ],
)
def test_another_form__is_refused(change: Change) -> None:
    whole = json.loads(SEALED)
    change(whole)
    with pytest.raises(TokenInvalid):
        decrypt(json.dumps(whole).encode(), "did:one#key", ONE)


def test_name_twice__is_refused() -> None:
    with pytest.raises(TokenInvalid):
        decrypt(SEALED.replace(b'"iv":', b'"iv":"AAAA","iv":'), "did:one#key", ONE)


def test_point_of_small_order__is_refused() -> None:
    """Whoever sends one would know the shared secret of any reader."""
    for point in (bytes(32), bytes([1]) + bytes(31)):
        with pytest.raises(RefusedInput):
            ONE.agree(point)
    whole = json.loads(SEALED)
    whole["recipients"][0]["header"]["epk"]["x"] = encode_base64url(bytes(32)).decode()
    with pytest.raises(RefusedInput):
        decrypt(json.dumps(whole).encode(), "did:one#key", ONE)


def test_readers_and_sizes_at_the_edge() -> None:
    many = [Reader(f"did:reader-{n}#key", ONE.public_key) for n in range(MAX_READERS + 1)]
    assert decrypt(encrypt(TEXT, many[:-1], RANDOMNESS), many[0].kid, ONE) == TEXT
    for readers in ([], many, [READERS[0], READERS[0]]):
        with pytest.raises(RefusedInput):
            encrypt(TEXT, readers, RANDOMNESS)
    with pytest.raises(RefusedInput):
        encrypt(bytes(MAX_SEALED_BYTES), READERS, RANDOMNESS)
    with pytest.raises(RefusedInput):
        encrypt(TEXT, [Reader("did:one#key", b"short")], RANDOMNESS)
    with pytest.raises(RefusedInput):
        AgreementKey(b"short")


def test_secret__does_not_print() -> None:
    assert ONE.secret.hex() not in repr(ONE)
    assert "secret" not in repr(ONE)
    assert len(AgreementKey.generate(RANDOMNESS).public_key) == 32


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
PARTS = ["protected", "recipients", "iv", "ciphertext", "tag"]


@given(st.one_of(st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode())))
def test_door__whatever_comes__raises_typed_errors_alone(raw: bytes) -> None:
    with pytest.raises(EdgemarkError):
        decrypt(raw, "did:one#key", ONE)


@given(st.sampled_from(PARTS), JSON)
def test_door__a_part_that_is_anything__raises_typed_errors_alone(part: str, value: Any) -> None:
    whole = json.loads(SEALED) | {part: value}
    with pytest.raises(EdgemarkError):
        decrypt(json.dumps(whole).encode(), "did:one#key", ONE)
