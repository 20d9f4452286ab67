"""Organisations of a ledger: what their folders hold, who is admitted, what is refused."""

from __future__ import annotations

import os
import shutil
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.ledger.embedded.organisations.faults import FolderDamaged
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.authorities import Authority, read_request
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.identities.signing import make_identity

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("organisations")
    Organisations.make(folder, 2, NOW)
    return folder


@pytest.fixture
def organisations(made: Path, tmp_path: Path) -> Organisations:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Organisations.open(tmp_path)


@pytest.fixture
def org1(organisations: Organisations) -> OrganisationFolder:
    return organisations.folder_of("Org1MSP")


def request_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "whatever")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_everybody_who_is_made__is_admitted_in_their_role(organisations: Organisations) -> None:
    for msp_id, folder in organisations.peers.items():
        organisation = organisations.organisations[msp_id]
        roles = {"User1": MemberRole.CLIENT, "Admin": MemberRole.ADMIN}
        assert {each.name: each.role for each in folder.identities()} == roles
        signers = [folder.signer(each.folder / "msp") for each in folder.identities()]
        found = [
            organisation.admit(each.identity, at=NOW).role for each in [*signers, folder.signer()]
        ]
        assert found == [MemberRole.ADMIN, MemberRole.CLIENT, MemberRole.PEER]
    orderer = organisations.orderer.read()
    admitted = orderer.admit(organisations.orderer_signer.identity, at=NOW)
    assert admitted.role is MemberRole.ORDERER


def test_member__is_admitted_by_no_other_organisation_and_not_after_ten_years(
    organisations: Organisations, org1: OrganisationFolder
) -> None:
    peer = org1.signer()
    moved = make_identity("Org2MSP", peer.certificate)
    with pytest.raises(IdentityRefused, match="another CA"):
        organisations.organisations["Org2MSP"].admit(moved, at=NOW)
    with pytest.raises(IdentityRefused, match="expired"):
        org1.read().admit(peer.identity, at=NOW + timedelta(days=3651))
    org1.read().admit(peer.identity, at=None)


def test_keys__are_for_their_owner_alone(organisations: Organisations) -> None:
    keys = [*organisations.folder.rglob("*_sk"), *organisations.folder.rglob("*.key")]
    assert len(keys) == 22
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


@pytest.mark.parametrize("which", ["tls/server.key", "msp/keystore/priv_sk"])
def test_key_that_others_can_read__is_refused(
    organisations: Organisations, org1: OrganisationFolder, which: str
) -> None:
    (org1.server / which).chmod(0o640)
    with pytest.raises(Unrecoverable, match="others can open it"):
        Organisations.open(organisations.folder.parent)


@pytest.mark.parametrize(
    "gone",
    [
        "peerOrganizations/org2.example.com",
        "peerOrganizations/org1.example.com/msp/cacerts",
        "peerOrganizations/org1.example.com/peers",
        "peerOrganizations/org1.example.com/peers/peer0.org1.example.com/tls/ca.crt",
        "peerOrganizations/org1.example.com/peers/peer0.org1.example.com/tls/server.key",
        "peerOrganizations/org1.example.com/peers/peer0.org1.example.com/msp/keystore/priv_sk",
        "ordererOrganizations/example.com/orderers/orderer.example.com/msp/signcerts",
        "organisations.json",
    ],
)
def test_folder_that_lacks_something__is_refused(organisations: Organisations, gone: str) -> None:
    place = organisations.folder / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    with pytest.raises((FolderDamaged, RefusedInput)):
        Organisations.open(organisations.folder.parent)


@pytest.mark.parametrize("content", [b"", b"no certificate", os.urandom(4000), b"x" * 100_000])
def test_file_that_holds_something_else__is_refused(
    organisations: Organisations, org1: OrganisationFolder, content: bytes
) -> None:
    for name in ("tls/server.crt", "tls/server.key", "msp/keystore/priv_sk"):
        path = org1.server / name
        before = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises((FolderDamaged, RefusedInput)):
            Organisations.open(organisations.folder.parent)
        path.write_bytes(before)
    Organisations.open(organisations.folder.parent)


