"""The keys of one party: an account on the chain and the key of its TLS endpoint.

Made on first run from the system's random source, in files that only their owner can open; or the
account is one that exists already, in an encrypted file of ape's, geth's or a wallet's. A key never
prints, and no passphrase or key is ever a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, check_private, make_secret_folder, write_new
from edgemark.identity.keyfile import open_keyfile
from edgemark.identity.settings import AccountSettings
from edgemark.settings.settings import Settings
from edgemark.transport.tls import TlsKey

ACCOUNT_FILE = "account.key"
TLS_FILE = "tls.pem"


@dataclass(frozen=True)
class KeyStore:
    """Both keys of a party.

    Attributes:
        account: signs transactions and typed data.
        tls: its pin stands in the registry.
    """

    account: SecretKey
    tls: TlsKey

    @staticmethod
    def open(folder: Path, account: SecretKey | None = None, *, may_make: bool = True) -> KeyStore:
        """Read the keys of a folder; make the folder and what is missing.

        Args:
            folder: of the key files.
            account: the account's key when it comes from elsewhere; then no file of it is made.
            may_make: whether anything is made.

        Raises:
            Unrecoverable: others can open a file, it holds no key, or the account's is lost.
            RefusedInput: there is none, and none may be made.
        """
        if may_make:
            make_secret_folder(folder)
        if account is None:
            _check_not_lost(folder)
        if not may_make:
            _check_made(folder, has_account=account is not None)
        own = account or _open_account(folder / ACCOUNT_FILE)
        return KeyStore(own, _open_tls(folder / TLS_FILE))

    @staticmethod
    def renew_tls(folder: Path) -> None:
        """Replace the TLS key by a new one; the registry has to be told (`account rotate`).

        Raises:
            Unrecoverable: others can open the folder.
        """
        make_secret_folder(folder)
        TlsKey.generate().save(folder / TLS_FILE)

    def with_new_tls(self, folder: Path | None) -> KeyStore:
        """The same account with a new TLS key, kept in this folder; only here when that is None."""
        if folder is not None:
            self.renew_tls(folder)
            return KeyStore(self.account, _open_tls(folder / TLS_FILE))
        return KeyStore(self.account, TlsKey.generate())

    @staticmethod
    def of(settings: Settings, *, may_make: bool = True) -> KeyStore:
        """The keys that the settings name: of the home folder, or with the account of a file.

        Raises:
            Unrecoverable, RefusedInput: as `open`.
            KeyfileInvalid, WrongPassphrase: the account's file cannot be opened.
        """
        own, account = settings.of(AccountSettings), None
        if own.file:
            account = open_keyfile(own.file, own.passphrase_file)
        return KeyStore.open(settings.home / "keys", account, may_make=may_make)


def _check_made(folder: Path, *, has_account: bool) -> None:
    """Check that all keys are there.

    Raises:
        RefusedInput: one is not.
        Unrecoverable: others can open the folder.
    """
    wanted = [folder / TLS_FILE] if has_account else [folder / TLS_FILE, folder / ACCOUNT_FILE]
    missing = [path for path in wanted if not path.exists()]
    if missing:
        raise RefusedInput(
            "is not there: this home has no keys yet",
            who=missing[-1],
            remedy="`edgemark account address` makes them; then it needs coin and MTC.",
        )
    check_private(folder)


def _check_not_lost(folder: Path) -> None:
    """Check that a new account would be the first one here: it is made before the TLS key.

    Raises:
        Unrecoverable: there was one, and what it holds on the chain would be another's.
    """
    path = folder / ACCOUNT_FILE
    if (folder / TLS_FILE).exists() and not path.exists():
        raise Unrecoverable(
            "is missing, while the TLS key beside it is there",
            who=path,
            needed="the key that this home's account was made with",
            remedy=(
                "Restore it from a copy, or name the account's key file (the setting account.file)."
                " For another account use another home folder."
            ),
        )


def _open_account(path: Path) -> SecretKey:
    if not path.exists():
        made = SecretKey.generate(Randomness())
        # The address tells damage: any other digits would be a key as well, of nobody's account.
        written = f"{made.reveal().hex()}\n{made.address}\n"
        # Another process may have made one at this moment: then that one counts.
        write_new(path, written.encode(), mode=OWNER_ONLY_FILE)
    check_private(path)
    try:
        digits, *told = path.read_text().split()
        key = SecretKey(bytes.fromhex(digits))
    except (ValueError, RefusedInput):
        # The file's words stay out of the message and of its cause: they may be most of a key.
        raise Unrecoverable(
            "holds no account key", who=path, needed="64 hex digits", remedy="Restore the file."
        ) from None
    if told not in ([], [key.address]):  # files of before have the key alone
        raise Unrecoverable(
            "was changed: the key is not that of the account beside it",
            who=path,
            remedy="Restore the file.",
        )
    return key


def _open_tls(path: Path) -> TlsKey:
    if not path.exists():
        TlsKey.generate().save_new(path)
    check_private(path)
    return TlsKey.load(path)
