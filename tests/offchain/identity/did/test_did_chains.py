"""A registry of identities alone on a chain: the other resolver reads it unchanged (T12, A28).

Two Anvils have the contract at one address: an identity has another history on each, and nothing
that was signed for one counts on the other.
"""

from __future__ import annotations

import pytest
from tests.offchain.identity.did.did_chains import (
    DELEGATE,
    FILES,
    HEIR,
    OWNER,
    VERI_KEY,
    YEAR_S,
    Side,
    sides,  # noqa: F401 - a fixture
)
from tests.offchain.identity.did.did_vectors import ask_elsewhere

from edgemark.identifiers import NOBODY, Timestamp
from edgemark.identity.did.acts import OwnerChange
from edgemark.identity.did.history import AtBlock, Latest, View, build_document
from edgemark.identity.did.identifier import Did
from edgemark.identity.did.signed_act import SignedAct
from edgemark.ledger.evm.faults import ContractRefused

pytestmark = [pytest.mark.chain, pytest.mark.lasts(5)]


def check_same(side: Side, did: Did) -> None:
    """Check every version of a document against the other resolver's, which asks this chain."""
    changes = side.changes(did.identity)
    now = Timestamp(side.chain.now() + 1)
    views: dict[str, View] = {did.text: Latest(now)}
    for dated in changes:
        views[f"{did}?versionId={dated.block}"] = AtBlock(dated.block, dated.at)
    answers = ask_elsewhere(
        list(views),
        rpc=side.url,
        now=now,
        chainId=side.chain.chain_id,
        registry=side.contract.address,
    )
    for (text, view), told in zip(views.items(), answers, strict=True):
        found = build_document(did, changes, view)
        assert found.document.as_json() == told["didDocument"], text
        assert found.metadata.as_json() == told["didDocumentMetadata"], text


def test_identity__in_every_version__is_read_unchanged_by_the_other_resolver(
    sides: tuple[Side, Side],  # noqa: F811
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
    check_same(here, registry.did(me))
    with pytest.raises(ContractRefused) as refused:
        here.owner.send(registry.change_owner(me, me))
    assert refused.value.error_name == "IdentityDeactivated"


def test_a28_what_was_signed_for_one_chain__is_refused_on_the_other(
    sides: tuple[Side, Side],  # noqa: F811
) -> None:
    here, there = sides
    assert here.contract.address == there.contract.address
    me = HEIR.address
    assert here.registry.nonce(me) == there.registry.nonce(me) == 0
    deadline = Timestamp(here.chain.now() + YEAR_S)
    act = OwnerChange(me, DELEGATE.address)
    statement = SignedAct.sign(act, HEIR, here.registry.domain(), 0, deadline)
    with pytest.raises(ContractRefused) as refused:
        there.owner.send(there.registry.by_signature(statement))
    assert refused.value.error_name == "StatementNotSigned"
    here.owner.send(here.registry.by_signature(statement))
    assert here.registry.owner(me) == DELEGATE.address
    assert there.registry.owner(me) == me
    check_same(here, here.registry.did(me))
    check_same(there, there.registry.did(me))