def test_swapped_keys__are_refused(organisations: Organisations, org1: OrganisationFolder) -> None:
    other = organisations.folder_of("Org2MSP")
    for name in ("tls/server.key", "msp/keystore/priv_sk"):
        path = org1.server / name
        before = path.read_bytes()
        path.write_bytes((other.server / name).read_bytes())
        with pytest.raises(FolderDamaged, match="another certificate"):
            Organisations.open(organisations.folder.parent)
        path.write_bytes(before)


def test_ledger_has_organisations__makes_no_others(organisations: Organisations) -> None:
    with pytest.raises(RefusedInput, match="already"):
        Organisations.make(organisations.folder.parent, 2, NOW)


@pytest.mark.parametrize("count", [0, -1, 17])
def test_too_few_or_too_many_organisations__are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(RefusedInput):
        Organisations.make(tmp_path, count, NOW)
    assert list(tmp_path.iterdir()) == []


def test_making_that_was_killed__leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "crypto-config.part/peerOrganizations").mkdir(parents=True)
    Organisations.make(tmp_path, 1, NOW)
    assert [each.name for each in tmp_path.iterdir()] == ["crypto-config"]


def test_issued_identity__has_its_role_and_attributes(org1: OrganisationFolder) -> None:
    folder = org1.issue("clock", MemberRole.CLIENT, NOW, {"edgemark.clock": "true"})
    member = org1.read().admit(org1.signer(folder / "msp").identity, at=NOW)
    assert (member.role, member.attributes) == (MemberRole.CLIENT, {"edgemark.clock": "true"})


def test_request__is_answered_by_a_certificate_without_a_key_here(
    org1: OrganisationFolder,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = read_request(request_of(key), "request")
    folder = org1.issue("guest", MemberRole.CLIENT, NOW, public_key=public)
    assert list((folder / "msp/keystore").iterdir()) == []
    (path,) = (folder / "msp/signcerts").iterdir()
    issued = x509.load_pem_x509_certificate(path.read_bytes())
    assert issued.public_key() == key.public_key()


@pytest.mark.parametrize("kind", ["rsa", "curve", "changed", "noise"])
def test_request_of_another_kind__is_refused(kind: str) -> None:
    raw = {
        "rsa": lambda: request_of(rsa.generate_private_key(65537, 2048)),
        "curve": lambda: request_of(ec.generate_private_key(ec.SECP384R1())),
        "noise": lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAA==\n",
        "changed": changed_request,
    }[kind]()
    with pytest.raises(IdentityRefused):
        read_request(raw, "request")


def changed_request() -> bytes:
    request = x509.load_pem_x509_csr(request_of(ec.generate_private_key(ec.SECP256R1())))
    raw = request.public_bytes(Encoding.DER).replace(b"whatever", b"somebody")
    return x509.load_der_x509_csr(raw).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65, "ü", "a b", "a\n"])
def test_name_that_is_none__is_refused(org1: OrganisationFolder, name: str) -> None:
    with pytest.raises(IdentityRefused):
        org1.issue(name, MemberRole.CLIENT, NOW)
    with pytest.raises(IdentityRefused):
        org1.revoke(name, NOW)


def test_name_that_is_taken__is_refused(org1: OrganisationFolder) -> None:
    with pytest.raises(IdentityRefused, match=r"taken.* use what stands in .*User1@.*/msp"):
        org1.issue("User1", MemberRole.CLIENT, NOW)


def test_name_of_one_that_was_revoked_or_cannot_be_read__is_refused_and_not_recommended(
    org1: OrganisationFolder,
) -> None:
    org1.issue("auditor", MemberRole.CLIENT, NOW)
    org1.revoke("auditor", NOW)
    with pytest.raises(IdentityRefused, match="revoked, which is for good") as told:
        org1.issue("auditor", MemberRole.CLIENT, NOW)
    assert "use what stands" not in told.value.remedy
    broken = org1.issue("clerk", MemberRole.CLIENT, NOW)
    for each in (broken / "msp/signcerts").iterdir():
        each.write_bytes(b"no certificate")
    with pytest.raises(IdentityRefused, match="cannot be read"):
        org1.issue("clerk", MemberRole.CLIENT, NOW)


@pytest.mark.parametrize(
    "attributes", [{"": "x"}, {"a": "x" * 257}, {str(each): "" for each in range(65)}]
)
def test_attributes_beyond_the_limit__leave_no_identity(
    org1: OrganisationFolder, attributes: dict[str, str]
) -> None:
    with pytest.raises(IdentityRefused):
        org1.issue("guest", MemberRole.CLIENT, NOW, attributes)
    assert "guest" not in [each.name for each in org1.identities()]
    org1.issue("guest", MemberRole.CLIENT, NOW)


