"""Events of our contracts as typed values, field for field in the order of the Solidity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from edgemark.identifiers import Address, Hash32, JobId, Timestamp, Tokens
from edgemark.ledger.blocks import RawLog, Receipt
from edgemark.ledger.interface import Contract


@dataclass(frozen=True)
class LogPlace:
    """Where a log stands on the chain.

    Args:
        contract: that wrote it.
        block_number: height.
        block_hash: of the block.
        tx_hash: of the transaction.
        log_index: position in the block.
    """

    contract: Address
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True)
class ChainEvent:
    """Something that a contract says happened.

    Args:
        at: where it stands; no part of the comparison.
    """

    at: LogPlace = field(compare=False, kw_only=True)


# --- Settlement --------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobPosted(ChainEvent):
    """The payer posted a job; `terms` has the fields of `ISettlement.Terms`."""

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
class HarmShared(ChainEvent):
    """Undecidable who failed: both lost."""

    job: JobId
    index: int
    node: Address
    lost_by_each: Tokens


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
class SettlementDeprecated(ChainEvent):
    """No new jobs from here on."""

    guardian: Address


# --- AssetAnchor -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deposited(ChainEvent):
    """Tokens came into an account."""

    account: Address
    payer: Address
    received: Tokens


@dataclass(frozen=True)
class Withdrawn(ChainEvent):
    """Tokens left an account."""

    account: Address
    to: Address
    amount: Tokens


@dataclass(frozen=True)
class LockerAllowed(ChainEvent):
    """An account set what a locker may lock."""

    account: Address
    locker: Address
    allowance: Tokens


@dataclass(frozen=True)
class Locked(ChainEvent):
    """Tokens were locked."""

    lock_id: int
    owner: Address
    locker: Address
    amount: Tokens
    expires_at: Timestamp


@dataclass(frozen=True)
class Paid(ChainEvent):
    """Tokens moved from a lock to an account."""

    lock_id: int
    to: Address
    locker: Address
    amount: Tokens


@dataclass(frozen=True)
class LockReturned(ChainEvent):
    """A lock expired; the rest went back."""

    lock_id: int
    owner: Address
    caller: Address
    amount: Tokens


# --- ParticipantRegistry -----------------------------------------------------------------------


@dataclass(frozen=True)
class ParticipantRegistered(ChainEvent):
    """An account registered; `role` as in `records.Role`."""

    account: Address
    role: int
    provider: Address
    tls_key_hash: Hash32
    endpoint: str


@dataclass(frozen=True)
class MemberAdmitted(ChainEvent):
    """A provider admitted an account."""

    provider: Address
    account: Address


@dataclass(frozen=True)
class ProviderNamed(ChainEvent):
    """A provider registered under a name."""

    provider: Address
    name: str


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


EVENTS: dict[str, dict[str, type[ChainEvent]]] = {
    "Settlement": {
        kind.__name__: kind
        for kind in (
            JobPosted,
            NodeAccepted,
            JobStarted,
            JobCancelled,
            ResultCommitted,
            NodePaid,
            HarmShared,
            NodeCharged,
            ChargeServed,
            NodeConvicted,
            ChargeRefuted,
            ChargeAnswered,
            ChargeVoided,
            ChargeLapsed,
            SettlementDeprecated,
        )
    },
    "AssetAnchor": {
        kind.__name__: kind
        for kind in (Deposited, Withdrawn, LockerAllowed, Locked, Paid, LockReturned)
    },
    "ParticipantRegistry": {
        kind.__name__: kind for kind in (ParticipantRegistered, MemberAdmitted, ProviderNamed)
    },
    "MetaCoin": {kind.__name__: kind for kind in (Transfer, Approval)},
}


def decode_log(contract: Contract, log: RawLog) -> ChainEvent | None:
    """The event of a log, or None when it is of another contract or kind."""
    if log.address != contract.address:
        return None
    found = contract.interface.decode_event(log)
    if found is None:
        return None
    name, values = found
    kind = EVENTS.get(contract.interface.name, {}).get(name)
    if kind is None:
        return None
    place = LogPlace(log.address, log.block_number, log.block_hash, log.tx_hash, log.log_index)
    return kind(**values, at=place)


def decode_logs(contracts: Iterable[Contract], logs: Iterable[RawLog]) -> list[ChainEvent]:
    """The events of these contracts among the logs, in the order of the logs."""
    by_address = {contract.address: contract for contract in contracts}
    events = (decode_log(by_address[log.address], log) for log in logs if log.address in by_address)
    return [event for event in events if event is not None]


def receipt_events(receipt: Receipt, contract: Contract) -> list[ChainEvent]:
    """What `contract` says happened in a transaction."""
    return decode_logs([contract], receipt.logs)
