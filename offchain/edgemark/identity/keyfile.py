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
from edgemark.files import check_private

MAX_BYTES = 64 * 1024  # of either file; a keyfile has about 500


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
        Unrecoverable: others can read the passphrase.
    """
    place = Path(path).expanduser()
    facts = _read(place)
    passphrase = _read_passphrase(passphrase_file) if passphrase_file else _ask(place)
    from eth_account import Account  # noqa: PLC0415 - a fifth of a start, for few

    try:
        return SecretKey(bytes(Account.decrypt(facts, passphrase)))
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


def _read(place: Path) -> dict[str, object]:
    try:
        with place.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _invalid(place, error.strerror or "cannot be read") from error
    try:
        facts = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        facts = None
    # One of our own key files would be a number or no JSON at all: its words stay out of it.
    if not isinstance(facts, dict) or not _is_version_3(facts):
        raise _invalid(place, "no JSON of version 3")
    return facts


def _is_version_3(facts: dict[str, object]) -> bool:
    """Whether it says so, and nothing else: the library takes names in any case, the last wins."""
    versions = [value for name, value in facts.items() if name.lower() == "version"]
    return bool(versions) and all(version == 3 for version in versions)


def _read_passphrase(passphrase_file: str) -> str:
    place = Path(passphrase_file).expanduser()
    try:
        check_private(place)
        with place.open("rb") as file:
            first = file.read(MAX_BYTES).partition(b"\n")[0]
        return first.decode().removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text"
        raise KeyfileInvalid(
            "holds no passphrase", who=place, had=why, remedy="Correct the setting passphrase_file."
        ) from None


def _ask(place: Path) -> str:
    if not sys.stdin.isatty():
        raise KeyfileInvalid(
            "needs a passphrase, and there is nobody to ask",
            who=place,
            needed="a terminal, or the setting passphrase_file",
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