def test_largest_attributes__fit(org1: OrganisationFolder) -> None:
    attributes = {f"{each:0100}": "x" * 50 for each in range(40)}
    folder = org1.issue("guest", MemberRole.CLIENT, NOW, attributes)
    identity = org1.signer(folder / "msp").identity
    assert org1.read().admit(identity, at=NOW).attributes == attributes


def test_revoked_identity__is_refused_and_the_others_are_not(org1: OrganisationFolder) -> None:
    user, admin = (
        org1.signer(org1.path / f"users/{name}@org1.example.com/msp") for name in ("User1", "Admin")
    )
    org1.revoke("User1", NOW)
    with pytest.raises(IdentityRefused, match="revoked"):
        org1.read().admit(user.identity, at=None)
    org1.read().admit(admin.identity, at=NOW)
    org1.revoke("Admin", NOW)
    assert [each.is_revoked for each in org1.identities()] == [True, True]
    assert len(org1.revoked()) == 2


def test_revocation_list_of_another_authority__is_refused(
    organisations: Organisations, org1: OrganisationFolder
) -> None:
    listed = organisations.folder_of("Org2MSP").revoke("User1", NOW)
    org1.revoke("User1", NOW)
    (org1.path / "msp/crls/revoked.pem").write_bytes(listed)
    with pytest.raises(FolderDamaged, match="another CA"):
        org1.read()


def test_certificate__is_good_within_the_time_of_its_authority_alone() -> None:
    authority = Authority.make("ca.org1.example.com", "org1.example.com", NOW)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    own = authority.certificate
    for at in (NOW - timedelta(minutes=1), NOW, NOW + timedelta(days=9)):
        issued = authority.issue("somebody", key, MemberRole.CLIENT, at)
        assert issued.not_valid_before_utc >= own.not_valid_before_utc
        assert issued.not_valid_after_utc <= own.not_valid_after_utc


class Synced:
    """What has been made durable, and what was not yet when it got its name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: set[str] = set()
        self.late: list[str] = []
        self._sync, self._rename = os.fsync, os.rename
        monkeypatch.setattr(os, "fsync", self.sync)
        monkeypatch.setattr(os, "rename", self.rename)

    def sync(self, handle: int) -> None:
        self.paths.add(str(Path(f"/proc/self/fd/{handle}").readlink()))
        self._sync(handle)

    def rename(self, old: Path, new: Path) -> None:
        everything = [str(old), *map(str, Path(old).rglob("*"))]
        self.late += [each for each in everything if each not in self.paths]
        self._rename(old, new)


def test_organisations_and_identities__are_on_the_disk_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = Synced(monkeypatch)
    org1 = Organisations.make(tmp_path, 1, NOW).folder_of("Org1MSP")
    assert synced.late == []
    assert str(tmp_path) in synced.paths
    org1.issue("guest", MemberRole.CLIENT, NOW)
    assert synced.late == []
    assert str(org1.path / "users") in synced.paths
    org1.revoke("guest", NOW)
    assert str(org1.path / "msp") in synced.paths


@pytest.mark.parametrize("content", [b"", b"noise"])
def test_damaged_identity__is_told_by_itself__and_the_others_are_listed(
    org1: OrganisationFolder, content: bytes
) -> None:
    (path,) = (org1.path / "users/User1@org1.example.com/msp/signcerts").iterdir()
    path.write_bytes(content)
    assert [each.name for each in org1.identities()] == ["Admin"]
    assert [each.name for each in org1.damaged()] == ["User1"]
    assert path.name in str(org1.damaged()[0].fault)
    with pytest.raises(FolderDamaged):
        org1.revoke("User1", NOW)


def test_two_that_make_organisations_at_once__make_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = OrganisationFolder.make

    def make_slowly(folder: OrganisationFolder, *what: Any) -> None:
        time.sleep(0.05)
        make(folder, *what)

    monkeypatch.setattr(OrganisationFolder, "make", make_slowly)

    def attempt(_: int) -> bool:
        try:
            Organisations.make(tmp_path, 1, NOW)
        except RefusedInput:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(attempt, range(2))) == [False, True]
    Organisations.open(tmp_path)
