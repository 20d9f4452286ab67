"""Whatever file somebody hands over as a credential: shown, or refused by name; nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.identity.credentials.samples import facts_of

from edgemark.cli.credentials.opening import open_seals
from edgemark.cli.credentials.showing import facts_of as told_of
from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.identity.credentials.agreement import AgreementKeys
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader, encrypt
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.did.identifier import parse_did
from edgemark.settings.settings import Settings

KEY = SecretKey(bytes([9]) * 32)
OWN, STRANGER = (AgreementKey(bytes([number]) * 32) for number in (1, 2))


def sign(**subject: Any) -> SignedCredential:
    facts = facts_of()
    facts["credentialSubject"] = {"id": "did:ethr:0x1", **subject}
    return read_signed(CredentialSigner(KEY, parse_did(facts["issuer"])).sign(facts))


def seal(text: bytes, key: AgreementKey = OWN) -> Any:
    return json.loads(encrypt(text, [Reader("did:x#k", key.public_key)], Randomness()))


TOKEN = sign(says="what it says").token.encode()
CHANGES = st.one_of(
    st.binary(max_size=60),
    st.integers(0, len(TOKEN) - 1).map(lambda end: TOKEN[:end]),
    st.tuples(st.integers(0, len(TOKEN) - 1), st.integers(1, 255)).map(
        lambda at: TOKEN[: at[0]] + bytes([TOKEN[at[0]] ^ at[1]]) + TOKEN[at[0] + 1 :]
    ),
)


@settings(max_examples=40)
@given(raw=CHANGES)
def test_door__whatever_file_is_shown__is_told_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "token.jwt").write_bytes(raw)
    with pytest.raises(SystemExit) as left:
        main(["credential", "show", str(home / "token.jwt"), "--json", "--home", str(home)])
    assert left.value.code in (None, Exit.DONE, Exit.REFUSED_INPUT)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose one key for agreement is known."""
    monkeypatch.setattr(AgreementKeys, "of", staticmethod(lambda _: AgreementKeys((OWN,))))
    return Settings(home=tmp_path)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)
PARTS = ["protected", "recipients", "iv", "ciphertext", "tag"]


@settings(max_examples=60)
@given(part=st.sampled_from(PARTS), value=JSON, text=st.binary(max_size=20))
def test_door__whatever_is_sealed__is_told_part_by_part(
    tmp_path_factory: pytest.TempPathFactory, part: str, value: Any, text: bytes
) -> None:
    settings_ = Settings(home=tmp_path_factory.mktemp("home"))
    signed = sign(inner=[seal(text) | {part: value}, seal(text)], clear=value)
    told = open_seals(settings_, signed)
    assert [each.place for each in told] == ["/inner/0", "/inner/1"]
    assert told_of(signed)["says"]["clear"] == value
    assert all(each.told for each in told)


@pytest.mark.parametrize(
    ("part", "is_opened", "error"),
    [
        (seal(b'{"a":1}'), True, None),
        (seal(b'{"a":1}', STRANGER), False, None),
        (seal(b"[1]"), False, "RefusedInput"),
        (seal(b'{"a":1,"a":2}'), False, "RefusedInput"),
        (seal(b"\xff"), False, "RefusedInput"),
        (seal(b'{"a":1}') | {"iv": "AAAA"}, False, "TokenInvalid"),
    ],
)
def test_sealed_part__is_opened_or_told_why_not(
    home: Settings, part: Any, is_opened: bool, error: str | None
) -> None:
    (told,) = open_seals(home, sign(inner=part))
    facts = told.as_facts()
    assert (facts["opened"], facts["error"]) == (is_opened, error)


@pytest.mark.parametrize(
    ("raw", "is_shown"),
    [
        (json.dumps({"token": TOKEN.decode(), "issuance": "0x"}).encode(), True),
        (TOKEN + b"\n", True),
        (b'{"token": 7}', False),
        (b"{}", False),
        (b"{", False),
        (b'{"token": "a.b.c"}', False),
        (b'{"token":"%s","token":"%s"}' % (TOKEN, TOKEN), False),
        (b"{" + b" " * 200_000 + b"}", False),
    ],
)
def test_file_with_a_token_in_it__is_shown_as_the_token(
    tmp_path: Path, raw: bytes, is_shown: bool
) -> None:
    path = tmp_path / "1.settlement"
    path.write_bytes(raw)
    with pytest.raises(SystemExit) as left:
        main(["credential", "show", str(path), "--json", "--home", str(tmp_path)])
    assert left.value.code == (Exit.DONE if is_shown else Exit.REFUSED_INPUT)


def test_more_seals_than_are_looked_at__are_left_alone(home: Settings) -> None:
    assert len(open_seals(home, sign(inner=[seal(b"{}")] * 20))) == 8
