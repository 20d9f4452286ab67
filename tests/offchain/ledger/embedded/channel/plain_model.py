"""What a channel has to do, told plainly: whole states in a list, and transactions run again.

A transaction counts when everything that it read is as it was: for each key, who wrote it last, and
nobody touched it earlier in the block (as Fabric has it, also where a delete brought back what was
seen); for each range, all of it. Nothing here knows a version number, a table or a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgemark.ledger.fabric.wire.codes import Code

Writer = tuple[int, int, int]  # block and place of who wrote a value, and after how many reverts
State = Mapping[str, tuple[bytes, Writer]]
NEVER = None


@dataclass(frozen=True)
class PlainRange:
    """What was read of a range: up to how many rows, and the rows."""

    start: str
    end: str
    most: int | None
    rows: tuple[tuple[str, Writer], ...]


@dataclass(frozen=True)
class PlainTransaction:
    """What one transaction read and wants to write.

    Attributes:
        name: its id.
        sequence: number of the chaincode's definition that it saw, and after how many reverts it
            was agreed on.
        reads: key -> who wrote it last; None: nobody.
        ranges: in their order.
        writes: key -> value; None deletes, and so does an empty one.
        is_endorsed: whether enough endorsed it.
    """

    name: str
    sequence: tuple[int, int]
    reads: Mapping[str, Writer | None]
    ranges: tuple[PlainRange, ...]
    writes: Mapping[str, bytes | None]
    is_endorsed: bool


@dataclass
class PlainChannel:
    """All states that a channel had, by height, and the definition's number in each."""

    states: list[State] = field(default_factory=lambda: [{}, {}])
    sequences: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0), (1, 0)])
    ids: list[frozenset[str]] = field(default_factory=lambda: [frozenset(), frozenset()])
    told: list[list[tuple[str, str, bytes | None]]] = field(default_factory=lambda: [[], []])
    reverts: int = 0

    @property
    def height(self) -> int:
        return len(self.states)

    def read_range(
        self, start: str, end: str, most: int | None, state: State | None = None
    ) -> tuple[tuple[str, Writer], ...]:
        state = self.states[-1] if state is None else state
        keys = sorted(
            key
            for key in state
            if (start <= key if start else not key.startswith("\x00")) and (not end or key < end)
        )
        return tuple((key, state[key][1]) for key in keys[:most])

    def commit(self, block: list[PlainTransaction]) -> list[Code]:
        below = self.ids[-1]
        alone = [self._judge_alone(each, below) for each in block]
        seen: set[str] = set()
        for place, each in enumerate(block):
            if alone[place] is Code.VALID and each.name in seen:
                alone[place] = Code.DUPLICATE_TXID
            if alone[place] is Code.VALID:
                seen.add(each.name)
        state, number = dict(self.states[-1]), self.height
        told: list[tuple[str, str, bytes | None]] = []
        codes = []
        for place, (each, code) in enumerate(zip(block, alone, strict=True)):
            touched = {key for key, _, _ in told}
            codes.append(self._judge_reads(each, state, touched) if code is Code.VALID else code)
            if codes[-1] is not Code.VALID:
                continue
            for key, written in each.writes.items():
                value = written or None  # an empty one deletes
                told.append((key, each.name, value))
                state.pop(key, None)
                if value is not None:
                    state[key] = (value, (number, place, self.reverts))
        self._grow(state, self.sequences[-1], below | {each.name for each in block}, told)
        return codes

    def _judge_alone(self, each: PlainTransaction, below: frozenset[str]) -> Code:
        if each.name in below:
            return Code.DUPLICATE_TXID
        return Code.VALID if each.is_endorsed else Code.ENDORSEMENT_POLICY_FAILURE

    def _judge_reads(self, each: PlainTransaction, state: State, touched: set[str]) -> Code:
        is_same = each.sequence == self.sequences[-1] and all(
            key not in touched and (state[key][1] if key in state else NEVER) == writer
            for key, writer in each.reads.items()
        )
        if not is_same:
            return Code.MVCC_READ_CONFLICT
        for span in each.ranges:
            if self._again(span, state) != span.rows:
                return Code.PHANTOM_READ_CONFLICT
        return Code.VALID

    def _again(self, span: PlainRange, state: State) -> tuple[tuple[str, Writer], ...]:
        """A range that was left early is read again up to the last row that was seen."""
        if span.most is None or len(span.rows) < span.most:
            return self.read_range(span.start, span.end, None, state)
        last = span.rows[-1][0]
        rows = self.read_range(span.start, span.end, None, state)
        return tuple(row for row in rows if row[0] <= last)

    def upgrade(self, name: str) -> None:
        sequence = self.sequences[-1][0] + 1, self.reverts
        self._grow(self.states[-1], sequence, self.ids[-1] | {name}, [])

    def _grow(
        self,
        state: State,
        sequence: tuple[int, int],
        ids: frozenset[str],
        told: list[tuple[str, str, bytes | None]],
    ) -> None:
        self.states.append(state)
        self.sequences.append(sequence)
        self.ids.append(ids)
        self.told.append(told)

    def revert(self, height: int) -> None:
        self.reverts += height < self.height
        for each in (self.states, self.sequences, self.ids, self.told):
            del each[height:]

    def history(self, key: str) -> list[tuple[str, bytes | None]]:
        found = [(name, value) for block in self.told for one, name, value in block if one == key]
        return found[::-1]
