"""Where a peer or orderer is, and who vouches for its certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgemark.ledger.fabric.faults import ProfileInvalid

_TARGET = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]{1,253}):([0-9]{1,5})")
_PEM = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class PeerAddress:
    """Where a peer or orderer is; always over TLS.

    Attributes:
        target: HOST:PORT.
        roots: PEM of the CAs of its TLS certificate.
        server_name: name in its certificate, where it is another than the host; empty for none.
        certificate, key: PEM of ours, where it asks for one; empty for none.

    Raises:
        ProfileInvalid: no address, or no certificate.
    """

    target: str
    roots: bytes = field(repr=False)
    server_name: str = ""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        found = _TARGET.fullmatch(self.target)
        if not found or not 1 <= int(found[2]) <= 65535:
            raise ProfileInvalid(
                "is no address", who="peer", had=self.target[:80], needed="HOST:PORT"
            )
        if _PEM not in self.roots:
            raise ProfileInvalid(
                "has no TLS CA",
                who=f"peer {self.target}",
                needed="a certificate in PEM",
                remedy="Name it in the profile: tlsCACerts.",
            )
