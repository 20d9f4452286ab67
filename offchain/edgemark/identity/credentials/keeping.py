"""Credentials that a home issued, each in a file that is called by its digest.

A file is durable before its credential is shown to anybody: what was issued can be told, and taken
back, by whoever has the home.
"""

from __future__ import annotations

from pathlib import Path

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, read_limited, write_new
from edgemark.identifiers import Hash32
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

SUFFIX = ".jwt"
MAX_BESIDE_BYTES = 4096  # of what is known of a credential, in the file that has it


class NotIssuedHere(RefusedInput):
    """This home issued no such credential."""


class NoCredential(RefusedInput):
    """A file holds no signed credential."""


class IssuedCredentials:
    """The credentials of one home.

    Args:
        folder: of their files; made with the first one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, signed: SignedCredential) -> None:
        """Keep one, durably."""
        make_private_folder(self._folder)
        write_new(self._path(signed.digest), write_token(signed.token), mode=OWNER_ONLY_FILE)

    def digests(self) -> list[str]:
        """All of them, in hexadecimal."""
        return sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}"))

    def read(self, digest: Hash32) -> SignedCredential:
        """One of them.

        Raises:
            NotIssuedHere: there is none.
            Unrecoverable: its file is not what it is called.
        """
        path = self._path(digest)
        if not path.exists():
            remedy = "`edgemark credential show` lists those that it issued."
            raise NotIssuedHere(
                "is not of this home", who=f"credential {digest.hex()}", remedy=remedy
            )
        raw = _read(path)
        if keccak256(raw.removesuffix(b"\n")) != digest:
            remedy = "Restore it from a copy, or from its subject."
            raise Unrecoverable("is another text than it is called", who=path, remedy=remedy)
        return read_signed(_text(path, raw))

    def _path(self, digest: Hash32) -> Path:
        return self._folder / f"{digest.hex()}{SUFFIX}"


def read_token(path: Path) -> SignedCredential:
    """The credential in a file: its text, and at most one newline.

    Or the field `token` of a JSON object, as it is kept beside what else is known of it.

    Raises:
        NoCredential: it cannot be read, or is too large.
        TokenInvalid, CredentialInvalid, InstantInvalid: what is in it is no signed credential.
    """
    raw = read_limited(path, MAX_TOKEN_BYTES + MAX_BESIDE_BYTES, NoCredential)
    if not raw.startswith(b"{"):
        return read_signed(_text(path, raw))
    try:
        token = parse_object_strictly(raw, most=MAX_TOKEN_BYTES + MAX_BESIDE_BYTES).get("token")
    except NotThatFormat as error:
        raise NoCredential("holds no signed credential", who=path, had=error) from None
    if not isinstance(token, str):
        raise NoCredential("holds no signed credential", who=path, needed="a field `token`")
    return read_signed(token)


def _read(path: Path) -> bytes:
    return read_limited(path, MAX_TOKEN_BYTES + 1, NoCredential)


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("ascii").removesuffix("\n")
    except UnicodeDecodeError:
        raise NoCredential("holds no signed credential", who=path, needed="ASCII") from None


def write_token(token: str) -> bytes:
    """A signed text as a file has it."""
    return f"{token}\n".encode()
