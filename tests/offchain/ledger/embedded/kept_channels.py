"""Channels in memory, to simulate on: a dictionary with versions and history.

Why no real channel: what a simulation reads is set by hand here, and what it leaves is written
without validation, so that each test says which state it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edgemark.ledger.embedded.approvals import write_approval
from edgemark.ledger.embedded.definitions import approval_key, write_definition
from edgemark.ledger.fabric.identities.members import Organisation
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.definitions import Approval, ChaincodeDefinition
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.read_write_sets import Version, parse_results

Values = dict[tuple[str, str], tuple[bytes, Version]]


@dataclass(frozen=True)
class KeptRow:
    transaction_id: str
    timestamp_ns: int
    is_delete: bool
    value: bytes


@dataclass
class KeptView:
    height: int
    values: Values
    rows: Mapping[tuple[str, str], list[KeptRow]]
    is_closed: bool = False
    open_ranges: int = 0

    def get(self, namespace: str, key: str) -> tuple[bytes, Version] | None:
        assert not self.is_closed
        return self.values.get((namespace, key))

    def range(self, namespace: str, start: str, end: str) -> Iterator[tuple[str, bytes, Version]]:
        assert not self.is_closed
        first = start or "\x01"
        keys = sorted((key for name, key in self.values if name == namespace), key=str.encode)
        self.open_ranges += 1
        try:
            for key in keys:
                if key.encode() >= first.encode() and (not end or key.encode() < end.encode()):
                    yield key, *self.values[namespace, key]
        finally:
            self.open_ranges -= 1

    def history(self, namespace: str, key: str) -> Iterator[KeptRow]:
        yield from reversed(self.rows.get((namespace, key), []))

    def close(self) -> None:
        self.is_closed = True


@dataclass
class KeptChannel:
    name: str
    organisations: Mapping[str, Organisation]
    height: int = 1
    values: Values = field(default_factory=dict)
    rows: dict[tuple[str, str], list[KeptRow]] = field(default_factory=dict)
    views: list[KeptView] = field(default_factory=list)
    blocks: dict[int, bytes] = field(default_factory=dict)
    by_hash: dict[bytes, int] = field(default_factory=dict)
    transactions: dict[str, tuple[bytes, Code]] = field(default_factory=dict)

    def view(self) -> KeptView:
        view = KeptView(self.height, dict(self.values), self.rows)
        self.views.append(view)
        return view

    def put(self, namespace: str, key: str, value: bytes | None, transaction_id: str = "t") -> None:
        if value is None:
            self.values.pop((namespace, key), None)
        else:
            self.values[namespace, key] = (value, Version(self.height, 0))
        row = KeptRow(transaction_id, self.height * 10**9, value is None, value or b"")
        self.rows.setdefault((namespace, key), []).append(row)

    def commit(self, results: bytes, transaction_id: str = "t") -> None:
        """Write what a simulation left, as a block of its own."""
        for each in parse_results(results):
            for write in each.writes:
                self.put(each.namespace, write.key, write.value, transaction_id)
        self.height += 1

    def define(
        self, name: str, packages: Mapping[str, str], sequence: int = 1, *, init: bool = False
    ) -> None:
        """Have a chaincode agreed on, and approved with a package (by MSP id)."""
        definition = ChaincodeDefinition(name, f"{sequence}.0", sequence, b"", init)
        for key, value in write_definition(definition):
            self.put(LIFECYCLE, key, value)
        for msp_id, package_id in packages.items():
            key = approval_key(msp_id, name, sequence)
            self.put(LIFECYCLE, key, write_approval(Approval(definition, package_id)))
        self.height += 1

    def block(self, number: int) -> bytes | None:
        return self.blocks.get(number)

    def block_by_hash(self, block_hash: bytes) -> bytes | None:
        return self.blocks.get(self.by_hash.get(block_hash, -1))

    def block_of(self, transaction_id: str) -> bytes | None:
        return self.blocks.get(1) if transaction_id in self.transactions else None

    def transaction(self, transaction_id: str) -> tuple[bytes, Code] | None:
        return self.transactions.get(transaction_id)

    def config_block(self) -> bytes:
        return self.blocks[0]
