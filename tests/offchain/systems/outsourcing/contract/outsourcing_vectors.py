"""The worked example of every hash and signature of an outsourced job, for all languages.

It writes `tests/vectors/outsourcing.json` anew:

    python -m tests.offchain.systems.outsourcing.contract.outsourcing_vectors
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.hashing import hash_long, keccak256
from edgemark.crypto.ethereum.merkle import MerkleTree
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.polynomial import DenseQuadratic, SparsePolynomial
from edgemark.crypto.sharing.verification import multiply_checks
from edgemark.identifiers import (
    Hash32,
    ShareIndex,
    Timestamp,
    Tokens,
    parse_address,
    parse_hash32,
)
from edgemark.systems.outsourcing.contract import hashes as c
from edgemark.systems.outsourcing.contract.statements import SettlementDomain

PATH = Path(__file__).resolve().parents[4] / "vectors" / "outsourcing.json"

CHAIN_ID = 31337
SETTLEMENT = parse_address("0x" + "5e" * 20)
PAYER = parse_address("0x" + "0a" * 20)
NONCE = 7
NODES = 6
INDEX = ShareIndex(2)
SALT = keccak256(b"a salt for the example")
NODE_KEY = SecretKey(keccak256(b"the node's key of the example"))
JUDGE_KEY = SecretKey(keccak256(b"a judge's key of the example"))
VALID_UNTIL = Timestamp(1_900_000_000)
STAKE = Tokens(12 * 10**18)
KIND_WRONG, FINDING_WRONG = 1, 2

# k = 2, n = 2, B = 2; the numbers reach into the 51 residues above 2^128
FUNCTION = DenseQuadratic.from_terms(
    2, 2, {(): [1, Q - 1], (0,): [2, 0], (0, 1): [3, 2**128], (1, 1): [0, 5]}
)
SPARSE = SparsePolynomial.from_terms(3, 1, {(): [4], (0, 0, 2): [Q - 2], (1,): [2**128 + 50]})
SHARES = [(FIELD.pack([j, 2**128 + j, Q - j, 17 * j]), 1000 + j) for j in range(1, NODES + 1)]


def hexed(value: bytes) -> str:
    """Bytes as the chain's tools print them."""
    return "0x" + value.hex()


def terms_tuple() -> tuple[object, ...]:
    """IJobSettlement.Terms in its order."""
    return (
        *(FUNCTION.hash, len(FUNCTION.to_bytes()), FUNCTION.term_count, 2, 2),
        *(2, 1, 1, NODES, 2, len(c.encode_share(*SHARES[0])), NODE_KEY.public_key),
        *(10**18, STAKE, 10**17, 1_899_990_000, 1_899_995_000, 1_899_999_000),
    )


TERM_NAMES = (
    *("functionHash", "functionBytes", "termCount", "inputs", "outputs", "degree"),
    *("threshold", "errors", "nodeCount", "batch", "shareBytes", "jobKey"),
    *("fee", "stake", "judgeFee", "acceptBy", "computeBy", "collectBy"),
)


def plain(value: object) -> object:
    """A value of the terms for JSON: bytes as hex, amounts beyond 2^53 as decimal strings."""
    if isinstance(value, bytes):
        return hexed(value)
    return str(value) if isinstance(value, int) and value >= 2**53 else value


JOB = c.compute_job_id(CHAIN_ID, SETTLEMENT, PAYER, NONCE)
TASKS = [
    c.compute_task_id(
        ShareIndex(j), FUNCTION.hash, c.compute_share_hash(c.encode_share(*share)), JOB
    )
    for j, share in enumerate(SHARES, 1)
]
TREE = MerkleTree([c.compute_leaf(task) for task in TASKS])


