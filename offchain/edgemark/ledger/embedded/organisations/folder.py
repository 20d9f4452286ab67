"""The folder of one organisation, as cryptogen lays it out: made, read, identities added.

    ca/ tlsca/           certificate and key of the two authorities
    msp/                 what everybody may know: cacerts, tlscacerts, crls, config.yaml
    peers/ or orderers/  its server: msp (identity), tls
    users/NAME@DOMAIN/   an identity of a client or an admin: msp, tls

Private keys (`*_sk`, `*.key`) are for their owner alone; one that others can open is refused. The
authority's key need not be there: then nobody is issued or revoked, and all else works.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from edgemark.files import (
    OWNER_ONLY_FILE,
    check_private,
    hold_folder,
    read_limited,
    sync_folder,
)
from edgemark.ledger.embedded.organisations.faults import RESTORE, FolderDamaged
from edgemark.ledger.embedded.organisations.issued import DamagedIdentity, Issued, refuse_name
from edgemark.ledger.embedded.organisations.revocations import Revocations
from edgemark.ledger.embedded.organisations.syncing import sync_tree
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.authorities import (
    LIFETIME,
    Authority,
    pem_of,
    pem_of_key,
)
from edgemark.ledger.fabric.identities.members import MemberRole, Organisation
from edgemark.ledger.fabric.identities.signing import Signer, load_key, parse_certificate
from edgemark.ledger.fabric.wire.limits import MAX_CERTIFICATE_BYTES

PART = ".part-"  # before the name of an identity that is being made
HOSTS = ("localhost", "127.0.0.1")
NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class TlsFiles:
    """What a TLS server shows and what its clients trust; all PEM.

    Attributes:
        certificate: of the server.
        root: of the authority that issued it.
        key: of the server.
    """

    certificate: bytes
    root: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class OrganisationFolder:
    """One organisation's folder.

    Attributes:
        path: of it; its name is the organisation's domain.
        msp_id: name of the organisation on the ledger.
    """

    path: Path
    msp_id: str

    @property
    def domain(self) -> str:
        """As `org1.example.com`."""
        return self.path.name

    @property
    def server(self) -> Path:
        """The folder of its one server: a peer, or an orderer.

        Raises:
            FolderDamaged: there is none.
        """
        found = [*self.path.glob("peers/*"), *self.path.glob("orderers/*")]
        if not found:
            raise self._damaged("has no server", "a folder in peers or orderers")
        return min(found)

    @property
    def revocations(self) -> Revocations:
        """Its revocation lists.

        Raises:
            FolderDamaged: the certificate of its authority is missing.
        """
        return Revocations(self.path / "msp/crls", self._certificate("msp/cacerts"))

    def make(self, server: str, kind: MemberRole, at: datetime) -> None:
        """Fill a new folder: authorities, a server, the identities Admin, and User1 beside a peer.

        Args:
            server: first word of its name, as `peer0`.
            kind: PEER or ORDERER.
            at: the time now, with its zone.
        """
        authority = Authority.make(f"ca.{self.domain}", self.domain, at)
        tls = Authority.make(f"tlsca.{self.domain}", self.domain, at)
        for name, each in (("ca", authority), ("tlsca", tls)):
            _write(self.path / name / f"{name}.{self.domain}-cert.pem", pem_of(each.certificate))
            _write_key(self.path / name / "priv_sk", each.key)
        self._write_msp(self.path / "msp", pem_of(authority.certificate), pem_of(tls.certificate))
        name = f"{server}.{self.domain}"
        folder = self.path / f"{kind.value}s" / name
        self._write_identity(folder, name, kind, at)
        self._write_tls(folder, "server", tls, (name, server, *HOSTS), at)
        users = {"Admin": MemberRole.ADMIN}
        if kind is MemberRole.PEER:
            users["User1"] = MemberRole.CLIENT
        for user, role in users.items():
            whole = f"{user}@{self.domain}"
            self._write_user(self.path / "users" / whole, whole, role, at)

    def read(self) -> Organisation:
        """What its members have in common, with what it revoked.

        Raises:
            FolderDamaged: something is missing, or is not what it should be.
        """
        root = self._certificate("msp/cacerts")
        listed = self.revocations.read()
        return Organisation(
            self.msp_id,
            (root,),
            frozenset(serial for each in listed for serial in each.revoked),
            tls_roots=(self.tls_root(),),
            revocations=tuple(each.raw for each in listed),
        )

    def signer(self, msp: Path | None = None) -> Signer:
        """Whoever stands in an `msp` folder; by default the server.

        Raises:
            FolderDamaged, Unrecoverable: something is missing, damaged, or a key others can open.
        """
        folder = msp or self.server / "msp"
        certificate = self._certificate(folder / "signcerts")
        key = self._key(folder / "keystore")
        if key.public_key() != certificate.public_key():
            raise self._damaged("key belongs to another certificate", "a pair", folder)
        return Signer(self.msp_id, pem_of(certificate), key)

    def tls(self) -> TlsFiles:
        """Of its server.

        Raises:
            FolderDamaged, Unrecoverable: something is missing, damaged, or a key others can open.
        """
        folder = self.server / "tls"
        certificate, root = (self._parse(folder / name) for name in ("server.crt", "ca.crt"))
        key = self._load_key(folder / "server.key")
        if key.public_key() != certificate.public_key():
            raise self._damaged("key belongs to another certificate", "a pair", folder)
        return TlsFiles(pem_of(certificate), pem_of(root), pem_of_key(key))

    def tls_root(self) -> x509.Certificate:
        """Certificate of the authority of its TLS."""
        return self._certificate("msp/tlscacerts")

    def issue(
        self,
        name: str,
        role: MemberRole,
        at: datetime,
        attributes: Mapping[str, str] | None = None,
        public_key: ec.EllipticCurvePublicKey | None = None,
        lasts: timedelta = LIFETIME,
    ) -> Path:
        """Add an identity; answers its folder.

        Args:
            name: new in this organisation.
            role: what it is.
            at: the time now, with its zone.
            attributes: of it.
            public_key: of somebody who keeps the private one; None makes a key here.
            lasts: how long its certificate is good, >= 0.

        Raises:
            IdentityRefused: a name that is no name, or is taken.
            FolderDamaged: no key of the authority is here.
        """
        if not NAMES.fullmatch(name):
            needed = "1 .. 64 letters, digits, dots, dashes, the first a letter or digit"
            raise IdentityRefused(
                "is no name of an identity", who=name[:64], needed=needed, remedy="Name it so."
            )
        whole = f"{name}@{self.domain}"
        folder, part = self.path / "users" / whole, self.path / f"users/{PART}{whole}"
        if not folder.parent.is_dir():
            folder.parent.mkdir(exist_ok=True)
            sync_folder(self.path)
        with hold_folder(folder.parent):
            if folder.exists():
                raise refuse_name(folder, self._look_through())
            shutil.rmtree(part, ignore_errors=True)
            self._write_user(part, whole, role, at, attributes, public_key, lasts)
            sync_tree(part)  # whole also after a power cut: its name must not come before it
            part.rename(folder)
            sync_folder(folder.parent)
        return folder

    def identities(self) -> list[Issued]:
        """Everybody in `users` who can be read, by name; the others are in `damaged`.

        Raises:
            FolderDamaged: a revocation list cannot be read.
        """
        return [each for each in self._look_through() if isinstance(each, Issued)]

    def damaged(self) -> list[DamagedIdentity]:
        """Those in `users` who cannot be read, by name.

        Raises:
            FolderDamaged: a revocation list cannot be read.
        """
        return [each for each in self._look_through() if isinstance(each, DamagedIdentity)]

    def _look_through(self) -> Iterator[Issued | DamagedIdentity]:
        revoked = self.revoked()
        for folder in sorted(self.path.glob("users/[!.]*")):
            try:
                certificate = self._certificate(folder / "msp/signcerts")
                is_revoked = certificate.serial_number in revoked
                yield Issued.of(folder, certificate, is_revoked=is_revoked)
            except (FolderDamaged, IdentityRefused) as fault:
                yield DamagedIdentity(folder.name.partition("@")[0], folder, fault)

    def revoke(self, name: str, at: datetime) -> bytes:
        """Take an identity back; answers the organisation's new list, PEM.

        It counts from when a channel's configuration has the list.

        Args:
            name: of the identity.
            at: the time now, with its zone.

        Raises:
            IdentityRefused: there is no such identity, or the list is full.
            FolderDamaged: no key of the authority is here.
        """
        folder = self.path / "users" / f"{name}@{self.domain}"
        if not NAMES.fullmatch(name) or not folder.is_dir():
            known = ", ".join(each.name for each in self.identities())
            raise IdentityRefused(
                f"is no identity of {self.msp_id}",
                who=name[:64],
                needed=f"one of {known}",
                remedy="Name one of these, or another organisation.",
            )
        serial = self._certificate(folder / "msp/signcerts").serial_number
        return self.revocations.revoke(serial, self._authority("ca", "msp/cacerts"), at)

    def revoked(self) -> dict[int, datetime]:
        """When each serial number was taken back.

        Raises:
            FolderDamaged: a list is none of this organisation's authority.
        """
        read = self.revocations.read()
        return {serial: at for each in read for serial, at in each.revoked.items()}

    def _write_user(
        self,
        folder: Path,
        name: str,
        role: MemberRole,
        at: datetime,
        attributes: Mapping[str, str] | None = None,
        public_key: ec.EllipticCurvePublicKey | None = None,
        lasts: timedelta = LIFETIME,
    ) -> None:
        """Write an identity, with TLS of its own where its key stands here too."""
        self._write_identity(folder, name, role, at, attributes, public_key, lasts)
        if public_key is None:
            tls = self._authority("tlsca", "msp/tlscacerts")
            self._write_tls(folder, "client", tls, (), at)

    def _write_identity(
        self,
        folder: Path,
        name: str,
        role: MemberRole,
        at: datetime,
        attributes: Mapping[str, str] | None = None,
        public_key: ec.EllipticCurvePublicKey | None = None,
        lasts: timedelta = LIFETIME,
    ) -> None:
        """Write `msp`; without a key of somebody's own, one is made and stands there."""
        authority = self._authority("ca", "msp/cacerts")
        key = None
        if public_key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            public_key = key.public_key()
        certificate = authority.issue(name, public_key, role, at, attributes, lasts)
        msp = folder / "msp"
        self._write_msp(msp, pem_of(authority.certificate), pem_of(self.tls_root()))
        _write(msp / "signcerts" / f"{name}-cert.pem", pem_of(certificate))
        (msp / "keystore").mkdir(mode=0o700, exist_ok=True)
        if key is not None:
            _write_key(msp / "keystore" / "priv_sk", key)

    def _write_tls(
        self, folder: Path, use: str, tls: Authority, hosts: tuple[str, ...], at: datetime
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = folder.name.removeprefix(PART)
        certificate = tls.issue_tls(name, key.public_key(), hosts, at)
        _write(folder / "tls/ca.crt", pem_of(tls.certificate))
        _write(folder / f"tls/{use}.crt", pem_of(certificate))
        _write_key(folder / f"tls/{use}.key", key)

    def _write_msp(self, msp: Path, root: bytes, tls_root: bytes) -> None:
        name = f"ca.{self.domain}-cert.pem"
        _write(msp / "cacerts" / name, root)
        _write(msp / "tlscacerts" / f"tls{name}", tls_root)
        _write(msp / "config.yaml", _units_of(name).encode())

    def _authority(self, name: str, public: str) -> Authority:
        certificate, key = self._certificate(public), self._key(self.path / name)
        if key.public_key() != certificate.public_key():
            raise self._damaged("key is another authority's", public, self.path / name)
        return Authority(certificate, key)

    def _certificate(self, place: Path | str) -> x509.Certificate:
        folder = self.path / place
        found = sorted(folder.glob("*.pem"))
        if len(found) != 1:
            needed = "one certificate, *.pem"
            raise self._damaged("holds no certificate, or several", needed, folder)
        return self._parse(found[0])

    def _parse(self, path: Path) -> x509.Certificate:
        try:
            return parse_certificate(read_limited(path, 2 * MAX_CERTIFICATE_BYTES), str(path))
        except IdentityRefused as error:
            raise self._damaged(error.what, "a certificate in PEM", path) from error

    def _key(self, folder: Path) -> ec.EllipticCurvePrivateKey:
        found = sorted(folder.glob("*_sk"))
        if len(found) != 1:
            raise self._damaged("holds no private key, or several", "one key, *_sk", folder)
        return self._load_key(found[0])

    def _load_key(self, path: Path) -> ec.EllipticCurvePrivateKey:
        try:
            check_private(path, RESTORE)
            return load_key(read_limited(path, MAX_CERTIFICATE_BYTES), str(path))
        except (IdentityRefused, FileNotFoundError) as error:
            what = error.what if isinstance(error, IdentityRefused) else "is not there"
            raise self._damaged(what, "a private key on P-256", path) from error

    def _damaged(self, what: str, needed: str, where: Path | None = None) -> FolderDamaged:
        return FolderDamaged(what, who=where or self.path, needed=needed, remedy=RESTORE)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(OWNER_ONLY_FILE, exist_ok=False)
    path.write_bytes(pem_of_key(key))


def _units_of(certificate: str) -> str:
    """`config.yaml` of an MSP: the unit of each role."""
    lines = ["NodeOUs:", "    Enable: true"]
    for role in MemberRole:
        lines += [
            f"    {role.value.capitalize()}OUIdentifier:",
            f"        Certificate: cacerts/{certificate}",
            f"        OrganizationalUnitIdentifier: {role.value}",
        ]
    return "\n".join([*lines, ""])
