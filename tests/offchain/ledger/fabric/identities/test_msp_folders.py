"""Identities from folders, as cryptogen lays them out, and what is wrong with others."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.folders import read_msp_folder
from edgemark.ledger.fabric.identities.members import MemberRole

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("organisations")
    Organisations.make(folder, 1, at=NOW)
    users = folder / "crypto-config" / "peerOrganizations" / "org1.example.com" / "users"
    return users / "User1@org1.example.com" / "msp"


@pytest.fixture
def msp(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "msp"))


def _key_file(msp: Path) -> Path:
    return next((msp / "keystore").iterdir())


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)


def test_a_folder_of_cryptogens__is_an_identity_that_signs(msp: Path) -> None:
    signer = read_msp_folder(msp, "Org1MSP", NOW)
    assert signer.msp_id == "Org1MSP"
    assert signer.sign(b"message") != b""
    assert "key" not in repr(signer)


def test_its_organisation__admits_it(made: Path) -> None:
    organisations = Organisations.open(made.parents[5])
    signer = read_msp_folder(made, "Org1MSP", NOW)
    member = organisations.organisations["Org1MSP"].admit(signer.identity, at=NOW)
    assert member.role is MemberRole.CLIENT


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read__is_refused_with_the_command(msp: Path, mode: int) -> None:
    key = _key_file(msp)
    key.chmod(mode)
    with pytest.raises(IdentityRefused, match=re.escape(f"chmod 600 {quote(str(key))};")):
        read_msp_folder(msp, "Org1MSP", NOW)


@pytest.mark.parametrize(
    ("days", "what"), [(365 * 100, "has expired"), (-365 * 100, "is not valid yet")]
)
def test_another_time_than_the_certificates__is_refused(msp: Path, days: int, what: str) -> None:
    with pytest.raises(IdentityRefused, match=what):
        read_msp_folder(msp, "Org1MSP", NOW + timedelta(days=days))


def test_a_key_of_somebody_else__is_refused(msp: Path) -> None:
    _write_key(_key_file(msp), ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(IdentityRefused, match="holds no key of the certificate"):
        read_msp_folder(msp, "Org1MSP", NOW)


def test_several_keys__are_searched_for_the_right_one(msp: Path) -> None:
    _write_key(msp / "keystore" / "a_sk", ec.generate_private_key(ec.SECP256R1()))
    assert read_msp_folder(msp, "Org1MSP", NOW).msp_id == "Org1MSP"


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key__is_refused(msp: Path, content: bytes) -> None:
    _key_file(msp).write_bytes(content)
    with pytest.raises(IdentityRefused, match="is no private key"):
        read_msp_folder(msp, "Org1MSP", NOW)


def test_a_key_of_another_kind__is_refused(msp: Path) -> None:
    _write_key(_key_file(msp), rsa.generate_private_key(65537, 2048))
    with pytest.raises(IdentityRefused, match="another kind of key"):
        read_msp_folder(msp, "Org1MSP", NOW)


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\xff" * 100_000], ids=len)
def test_what_is_no_certificate__is_refused(msp: Path, content: bytes) -> None:
    next((msp / "signcerts").iterdir()).write_bytes(content)
    with pytest.raises(IdentityRefused):
        read_msp_folder(msp, "Org1MSP", NOW)


@pytest.mark.parametrize("part", ["signcerts", "keystore"])
def test_a_folder_without_a_part__says_which(msp: Path, part: str) -> None:
    shutil.rmtree(msp / part)
    with pytest.raises(IdentityRefused, match=part):
        read_msp_folder(msp, "Org1MSP", NOW)


def test_two_certificates__are_refused(msp: Path) -> None:
    (msp / "signcerts" / "other.pem").write_bytes(b"")
    with pytest.raises(IdentityRefused, match="holds not one certificate"):
        read_msp_folder(msp, "Org1MSP", NOW)


@pytest.mark.parametrize("msp_id", ["", "x" * 65])
def test_no_organisation__is_refused(msp: Path, msp_id: str) -> None:
    with pytest.raises(IdentityRefused, match="msp_id"):
        read_msp_folder(msp, msp_id, NOW)