def compute_tasks() -> dict[str, Any]:
    """From the function and the shares to the root."""
    shares = []
    for j, task in enumerate(TASKS, 1):
        share = c.encode_share(*SHARES[j - 1])
        shares.append(
            {
                "index": j,
                "bytes": hexed(share),
                "hash": hexed(c.compute_share_hash(share)),
                "taskId": hexed(task),
                "leaf": hexed(c.compute_leaf(task)),
                "branch": [hexed(node) for node in TREE.branch(j - 1)],
            }
        )
    return {
        "jobId": hexed(JOB),
        "function": {"bytes": hexed(FUNCTION.to_bytes()), "hash": hexed(FUNCTION.hash)},
        "sparseFunction": {"bytes": hexed(SPARSE.to_bytes()), "hash": hexed(SPARSE.hash)},
        "taskDomain": hexed(c.TASK_DOMAIN),
        "shares": shares,
        "root": hexed(TREE.root),
    }


def compute_result() -> dict[str, Any]:
    """What the node of `INDEX` returns and commits to."""
    inputs, weight = SHARES[INDEX - 1]
    values = FUNCTION.evaluate(inputs)
    checks = multiply_checks(values, weight)
    outputs_hash = hash_long(values, checks)
    commitment = c.compute_commitment(
        CHAIN_ID, SETTLEMENT, JOB, TASKS[INDEX - 1], NODE_KEY.address, outputs_hash, SALT
    )
    return {
        "index": INDEX,
        "node": NODE_KEY.address,
        "outputs": {"values": hexed(values), "checks": hexed(checks), "hash": hexed(outputs_hash)},
        "salt": hexed(SALT),
        "commitment": hexed(commitment),
    }


def compute_signed(share_hash: Hash32, outputs_hash: Hash32) -> dict[str, Any]:
    """The digests of all messages, and signatures of those that somebody checks later."""
    domain = SettlementDomain(CHAIN_ID, SETTLEMENT)
    node, task = NODE_KEY.address, TASKS[INDEX - 1]
    terms_hash = c.compute_terms_hash(terms_tuple())
    charge = (JOB, INDEX, TREE.root, node, KIND_WRONG)
    digests = {
        "acceptance": domain.acceptance(JOB, INDEX, TREE.root, terms_hash, STAKE, VALID_UNTIL),
        "served": domain.served(*charge),
        "verdict": domain.verdict(*charge, FINDING_WRONG),
        "result": domain.result(JOB, task, INDEX, node, share_hash, outputs_hash, SALT),
        "readRequest": domain.read_request(JOB, INDEX, PAYER, node, VALID_UNTIL),
    }
    signers = {"acceptance": NODE_KEY, "served": JUDGE_KEY, "verdict": JUDGE_KEY}
    return {
        "terms": {name: plain(v) for name, v in zip(TERM_NAMES, terms_tuple(), strict=True)},
        "termsHash": hexed(terms_hash),
        "domainSeparator": hexed(domain.separator),
        "validUntil": VALID_UNTIL,
        "kind": KIND_WRONG,
        "finding": FINDING_WRONG,
        "digests": {name: hexed(digest) for name, digest in digests.items()},
        "signatures": {
            name: signature_of(key, digests[name])
            for name, key in {**signers, "result": NODE_KEY}.items()
        },
    }


def compute() -> dict[str, Any]:
    """The whole file."""
    tasks, result = compute_tasks(), compute_result()
    hashes = (tasks["shares"][INDEX - 1]["hash"], result["outputs"]["hash"])
    return {
        "source": "computed by edgemark, checked in Solidity, Python",
        "chainId": CHAIN_ID,
        "settlement": SETTLEMENT,
        "payer": PAYER,
        "nonce": NONCE,
        **tasks,
        **result,
        **compute_signed(*(parse_hash32(each) for each in hashes)),
    }


def signature_of(key: SecretKey, digest: Hash32) -> dict[str, str]:
    """A signature and who made it."""
    return {"signer": key.address, "signature": hexed(key.sign(digest))}


if __name__ == "__main__":
    PATH.write_text(json.dumps(compute(), indent=2) + "\n")
