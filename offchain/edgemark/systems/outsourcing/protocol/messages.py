"""What parties say to each other, as canonical bytes.

| message         | from -> to                     | protocol step |
|-----------------|--------------------------------|---------------|
| `Offer`         | device -> node                 | 2 accept      |
| `Acceptance`    | node -> device, in its reply to an offer | 2 accept |
| `Task`  (T_j)   | device -> node, judge; judge -> judge, charged node | 3 compute, 5 charge |
| `Answer` (R_j)  | node -> device, judge; device -> judge; judge -> judge | 3, 5 |
| `ReadRequest`   | device -> node, judge; charged node -> judge | 3, 5 |
| `Evidence`      | device -> judge; judge -> judge | 5 charge |
| `Opinion`       | judge -> judge                 | 5 charge      |

What is asked before there is a job stands in `steps.inquire`.

A message proves itself: a task by its Merkle branch, acceptance, answer and opinion by their
signatures, a read by the reader's signature for one server. TLS keeps them private on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import Reader, Writer
from edgemark.identifiers import (
    Address,
    Hash32,
    ShareIndex,
    Timestamp,
    parse_address,
    parse_share_index,
)
from edgemark.systems.outsourcing.contract.hashes import (
    compute_commitment,
    compute_share_hash,
    compute_task_id,
)
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import JOB_KEY_BYTES, Terms
from edgemark.systems.outsourcing.identifiers import JobId, TaskId
from edgemark.systems.outsourcing.limits import (
    MAX_ANSWER_BYTES,
    MAX_NODES,
    MAX_OUTPUT_BYTES,
    MAX_SHARE_BYTES,
    MAX_TASK_BYTES,
)

MAX_BRANCH = 6  # MAX_NODES = 2^6 leaves
SIGNATURE_BYTES = 65
SALT_BYTES = 32

_WIDTHS = {
    "function_bytes": 4,
    "term_count": 4,
    "inputs": 4,
    "outputs": 4,
    "degree": 1,
    "threshold": 1,
    "errors": 1,
    "node_count": 1,
    "batch": 4,
    "share_bytes": 4,
    "fee": 12,
    "stake": 12,
    "judge_fee": 12,
    "accept_by": 5,
    "compute_by": 5,
    "collect_by": 5,
}


def write_terms(writer: Writer, terms: Terms) -> None:
    """Append terms, field by field."""
    for item in fields(Terms):
        value = getattr(terms, item.name)
        if item.name in _WIDTHS:
            writer.integer(value, _WIDTHS[item.name])
        else:
            writer.fixed(value, JOB_KEY_BYTES if item.name == "job_key" else 32)


def read_terms(reader: Reader) -> Terms:
    """Terms as they were written; nothing of them is checked but their widths."""
    values: dict[str, object] = {}
    for item in fields(Terms):
        if item.name in _WIDTHS:
            values[item.name] = reader.integer(_WIDTHS[item.name])
        else:
            values[item.name] = reader.fixed(JOB_KEY_BYTES if item.name == "job_key" else 32)
    return Terms(**values)  # type: ignore[arg-type]


def _write_place(writer: Writer, job: JobId, index: ShareIndex) -> None:
    writer.fixed(job, 32).integer(index, 1)


def _read_place(reader: Reader) -> tuple[JobId, ShareIndex]:
    job = JobId(reader.fixed(32))
    return job, parse_share_index(reader.integer(1), MAX_NODES)


@dataclass(frozen=True)
class Offer:
    """Asks the node named at `index` to accept the job under `terms`.

    The chain stores a hash of the list of nodes only; whoever brings an acceptance shows the list.
    """

    job: JobId
    index: ShareIndex
    terms: Terms
    nodes: tuple[Address, ...]

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        _write_place(writer, self.job, self.index)
        write_terms(writer, self.terms)
        writer.integer(len(self.nodes), 1)
        for node in self.nodes:
            writer.fixed(bytes.fromhex(node[2:]), 20)
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> Offer:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="offer")
        job, index = _read_place(reader)
        terms = read_terms(reader)
        count = reader.integer(1, most=MAX_NODES)
        nodes = tuple(parse_address(reader.fixed(20)) for _ in range(count))
        reader.finish()
        return Offer(job, index, terms, nodes)


@dataclass(frozen=True)
class Acceptance:
    """A node takes an index on, under the terms, root and stake that it signs; anybody brings it.

    Attributes:
        valid_until: last second at which the contract takes it; see `steps.accept`.
        signature: EIP-712 `Acceptance` by the node, 65 bytes.
    """

    job: JobId
    index: ShareIndex
    valid_until: Timestamp
    signature: bytes = field(repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        _write_place(writer, self.job, self.index)
        return writer.integer(self.valid_until, 5).fixed(self.signature, SIGNATURE_BYTES).finish()

    @staticmethod
    def from_wire(message: bytes) -> Acceptance:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="acceptance")
        job, index = _read_place(reader)
        valid_until, signature = Timestamp(reader.integer(5)), reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Acceptance(job, index, valid_until, signature)


@dataclass(frozen=True)
class Task:
    """T_j: one node's share of one job, with the branch that ties it to the posted root.

    Attributes:
        job: the job it belongs to.
        index: j, 1..m.
        function_hash: H(F).
        share: packed (v(j), w(j)); secret, never printed.
        branch: sibling hashes from leaf j to the root.
    """

    job: JobId
    index: ShareIndex
    function_hash: Hash32
    share: bytes = field(repr=False)
    branch: tuple[Hash32, ...]

    @cached_property
    def share_hash(self) -> Hash32:
        """H(share_j)."""
        return compute_share_hash(self.share)

    @cached_property
    def task_id(self) -> TaskId:
        """ID_Tj = keccak(domain, j, H(F), H(share_j), job)."""
        return TaskId(compute_task_id(self.index, self.function_hash, self.share_hash, self.job))

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        _write_place(writer, self.job, self.index)
        writer.fixed(self.function_hash, 32).variable(self.share).integer(len(self.branch), 1)
        for sibling in self.branch:
            writer.fixed(sibling, 32)
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> Task:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="task")
        job, index = _read_place(reader)
        function_hash = Hash32(reader.fixed(32))
        share = reader.variable(most=MAX_SHARE_BYTES)
        count = reader.integer(1, most=MAX_BRANCH)
        branch = tuple(Hash32(reader.fixed(32)) for _ in range(count))
        reader.finish()
        return Task(job, index, function_hash, share, branch)


@dataclass(frozen=True)
class Answer:
    """R_j: a node's outputs for one task, signed for that task alone.

    The paper signs (c_j, b_j) only; such a signature, replayed in another task, frames its honest
    signer. This one covers chain, settlement, job, ID_Tj, j, node, H(share), the outputs and the
    salt: no part of an answer stays outside it.

    Attributes:
        outputs: packed (c_j, b_j); secret to the device and, when charged, the judges.
        salt: opens the node's commitment on chain.
        signature: EIP-712 `Result` by the node, 65 bytes.
    """

    job: JobId
    index: ShareIndex
    task_id: TaskId
    share_hash: Hash32
    outputs: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @cached_property
    def outputs_hash(self) -> Hash32:
        """H(c_j, b_j)."""
        return hash_long(self.outputs)

    def commitment(self, domain: SettlementDomain, node: Address) -> Hash32:
        """What `node` puts on chain before it shows this answer."""
        return compute_commitment(
            domain.chain_id,
            domain.contract,
            self.job,
            self.task_id,
            node,
            self.outputs_hash,
            self.salt,
        )

    def digest(self, domain: SettlementDomain, node: Address) -> Hash32:
        """What `node` signs."""
        return domain.result(
            self.job,
            self.task_id,
            self.index,
            node,
            self.share_hash,
            self.outputs_hash,
            self.salt,
        )

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        _write_place(writer, self.job, self.index)
        writer.fixed(self.task_id, 32).fixed(self.share_hash, 32).variable(self.outputs)
        writer.fixed(self.salt, SALT_BYTES).fixed(self.signature, SIGNATURE_BYTES)
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> Answer:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="answer")
        job, index = _read_place(reader)
        task_id, share_hash = TaskId(reader.fixed(32)), Hash32(reader.fixed(32))
        outputs = reader.variable(most=MAX_OUTPUT_BYTES)
        salt, signature = reader.fixed(SALT_BYTES), reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Answer(job, index, task_id, share_hash, outputs, salt, signature)


@dataclass(frozen=True)
class Evidence:
    """What a judge needs: the terms, the charged task and, charged as wrong, the signed answer."""

    terms: Terms
    task: Task
    answer: Answer | None

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        write_terms(writer, self.terms)
        writer.variable(self.task.to_wire())
        writer.variable(b"" if self.answer is None else self.answer.to_wire())
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> Evidence:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="evidence")
        terms = read_terms(reader)
        task = Task.from_wire(reader.variable(most=MAX_TASK_BYTES))
        signed = reader.variable(most=MAX_ANSWER_BYTES)
        reader.finish()
        return Evidence(terms, task, Answer.from_wire(signed) if signed else None)


@dataclass(frozen=True)
class ReadRequest:
    """Asks one server for an answer or a task.

    It names the server, so that a node which receives one cannot collect the other nodes' answers
    with it: dt + 1 of them are F(x).
    """

    job: JobId
    index: ShareIndex
    reader: Address
    server: Address
    valid_until: Timestamp
    signature: bytes = field(default=b"", repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        _write_place(writer, self.job, self.index)
        writer.fixed(bytes.fromhex(self.reader[2:]), 20)
        writer.fixed(bytes.fromhex(self.server[2:]), 20)
        writer.integer(self.valid_until, 5).fixed(self.signature, SIGNATURE_BYTES)
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> ReadRequest:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="read request")
        job, index = _read_place(reader)
        who, server = parse_address(reader.fixed(20)), parse_address(reader.fixed(20))
        valid_until, signature = Timestamp(reader.integer(5)), reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return ReadRequest(job, index, who, server, valid_until, signature)


@dataclass(frozen=True)
class Opinion:
    """One judge's signature under `served` (finding NONE) or under a verdict."""

    job: JobId
    index: ShareIndex
    finding: Finding
    signature: bytes = field(repr=False)

    def to_wire(self) -> bytes:
        """Canonical bytes."""
        writer = Writer()
        _write_place(writer, self.job, self.index)
        writer.integer(self.finding, 1).fixed(self.signature, SIGNATURE_BYTES)
        return writer.finish()

    @staticmethod
    def from_wire(message: bytes) -> Opinion:
        """Parse; raises `MalformedMessage` or `RefusedInput`."""
        reader = Reader(message, who="opinion")
        job, index = _read_place(reader)
        finding = Finding(reader.integer(1, most=max(Finding)))
        signature = reader.fixed(SIGNATURE_BYTES)
        reader.finish()
        return Opinion(job, index, finding, signature)
