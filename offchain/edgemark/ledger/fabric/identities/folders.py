"""Identities from MSP folders, as cryptogen and Fabric's CA client write them.

signcerts/   the certificate, one file
keystore/    private keys, of which one is the certificate's: owner-only files, PKCS 8
"""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path
from shlex import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from edgemark.files import OTHERS, read_limited
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.signing import (
    Signer,
    load_key,
    parse_certificate,
    public_key_of,
)
from edgemark.ledger.fabric.wire.limits import MAX_CERTIFICATE_BYTES, MAX_NAME

MAX_KEY_BYTES = 16 * 1024
MAX_FILES = 64  # of a folder, looked at
_ANOTHER = (
    "Issue another (`edgemark ledger identity issue NAME`, or enroll it again at its CA), and set "
    "msp_folder to its folder `msp`."
)


def read_msp_folder(folder: Path, msp_id: str, at: datetime) -> Signer:
    """The identity of an MSP folder.

    Args:
        folder: that holds `signcerts` and `keystore`.
        msp_id: of the organisation.
        at: now, with its zone.

    Raises:
        IdentityRefused: a part is missing, of another kind, expired, or a key that others can read.
    """
    if not 1 <= len(msp_id) <= MAX_NAME:
        raise IdentityRefused(
            "names no organisation",
            who="msp_id",
            had=msp_id[:80],
            needed=f"1 .. {MAX_NAME} letters",
            remedy="Set msp_id: Org1MSP, for example.",
        )
    certificate, path = _read_certificate(folder / "signcerts")
    _check_time(certificate, path, at)
    wanted = public_key_of(certificate, str(path))
    pem = certificate.public_bytes(Encoding.PEM)
    return Signer(msp_id, pem, _find_key(folder / "keystore", wanted))


def _read_certificate(folder: Path) -> tuple[x509.Certificate, Path]:
    files = _list(folder)
    if len(files) != 1:
        raise IdentityRefused(
            "holds not one certificate", who=folder, had=f"{len(files)} files", needed="one file"
        )
    raw = read_limited(files[0], MAX_CERTIFICATE_BYTES, IdentityRefused)
    return parse_certificate(raw, str(files[0])), files[0]


def _check_time(certificate: x509.Certificate, path: Path, at: datetime) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if first <= at <= last:
        return
    what = "has expired" if at > last else "is not valid yet"
    raise IdentityRefused(
        what,
        who=path,
        had=at.isoformat(timespec="seconds"),
        needed=f"{first.isoformat()} .. {last.isoformat()}",
        remedy=_ANOTHER if at > last else "Set the clock, or wait.",
    )


def _find_key(folder: Path, wanted: ec.EllipticCurvePublicKey) -> ec.EllipticCurvePrivateKey:
    """The key of a certificate; every file that is read for it has to be its owner's alone."""
    files = _list(folder)
    for path in files:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            raise IdentityRefused(
                "private key can be opened by others",
                who=path,
                had=oct(mode),
                needed="0o600",
                remedy=f"If nobody has: chmod 600 {quote(str(path))}; otherwise enroll with a "
                "new key.",
            )
        key = load_key(read_limited(path, MAX_KEY_BYTES, IdentityRefused), str(path))
        if key.public_key() == wanted:
            return key
    raise IdentityRefused(
        "holds no key of the certificate",
        who=folder,
        had=f"{len(files)} keys",
        needed="that of signcerts",
        remedy="Name the folder `msp` of one identity, as cryptogen or fabric-ca-client wrote it.",
    )


def _list(folder: Path) -> list[Path]:
    """Files of a folder, in order."""
    try:
        names = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise IdentityRefused(
            "cannot be read",
            who=folder,
            had=error.strerror,
            needed="an MSP folder with signcerts and keystore",
            remedy="Set msp_folder to the folder `msp` of one identity.",
        ) from error
    if len(names) > MAX_FILES:
        raise IdentityRefused(
            "holds too many files", who=folder, had=len(names), needed=f"<= {MAX_FILES}"
        )
    return names
