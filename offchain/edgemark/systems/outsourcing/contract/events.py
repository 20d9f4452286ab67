"""Events of the JobSettlement, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.outsourcing.identifiers import JobId


@dataclass(frozen=True)
class JobPosted(ChainEvent):
    """The payer posted a job; `terms` has the fields of `IJobSettlement.Terms`."""

    job: JobId
    payer: Address
    root: Hash32
    terms_hash: Hash32
    terms: Any
    nodes: tuple[Address, ...]


@dataclass(frozen=True)
class NodeAccepted(ChainEvent):
    """A node's acceptance was recorded and its stake locked."""

    job: JobId
    index: int
    node: Address


@dataclass(frozen=True)
class JobStarted(ChainEvent):
    """The last acceptance came in."""

    job: JobId
    started_at: Timestamp


@dataclass(frozen=True)
class JobCancelled(ChainEvent):
    """The job ended without having started."""

    job: JobId
    caller: Address


@dataclass(frozen=True)
class ResultCommitted(ChainEvent):
    """A node committed to its result."""

    job: JobId
    index: int
    node: Address
    commitment: Hash32


@dataclass(frozen=True)
class NodePaid(ChainEvent):
    """An index ended without a charge."""

    job: JobId
    index: int
    node: Address
    fee: Tokens


@dataclass(frozen=True)
class FeeUnearned(ChainEvent):
    """An index ended without a commitment and without a charge: the fee went to the pool."""

    job: JobId
    index: int
    node: Address
    fee: Tokens


@dataclass(frozen=True)
class NodeCharged(ChainEvent):
    """The payer charged an index; `kind` 1 wrong, 2 silent."""

    job: JobId
    index: int
    node: Address
    kind: int
    served_by: Timestamp


@dataclass(frozen=True)
class ChargeServed(ChainEvent):
    """The judges hold the charged task."""

    job: JobId
    index: int
    answer_by: Timestamp
    verdict_by: Timestamp


@dataclass(frozen=True)
class NodeConvicted(ChainEvent):
    """A charge held; `finding` 2 wrong, 3 missing."""

    job: JobId
    index: int
    node: Address
    finding: int
    to_payer: Tokens
    to_pool: Tokens


@dataclass(frozen=True)
class ChargeRefuted(ChainEvent):
    """Charged as wrong, was right."""

    job: JobId
    index: int
    node: Address


@dataclass(frozen=True)
class ChargeAnswered(ChainEvent):
    """Charged as silent, handed a right result in."""

    job: JobId
    index: int
    node: Address


@dataclass(frozen=True)
class ChargeVoided(ChainEvent):
    """A charge was not served in time."""

    job: JobId
    index: int
    node: Address


@dataclass(frozen=True)
class ChargeLapsed(ChainEvent):
    """No verdict came in time."""

    job: JobId
    index: int
    node: Address
