"""A chaincode's package, as `peer lifecycle chaincode package` writes it; pure.

    package (tar, gzip)
      metadata.json      {"type": "ccaas", "label": LABEL}
      code.tar.gz
        connection.json  where the process listens

Its id is LABEL:SHA-256 of its bytes. The ledger starts no process: a package of another type holds
code that it would have to build.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Self

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.packages.connection import Connection, parse_connection

ANEW = (
    "Package it anew: `peer lifecycle chaincode package`, or `edgemark ledger chaincode deploy "
    "--address HOST:PORT` without a package."
)
WHO = "package"
METADATA, CODE, CONNECTION = "metadata.json", "code.tar.gz", "connection.json"
KIND = "ccaas"
MAX_PACKAGE_BYTES = 4 * 1024 * 1024  # it comes as one argument
MAX_UNPACKED_BYTES = 16 * 1024 * 1024
MAX_METADATA_BYTES = 64 * 1024
MAX_FILES = 1_000  # and headers
MAX_LONG_BYTES = 1024  # of a header that goes on: a long name, attributes
MAX_LABEL = 128
_LONG = {
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.SOLARIS_XHDTYPE,
}
_SPREADING = {tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE}  # holes; attributes of all that follow
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Package:
    """A package.

    Attributes:
        label: that whoever made it gave it.
        package_id: LABEL:64 hex digits.
        connection: where its process listens.
    """

    label: str
    package_id: str
    connection: Connection


def parse_package(raw: bytes) -> Package:
    """A package, taken apart.

    Raises:
        RefusedInput: it is none, of another type, too large, or reaches out of itself.
    """
    if len(raw) > MAX_PACKAGE_BYTES:
        raise _refused("is too large", f"{len(raw)} bytes", f"<= {MAX_PACKAGE_BYTES}")
    outer = dict(_files(raw, WHO, folders=False))
    for name in (METADATA, CODE):
        if name not in outer:
            raise _refused(f"holds no {name}", ", ".join(sorted(outer))[:128] or "nothing", name)
    label = _read_label(outer[METADATA])
    inner = dict(_files(outer[CODE], CODE, folders=True))
    if CONNECTION not in inner:
        raise _refused(f"{CODE} holds no {CONNECTION}", None, CONNECTION)
    package_id = f"{label}:{sha256(raw).hexdigest()}"
    return Package(label, package_id, parse_connection(inner[CONNECTION]))


def _read_label(raw: bytes) -> str:
    if len(raw) > MAX_METADATA_BYTES:
        raise _refused(f"{METADATA} is too long", f"{len(raw)} bytes", f"<= {MAX_METADATA_BYTES}")
    try:
        held = json.loads(raw)
        kind, label = held["type"], held["label"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(f"{METADATA} cannot be read", None, "type and label") from error
    check_label(label)
    if not isinstance(kind, str) or kind.lower() != KIND:
        raise RefusedInput(
            "type is another",
            who=WHO,
            had=str(kind)[:64],
            needed=KIND,
            remedy="Package it as a service: the development ledger builds no code.",
        )
    return str(label)


def check_label(label: object) -> None:
    """Refuse what can be no label.

    Raises:
        RefusedInput: it cannot.
    """
    if not isinstance(label, str) or len(label) > MAX_LABEL or not _LABEL.fullmatch(label):
        needed = f"1 .. {MAX_LABEL} letters, digits and . + - _, a letter or digit first"
        raise RefusedInput("label is invalid", who=WHO, had=str(label)[:64], needed=needed)


def _files(raw: bytes, who: str, *, folders: bool) -> Iterator[tuple[str, bytes]]:
    unpacked = _unzip(raw, who)
    left, kind = len(unpacked), _headers_of(who)
    try:
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:", tarinfo=kind) as archive:
            for entry in archive:
                _check_entry(entry, who, folders)
                if entry.isfile():
                    left -= entry.size
                    if left < 0:
                        raise _refused(
                            "holds files of more than it", entry.size, "their bytes", who
                        )
                    held = archive.extractfile(entry)
                    yield _name_of(entry), b"" if held is None else held.read()
    except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError) as error:
        raise _refused("is no tar archive", None, "tar, gzip", who) from error


def _headers_of(who: str) -> type[tarfile.TarInfo]:
    """Headers of one archive, each looked at before what it makes its reader do."""
    count = 0

    class Header(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
            nonlocal count
            found, count = super().frombuf(buf, encoding, errors), count + 1
            if count > MAX_FILES:
                raise _refused("holds too many files", None, f"<= {MAX_FILES}", who)
            if found.type in _SPREADING:
                raise _refused("holds what is no file", found.name[:64], "regular files", who)
            if found.type in _LONG and found.size > MAX_LONG_BYTES:
                had, needed = f"{found.size} bytes", f"<= {MAX_LONG_BYTES}"
                raise _refused("has too long a header", had, needed, who)
            return found

    return Header


def _unzip(raw: bytes, who: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            content = stream.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _refused("is not gzipped", None, "tar, gzip", who) from error
    if len(content) > MAX_UNPACKED_BYTES:
        raise _refused("unpacks to too much", None, f"<= {MAX_UNPACKED_BYTES} bytes", who)
    return content


def _check_entry(entry: tarfile.TarInfo, who: str, folders: bool) -> None:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or "\x00" in entry.name:
        raise _refused("has a path outside itself", entry.name[:64], "a path inside", who)
    if entry.issparse():  # its holes become bytes when it is read
        raise _refused("holds a file with holes", entry.name[:64], "regular files", who)
    if not entry.isfile() and not (folders and entry.isdir()):
        raise _refused("holds what is no file", entry.name[:64], "regular files", who)


def _name_of(entry: tarfile.TarInfo) -> str:
    return str(PurePosixPath(entry.name))


def _refused(what: str, had: object, needed: object, who: str = WHO) -> RefusedInput:
    return RefusedInput(what, who=who, had=had, needed=needed, remedy=ANEW)
