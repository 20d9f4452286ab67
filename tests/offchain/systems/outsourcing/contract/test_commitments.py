"""Every hash of a job against the shared vectors, and against a second implementation of each."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from tests.offchain.crypto.elements import elements, vectors
from tests.offchain.systems.outsourcing.contract import outsourcing_vectors

from edgemark.crypto.ethereum.abi import encode_uint
from edgemark.crypto.ethereum.merkle import check_branch
from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.crypto.field.field import FIELD, NotAnElement, Q, WrongLength
from edgemark.crypto.polynomial import parse_polynomial
from edgemark.crypto.sharing.verification import multiply_checks
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, ShareIndex
from edgemark.systems.outsourcing.contract import hashes as c
from edgemark.systems.outsourcing.identifiers import JobId, TaskId


def raw(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(outsourcing_vectors.PATH.read_text())
    return loaded


def test_vectors__are_what_this_code_computes(example: dict[str, Any]) -> None:
    assert outsourcing_vectors.compute() == example


def test_vectors__job_id_and_commitment__are_those_of_another_abi_encoder(
    example: dict[str, Any],
) -> None:
    words = (example["chainId"], example["settlement"])
    job = keccak(
        encode(["uint256", "address", "address", "uint256"], [*words, example["payer"], 7])
    )
    assert raw(example["jobId"]) == job
    own = example["shares"][example["index"] - 1]
    types = ["uint256", "address", "bytes32", "bytes32", "address", "bytes32", "bytes32"]
    values = [
        *(*words, job, raw(own["taskId"]), example["node"]),
        *(raw(example["outputs"]["hash"]), raw(example["salt"])),
    ]
    assert raw(example["commitment"]) == keccak(encode(types, values))


def test_vectors__task_ids_leaves_and_branches__are_the_formulas(example: dict[str, Any]) -> None:
    job, function = raw(example["jobId"]), raw(example["function"]["hash"])
    assert sha256(raw(example["function"]["bytes"])).digest() == function
    domain = keccak(b"edgemark/outsourcing/task/1")
    for share in example["shares"]:
        share_hash = sha256(raw(share["bytes"])).digest()
        assert raw(share["hash"]) == share_hash
        task = keccak(domain + share["index"].to_bytes(2, "big") + function + share_hash + job)
        assert raw(share["taskId"]) == task
        assert raw(share["leaf"]) == keccak(task)
        branch = [raw(node) for node in share["branch"]]
        check_branch(raw(example["root"]), keccak(task), share["index"] - 1, 6, branch)


def test_vectors__outputs__are_those_of_the_share(example: dict[str, Any]) -> None:
    function = parse_polynomial(raw(example["function"]["bytes"]))
    own = example["shares"][example["index"] - 1]
    inputs, weight = c.split_share(raw(own["bytes"]), 2, 2)
    values = function.evaluate(inputs)
    assert raw(example["outputs"]["values"]) == values
    assert raw(example["outputs"]["checks"]) == multiply_checks(values, weight)
    outputs = values + multiply_checks(values, weight)
    assert raw(example["outputs"]["hash"]) == sha256(outputs).digest()


def test_vectors__terms_hash__is_keccak_of_the_tuple(example: dict[str, Any]) -> None:
    values = []
    for name, value in example["terms"].items():
        if name in ("functionHash", "jobKey"):
            values.append(raw(value))
        else:
            values.append(int(value))
    encoded = encode([c.TERMS_ABI], [tuple(values)])
    assert encoded[:32] == encode_uint(32)  # abi.encode of a dynamic struct starts with its offset
    assert raw(example["termsHash"]) == keccak(encoded)


def test_vectors__signatures__recover_their_signers(example: dict[str, Any]) -> None:
    for name, signed in example["signatures"].items():
        digest = raw(example["digests"][name])
        assert recover(digest, raw(signed["signature"])) == signed["signer"]


@given(vectors(6), elements)
def test_share__taken_apart__is_the_same(inputs: bytes, weight: int) -> None:
    assert c.split_share(c.encode_share(inputs, weight), 3, 2) == (inputs, weight)


@pytest.mark.parametrize(("inputs", "batch"), [(3, 2), (2, 3), (1, 1), (0, 0)])
def test_share__of_another_shape__is_refused(inputs: int, batch: int) -> None:
    with pytest.raises(WrongLength):
        c.split_share(c.encode_share(FIELD.pack([1, 2, 3, 4]), 5), inputs, batch)


def test_share__with_a_number_of_q__is_refused() -> None:
    with pytest.raises(NotAnElement):
        c.split_share(FIELD.pack([1]) + Q.to_bytes(17, "big"), 1, 1)
    with pytest.raises(NotAnElement):
        c.encode_share(Q.to_bytes(17, "big"), 1)
    with pytest.raises(NotAnElement):
        c.encode_share(FIELD.pack([1]), Q)
    with pytest.raises(WrongLength):
        c.encode_share(b"", 1)


def test_bad_parts__are_refused() -> None:
    settlement, payer = outsourcing_vectors.SETTLEMENT, outsourcing_vectors.PAYER
    word = Hash32(bytes(32))
    with pytest.raises(RefusedInput):
        c.compute_job_id(1, settlement, payer, -1)
    with pytest.raises(RefusedInput):
        c.compute_job_id(2**256, settlement, payer, 0)
    for index in (0, -1, 256):
        with pytest.raises(RefusedInput):
            c.compute_task_id(ShareIndex(index), word, word, JobId(word))
    with pytest.raises(RefusedInput):
        c.compute_task_id(ShareIndex(1), Hash32(b"short"), word, JobId(word))
    with pytest.raises(RefusedInput):
        c.compute_leaf(TaskId(b""))
    with pytest.raises(RefusedInput):
        c.compute_commitment(1, settlement, JobId(word), TaskId(word), payer, word, b"salt")


@pytest.mark.parametrize(
    "change", [{0: b"short"}, {1: -1}, {5: 256}, {11: "text"}, {12: 2**96}, {17: 2**40}]
)
def test_terms__value_that_does_not_fit__is_refused(change: dict[int, object]) -> None:
    values = list(outsourcing_vectors.terms_tuple())
    for position, value in change.items():
        values[position] = value
    with pytest.raises(RefusedInput):
        c.compute_terms_hash(values)


def test_terms__one_missing__is_refused() -> None:
    with pytest.raises(RefusedInput):
        c.compute_terms_hash(outsourcing_vectors.terms_tuple()[:-1])


def test_every_part_of_a_commitment__changes_it() -> None:
    a, b = Hash32(bytes(32)), Hash32(b"\1" * 32)
    settlement, payer = outsourcing_vectors.SETTLEMENT, outsourcing_vectors.PAYER
    first = (1, settlement, JobId(a), TaskId(a), payer, a, a)
    others = (2, payer, JobId(b), TaskId(b), settlement, b, b)
    seen = {c.compute_commitment(*first)}
    for position, other in enumerate(others):
        changed = (*first[:position], other, *first[position + 1 :])
        seen.add(c.compute_commitment(*changed))  # type: ignore[arg-type]
    assert len(seen) == 8
