"""Every hash of an outsourced job that is computed in more than one place.

Source: Meta-BMEOC IV-A "ID_Tj" and 4) "commitment", corrected: what a node signs and commits to
names chain, contract, job, index, function, share and node, so that nothing can be replayed
elsewhere.

Notation: F function, T_j task of index j, c_j outputs, b_j check values, w(j) share of the key; H
is SHA-256, of what is long and only compared: F, shares, outputs. The rest is keccak256.
`tests/vectors/outsourcing.json` has a worked example of each.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.crypto.ethereum.abi import encode, encode_address, encode_bytes32, encode_uint
from edgemark.crypto.ethereum.hashing import hash_long, keccak256
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, WrongLength, require_count
from edgemark.identifiers import Address, Hash32, ShareIndex, parse_share_index
from edgemark.systems.outsourcing.identifiers import JobId, TaskId

TASK_DOMAIN = keccak256(b"edgemark/outsourcing/task/1")
"""Separates task ids from every other hash."""

TERMS_ABI = (
    "(bytes32,uint32,uint32,uint32,uint32,uint8,uint8,uint8,uint8,uint32,uint32,bytes,"
    "uint96,uint96,uint96,uint40,uint40,uint40)"
)
"""IJobSettlement.Terms: functionHash, functionBytes, termCount, inputs, outputs, degree, threshold,
errors, nodeCount, batch, shareBytes, jobKey, fee, stake, judgeFee, acceptBy, computeBy,
collectBy."""


def compute_job_id(chain_id: int, settlement: Address, payer: Address, nonce: int) -> JobId:
    """keccak256(abi.encode(chainid, settlement, payer, nonce)).

    Raises:
        RefusedInput: chain id or nonce is no uint256.
    """
    words = (
        encode_uint(chain_id),
        encode_address(settlement),
        encode_address(payer),
        encode_uint(nonce),
    )
    return JobId(keccak256(*words))


def compute_task_id(
    index: ShareIndex, function_hash: Hash32, share_hash: Hash32, job: JobId
) -> TaskId:
    """ID_Tj = keccak256(TASK_DOMAIN || u16 j || H(F) || H(share_j) || job).

    Raises:
        RefusedInput: j is no index, or a hash is not 32 bytes.
    """
    return TaskId(
        keccak256(
            TASK_DOMAIN,
            parse_share_index(index).to_bytes(2, "big"),
            encode_bytes32(function_hash),
            encode_bytes32(share_hash),
            encode_bytes32(job),
        )
    )


def compute_leaf(task_id: TaskId) -> Hash32:
    """keccak256(ID_Tj): leaf j - 1 of the tree that the device posts."""
    return keccak256(encode_bytes32(task_id))


def encode_share(inputs: bytes, weight: int) -> bytes:
    """Canonical bytes of a share: v(j) of the whole batch, row-major, then w(j).

    Args:
        inputs: packed B x k elements.
        weight: w(j).

    Raises:
        RefusedInput: something is no element, or there is no input.
    """
    if not inputs:
        raise WrongLength("is empty", who="share inputs", had=0, needed="B * k elements")
    FIELD.check(inputs, who="share inputs")
    return bytes(inputs) + FIELD.pack([weight])


def split_share(share: bytes, inputs: int, batch: int) -> tuple[bytes, int]:
    """Take a share apart into packed v(j) and w(j).

    Args:
        share: canonical bytes, 17 * (B*k + 1) of them.
        inputs: k.
        batch: B.

    Raises:
        RefusedInput: another length, or something is no element.
    """
    require_count(share, batch * inputs + 1, who="share")
    FIELD.check(share, who="share")
    return share[:-ELEMENT_BYTES], int.from_bytes(share[-ELEMENT_BYTES:], "big")


def compute_share_hash(share: bytes) -> Hash32:
    """H(share_j) = SHA-256 of its canonical bytes."""
    return hash_long(share)


def compute_commitment(
    chain_id: int,
    settlement: Address,
    job: JobId,
    task_id: TaskId,
    node: Address,
    outputs_hash: Hash32,
    salt: bytes,
) -> Hash32:
    """keccak256(abi.encode(chainid, settlement, job, taskId, node, outputsHash, salt)).

    The salt is 32 random bytes, told only with the outputs; without it a guess of the outputs could
    be checked against the chain.

    Raises:
        RefusedInput: a part has the wrong length.
    """
    return keccak256(
        encode_uint(chain_id),
        encode_address(settlement),
        encode_bytes32(job),
        encode_bytes32(task_id),
        encode_address(node),
        encode_bytes32(outputs_hash),
        encode_bytes32(salt),
    )


def compute_terms_hash(terms: Sequence[object]) -> Hash32:
    """keccak256(abi.encode(terms)).

    Args:
        terms: the values of IJobSettlement.Terms in its order, see `TERMS_ABI`.

    Raises:
        RefusedInput: a value does not fit its type.
    """
    return keccak256(encode([TERMS_ABI], [terms]))
