"""Events of our contracts as typed values, field for field in the order of the Solidity.

Those of the registry are in `participant_events`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, JobId, Timestamp, Tokens
from edgemark.ledger.anchor_events import (
    Deposited,
    Locked,
    LockerAllowed,
    LockIncreased,
    LockRenewed,
    LockReturned,
    Moved,
    Paid,
    Withdrawn,
)
from edgemark.ledger.evm.contract.chain_event import ChainEvent, LogPlace
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import malformed
from edgemark.ledger.evm.reading.blocks import RawLog, Receipt
from edgemark.ledger.participant_events import (
    MemberAdmitted,
    MemberDismissed,
    ParticipantRegistered,
    ParticipantRetired,
    ParticipantSucceeded,
    ProviderNamed,
    ProviderStaked,
    ProviderStakeReleased,
    ProviderUnbonding,
    ServerUpdated,
    SignaturesRevoked,
)

# --- JobSettlement --------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class WorkStopped(ChainEvent):
    """No new jobs from here on."""

    guardian: Address


# --- Allocations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class AllocationReleased(ChainEvent):
    """A vested part went to its beneficiary; `purpose` as in `records.Purpose`."""

    purpose: int
    beneficiary: Address
    amount: Tokens


@dataclass(frozen=True)
class AllocationOffered(ChainEvent):
    """A beneficiary lets an account take its allocation over."""

    purpose: int
    beneficiary: Address
    offered_to: Address


@dataclass(frozen=True)
class AllocationHandedOver(ChainEvent):
    """An allocation has another beneficiary."""

    purpose: int
    former: Address
    beneficiary: Address


@dataclass(frozen=True)
class AllocationLapsed(ChainEvent):
    """What nobody released in time went to the heir."""

    purpose: int
    heir: Address
    amount: Tokens


# --- MetaCoin ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transfer(ChainEvent):
    """Tokens changed hands."""

    from_: Address
    to: Address
    value: Tokens


@dataclass(frozen=True)
class Approval(ChainEvent):
    """An owner set what a spender may take."""

    owner: Address
    spender: Address
    value: Tokens


def _by_name(*kinds: type[ChainEvent]) -> dict[str, type[ChainEvent]]:
    return {kind.__name__: kind for kind in kinds}


EVENTS: dict[str, dict[str, type[ChainEvent]]] = {
    "JobSettlement": _by_name(
        JobPosted,
        NodeAccepted,
        JobStarted,
        JobCancelled,
        ResultCommitted,
        NodePaid,
        FeeUnearned,
        NodeCharged,
        ChargeServed,
        NodeConvicted,
        ChargeRefuted,
        ChargeAnswered,
        ChargeVoided,
        ChargeLapsed,
        WorkStopped,
    ),
    "AssetAnchor": _by_name(
        Deposited,
        Withdrawn,
        Moved,
        LockerAllowed,
        SignaturesRevoked,
        Locked,
        LockIncreased,
        LockRenewed,
        Paid,
        LockReturned,
    ),
    "ParticipantRegistry": _by_name(
        ParticipantRegistered,
        MemberAdmitted,
        MemberDismissed,
        ProviderNamed,
        ServerUpdated,
        ParticipantRetired,
        ParticipantSucceeded,
        SignaturesRevoked,
        ProviderStaked,
        ProviderUnbonding,
        ProviderStakeReleased,
    ),
    "Allocations": _by_name(
        AllocationReleased, AllocationOffered, AllocationHandedOver, AllocationLapsed
    ),
    "MetaCoin": _by_name(Transfer, Approval),
}


def decode_log(contract: Contract, log: RawLog) -> ChainEvent | None:
    """The event of a log, or None when it is of another contract or kind.

    Raises:
        NodeAnswerMalformed: the contract, whose code is known, cannot have written these bytes; an
            event that is left out would be one that nobody acts on.
    """
    if log.address != contract.address:
        return None
    try:
        found = contract.interface.decode_event(log)
    except RefusedInput as error:
        raise malformed(f"log of {contract.name}", log.data, error.what) from error
    if found is None:
        return None
    name, values = found
    kind = EVENTS.get(contract.interface.name, {}).get(name)
    if kind is None:
        return None
    place = LogPlace(log.address, log.block_number, log.block_hash, log.tx_hash, log.log_index)
    return kind(**values, at=place)


def decode_logs(contracts: Iterable[Contract], logs: Iterable[RawLog]) -> list[ChainEvent]:
    """The events of these contracts among the logs, in order; raises as `decode_log`."""
    by_address = {contract.address: contract for contract in contracts}
    events = (decode_log(by_address[log.address], log) for log in logs if log.address in by_address)
    return [event for event in events if event is not None]


def receipt_events(receipt: Receipt, contract: Contract) -> list[ChainEvent]:
    """What `contract` says happened in a transaction."""
    return decode_logs([contract], receipt.logs)
