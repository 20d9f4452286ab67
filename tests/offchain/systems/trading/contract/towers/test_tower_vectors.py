"""`tests/vectors/receipt_of_tower.json`, recomputed: what a tower signs.

The file was made with eth-account, of the channel of `trading.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.systems.trading.contract.towers.records import Receipt
from edgemark.systems.trading.contract.towers.statements import TowersDomain
from edgemark.systems.trading.identifiers import parse_channel_id

FOLDER = Path(__file__).resolve().parents[5] / "vectors"


def test_t26_receipt__has_the_vectors_digest_and_signer() -> None:
    vectors = json.loads((FOLDER / "receipt_of_tower.json").read_text())
    channel = json.loads((FOLDER / "trading.json").read_text())["channel"]
    receipt = Receipt(
        parse_channel_id(channel),
        Tokens(int(vectors["amount"])),
        Address(vectors["payerKey"]),
        Address(vectors["sellerKey"]),
        Timestamp(vectors["until"]),
    )
    digest = TowersDomain(vectors["chainId"], Address(vectors["towers"])).receipt(receipt)
    assert "0x" + digest.hex() == vectors["digest"]
    assert recover(digest, bytes.fromhex(vectors["signature"][2:])) == vectors["tower"]
