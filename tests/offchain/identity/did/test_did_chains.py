"""A registry of identities alone on a chain: the other resolver reads it unchanged (T12, A28).

Two Anvils have the contract at one address: an identity has another history on each, and nothing
that was signed for one counts on the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.offchain.identity.did.did_vectors import ask_elsewhere

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.identifiers import NOBODY, Address, Timestamp
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.history import AtBlock, DatedChange, Latest, View, build_document
from edgemark.identity.did.identifier import Did
from edgemark.identity.did.registry import DidRegistry
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts, DidContracts

pytestmark = [pytest.mark.chain, pytest.mark.lasts(5)]

OWNER, HEIR, DELEGATE = (SecretKey(dev_key(number)) for number in (1, 2, 3))
YEAR_S = 365 * 86_400
VERI_KEY, FILES = encode_name("veriKey"), encode_name("did/svc/Files")


@dataclass(frozen=True)
class Side:
    """One of the chains, the registry on it and the owner's way there."""

    url: str
    chain: EvmChain
    contract: Contract
    owner: TransactionLane
    heir: TransactionLane

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

    def check_same(self, did: Did) -> None:
        """Check every version of a document against the other resolver's, which asks this chain."""
        changes = self.changes(did.identity)
        now = Timestamp(self.chain.now() + 1)
        views: dict[str, View] = {did.text: Latest(now)}
        for dated in changes:
            views[f"{did}?versionId={dated.block}"] = AtBlock(dated.block, dated.at)
        answers = ask_elsewhere(
            list(views),
            rpc=self.url,
            now=now,
            chainId=self.chain.chain_id,
            registry=self.contract.address,
        )
        for (text, view), told in zip(views.items(), answers, strict=True):
            found = build_document(did, changes, view)
            assert found.document.as_json() == told["didDocument"], text
            assert found.metadata.as_json() == told["didDocumentMetadata"], text


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
    return Side(node.url, chain, found.contract("DidRegistry"), *lanes[1:])


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    folder = tmp_path_factory.mktemp("identities")
    with ExitStack() as stack:
        yield (
            open_side(stack, folder / "here", 31337),
            open_side(stack, folder / "there", 31338),
        )


def test_identity__in_every_version__is_read_unchanged_by_the_other_resolver(
    sides: tuple[Side, Side],
) -> None:
    here, _ = sides
    registry, me = here.registry, OWNER.address
    here.owner.send(registry.add_delegate(me, VERI_KEY, DELEGATE.address, YEAR_S))
    here.owner.send(registry.set_attribute(me, FILES, b"https://files.example", YEAR_S))
    here.owner.send(registry.change_owner(me, HEIR.address))
    here.heir.send(registry.revoke_delegate(me, VERI_KEY, DELEGATE.address))
    here.heir.send(registry.revoke_attribute(me, FILES, b"https://files.example"))
    assert registry.owner(me) == HEIR.address
    here.heir.send(registry.deactivate(me))
    assert registry.owner(me) == NOBODY
    here.check_same(registry.did(me))
    with pytest.raises(ContractRefused) as refused:
        here.owner.send(registry.change_owner(me, me))
    assert refused.value.error_name == "IdentityDeactivated"


def test_a28_what_was_signed_for_one_chain__is_refused_on_the_other(
    sides: tuple[Side, Side],
) -> None:
    here, there = sides
    assert here.contract.address == there.contract.address
    me = HEIR.address
    assert here.registry.nonce(me) == there.registry.nonce(me) == 0
    deadline = Timestamp(here.chain.now() + YEAR_S)
    digest = here.registry.domain().owner_change(me, DELEGATE.address, 0, deadline)
    statement = (me, DELEGATE.address, deadline, HEIR.sign(digest))
    with pytest.raises(ContractRefused) as refused:
        there.owner.send(there.registry.change_owner_by_signature(*statement))
    assert refused.value.error_name == "StatementNotSigned"
    here.owner.send(here.registry.change_owner_by_signature(*statement))
    assert here.registry.owner(me) == DELEGATE.address
    assert there.registry.owner(me) == me
    here.check_same(here.registry.did(me))
    there.check_same(there.registry.did(me))
