"""What the host reads from options and variables, and what it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.chaincode.scripted_peer import PACKAGE_ID

from edgemark.errors import RefusedInput
from edgemark_chaincode.host import (
    HostSettings,
    find_chaincode,
    make_parser,
    new_loop,
    read_settings,
    run,
)
from edgemark_chaincode.shim.interface import Chaincode

GIVEN = {"CHAINCODE_ID": PACKAGE_ID, "CHAINCODE_SERVER_ADDRESS": "127.0.0.1:0"}
SETTINGS = HostSettings("greeting:Greeter", PACKAGE_ID, "127.0.0.1:0")
SOURCE = """
from edgemark_chaincode.shim.interface import Chaincode

class Greeter(Chaincode):
    async def init(self, stub): ...
    async def invoke(self, stub): ...
"""


@pytest.fixture
def greeter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "greeting.py"
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.delitem(sys.modules, "greeting", raising=False)
    return path


def read_words(words: Sequence[str], environment: Mapping[str, str]) -> HostSettings:
    return read_settings(make_parser().parse_args(words), environment)


def test_variables_of_fabric__are_read_and_options_win(tmp_path: Path) -> None:
    read = read_words(["greeting:Greeter"], GIVEN)
    assert read == SETTINGS
    read = read_words(["greeting:Greeter", "--address", "h:1", "--package-id", "p:1"], GIVEN)
    assert (read.address, read.package_id) == ("h:1", "p:1")
    older = {"CORE_CHAINCODE_ID_NAME": "old:1", "CHAINCODE_SERVER_ADDRESS": "h:1"}
    assert read_words(["greeting:Greeter"], older).package_id == "old:1"
    keys = {"CHAINCODE_TLS_KEY": "k", "CHAINCODE_TLS_CERT": "c", "CHAINCODE_CLIENT_CA_CERT": "r"}
    with_tls = replace(
        SETTINGS, tls_key=Path("k"), tls_certificate=Path("c"), client_roots=Path("r")
    )
    for disabled in ({}, {"CHAINCODE_TLS_DISABLED": "false"}):
        assert read_words(["greeting:Greeter"], {**GIVEN, **keys, **disabled}) == with_tls
    off = {"CHAINCODE_TLS_DISABLED": "TRUE"}
    assert read_words(["greeting:Greeter"], {**GIVEN, **keys, **off}) == SETTINGS


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ([], {}, "CHAINCODE_ID"),
        ([], {"CHAINCODE_ID": "p:1"}, "CHAINCODE_SERVER_ADDRESS"),
        (["--package-id", "p\n1"], GIVEN, "package id"),
        (["--package-id", "p" * 300], GIVEN, "package id"),
        (["--address", "9999"], GIVEN, "HOST:PORT"),
        (["--address", "h:99999"], GIVEN, "HOST:PORT"),
        (["--address", "h:-1"], GIVEN, "HOST:PORT"),
        (["--level", "loud"], GIVEN, "level"),
        ([], {**GIVEN, "CHAINCODE_TLS_DISABLED": "false"}, "without a key"),
        ([], {**GIVEN, "CHAINCODE_TLS_DISABLED": "no"}, "true or false"),
        ([], {**GIVEN, "CHAINCODE_TLS_KEY": "k"}, "stand together"),
        (["--client-roots", "r"], {**GIVEN, "CHAINCODE_TLS_KEY": "k"}, "stand together"),
    ],
)
def test_settings_that_are_none__are_refused(
    options: list[str], environment: Mapping[str, str], words: str
) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_words(["greeting:Greeter", *options], environment)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nothing Here", "one of ours (trading)"),
        ("unheard", "one of ours (trading)"),
        ("no_such_module:Class", "ModuleNotFoundError"),
        ("json:Nothing", "a class of Chaincode there"),
        ("json:JSONDecoder", "a class derived from"),
        ("json:loads", "a class derived from"),
        ("edgemark_chaincode.shim.interface:Chaincode", "TypeError"),
        (":Class", "ValueError"),
    ],
)
def test_a_chaincode_that_is_none__is_refused(name: str, words: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        find_chaincode(name)
    assert words in str(refused.value)


def test_a_chaincode_of_the_users_own__is_found(greeter: Path) -> None:
    assert isinstance(find_chaincode("greeting:Greeter"), Chaincode)


@pytest.mark.parametrize(
    ("mode", "raw", "words"),
    [
        (0o644, b"-----BEGIN PRIVATE KEY-----", "can be read by others"),
        (0o600, b"no key", "is no PEM"),
        (0o600, None, "cannot be read"),
        (0o600, b"-----BEGIN PRIVATE KEY-----", "cannot be listened on"),
    ],
)
def test_keys_that_are_none__are_refused(
    mode: int, raw: bytes | None, words: str, greeter: Path, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    certificate.write_bytes(b"-----BEGIN CERTIFICATE-----")
    if raw is not None:
        key.write_bytes(raw)
        key.chmod(mode)
    with pytest.raises(RefusedInput, match=words):
        run(replace(SETTINGS, tls_key=key, tls_certificate=certificate))


def test_loop__is_uvloops__and_pythons_own_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with contextlib.closing(new_loop()) as loop:
        assert type(loop).__module__.startswith("uvloop") or not find_spec("uvloop")
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with contextlib.closing(new_loop()) as loop:
        assert isinstance(loop, asyncio.SelectorEventLoop)
