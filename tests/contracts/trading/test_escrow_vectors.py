"""`tests/vectors/trading.json`, recomputed by the contract at the address that it names."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contracts.trading.escrow_world import EscrowWorld

PATH = Path(__file__).resolve().parents[2] / "vectors" / "trading.json"


def test_escrow__at_the_vectors_address__has_their_channel_and_domain(world: EscrowWorld, project):
    vectors = json.loads(PATH.read_text())
    provider = world.chain.provider
    assert provider.web3.eth.chain_id == vectors["chainId"]
    code = provider.web3.eth.get_code(str(world.escrow.address))
    provider.make_request("anvil_setCode", [vectors["escrow"], "0x" + code.hex()])
    escrow = project.ChannelEscrow.at(vectors["escrow"])
    terms = [value if value.startswith("0x") else int(value) for value in vectors["terms"]]
    assert "0x" + bytes(escrow.channelIdOf(terms)).hex() == vectors["channel"]
    assert "0x" + bytes(escrow.domainSeparator()).hex() == vectors["domainSeparator"]
