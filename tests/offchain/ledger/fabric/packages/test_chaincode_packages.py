"""Packages: what is taken, what is refused and why, what is found again."""

from __future__ import annotations

import gzip
import tarfile
import tracemalloc
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.ledger.embedded.package_maker import make_package, pack

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.simulation.faults import NotSimulated
from edgemark.ledger.embedded.system.installed import Installed, PackageMissing
from edgemark.ledger.fabric.packages.connection import Connection, parse_connection, parse_duration
from edgemark.ledger.fabric.packages.reading import (
    MAX_PACKAGE_BYTES,
    MAX_UNPACKED_BYTES,
    parse_package,
)

TLS = {"address": "a:1", "tls_required": True, "root_cert": "PEM"}


def link_to(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def spread(kind: bytes, size: int, held: bytes = b"") -> bytes:
    """A package of one entry of that kind, whose header tells of another size than it has."""
    entry = tarfile.TarInfo("metadata.json")
    entry.type, entry.size = kind, size
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    if kind == tarfile.GNUTYPE_SPARSE:
        header[124:136], header[483:495] = b"00000000000\0", f"{size:011o}\0".encode()
        header[148:156] = b" " * 8
        header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    return gzip.compress(bytes(header) + held + bytes(1024), mtime=0)


def pax(**said: str) -> bytes:
    """A package of one empty file with such attributes."""
    entry = tarfile.TarInfo("metadata.json")
    entry.pax_headers = {name.replace("_", "."): value for name, value in said.items()}
    return gzip.compress(entry.tobuf(tarfile.PAX_FORMAT) + bytes(1024), mtime=0)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (spread(tarfile.GNUTYPE_SPARSE, 512 * 2**20), "no file"),
        (pax(GNU_sparse_map="0,0", GNU_sparse_size=str(2**29)), "with holes"),
        (pax(GNU_sparse_size=str(2**29)), "with holes"),
        (pax(size=str(2**40)), "more than it"),
        (spread(tarfile.REGTYPE, 2**29), "more than it"),
        (spread(tarfile.XGLTYPE, 20, b"20 comment=whatever\n" + bytes(492)), "no file"),
        (spread(tarfile.XHDTYPE, 2**20, b"1" * 2**20), "too long a header"),
        (spread(tarfile.GNUTYPE_LONGNAME, 2**20, b"1" * 2**20), "too long a header"),
        (
            gzip.compress(gzip.decompress(spread(tarfile.XHDTYPE, 0))[:512] * 5000),
            "no tar|too many",
        ),
    ],
)
def test_archive_that_grows_when_it_is_read__is_refused(raw: bytes, what: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RefusedInput, match=what):
            parse_package(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * MAX_UNPACKED_BYTES


def test_long_name_and_attributes__are_read() -> None:
    name = f"{'a' * 150}/b"
    entry = tarfile.TarInfo(name)
    entry.pax_headers = {"mtime": "1.5"}
    raw = make_package(more={name: entry})
    assert parse_package(raw).label == "shelf_1"


def test_package__has_an_id_of_its_bytes() -> None:
    raw = make_package("shelf_1", connection={"address": "127.0.0.1:9999", "dial_timeout": "10s"})
    package = parse_package(raw)
    assert package.package_id == f"shelf_1:{sha256(raw).hexdigest()}"
    assert package.connection == Connection("127.0.0.1:9999", 10.0)


def test_connection_with_tls__has_its_certificates() -> None:
    held = {**TLS, "client_auth_required": True, "client_cert": "C", "client_key": "K"}
    found = parse_package(make_package(connection=held)).connection
    assert (found.root_cert, found.client_cert, found.client_key) == (b"PEM", b"C", b"K")
    assert "K'" not in repr(found)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "is no tar"),
        (b"\x1f\x8b\x08", "is not gzipped"),
        (gzip.compress(b"no tar" * 200), "is no tar"),
        (b"x" * (MAX_PACKAGE_BYTES + 1), "too large"),
        (gzip.compress(b"\0" * (MAX_UNPACKED_BYTES + 1)), "too much"),
        (pack({}), "holds no metadata.json"),
        (pack({"metadata.json": b"{}"}), "holds no code.tar.gz"),
        (make_package(kind="golang"), "type is another"),
        (make_package(kind=7), "type is another"),
        (make_package(""), "label is invalid"),
        (make_package("../up"), "label is invalid"),
        (make_package("a" * 129), "label is invalid"),
        (make_package(7), "label is invalid"),
        (make_package(code={}), "holds no connection.json"),
        (make_package(code={"a/connection.json": b"{}"}), "holds no connection.json"),
        (make_package(code={"../connection.json": b"{}"}), "outside itself"),
        (make_package(more={"/etc/passwd": b""}), "outside itself"),
        (make_package(more={"a/../../b": b""}), "outside itself"),
        (make_package(more={"link": link_to("link", "/etc/passwd")}), "no file"),
        (
            make_package(code={"connection.json": link_to("connection.json", "/etc/passwd")}),
            "no file",
        ),
        (make_package(connection=[]), "no JSON object"),
        (make_package(connection={}), "address is wrong"),
        (make_package(connection={"address": "127.0.0.1"}), "address is wrong"),
        (make_package(connection={"address": "127.0.0.1:0"}), "address is wrong"),
        (make_package(connection={"address": "127.0.0.1:70000"}), "address is wrong"),
        (make_package(connection={"address": "unix:/tmp/x:1"}), "address is wrong"),
        (make_package(connection={"address": 9}), "no text"),
        (make_package(connection={"address": "a:1", "dial_timeout": "soon"}), "no duration"),
        (make_package(connection={"address": "a:1", "dial_timeout": "2h"}), "too long"),
        (make_package(connection={"address": "a:1", "tls_required": "yes"}), "true nor false"),
        (make_package(connection={"address": "a:1", "tls_required": True}), "root_cert is missing"),
        (make_package(connection={**TLS, "client_auth_required": True}), "client_cert is missing"),
    ],
)
def test_what_is_no_package__is_refused(raw: bytes, what: str) -> None:
    with pytest.raises(RefusedInput, match=what):
        parse_package(raw)


