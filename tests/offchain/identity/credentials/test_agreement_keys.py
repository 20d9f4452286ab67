"""A home's keys for agreement: what was encrypted for any of them is opened, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, RefusedInput, Unrecoverable
from edgemark.identifiers import Address
from edgemark.identity.credentials import agreement
from edgemark.identity.credentials.agreement import (
    AgreementKeyMissing,
    AgreementKeys,
    SealedForOthers,
    is_key_of,
)
from edgemark.identity.credentials.jose.base64url import TokenInvalid, encode_base64url
from edgemark.identity.credentials.jose.encryption import (
    AgreementKey,
    Reader,
    SealBroken,
    decrypt,
    encrypt,
    read_encrypted,
)
from edgemark.identity.did.identifier import make_did

RANDOMNESS = Randomness()
ME, OTHER = (make_did(31337, Address(f"0x{digit * 40}")) for digit in "12")
FORMER, NEWEST, STRANGER = (AgreementKey(bytes([number]) * 32) for number in (1, 2, 3))
HOME = AgreementKeys((NEWEST, FORMER))
KID, OTHERS = f"{ME}#delegate-1", f"{OTHER}#delegate-4"


def seal(text: bytes, *readers: tuple[str, AgreementKey]) -> bytes:
    return encrypt(text, [Reader(kid, key.public_key) for kid, key in readers], RANDOMNESS)


@given(st.binary(max_size=200), st.sampled_from([FORMER, NEWEST]), st.booleans())
def test_any_text__for_any_key_of_this_home__is_opened(
    text: bytes, key: AgreementKey, is_first: bool
) -> None:
    readers = [(KID, key), (OTHERS, STRANGER)]
    raw = seal(text, *(readers if is_first else reversed(readers)))
    assert HOME.decrypt(raw, ME) == text
    assert read_encrypted(raw).kids == tuple(kid for kid, _ in readers[:: 1 if is_first else -1])


@given(st.binary(max_size=40), st.integers(1, 2**256 - 1).map(lambda n: n.to_bytes(32, "big")))
def test_every_wrong_recipient__opens_nothing_and_hears_why(text: bytes, secret: bytes) -> None:
    stranger = AgreementKey(secret)
    assert stranger.public_key not in (FORMER.public_key, NEWEST.public_key)
    raw = seal(text, (KID, stranger), (OTHERS, FORMER))
    with pytest.raises(SealBroken, match="no key of this home"):
        HOME.decrypt(raw, ME)
    with pytest.raises(SealedForOthers):
        HOME.decrypt(seal(text, (OTHERS, FORMER)), ME)
    with pytest.raises(AgreementKeyMissing, match="edgemark identity agreement"):
        AgreementKeys(()).decrypt(raw, ME)


def test_name_of_a_key__is_of_its_identity_alone() -> None:
    assert is_key_of(KID, ME)
    for kid in ("", "#", str(ME), f"{ME}#", "#delegate-1", OTHERS, f"x{KID}", "did:web:x#k"):
        assert not is_key_of(kid, ME)
    upper = KID.replace(ME.identity, ME.identity.lower())
    assert is_key_of(upper, ME), "one account, in whichever letters"


def test_name_twice__is_for_nobody() -> None:
    whole = json.loads(seal(b"x", (KID, NEWEST)))
    whole["recipients"] *= 2
    with pytest.raises(TokenInvalid):
        HOME.decrypt(json.dumps(whole).encode(), ME)


ORDERS = [  # u of the points of order 1, 2, 4 and 8, and their second spellings above p
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    2**255 - 20,
    2**255 - 19,
    2**255 - 18,
]


@pytest.mark.parametrize("u", ORDERS)
@pytest.mark.parametrize("is_set", [False, True])
def test_a56_point_of_small_order__is_refused_by_whoever_looks(u: int, is_set: bool) -> None:
    """RFC 7748, section 6.1; whoever sends one knows the shared secret with any reader."""
    point = bytearray(u.to_bytes(32, "little"))
    point[31] |= 0x80 * is_set  # a bit that nobody reads
    whole = json.loads(seal(b"x", (KID, NEWEST), (OTHERS, STRANGER)))
    whole["recipients"][1]["header"]["epk"]["x"] = encode_base64url(bytes(point)).decode()
    raw = json.dumps(whole).encode()
    for read in (
        lambda: read_encrypted(raw),
        lambda: HOME.decrypt(raw, ME),
        lambda: decrypt(raw, OTHERS, STRANGER),
    ):
        with pytest.raises(TokenInvalid, match="small order"):
            read()


def test_home__keeps_every_key_and_the_last_one_is_the_newest(tmp_path: Path) -> None:
    assert AgreementKeys.of(tmp_path).keys == ()
    made = [AgreementKeys.make(tmp_path) for _ in range(11)]
    kept = AgreementKeys.of(tmp_path)
    assert kept.keys == tuple(reversed(made)), "by number, and not by letters"
    assert kept.newest == made[-1]
    kept.check_has(made[0].public_key, ME)
    with pytest.raises(AgreementKeyMissing, match="--rotate"):
        kept.check_has(STRANGER.public_key, ME)
    assert made[0].secret.hex() not in repr(kept)


def test_home__takes_no_more_keys_than_it_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "MAX_KEYS", 2)
    for _ in range(2):
        AgreementKeys.make(tmp_path)
    with pytest.raises(RefusedInput, match="too many"):
        AgreementKeys.make(tmp_path)
    assert len(AgreementKeys.of(tmp_path).keys) == 2


@pytest.mark.parametrize("text", ["", "x", "00" * 32, "00" * 32 + "\n" + "00" * 32, "\n\n", "é"])
def test_damaged_file__says_so_and_nothing_of_the_key(tmp_path: Path, text: str) -> None:
    AgreementKeys.make(tmp_path)
    (tmp_path / "keys" / "agreement" / "1.key").write_text(text)
    with pytest.raises(Unrecoverable) as error:
        AgreementKeys.of(tmp_path)
    assert "Restore" in str(error.value)
    assert "0000" not in str(error.value)


def test_other_files__are_no_keys(tmp_path: Path) -> None:
    made = AgreementKeys.make(tmp_path)
    folder = tmp_path / "keys" / "agreement"
    for name in ("x.key", "-1.key", "1.key.part", "\u0661.key"):
        (folder / name).write_bytes(b"\xff")
    assert AgreementKeys.of(tmp_path).keys == (made,)


@given(st.binary(max_size=80))
def test_door__whatever_comes__raises_typed_errors_alone(raw: bytes) -> None:
    with pytest.raises(EdgemarkError):
        HOME.decrypt(raw, ME)
