"""Packages of chaincode as files of bytes, right ones and wrong ones."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping


def pack(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """A tar, gzipped; the same files give the same bytes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def make_package(
    label: object = "shelf_1",
    *,
    kind: object = "ccaas",
    connection: object = None,
    code: Mapping[str, bytes | tarfile.TarInfo] | None = None,
    more: Mapping[str, bytes | tarfile.TarInfo] | None = None,
) -> bytes:
    where = {"address": "127.0.0.1:9999"} if connection is None else connection
    held = {"connection.json": json.dumps(where).encode()} if code is None else code
    metadata = json.dumps({"type": kind, "label": label}).encode()
    return pack({"metadata.json": metadata, "code.tar.gz": pack(held), **(more or {})})
