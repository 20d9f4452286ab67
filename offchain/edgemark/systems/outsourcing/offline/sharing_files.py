"""The folder of a sharing: written once; others can read nothing in it but `public.json`."""

from __future__ import annotations

from pathlib import Path

from edgemark.errors import RefusedInput, about
from edgemark.files import OWNER_ONLY_FILE, make_secret_folder, read_limited, write_new
from edgemark.systems.outsourcing.limits import MAX_NODES, MAX_SHARING_FILE_BYTES
from edgemark.systems.outsourcing.offline.sharing import (
    OwnerSecret,
    Sharing,
    SharingRefused,
    assemble,
)

PUBLIC_FILE, SECRET_FILE = "public.json", "secret.json"


def share_file(index: int) -> str:
    """Name of the file for the node of `index`."""
    return f"share-{index:02}.json"


def write_sharing(folder: Path, sharing: Sharing) -> list[Path]:
    """Write all files of a sharing; the shares and the secret for their owner only.

    Raises:
        RefusedInput: the folder holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RefusedInput("is not empty", who=folder, needed="a new folder: masks serve once")
    make_secret_folder(folder)
    contents = {share_file(j + 1): sharing.share_json(j + 1) for j in range(len(sharing.shares))}
    contents[SECRET_FILE] = sharing.secret.to_json()
    written = []
    for name, raw in contents.items():
        write_new(folder / name, raw, mode=OWNER_ONLY_FILE)
        written.append(folder / name)
    write_new(folder / PUBLIC_FILE, sharing.announcement.to_json())  # last: now it is whole
    return [*written, folder / PUBLIC_FILE]


def read_sharing(folder: Path) -> Sharing:
    """Read a whole sharing; the index of a share stands in its file, not in its name.

    Raises:
        SharingRefused: a file is missing, malformed, too large or of another sharing.
    """
    names = sorted(folder.glob("share-*.json"))
    if len(names) > MAX_NODES:
        raise SharingRefused("holds too many shares", who=folder, had=len(names), needed=MAX_NODES)
    public, secret = _read(folder / PUBLIC_FILE), _read(folder / SECRET_FILE)
    with about(folder):
        return assemble(public, (_read(name) for name in names), secret)


def read_secret(path: Path) -> OwnerSecret:
    """Read the owner's file alone.

    Raises:
        SharingRefused: missing, malformed or too large.
    """
    raw = _read(path)
    with about(path):
        return OwnerSecret.from_json(raw)


def _read(path: Path) -> bytes:
    if not path.exists():
        raise SharingRefused("is missing", who=path, needed="a file of `outsourcing share`")
    return read_limited(path, MAX_SHARING_FILE_BYTES, SharingRefused)
