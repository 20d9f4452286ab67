"""A package of ours: the same bytes for the same facts, and read as it was meant."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.making import make_connection, make_package, package_of
from edgemark.ledger.fabric.packages.reading import parse_package

HERE = Connection("127.0.0.1:9999", 10.0)
ID = "trading_1:68ab27287eeed5e7e023afea33b7058c191404ae7bafa40963cd3ac260e7a49a"  # of these bytes


def test_make_package__of_the_same_facts__is_the_same_everywhere_and_at_any_time() -> None:
    package, made = package_of("trading_1", HERE)
    assert package.package_id == ID
    assert make_package("trading_1", HERE) == made
    assert make_package("trading_2", HERE) != made


def test_make_package__holds_nothing_of_the_machine() -> None:
    made = make_package("trading_1", HERE)
    assert made[4:8] == bytes(4)  # no time
    with tarfile.open(fileobj=io.BytesIO(made), mode="r:gz") as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == ["code.tar.gz", "metadata.json"]
    assert {(e.mtime, e.uid, e.gid, e.uname, e.gname, e.mode) for e in entries} == {
        (0, 0, 0, "", "", 0o644)
    }


@given(st.text("abcXYZ019", min_size=1, max_size=20), st.integers(1, 65_535), st.booleans())
def test_make_package__is_read_as_it_was_meant(label: str, port: int, with_tls: bool) -> None:
    root = b"-----BEGIN CERTIFICATE-----" * 3000 if with_tls else b""
    connection = Connection(f"127.0.0.1:{port}", 2.5, root)
    package, made = package_of(label, connection)
    assert (package.label, package.connection) == (label, connection)
    assert parse_package(gzip.compress(gzip.decompress(made))).connection == connection
    assert zlib.decompress(made, wbits=31)


@pytest.mark.parametrize(
    ("label", "connection", "what"),
    [
        ("", HERE, "label"),
        ("../up", HERE, "label"),
        ("a" * 129, HERE, "label"),
        ("ok", Connection("127.0.0.1"), "address"),
        ("ok", Connection("127.0.0.1:0"), "address"),
        ("ok", Connection("127.0.0.1:1", 61.0), "dial timeout"),
        ("ok", Connection("127.0.0.1:1", -1.0), "dial timeout"),
        ("ok", Connection("127.0.0.1:1", 3.0, b"x" * 300_000), "too long"),
    ],
)
def test_make_package__that_nobody_could_use__is_refused(
    label: str, connection: Connection, what: str
) -> None:
    with pytest.raises(RefusedInput, match=what):
        make_package(label, connection)


def test_make_connection__with_tls_both_ways__has_it_all() -> None:
    text = make_connection(Connection("a:1", 1.0, b"ROOT", b"CERT", b"KEY"))
    assert text == (
        b'{"address":"a:1","client_auth_required":true,"client_cert":"CERT","client_key":"KEY",'
        b'"dial_timeout":"1000ms","root_cert":"ROOT","tls_required":true}'
    )
