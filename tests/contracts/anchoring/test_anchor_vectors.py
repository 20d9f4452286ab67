"""`tests/vectors/anchor.json`, recomputed by the anchor at the address that it names."""

from __future__ import annotations

import json
from pathlib import Path

from eth_utils import keccak
from tests.contracts.world import World, signer_of

PATH = Path(__file__).resolve().parents[2] / "vectors" / "anchor.json"
NONCES_SLOT = 4  # of the mapping `_nonces`; a change of the layout fails below


def test_allowance_digests__are_those_of_the_vector_and_their_signers_too(world: World, project):
    vectors = json.loads(PATH.read_text())
    provider, address, account = world.chain.provider, vectors["anchor"], vectors["account"]
    assert provider.web3.eth.chain_id == vectors["chainId"]
    code = provider.web3.eth.get_code(str(world.anchor.address))
    provider.make_request("anvil_setCode", [address, "0x" + code.hex()])
    slot = keccak(bytes.fromhex(account[2:]).rjust(32, b"\0") + NONCES_SLOT.to_bytes(32, "big"))
    words = ["0x" + slot.hex(), f"0x{vectors['nonce']:064x}"]
    provider.make_request("anvil_setStorageAt", [address, *words])
    anchor = project.AssetAnchor.at(address)
    assert anchor.nonces(account) == vectors["nonce"]
    for name, example in vectors["allowances"].items():
        amount, until = int(example["amount"]), vectors["expiresAt"]
        digest = anchor.allowanceDigest(account, vectors["locker"], amount, until)
        assert "0x" + bytes(digest).hex() == example["digest"], name
        assert signer_of(digest, bytes.fromhex(example["signature"][2:])) == account.lower()
