"""Requests of people who should not make them, to the servers of a stage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import MAX_TASK_BYTES
from edgemark.systems.outsourcing.protocol.messages import ReadRequest
from edgemark.systems.outsourcing.station.station import OutsourcingStation, path_of
from edgemark.transport.faults import PeerRefused

ANSWERS, OFFERS = "/v1/answers", "/v1/offers"
READ_TASK, READ_ANSWER = "/v1/tasks/read", "/v1/answers/read"


def knock(
    outsider: OutsourcingStation, server: Address, path: str, body: bytes, method: str = "POST"
) -> PeerRefused:
    """Send a request that the server has to refuse; its words."""
    with pytest.raises(PeerRefused) as refused:
        outsider.ask(server, path, body, most=MAX_TASK_BYTES, method=method)
    return refused.value


def ask_to_read(
    station: OutsourcingStation,
    job: JobId,
    index: int,
    server: Address,
    key: SecretKey,
    *,
    reader: Address | None = None,
    lasts_s: int = 30,
) -> ReadRequest:
    """A read request as anybody can make it: signed by `key`, in the name of `reader`."""
    until = Timestamp(station.chain.now() + lasts_s)
    name = reader or key.address
    blank = ReadRequest(job, ShareIndex(index), name, server, until, bytes(65))
    digest = station.settlement.domain.read_request(job, blank.index, name, server, until)
    return replace(blank, signature=key.sign(digest))


def hand_task(
    outsider: OutsourcingStation, node: Address, job: JobId, index: int, body: bytes
) -> PeerRefused:
    """Give a node something in the place of a task; its refusal."""
    return knock(outsider, node, path_of("tasks", job, index), body)
