"""Two chains of their own for identities, with the registry at one address, and who acts there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.history import DatedChange
from edgemark.identity.did.registry import DidRegistry
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts, DidContracts

OWNER, HEIR, DELEGATE = (SecretKey(dev_key(number)) for number in (1, 2, 3))
YEAR_S = 365 * 86_400
VERI_KEY, FILES = encode_name("veriKey"), encode_name("did/svc/Files")


@dataclass(frozen=True)
class Side:
    """One of the chains, the registry on it and the owner's way there."""

    url: str
    chain: EvmChain
    deployment: Deployment
    owner: TransactionLane
    heir: TransactionLane

    @property
    def contract(self) -> Contract:
        """The registry."""
        return self.deployment.contract("DidRegistry")

    @property
    def registry(self) -> DidRegistry:
        """In Python."""
        return DidRegistry(self.chain, self.contract)

    def changes(self, identity: Address) -> list[DatedChange]:
        """All of an identity, read from the chain."""
        last = self.chain.block("latest").number
        logs = self.chain.logs([self.contract.address], 0, last)
        return [
            DatedChange(event, Timestamp(self.chain.block(event.at.block_number).timestamp))
            for event in decode_logs([self.contract], logs)
            if event.identity == identity
        ]


def open_side(stack: ExitStack, folder: Path, chain_id: int) -> Side:
    options = AnvilOptions(block_time_s=None, chain_id=chain_id)
    node = stack.enter_context(AnvilNode.start(folder / "anvil", options))
    chain = EvmChain(node.url, chain_id=chain_id, confirmations=0).connect()
    lanes = [
        stack.enter_context(TransactionLane(chain, key, folder / f"{name}.journal"))
        for name, key in (
            ("deployer", SecretKey(dev_key(0))),
            ("owner", OWNER),
            ("heir", HEIR),
        )
    ]
    manifest = folder / "manifest.json"
    deploy(chain, lanes[0], (DidContracts(),)).save(manifest)
    found = Deployment.load(manifest, (BaseContracts, DidContracts), chain_id)
    found.verify(chain)
    assert list(found.contracts) == ["DidRegistry"]
    assert not found.has(BaseContracts)
    return Side(node.url, chain, found, *lanes[1:])


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    folder = tmp_path_factory.mktemp("identities")
    with ExitStack() as stack:
        yield (
            open_side(stack, folder / "here", 31337),
            open_side(stack, folder / "there", 31338),
        )
