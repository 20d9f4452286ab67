"""TLS between a ledger and the chaincode processes of a home: each shows who it is.

A chaincode's process tells secrets of a transaction to nobody but a peer, and a peer takes what is
to be written from nobody but that process: without TLS, whoever can reach the port of a process, or
take it while the process is away, would be either of them. Both certificates are of an authority
that signs these two and nothing else; its key is thrown away. Each counts as what it is alone: a
process is no peer of other organisations' processes, and what travels in a package is no process.

    tls/root.pem                     the authority
    tls/host.pem  host-key.pem       of the process
    tls/peer.pem  peer-key.pem       of a peer; they travel in the package, which peers keep

Made once for a chaincode: they stand in its package, so another pair would be another package.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from edgemark.errors import RefusedInput
from edgemark.files import (
    OWNER_ONLY_FILE,
    UNFINISHED,
    check_private,
    make_private_folder,
    read_limited,
    sync_folder,
    write_whole,
)
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.launching.ports import LOOPBACK

FOLDER = "tls"
ROOT, HOST, HOST_KEY, PEER, PEER_KEY = (
    "root.pem",
    "host.pem",
    "host-key.pem",
    "peer.pem",
    "peer-key.pem",
)
MAX_FILE_BYTES = 16 * 1024


@dataclass(frozen=True)
class HostTls:
    """The certificates of a chaincode's processes.

    Attributes:
        folder: that holds them.
    """

    folder: Path

    @classmethod
    def of(cls, place: Path) -> HostTls:
        """Those below a chaincode's folder.

        Raises:
            RefusedInput: there are none.
            Unrecoverable: others can read them.
        """
        folder = place / FOLDER
        if not folder.exists():
            raise RefusedInput(
                "is not there",
                who=folder,
                needed="what the chaincode's process and its peer show each other",
                remedy=f"Put it back from a copy; or remove {place}, and deploy it anew.",
            )
        for path in (folder, folder / HOST_KEY, folder / PEER_KEY):
            check_private(path, "Redeploy the chaincode under another name.")
        return cls(folder)

    @classmethod
    def make(cls, place: Path) -> HostTls:
        """Make them below a chaincode's folder, all or none; those that are there stay.

        Raises:
            Unrecoverable: others can read those that are there.
        """
        if (place / FOLDER).exists():
            return cls.of(place)
        part = place / f"{FOLDER}{UNFINISHED}"
        shutil.rmtree(part, ignore_errors=True)
        make_private_folder(part)
        for name, content in _draft().items():
            write_whole(part / name, content, mode=OWNER_ONLY_FILE)
        part.rename(place / FOLDER)
        sync_folder(place)
        return cls(place / FOLDER)

    def connection(self, address: str, dial_timeout_s: float) -> Connection:
        """How a peer reaches a process, and what it shows.

        Raises:
            RefusedInput: a file is missing.
        """
        root, certificate, key = (self._read(name) for name in (ROOT, PEER, PEER_KEY))
        return Connection(address, dial_timeout_s, root, certificate, key)

    def options(self) -> list[str]:
        """What a process is told of them."""
        named = (
            ("--tls-key", HOST_KEY),
            ("--tls-certificate", HOST),
            ("--client-roots", ROOT),
        )
        folder = self.folder.absolute()  # a process has a folder of its own where it runs
        return [word for option, name in named for word in (option, str(folder / name))]

    def _read(self, name: str) -> bytes:
        return read_limited(self.folder / name, MAX_FILE_BYTES)


def _draft() -> dict[str, bytes]:
    from edgemark.ledger.fabric.identities.authorities import (  # noqa: PLC0415 - `fabric down` and
        CLIENT,  # others that only find processes again do without the messages of Fabric
        SERVER,
        Authority,
        pem_of,
        pem_of_key,
    )

    now = datetime.now(UTC)
    authority = Authority.make("ca.chaincode", "chaincode", now)
    host, peer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    hosts = ["localhost", LOOPBACK]
    return {
        ROOT: pem_of(authority.certificate),
        HOST: pem_of(authority.issue_tls("chaincode", host.public_key(), hosts, now, [SERVER])),
        HOST_KEY: pem_of_key(host),
        PEER: pem_of(authority.issue_tls("peer", peer.public_key(), [], now, [CLIENT])),
        PEER_KEY: pem_of_key(peer),
    }
