"""An account's key in an encrypted file: Web3 Secret Storage, version 3, as ape and geth write it.

Source: ethereum.org, "Web3 Secret Storage Definition" (scrypt or PBKDF2, AES-128-CTR, keccak MAC).
"""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.files import check_private, expand_home

MAX_BYTES = 64 * 1024  # of either file; a keyfile has about 500
VERSION, CIPHER = 3, "aes-128-ctr"
KEY_BYTES = 32

# Mounted secrets are links, or belong to root.
OWN_COPY = "Name a copy that is our own: install -m 600 FILE COPY."


class KeyfileInvalid(RefusedInput):
    """The file holds no encrypted account key."""


class WrongPassphrase(RefusedInput):
    """The passphrase does not open the file."""


def open_keyfile(path: str, passphrase_file: str = "") -> SecretKey:
    """Decrypt the key of an account.

    Args:
        path: the encrypted file.
        passphrase_file: its first line is the passphrase; empty asks for it at the terminal.

    Raises:
        KeyfileInvalid: no such file, not such a file, or nobody to ask.
        WrongPassphrase: it is another one.
        Unrecoverable: others can read one of the two files.
    """
    place = expand_home(path, who="account.file")
    facts = _read(place)
    passphrase = _read_passphrase(passphrase_file) if passphrase_file else _ask(place)
    from eth_account import Account  # noqa: PLC0415 - a fifth of a start, for few

    try:
        # Some of geth's were written without the zeros at the beginning of a key.
        key = SecretKey(bytes(Account.decrypt(facts, passphrase)).rjust(KEY_BYTES, b"\0"))
    except ValueError:
        # The library's words and ours stay apart: nothing of key or passphrase may be in them.
        raise WrongPassphrase(
            "does not open with this passphrase",
            who=place,
            remedy="Give the passphrase that the account was made with.",
        ) from None
    except (
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
        RefusedInput,
    ):
        raise _invalid(place, "parts are missing or of another kind") from None
    _check_address(place, facts, key)
    return key


def _read(place: Path) -> dict[str, object]:
    try:
        check_private(place, OWN_COPY)  # whoever has it can try passphrases for as long as it takes
        with place.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _invalid(place, error.strerror or "cannot be read") from error
    try:
        facts = json.loads(raw, object_pairs_hook=_small) if len(raw) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        facts = None
    # One of our own key files would be a number or no JSON at all: its words stay out of it.
    if not isinstance(facts, dict) or facts.get("version") != VERSION:
        raise _invalid(place, f"no JSON of version {VERSION}")
    crypto = facts.get("crypto")
    if not isinstance(crypto, dict) or crypto.get("cipher") != CIPHER:
        raise _invalid(place, f"no cipher {CIPHER}")  # the library takes any for this one
    return facts


def _small(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object with its names in small letters, as the library reads it; each of them once.

    Raises:
        ValueError: a name stands there twice, and nobody knows which of the two counts.
    """
    small = {name.lower(): value for name, value in pairs}
    if len(small) != len(pairs):
        raise ValueError("a name twice")
    return small


def _check_address(place: Path, facts: dict[str, object], key: SecretKey) -> None:
    """Check that the key is the one of the address in the file, where it has one.

    Raises:
        KeyfileInvalid: it is another account's, or the address is none.
    """
    told = facts.get("address")
    if told is None or told == "":
        return
    address = told if isinstance(told, str) else ""
    if address.lower().removeprefix("0x") != key.address.lower().removeprefix("0x"):
        raise KeyfileInvalid(
            "holds the key of another account than it says",
            who=place,
            had=key.address,
            needed=address[:42],
            remedy="Take the file as ape or geth wrote it.",
        )


def _read_passphrase(passphrase_file: str) -> str:
    place = expand_home(passphrase_file, who="account.passphrase_file")
    try:
        check_private(place, OWN_COPY)
        with place.open("rb") as file:
            first = file.read(MAX_BYTES).partition(b"\n")[0]
        return first.decode().removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text"
        raise KeyfileInvalid(
            "holds no passphrase",
            who=place,
            had=why,
            remedy="Correct the setting account.passphrase_file.",
        ) from None


def _ask(place: Path) -> str:
    if not sys.stdin.isatty():
        raise KeyfileInvalid(
            "needs a passphrase, and there is nobody to ask",
            who=place,
            needed="a terminal, or the setting account.passphrase_file",
            remedy="Write the passphrase into a file that only you can read, and name it.",
        )
    return getpass.getpass(f"Passphrase of {place}: ", stream=sys.stderr)


def _invalid(place: Path, why: str) -> KeyfileInvalid:
    return KeyfileInvalid(
        "is no encrypted account key",
        who=place,
        had=why,
        needed="a Web3 keyfile of version 3",
        remedy="Name a file of ape's (accounts/ALIAS.json in its data folder) or of geth's.",
    )
