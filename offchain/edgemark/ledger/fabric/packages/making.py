"""Makes a chaincode's package; pure, and the same bytes for the same facts everywhere.

Nothing of the machine goes in: no times, owners or rights, files in the order of their names. The
archive is not compressed (stored blocks of RFC 1951, in the frame of RFC 1952): two libraries, or
two versions of one, may compress the same bytes to others, and the id would differ.
"""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Mapping

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.packages.connection import (
    DIAL_TIMEOUT_S,
    MAX_DIAL_TIMEOUT_S,
    Connection,
    parse_connection,
)
from edgemark.ledger.fabric.packages.reading import (
    CODE,
    CONNECTION,
    KIND,
    MAX_PACKAGE_BYTES,
    METADATA,
    Package,
    check_label,
    parse_package,
)

MODE = 0o644
STORED_MOST = 65_535  # bytes of a stored block, RFC 1951, 3.2.4
HEADER = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])  # no flags, no time, no system: RFC 1952


def make_package(label: str, connection: Connection) -> bytes:
    """The package of a process that listens there.

    Args:
        label: 1 .. 128 letters, digits and `. + - _`, a letter or digit first.
        connection: where.

    Raises:
        RefusedInput: no label, no address, or too much of it.
    """
    check_label(label)
    text = make_connection(connection)
    parse_connection(text)
    code = _pack({CONNECTION: text})
    made = _pack({METADATA: _json({"label": label, "type": KIND}), CODE: code})
    if len(made) > MAX_PACKAGE_BYTES:
        needed = f"<= {MAX_PACKAGE_BYTES} bytes"
        raise RefusedInput("is too large", who="package", had=len(made), needed=needed)
    return made


def make_connection(connection: Connection) -> bytes:
    """`connection.json`.

    Raises:
        RefusedInput: more time to dial than peers have.
    """
    seconds = connection.dial_timeout_s or DIAL_TIMEOUT_S
    if not 0 < seconds <= MAX_DIAL_TIMEOUT_S:
        needed = f"> 0, <= {MAX_DIAL_TIMEOUT_S:.0f}"
        raise RefusedInput("dial timeout is wrong", who=CONNECTION, had=seconds, needed=needed)
    facts: dict[str, object] = {
        "address": connection.address,
        "dial_timeout": f"{round(seconds * 1000)}ms",
        "tls_required": bool(connection.root_cert),
    }
    if connection.root_cert:
        facts["root_cert"] = connection.root_cert.decode()
        facts["client_auth_required"] = bool(connection.client_cert)
    if connection.client_cert:
        facts["client_cert"] = connection.client_cert.decode()
        facts["client_key"] = connection.client_key.decode()
    return _json(facts)


def package_of(label: str, connection: Connection) -> tuple[Package, bytes]:
    """A package as whoever reads it sees it, and its bytes.

    Raises:
        RefusedInput: see `make_package`.
    """
    made = make_package(label, connection)
    return parse_package(made), made


def _json(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def _pack(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), MODE
            archive.addfile(entry, io.BytesIO(files[name]))
    return _frame(out.getvalue())


def _frame(raw: bytes) -> bytes:
    """As a gzip file whose content is stored."""
    pieces = [raw[at : at + STORED_MOST] for at in range(0, len(raw), STORED_MOST)] or [b""]
    blocks = [
        bytes([at == len(pieces) - 1])
        + len(piece).to_bytes(2, "little")
        + (len(piece) ^ 0xFFFF).to_bytes(2, "little")
        + piece
        for at, piece in enumerate(pieces)
    ]
    end = zlib.crc32(raw).to_bytes(4, "little") + (len(raw) & 0xFFFFFFFF).to_bytes(4, "little")
    return HEADER + b"".join(blocks) + end