@pytest.mark.parametrize(
    "raw", [b"noise" * 100, make_package(code={"../connection.json": b"{}"}), make_package(code={})]
)
def test_what_is_no_package__is_told_how_to_make_one(raw: bytes) -> None:
    with pytest.raises(RefusedInput, match="peer lifecycle chaincode package"):
        parse_package(raw)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes__are_a_package_or_refused_typed(raw: bytes, place: int, byte: int) -> None:
    right = bytearray(make_package())
    right[place % len(right)] ^= byte
    for each in (raw, gzip.compress(raw), bytes(right)):
        try:
            parse_package(each)
        except RefusedInput:
            continue


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10.0), ("1m30s", 90.0), ("500ms", 0.5), ("1.5s", 1.5)]
)
def test_durations__are_go_s(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "1 s", "1e3s", "9" * 70 + "s"])
def test_what_is_no_duration__is_refused(text: str) -> None:
    with pytest.raises(RefusedInput):
        parse_duration(text)


@given(st.binary(max_size=100))
def test_any_connection__is_read_or_refused_typed(raw: bytes) -> None:
    try:
        parse_connection(raw)
    except RefusedInput:
        return


def test_installed__is_found_again__by_its_organisation_alone(tmp_path: Path) -> None:
    raw = make_package()
    package = Installed.open(tmp_path).install("Org1MSP", raw)
    again = Installed.open(tmp_path)
    assert again.find("Org1MSP", package.package_id) == package
    assert again.read("Org1MSP", package.package_id) == raw
    with pytest.raises(PackageMissing):
        again.find("Org2MSP", package.package_id)
    with pytest.raises(NotSimulated, match="not installed"):
        again.connection_of("Org2MSP", package.package_id)


def test_installed_twice__is_refused(tmp_path: Path) -> None:
    installed = Installed.open(tmp_path)
    installed.install("Org1MSP", make_package())
    with pytest.raises(RefusedInput, match="already successfully installed"):
        installed.install("Org1MSP", make_package())


def test_a_changed_package__is_told_when_the_ledger_starts(tmp_path: Path) -> None:
    package = Installed.open(tmp_path).install("Org1MSP", make_package())
    (path,) = (tmp_path / "Org1MSP").iterdir()
    path.write_bytes(make_package(connection={"address": "127.0.0.1:8888"}))
    with pytest.raises(RefusedInput, match="package was changed"):
        Installed.open(tmp_path)
    assert package.label in path.name
