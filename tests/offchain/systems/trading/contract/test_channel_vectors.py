"""`tests/vectors/trading.json`, recomputed: the id of a channel, and what is signed about it.

The file was made with eth-abi and eth-account; `tests/contracts/trading/test_escrow_vectors.py` has
the contract compute the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import (
    CHAIN_ID,
    ESCROW,
    PEOPLE,
    START,
    draft_terms,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import compute_channel_id
from edgemark.systems.trading.identifiers import ChannelId, OfferId, parse_channel_id

PATH = Path(__file__).resolve().parents[4] / "vectors" / "trading.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(PATH.read_text())
    return facts


def test_channel_id__is_the_vectors(vectors: dict[str, Any]) -> None:
    terms = draft_terms(PEOPLE, START, offer=OfferId(keccak256(b"offer")))
    assert (vectors["chainId"], vectors["escrow"]) == (CHAIN_ID, ESCROW)
    assert compute_channel_id(CHAIN_ID, ESCROW, terms) == parse_channel_id(vectors["channel"])


def test_statements__have_the_vectors_digests(vectors: dict[str, Any]) -> None:
    said = vectors["values"]
    domain = EscrowDomain(vectors["chainId"], vectors["escrow"])
    channel = ChannelId(parse_channel_id(vectors["channel"]))
    amount, number = Tokens(int(said["amount"])), int(said["number"])
    until = Timestamp(int(said["validUntil"]))
    template = Hash32(bytes.fromhex(said["templateHash"][2:]))
    controller, epoch = said["controller"], int(said["epoch"])
    signers = Signers(said["payerKey"], said["sellerKey"], controller, epoch)
    voucher = Voucher(int(said["index"]), amount, template, controller, epoch)
    found = {
        "Opening": domain.opening(channel, until),
        "Voucher": domain.voucher(channel, voucher),
        "Reduction": domain.reduction(channel, number, amount, until),
        "Amendment": domain.amendment(channel, number, amount, signers, until),
        "Closing": domain.closing(channel, amount, until),
        "Delegation": domain.delegation(channel, said["tower"], number),
    }
    assert {name: "0x" + digest.hex() for name, digest in found.items()} == vectors["digests"]
    assert "0x" + domain.separator.hex() == vectors["domainSeparator"]
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("text", ["0x12", "zz" * 32])
def test_channel_id__of_another_form__is_refused(text: str) -> None:
    with pytest.raises(RefusedInput, match="channel id"):
        parse_channel_id(text)
