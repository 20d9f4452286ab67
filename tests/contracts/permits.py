"""Permits of MetaCoin (ERC-2612), as an owner signs them."""

from __future__ import annotations

from typing import Any

from eth_account.messages import encode_typed_data
from eth_utils import keccak
from tests.contracts.world import World, sign

FIELDS = (
    ("address", "owner"),
    ("address", "spender"),
    ("uint256", "value"),
    ("uint256", "nonce"),
    ("uint256", "deadline"),
)


def permit_digest(world: World, coin: Any, *values: Any, chain_id: int | None = None) -> bytes:
    """What is signed, by a library that is not ours.

    Args:
        world: on whose chain.
        coin: the token.
        values: owner, spender, value, nonce, deadline.
        chain_id: another than the chain's.
    """
    own = world.chain.provider.web3.eth.chain_id
    message = encode_typed_data(
        {
            "name": "MetaCoin",
            "version": "1",
            "chainId": own if chain_id is None else chain_id,
            "verifyingContract": str(coin.address),
        },
        {"Permit": [{"name": name, "type": kind} for kind, name in FIELDS]},
        {
            name: str(value) if kind == "address" else value
            for (kind, name), value in zip(FIELDS, values, strict=True)
        },
    )
    return keccak(b"\x19" + message.version + message.header + message.body)


def parts_of(signature: bytes) -> tuple[int, bytes, bytes]:
    """v, r and s, as ERC-2612 takes them."""
    return signature[64], signature[:32], signature[32:64]


def sign_permit(
    world: World, coin: Any, owner: Any, spender: Any, value: int, deadline: int, nonce: int = 0
) -> tuple[int, bytes, bytes]:
    """The owner's permit."""
    digest = permit_digest(world, coin, owner, spender, value, nonce, deadline)
    return parts_of(sign(owner, digest))
