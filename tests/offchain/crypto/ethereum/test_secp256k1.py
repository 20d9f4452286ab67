"""Keys and signatures; threats A29 (other forms) and A20 (no algebra on what is signed).

Vectors: Wycheproof's bitcoin flavour (strict DER, low s), run through our verifier.
"""

from __future__ import annotations

import copy
import json
import pickle
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from coincurve import PublicKey
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.elements import seeded

from edgemark.crypto.ethereum import secp256k1
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import (
    ORDER,
    BadSignature,
    SecretKey,
    address_of,
    check_form,
    check_plain,
    check_signature,
    recover,
)
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.identifiers import Address

VECTORS = Path(__file__).resolve().parents[3] / "vectors"
WYCHEPROOF = VECTORS / "wycheproof_ecdsa_secp256k1_sha256_bitcoin.json"

DIGEST = keccak256(b"a message")
KEY = SecretKey(keccak256(b"signer"))
OUTSIDER = SecretKey(keccak256(b"outsider"))
SIGNATURE = KEY.sign(DIGEST)

digests = st.binary(min_size=32, max_size=32)


@given(digest=digests, seed=st.integers())
def test_signature__recovers_its_signer_and_is_that_of_eth_account(
    digest: bytes, seed: int
) -> None:
    key = SecretKey.generate(seeded(seed))
    signature = key.sign(digest)
    assert recover(digest, signature) == key.address
    check_signature(digest, signature, key.address)
    account = Account.from_key(key.reveal())
    assert account.address == key.address
    assert bytes(account.unsafe_sign_hash(digest).signature) == signature


@given(digest=digests, bit=st.integers(0, 255))
def test_signature_of_another_digest__is_refused(digest: bytes, bit: int) -> None:
    signature = KEY.sign(digest)
    other = (int.from_bytes(digest, "big") ^ (1 << bit)).to_bytes(32, "big")
    with pytest.raises(BadSignature):
        check_signature(other, signature, KEY.address)


def test_signature_of_an_outsider__is_refused() -> None:
    with pytest.raises(BadSignature) as caught:
        check_signature(DIGEST, OUTSIDER.sign(DIGEST), KEY.address)
    assert caught.value.had == OUTSIDER.address
    assert caught.value.needed == KEY.address


@pytest.mark.parametrize("length", [0, 20, 31, 33, 64])
def test_digest_that_is_not_32_bytes__is_refused(length: int) -> None:
    with pytest.raises(RefusedInput):
        KEY.sign(bytes(length))
    with pytest.raises(RefusedInput):
        recover(bytes(length), SIGNATURE)


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret",
    [b"", bytes(31), bytes(32), bytes(33), ORDER.to_bytes(32, "big"), b"\xff" * 32],
)
def test_secret_out_of_range__is_refused(secret: bytes) -> None:
    with pytest.raises(RefusedInput) as caught:
        SecretKey(secret)
    assert secret.hex() == "" or secret.hex() not in str(caught.value)


def test_generate__draws_again_when_out_of_range() -> None:
    class Scripted(Randomness):
        def octets(self, count: int) -> bytes:
            return drawn.pop(0)[:count]

    drawn = [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, KEY.reveal()]
    assert SecretKey.generate(Scripted()) == KEY
    assert SecretKey.generate(Randomness()) != SecretKey.generate(Randomness())


def test_a61_secret_key__neither_prints_nor_pickles() -> None:
    shown = f"{KEY} {KEY!r} {[KEY]} {vars(type(KEY))}"
    secret = KEY.reveal()
    assert secret.hex() not in shown
    assert str(int.from_bytes(secret, "big")) not in shown
    assert KEY.address in repr(KEY)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(RefusedInput) as caught:
            leak(KEY)
        assert secret.hex() not in str(caught.value)


def test_keys__compare_by_their_secret() -> None:
    assert SecretKey(KEY.reveal()) == KEY
    assert hash(SecretKey(KEY.reveal())) == hash(KEY)
    assert KEY != OUTSIDER
    assert KEY.reveal() != KEY


def test_address__of_the_key_1__is_the_known_one() -> None:
    # the generator itself; EIP-55 address that every wallet derives for the secret 1
    one = SecretKey((1).to_bytes(32, "big"))
    assert one.address == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    assert one.public_key.hex().startswith("0279be667ef9dcbbac55a06295ce870b")


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        KEY.public_key[:-1],
        KEY.public_key + b"\0",
        b"\x05" + KEY.public_key[1:],
        b"\x02" + b"\xff" * 32,
        b"\x02" + (5).to_bytes(32, "big"),  # no point has x = 5
        PublicKey(KEY.public_key).format(compressed=False),
        bytes(33),
    ],
)
def test_public_key_in_another_form_or_off_the_curve__is_refused(public_key: bytes) -> None:
    with pytest.raises(RefusedInput):
        address_of(public_key)


# --- A29 -----------------------------------------------------------------------------------------

R, S, V = SIGNATURE[:32], int.from_bytes(SIGNATURE[32:64], "big"), SIGNATURE[64]


