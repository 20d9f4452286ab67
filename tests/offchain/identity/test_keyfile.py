"""An account of ape's or geth's is used through its encrypted file; the passphrase never shows."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import eth_keyfile
import pytest
from Crypto.Cipher import AES

from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import EdgemarkError, Unrecoverable
from edgemark.identity import keyfile
from edgemark.identity.keyfile import KeyfileInvalid, WrongPassphrase, open_keyfile
from edgemark.identity.keys import ACCOUNT_FILE, TLS_FILE, KeyStore
from edgemark.identity.settings import AccountSettings
from edgemark.ledger.evm.development.node import dev_key
from edgemark.settings.settings import Settings

PASSPHRASE = "correct horse battery"
KEY = SecretKey(dev_key(7))


@pytest.fixture
def account_file(tmp_path: Path) -> Path:
    facts = eth_keyfile.create_keyfile_json(
        KEY.reveal(), PASSPHRASE.encode(), kdf="pbkdf2", iterations=10
    )
    path = tmp_path / "deployer.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({**facts, "alias": "deployer"}))  # as ape does
    return path


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.touch(mode=0o600)
    path.write_text(PASSPHRASE + "\nsecond line\n")
    return path


def test_open__with_the_right_passphrase__is_the_account(
    account_file: Path, passphrase_file: Path
) -> None:
    assert open_keyfile(str(account_file), str(passphrase_file)) == KEY


def test_open__the_documents_test_vector__is_its_key(tmp_path: Path, passphrase_file: Path) -> None:
    # ethereum.org, "Web3 Secret Storage Definition", test vector PBKDF2-SHA-256.
    vector = {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    }
    path = tmp_path / "vector.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(vector))
    passphrase_file.write_text("testpassword")
    expected = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
    assert open_keyfile(str(path), str(passphrase_file)).reveal().hex() == expected


def written_by(key: bytes, **parts: object) -> str:
    """A keyfile as geth encrypts it, of a key as it stands, whatever its length."""
    salt, iv = b"\x05" * 32, bytes(range(16))
    derived = hashlib.pbkdf2_hmac("sha256", PASSPHRASE.encode(), salt, 10, 32)
    ciphertext = AES.new(
        derived[:16], AES.MODE_CTR, nonce=b"", initial_value=int.from_bytes(iv, "big")
    ).encrypt(key)
    crypto = {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": iv.hex()},
        "ciphertext": ciphertext.hex(),
        "kdf": "pbkdf2",
        "kdfparams": {"c": 10, "dklen": 32, "prf": "hmac-sha256", "salt": salt.hex()},
        "mac": keccak256(derived[16:] + ciphertext).hex(),
    }
    return json.dumps({"crypto": crypto | parts, "version": 3})


@pytest.mark.parametrize("zeros", [0, 1, 2, 31])
def test_k1_open__a_key_without_its_leading_zeros__is_padded(
    account_file: Path, passphrase_file: Path, zeros: int
) -> None:
    key = bytes(range(1, 33 - zeros))
    account_file.write_text(written_by(key))
    expected = SecretKey(bytes(zeros) + key)
    assert open_keyfile(str(account_file), str(passphrase_file)) == expected


@pytest.mark.parametrize("key", [b"", bytes(32), b"\xff" * 32, bytes(range(1, 34))])
def test_k1_open__what_is_no_key__is_refused(
    account_file: Path, passphrase_file: Path, key: bytes
) -> None:
    account_file.write_text(written_by(key))
    with pytest.raises(KeyfileInvalid, match="of another kind"):
        open_keyfile(str(account_file), str(passphrase_file))


@pytest.mark.parametrize("cipher", ["aes-128-cbc", "AES-128-CTR", "", None, 7, ["aes-128-ctr"]])
def test_k2_open__another_cipher__is_refused(
    account_file: Path, passphrase_file: Path, cipher: object
) -> None:
    account_file.write_text(written_by(KEY.reveal(), cipher=cipher))
    with pytest.raises(KeyfileInvalid, match="no cipher aes-128-ctr"):
        open_keyfile(str(account_file), str(passphrase_file))


@pytest.mark.parametrize(
    ("address", "is_fine"),
    [
        (KEY.address, True),
        (KEY.address.lower(), True),
        (KEY.address[2:], True),
        ("", True),
        (None, True),
        ("00" * 20, False),
        (KEY.address[:-1], False),
        (f"{KEY.address}00", False),
        (7, False),
        ([KEY.address], False),
        ("\x1b[2J", False),
    ],
)
def test_k2_open__with_an_address__is_its_key_or_refused(
    account_file: Path, passphrase_file: Path, address: object, is_fine: bool
) -> None:
    account_file.write_text(
        json.dumps({**json.loads(written_by(KEY.reveal())), "address": address})
    )
    if is_fine:
        assert open_keyfile(str(account_file), str(passphrase_file)) == KEY
        return
    with pytest.raises(KeyfileInvalid, match="of another account") as refused:
        open_keyfile(str(account_file), str(passphrase_file))
    assert KEY.address in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["Crypto", "CRYPTO"])
def test_k2_open__names_in_any_case__are_read_and_none_counts_twice(
    account_file: Path, passphrase_file: Path, name: str
) -> None:
    facts = json.loads(written_by(KEY.reveal()))
    account_file.write_text(json.dumps({name: facts["crypto"], "version": 3}))
    assert open_keyfile(str(account_file), str(passphrase_file)) == KEY
    account_file.write_text(json.dumps({**facts, name: {"cipher": "aes-128-ctr"}}))
    with pytest.raises(KeyfileInvalid):
        open_keyfile(str(account_file), str(passphrase_file))


def test_open__with_another_passphrase__says_so_and_shows_neither(
    account_file: Path, passphrase_file: Path
) -> None:
    passphrase_file.write_text("a wrong guess")
    with pytest.raises(WrongPassphrase) as refused:
        open_keyfile(str(account_file), str(passphrase_file))
    told = "".join(traceback.format_exception(refused.value, chain=True))
    assert str(account_file) in told
    for secret in ("a wrong guess", PASSPHRASE, KEY.reveal().hex()):
        assert secret not in told


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        '{"version": 3}',
        '{"version": 1}',
        "ab" * 32,
        "[" * 5000,
        " " * 70_000,
        '{"version": 3, "VERSION": 9}',
        '{"Version": 4}',
    ],
    ids=lambda text: repr(text[:16]),
)
def test_open__of_no_keyfile__is_refused_without_its_words(
    account_file: Path, passphrase_file: Path, content: str
) -> None:
    account_file.write_text(content)
    with pytest.raises(KeyfileInvalid) as refused:
        open_keyfile(str(account_file), str(passphrase_file))
    assert len(content) < 10 or content not in str(refused.value)


@pytest.mark.parametrize("which", ["account", "passphrase"])
def test_open__a_file_that_is_not_there__is_named(
    tmp_path: Path, account_file: Path, passphrase_file: Path, which: str
) -> None:
    (account_file if which == "account" else passphrase_file).unlink()
    with pytest.raises(KeyfileInvalid) as refused:
        open_keyfile(str(account_file), str(passphrase_file))
    assert refused.value.who == (account_file if which == "account" else passphrase_file)


@pytest.mark.parametrize("which", ["account", "passphrase"])
def test_open__a_file_that_others_can_read__is_refused_whichever_it_is(
    account_file: Path, passphrase_file: Path, which: str
) -> None:
    open_to_all = account_file if which == "account" else passphrase_file
    open_to_all.chmod(0o644)
    with pytest.raises(Unrecoverable, match="others can open it") as refused:
        open_keyfile(str(account_file), str(passphrase_file))
    assert refused.value.remedy.startswith(f"If nobody has: chmod 600 {open_to_all}")


def test_open__at_a_terminal__asks(account_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(prompt: str, stream: object) -> str:
        assert stream is sys.stderr
        asked.append(prompt)
        return PASSPHRASE

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(keyfile.getpass, "getpass", answer)
    assert open_keyfile(str(account_file)) == KEY
    assert len(asked) == 1
    assert str(account_file) in asked[0]


def test_open__with_nobody_to_ask__says_what_to_do(
    account_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(EdgemarkError, match="passphrase_file"):
        open_keyfile(str(account_file))


def test_key_store__with_an_account_file__makes_no_account_of_its_own(
    tmp_path: Path, account_file: Path, passphrase_file: Path
) -> None:
    named = AccountSettings(str(account_file), str(passphrase_file))
    keys = KeyStore.of(Settings(tmp_path / "home", (named,)))
    assert keys.account == KEY
    assert [path.name for path in (tmp_path / "home" / "keys").iterdir()] == [TLS_FILE]
    own = KeyStore.of(Settings(tmp_path / "other", (AccountSettings(),)))
    assert own.account != KEY
    assert (tmp_path / "other" / "keys" / ACCOUNT_FILE).exists()


@pytest.mark.processes
def test_the_command_line__with_an_account_file__shows_its_address_and_no_secret(
    tmp_path: Path, account_file: Path, passphrase_file: Path
) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        usual = {key: val for key, val in os.environ.items() if not key.startswith("EDGEMARK_")}
        return subprocess.run(
            [sys.executable, "-m", "edgemark", "account", "address", "--home", tmp_path / "home"],
            env={
                **usual,
                "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
                "EDGEMARK_ACCOUNT_FILE": str(account_file),
                "EDGEMARK_PASSPHRASE_FILE": str(passphrase_file),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run()
    assert KEY.address in done.stdout, done.stderr
    passphrase_file.write_text("a wrong guess")
    refused = run()
    assert refused.returncode == Exit.REFUSED_INPUT
    assert "WrongPassphrase" in refused.stderr
    assert "a wrong guess" not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr
