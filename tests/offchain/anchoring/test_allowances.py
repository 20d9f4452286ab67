"""What accounts sign for the anchor, and how long an allowance counts; no chain is needed."""

from __future__ import annotations

import json

import pytest
from eth_account.messages import encode_typed_data
from tests.offchain.anchoring.anchor_vectors import (
    AMOUNTS,
    ANCHOR,
    CHAIN_ID,
    EXPIRES_AT,
    KEY,
    LOCKER,
    NONCE,
    PATH,
    compute,
)

from edgemark.anchoring.accounts import Allowance
from edgemark.anchoring.statements import ALLOWANCE, AnchorDomain
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Timestamp, Tokens


def test_vectors__are_what_the_package_computes() -> None:
    assert json.loads(PATH.read_text()) == compute()


@pytest.mark.parametrize("amount", AMOUNTS.values())
def test_digest__is_what_another_library_makes_of_the_same_fields(amount: Tokens) -> None:
    values = (KEY.address, LOCKER, amount, EXPIRES_AT, NONCE)
    message = encode_typed_data(
        {
            "name": "Edgemark Anchor",
            "version": "1",
            "chainId": CHAIN_ID,
            "verifyingContract": ANCHOR,
        },
        {"Allowance": [{"name": name, "type": kind} for kind, name in ALLOWANCE.fields]},
        {name: value for (_, name), value in zip(ALLOWANCE.fields, values, strict=True)},
    )
    digest = keccak256(b"\x19" + message.version + message.header + message.body)
    assert AnchorDomain(CHAIN_ID, ANCHOR).allowance(*values) == digest


def test_an_allowance__counts_until_its_last_second() -> None:
    allowance = Allowance(Tokens(7), Timestamp(100))
    assert [allowance.left_until(moment) for moment in (99, 100, 101)] == [7, 7, 0]