def der(signature: bytes) -> bytes:
    def integer(number: bytes) -> bytes:
        stripped = number.lstrip(b"\0")
        body = (b"\0" if stripped[0] & 0x80 else b"") + stripped
        return b"\x02" + bytes([len(body)]) + body

    body = integer(signature[:32]) + integer(signature[32:64])
    return b"\x30" + bytes([len(body)]) + body


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


OTHER_FORMS = {
    "high s": R + word(ORDER - S) + bytes([55 - V]),
    "high s, same v": R + word(ORDER - S) + bytes([V]),
    "v 0 or 1": SIGNATURE[:64] + bytes([V - 27]),
    "v 2": SIGNATURE[:64] + b"\x02",
    "v 29": SIGNATURE[:64] + b"\x1d",
    "v of EIP-155": SIGNATURE[:64] + bytes([V + 8]),
    "other parity": SIGNATURE[:64] + bytes([55 - V]),
    "compact, EIP-2098": R + word(S | (V - 27) << 255),
    "r and s alone": SIGNATURE[:64],
    "DER": der(SIGNATURE),
    "v first": bytes([V]) + SIGNATURE[:64],
    "trailing byte": SIGNATURE + b"\0",
    "empty": b"",
    "all zero": bytes(65),
    "r zero": bytes(32) + SIGNATURE[32:],
    "s zero": R + bytes(32) + bytes([V]),
    "r of the order": word(ORDER) + SIGNATURE[32:],
    "s of the order": R + word(ORDER) + bytes([V]),
    "s plus the order": R + word((S + ORDER) % 2**256) + bytes([V]),
    "s one above the half": R + word(ORDER // 2 + 1) + bytes([V]),
    "r that is no point": word(5) + SIGNATURE[32:],
}


@pytest.mark.parametrize("signature", OTHER_FORMS.values(), ids=OTHER_FORMS.keys())
def test_a29_signature_in_another_form__is_refused(signature: bytes) -> None:
    with pytest.raises(BadSignature):
        check_signature(DIGEST, signature, KEY.address)


@pytest.mark.parametrize(
    ("r", "s", "field"),
    [(ORDER, S, "r"), (0, S, "r"), (1, 0, "s"), (1, ORDER // 2 + 1, "s")],
)
def test_a29_form__has_bounds_of_its_own(r: int, s: int, field: str) -> None:
    with pytest.raises(BadSignature, match=f"{field} is out of range"):
        check_form(word(r) + word(s) + bytes([V]))
    for least, most in ((1, 1), (ORDER - 1, ORDER // 2)):
        check_form(word(least) + word(most) + bytes([V]))


def test_a29_planted_lenient_recovery__takes_two_forms_of_one_signature() -> None:
    # what a verifier without the range check of s does; a replay set of signature bytes then fails
    def planted(signature: bytes) -> str:
        compact = signature[:64] + bytes([signature[64] % 27])
        point = PublicKey.from_signature_and_message(compact, DIGEST, hasher=None)
        return address_of(point.format())

    assert planted(OTHER_FORMS["high s"]) == planted(SIGNATURE) == KEY.address
    assert planted(OTHER_FORMS["v 0 or 1"]) == KEY.address
    with pytest.raises(BadSignature):
        recover(DIGEST, OTHER_FORMS["high s"])


def test_generate__takes_the_first_number_that_is_a_key() -> None:
    class Drawn:
        """Stands for the random source, which draws none of these in our time."""

        def __init__(self) -> None:
            self.numbers = iter([0, ORDER, ORDER + 1, 1, ORDER - 1])

        def octets(self, count: int) -> bytes:
            return next(self.numbers).to_bytes(count, "big")

    drawn: Any = Drawn()
    assert SecretKey.generate(drawn).reveal() == (1).to_bytes(32, "big")
    assert SecretKey.generate(drawn).reveal() == (ORDER - 1).to_bytes(32, "big")


@pytest.mark.parametrize("recovery_id", [2, 3])
def test_a29_signing__with_no_v_of_27_or_28__is_refused(recovery_id: int) -> None:
    class Unlikely:
        """Stands for libsecp256k1: no signature that is made in our time has such an id."""

        def sign_recoverable(self, *_: object, **__: object) -> bytes:
            return SIGNATURE[:64] + bytes([recovery_id])

    key = SecretKey(b"\x01" * 32)
    key._key = Unlikely()  # type: ignore[assignment]
    with pytest.raises(Unrecoverable, match="no v of 27 or 28"):
        key.sign(DIGEST)


def test_a29_signing__gives_the_one_form() -> None:
    for number in range(64):
        signature = KEY.sign(keccak256(bytes([number])))
        assert len(signature) == 65
        assert signature[64] in (27, 28)
        assert 1 <= int.from_bytes(signature[32:64], "big") <= ORDER // 2


def parse_der(signature: bytes) -> bytes | None:
    """Strict DER (BIP 66) to r || s; None when it is anything else."""

    def integer(rest: bytes) -> tuple[bytes, bytes] | None:
        if len(rest) < 2 or rest[0] != 2 or not 1 <= rest[1] <= 33 or len(rest) < 2 + rest[1]:
            return None
        body, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        padded = len(body) > 1 and body[0] == 0 and not body[1] & 0x80
        number = body.lstrip(b"\0")
        if padded or body[0] & 0x80 or len(number) > 32:
            return None
        return number.rjust(32, b"\0"), rest

    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        return None
    first = integer(signature[2:])
    second = integer(first[1]) if first else None
    return first[0] + second[0] if first and second and not second[1] else None


def is_accepted(digest: bytes, signature: bytes, signer: str) -> bool:
    """Whether our verifier takes a DER signature, tried with both parities."""
    numbers = parse_der(signature)
    if numbers is None:
        return False
    for v in (27, 28):
        try:
            if recover(digest, numbers + bytes([v])) == signer:
                return True
        except BadSignature:
            continue
    return False


def wycheproof_cases() -> list[tuple[dict[str, Any], str]]:
    groups = json.loads(WYCHEPROOF.read_text())["vectors"]["testGroups"]
    return [
        (case, address_of(PublicKey(bytes.fromhex(group["publicKey"]["uncompressed"])).format()))
        for group in groups
        for case in group["tests"]
    ]


# The x-coordinate of R is beyond the order: only recovery ids 2 and 3 name such a point, and the
# chain's ecrecover knows 0 and 1 alone. Nobody meets such a nonce (probability 2^-127).
BEYOND_RECOVERY = "k*G has a large x-coordinate"


def test_a29_wycheproof__every_vector_is_judged_as_published() -> None:
    cases = wycheproof_cases()
    assert len(cases) == 463
    beyond = 0
    for case, signer in cases:
        digest = sha256(bytes.fromhex(case["msg"])).digest()
        accepted = is_accepted(digest, bytes.fromhex(case["sig"]), signer)
        if case["result"] == "valid" and case["comment"] == BEYOND_RECOVERY:
            beyond += 1
            assert not accepted
        else:
            assert accepted == (case["result"] == "valid"), case["tcId"]
    assert beyond == 1


def test_a29_check_without_v__judges_every_vector_alike_with_the_key_known_and_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the one vector whose x is beyond the order too."""
    taken = 0
    for group in json.loads(WYCHEPROOF.read_text())["vectors"]["testGroups"]:
        point = PublicKey(bytes.fromhex(group["publicKey"]["uncompressed"]))
        signer = address_of(point.format())
        for case in group["tests"]:
            digest, der = sha256(bytes.fromhex(case["msg"])).digest(), bytes.fromhex(case["sig"])
            for known in ({}, {signer: point}):
                monkeypatch.setattr(secp256k1, "_known", known)
                is_taken = is_plainly_accepted(digest, parse_der(der), signer)
                assert is_taken == is_accepted(digest, der, signer), case["tcId"]
                taken += is_taken
    assert taken > 100


def is_plainly_accepted(digest: bytes, numbers: bytes | None, signer: Address) -> bool:
    try:
        check_plain(digest, numbers or b"", signer)
    except BadSignature:
        return False
    return True


def test_check_without_v__remembers_who_signed_and_nobody_who_did_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[Address, PublicKey] = {}
    monkeypatch.setattr(secp256k1, "_known", known)
    monkeypatch.setattr(secp256k1, "KNOWN_POINTS", 1)
    for key, other in ((KEY, OUTSIDER), (OUTSIDER, KEY), (OUTSIDER, KEY)):
        check_plain(DIGEST, key.sign(DIGEST)[:64], key.address)
        assert list(known) == [key.address]
        for digest, signer in ((DIGEST, other.address), (keccak256(b"another"), key.address)):
            with pytest.raises(BadSignature):
                check_plain(digest, key.sign(DIGEST)[:64], signer)
        assert list(known) == [key.address]


# --- A20 -----------------------------------------------------------------------------------------


def test_a20_signatures_on_a_and_b__make_none_on_their_sum() -> None:
    a, b = keccak256(b"a"), keccak256(b"b")
    total = word((int.from_bytes(a, "big") + int.from_bytes(b, "big")) % 2**256)
    first, second = KEY.sign(a), KEY.sign(b)
    s = (int.from_bytes(first[32:64], "big") + int.from_bytes(second[32:64], "big")) % ORDER
    for r in (first[:32], second[:32]):
        for low in (s, ORDER - s):
            for v in (27, 28):
                with pytest.raises(BadSignature):
                    check_signature(total, r + word(low) + bytes([v]), KEY.address)


def test_a20_planted_homomorphic_hash__sum_of_two_signed_messages_is_signed() -> None:
    # the paper: h_h(a + b) = h_h(a) h_h(b), signed by raising it to the secret
    group, secret = 2**127 - 1, 0x1234_5678_9ABC_DEF1
    signed = {m: pow(pow(3, m, group), secret, group) for m in (1000, 234)}
    assert signed[1000] * signed[234] % group == pow(pow(3, 1234, group), secret, group)
    # here what is signed is keccak256, of which neither sums nor products mean anything
    one, other = (int.from_bytes(keccak256(word(m)), "big") for m in (1000, 234))
    both = int.from_bytes(keccak256(word(1234)), "big")
    assert both not in ((one + other) % 2**256, one * other % 2**256, one ^ other)
