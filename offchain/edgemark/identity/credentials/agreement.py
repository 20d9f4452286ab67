"""A home's keys for agreement: by them it reads what was encrypted for its identity.

| file                         | holds                                                             |
|------------------------------|-------------------------------------------------------------------|
| `home/keys/agreement/N.key`  | 64 hex digits, and the public key, which tells damage; N from 1   |

Law 1: a key is on the disk, whole, before anybody is told its public half.
Law 2: none is taken away: what was encrypted for a former one is opened by it as before.
Law 3: which of them others encrypt for, the DID document says (`keys.find_agreement_key`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, check_private, make_secret_folder, write_new
from edgemark.identity.credentials.jose.encryption import (
    AgreementKey,
    Encrypted,
    SealBroken,
    read_encrypted,
)
from edgemark.identity.did.identifier import Did, is_same, parse_did

FOLDER = "agreement"  # in that of the home's keys
SUFFIX = ".key"
MAX_KEYS = 64  # of a home: each of them is tried, at about 50 us
ATTRIBUTE = "did/pub/X25519/enc/base64"  # by which a DID document has one
MAKE_ONE = "`edgemark identity agreement` makes one, and has the DID document say it."


class AgreementKeyMissing(RefusedInput):
    """This home has not got the key for agreement that it needs."""


class SealedForOthers(RefusedInput):
    """What was encrypted is for the keys of other identities."""


@dataclass(frozen=True)
class AgreementKeys:
    """Those of one home.

    Attributes:
        keys: newest first.
    """

    keys: tuple[AgreementKey, ...] = field(repr=False)

    @staticmethod
    def of(home: Path) -> AgreementKeys:
        """All that are there; there may be none.

        Raises:
            Unrecoverable: others can open a file, or it holds no such key.
        """
        folder = home / "keys" / FOLDER
        paths = [folder / f"{number}{SUFFIX}" for number in reversed(_numbers(folder))]
        return AgreementKeys(tuple(map(_read, paths)))

    @staticmethod
    def make(home: Path, randomness: Randomness | None = None) -> AgreementKey:
        """One more, on the disk when this returns; the one of another process counts as well.

        Raises:
            RefusedInput: there are as many as are ever tried.
            Unrecoverable: others can open the folder.
        """
        folder = home / "keys" / FOLDER
        make_secret_folder(folder)
        number = max(_numbers(folder), default=0) + 1
        if number > MAX_KEYS:
            who = f"keys for agreement in {folder}"
            raise RefusedInput(
                "are too many",
                who=who,
                had=number - 1,
                needed=f"<= {MAX_KEYS}",
                remedy="Move those away for which nothing that is still to be read was encrypted.",
            )
        made, path = AgreementKey.generate(randomness or Randomness()), folder / f"{number}{SUFFIX}"
        written = f"{made.secret.hex()}\n{made.public_key.hex()}\n"
        write_new(path, written.encode(), mode=OWNER_ONLY_FILE)
        return _read(path)

    @property
    def newest(self) -> AgreementKey | None:
        """The one that was made last."""
        return self.keys[0] if self.keys else None

    def check_has(self, public_key: bytes, identity: Did) -> None:
        """Check that what is encrypted for this key can be opened here.

        Raises:
            AgreementKeyMissing: it cannot.
        """
        if all(key.public_key != public_key for key in self.keys):
            raise AgreementKeyMissing(
                "is not in this home",
                who=f"key for agreement of {identity}",
                had=f"{len(self.keys)} others",
                needed=public_key.hex(),
                remedy=f"Restore keys/{FOLDER}, or say another one: "
                "`edgemark identity agreement --rotate`.",
            )

    def decrypt(self, raw: bytes, identity: Did) -> bytes:
        """A text that was encrypted for one of this home's keys, former ones included.

        Args:
            raw: general JSON serialisation of a JWE.
            identity: of this home.

        Raises:
            TokenInvalid: not in the one form.
            SealedForOthers: no key of this identity is named.
            AgreementKeyMissing: this home has none at all.
            SealBroken: it was changed, or is for a key that is not here.
        """
        encrypted = read_encrypted(raw)
        mine = [kid for kid in encrypted.kids if is_key_of(kid, identity)]
        if not mine:
            had = ", ".join(encrypted.kids)[:160]
            raise SealedForOthers(
                "is for other keys", who="encrypted text", had=had, needed=identity
            )
        if not self.keys:
            needed = ", ".join(mine)[:160]
            raise AgreementKeyMissing(
                "is not in this home", who="key for agreement", needed=needed, remedy=MAKE_ONE
            )
        found = self._try(encrypted, mine)
        if found is not None:
            return found
        needed = ", ".join(mine)[:160]
        raise SealBroken(
            "opens with no key of this home",
            who="encrypted text",
            had=f"{len(self.keys)} keys",
            needed=needed,
        )

    def open_any(self, raw: bytes) -> bytes | None:
        """The same, whoever this home is: of a text for one of its keys; None of any other.

        Raises:
            TokenInvalid: not in the one form.
        """
        encrypted = read_encrypted(raw)
        return self._try(encrypted, encrypted.kids)

    def _try(self, encrypted: Encrypted, kids: Sequence[str]) -> bytes | None:
        for kid in kids:
            for key in self.keys:
                with suppress(SealBroken):
                    return encrypted.decrypt(kid, key)
        return None


def is_key_of(kid: str, identity: Did) -> bool:
    """Whether a name of a key is one of the document of an identity."""
    did, mark, name = kid.partition("#")
    if not (mark and name):
        return False
    try:
        return is_same(parse_did(did), identity)
    except RefusedInput:
        return False


def _numbers(folder: Path) -> list[int]:
    """Of the files that are there, ascending; a name that is none of ours is none."""
    names = (path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def _read(path: Path) -> AgreementKey:
    check_private(path)
    try:
        digits, told = path.read_text().split()
        key = AgreementKey(bytes.fromhex(digits))
    except (ValueError, RefusedInput):
        key, told = None, ""  # the file's words stay out of the message and of its cause
    if key is None or key.public_key.hex() != told:
        raise Unrecoverable(
            "holds no key for agreement, or was changed", who=path, remedy="Restore the file."
        )
    return key
