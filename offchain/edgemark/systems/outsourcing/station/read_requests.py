"""Who may read an answer or a task, and how it asks.

A read request is signed for one server: a node that receives the device's request cannot use it to
collect the answers of the other nodes, dt + 1 of which are F(x).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.messages import ReadRequest
from edgemark.systems.outsourcing.station.station import OutsourcingStation

READ_VALID_S = 60  # a signed read request is good for a minute of chain time


class Signer(Protocol):
    """An account key, or a job key."""

    @property
    def address(self) -> Address:
        """The account of the key."""

    def sign(self, digest: Hash32) -> bytes:
        """A 65-byte signature r || s || v."""


def sign_read(
    station: OutsourcingStation, job: JobId, index: ShareIndex, server: Address, signer: Signer
) -> bytes:
    """A read request for one server, on the wire."""
    until = Timestamp(station.chain.now() + READ_VALID_S)
    digest = station.settlement.domain.read_request(job, index, signer.address, server, until)
    return ReadRequest(job, index, signer.address, server, until, signer.sign(digest)).to_wire()


def check_read(
    station: OutsourcingStation, read: ReadRequest, reader: str, chain_time: Callable[[], int]
) -> None:
    """Check that `reader` itself asks this very server, now.

    Args:
        station: of this server.
        read: the request; whoever saw it may repeat it, so its time must not cost a question each.
        reader: who may ask.
        chain_time: Unix seconds.

    Raises:
        RefusedInput: for another server, another reader, or outdated. BadSignature: not signed.
    """
    if read.server != station.address:
        raise RefusedInput(
            "request is for another server", who="read", had=read.server, needed=station.address
        )
    if read.reader != reader:
        raise RefusedInput("reader may not read this", who="read", had=read.reader, needed=reader)
    digest = station.settlement.domain.read_request(
        read.job, read.index, read.reader, read.server, read.valid_until
    )
    check_signature(digest, read.signature, read.reader)
    now = chain_time()
    if not now <= read.valid_until <= now + 2 * READ_VALID_S:
        raise RefusedInput(
            "request is outdated", who="read", had=read.valid_until, needed=f"{now} or later"
        )
