"""What device, nodes, judges and readers sign about a job. Pure."""

from __future__ import annotations

from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens
from edgemark.systems.outsourcing.identifiers import JobId, TaskId

ACCEPTANCE = StructType(
    "Acceptance",
    (
        ("bytes32", "job"),
        ("uint256", "index"),
        ("bytes32", "root"),
        ("bytes32", "termsHash"),
        ("uint256", "stake"),
        ("uint256", "validUntil"),
    ),
)


_CHARGE = (
    ("bytes32", "job"),
    ("uint256", "index"),
    ("bytes32", "root"),
    ("address", "node"),
    ("uint8", "kind"),
)


SERVED = StructType("Served", _CHARGE)


VERDICT = StructType("Verdict", (*_CHARGE, ("uint8", "finding")))


RESULT = StructType(
    "Result",
    (
        ("bytes32", "job"),
        ("bytes32", "taskId"),
        ("uint256", "index"),
        ("address", "node"),
        ("bytes32", "shareHash"),
        ("bytes32", "outputsHash"),
        ("bytes32", "salt"),
    ),
)


READ_REQUEST = StructType(
    "ReadRequest",
    (
        ("bytes32", "job"),
        ("uint256", "index"),
        ("address", "reader"),
        ("address", "server"),
        ("uint256", "validUntil"),
    ),
)


class SettlementDomain(Domain):
    """The five messages of an outsourced job, for one JobSettlement on one chain.

    Nothing that decides who is paid stays outside a message. A result covers its salt: with it
    outside, a device handed judges an honest node's own answer with another salt, which opens no
    commitment. `Served` and `Verdict` cover root, node and kind of charge: a job id names chain,
    contract, payer and nonce alone, so without them a signature would outlive a reorganisation and
    count against whoever stands at that index then.

    Args:
        chain_id: EIP-155 chain id.
        settlement: its JobSettlement contract.
    """

    def __init__(self, chain_id: int, settlement: Address) -> None:
        super().__init__("Edgemark Outsourcing", "2", chain_id, settlement)

    def acceptance(
        self,
        job: JobId,
        index: ShareIndex,
        root: Hash32,
        terms_hash: Hash32,
        stake: Tokens,
        valid_until: Timestamp,
    ) -> Hash32:
        """A node takes an index of a job on; checked on chain."""
        return self.digest(ACCEPTANCE, (job, index, root, terms_hash, stake, valid_until))

    def served(
        self, job: JobId, index: ShareIndex, root: Hash32, node: Address, kind: int
    ) -> Hash32:
        """A judge holds the well-formed task of an index charged as `kind`; checked on chain."""
        return self.digest(SERVED, (job, index, root, node, kind))

    def verdict(
        self, job: JobId, index: ShareIndex, root: Hash32, node: Address, kind: int, finding: int
    ) -> Hash32:
        """A judge's finding, the number of IJobSettlement.Finding; checked on chain."""
        return self.digest(VERDICT, (job, index, root, node, kind, finding))

    def result(
        self,
        job: JobId,
        task_id: TaskId,
        index: ShareIndex,
        node: Address,
        share_hash: Hash32,
        outputs_hash: Hash32,
        salt: bytes,
    ) -> Hash32:
        """A node's result R_j; checked by the device and the judges."""
        return self.digest(RESULT, (job, task_id, index, node, share_hash, outputs_hash, salt))

    def read_request(
        self,
        job: JobId,
        index: ShareIndex,
        reader: Address,
        server: Address,
        valid_until: Timestamp,
    ) -> Hash32:
        """A reader asks exactly one server for what belongs to it; checked by that server."""
        return self.digest(READ_REQUEST, (job, index, reader, server, valid_until))
