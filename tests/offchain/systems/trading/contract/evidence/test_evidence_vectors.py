"""`tests/vectors/evidence_of_trading.json`, recomputed: what is signed, a leaf, an id.

The file was made with eth-abi and eth-account, of the channel and the voucher of `trading.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Tokens
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.evidence.statements import (
    ControllersDomain,
    EvidenceDomain,
    compute_evidence_id,
    compute_leaf,
)
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.identifiers import parse_channel_id

FOLDER = Path(__file__).resolve().parents[5] / "vectors"


def hash_of(text: str) -> Hash32:
    return Hash32(bytes.fromhex(text[2:]))


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((FOLDER / "evidence_of_trading.json").read_text())
    return facts


@pytest.fixture(scope="module")
def claim(vectors: dict[str, Any]) -> Claim:
    of_channel = json.loads((FOLDER / "trading.json").read_text())
    said = of_channel["values"]
    voucher = Voucher(
        int(said["index"]),
        Tokens(int(said["amount"])),
        hash_of(said["templateHash"]),
        said["controller"],
        int(said["epoch"]),
    )
    channel = parse_channel_id(of_channel["channel"])
    return Claim(channel, voucher, hash_of(vectors["credential"]))


def test_statements_of_evidence__have_the_vectors_digests(
    vectors: dict[str, Any], claim: Claim
) -> None:
    issuing = ControllersDomain(vectors["chainId"], Address(vectors["controllers"]))
    domain = EvidenceDomain(vectors["chainId"], Address(vectors["registry"]))
    found = {
        "Issuance": issuing.issuance(claim, hash_of(vectors["voucher"])),
        "Initiation": domain.initiation(claim.channel, claim.credential_hash),
        "Qualification": domain.qualification(vectors["holder"], claim.credential_hash),
    }
    assert {name: "0x" + digest.hex() for name, digest in found.items()} == vectors["digests"]


def test_leaf_and_id__are_the_vectors(vectors: dict[str, Any], claim: Claim) -> None:
    issuance = hash_of(vectors["digests"]["Issuance"])
    signatures = Signatures(*(bytes.fromhex(each[2:]) for each in vectors["signatures"]))
    assert compute_leaf(claim, issuance, signatures) == hash_of(vectors["leaf"])
    assert compute_evidence_id(issuance, vectors["signers"]) == hash_of(vectors["evidence"])
    others = list(reversed(vectors["signers"]))
    assert compute_evidence_id(issuance, others) != hash_of(vectors["evidence"])


def test_id__of_what_is_no_digest__is_refused() -> None:
    with pytest.raises(RefusedInput):
        compute_evidence_id(Hash32(b"short"), [])
