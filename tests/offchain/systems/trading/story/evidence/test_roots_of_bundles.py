"""Roots of a bundle: what a controller anchored wrongly is left out, and no chain asked in vain."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace as Known
from typing import Any

import pytest
from tests.offchain.systems.trading.credentials.trade_cast import (
    CHANNEL,
    CONTROLLERS,
    DOMAIN,
    TERMS,
    VOUCHER,
)

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.contract.chain_event import LogPlace
from edgemark.systems.trading.contract.evidence.events import RootAnchored
from edgemark.systems.trading.contract.evidence.pieces import Root
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.controller.recording.lists import EvidencePiece, describe
from edgemark.systems.trading.story.evidence import exporting, retrial
from edgemark.systems.trading.story.evidence.bundle import Leaf
from edgemark.systems.trading.story.evidence.trial import ChannelTrial

DIGEST, NONE = Hash32(b"\1" * 32), Hash32(bytes(32))
PIECE = EvidencePiece(Claim(CHANNEL, VOUCHER, DIGEST), Signatures(*([bytes(65)] * 3)))
HEAD, PAGES = describe([PIECE], TERMS.controller, DOMAIN, CONTROLLERS)
CONTENT = {str(HEAD.cid): HEAD.to_bytes(), str(HEAD.pages[0]): PAGES[0]}
SAID = RootAnchored(
    TERMS.controller, HEAD.root, 1, str(HEAD.cid), at=LogPlace(TERMS.controller, 1, NONE, NONE, 0)
)


def leaves(said: RootAnchored) -> list[Leaf]:
    """Under a root that was anchored like this; of the chain nothing more is asked."""
    station: Any = Known(domain=DOMAIN, controllers_domain=CONTROLLERS)
    root: Any = exporting._Root(said, Timestamp(1))
    story: Any = Known(channel=CHANNEL)
    digests = {VOUCHER.index: DIGEST}

    def fetch(_: Address, cid: object) -> bytes:
        return CONTENT[str(cid)]

    return exporting._leaves_under(station, story, root, digests, fetch)


def test_list_under_its_root__shows_where_a_settlement_stands() -> None:
    (leaf,) = leaves(SAID)
    assert (leaf.index, leaf.root, leaf.leaves, leaf.branch) == (1, HEAD.root, 1, ())


@pytest.mark.parametrize("wrong", [{"leaves": 2}, {"root": NONE}])
def test_root_with_the_list_of_another__is_told_and_put_into_no_bundle(wrong: Any) -> None:
    with pytest.raises(exporting.ListOfAnother, match="of another root"):
        leaves(replace(SAID, **wrong))


def test_roots__are_asked_for_once_and_none_after_one_that_is_another() -> None:
    (leaf,) = leaves(SAID)
    known, asked = {leaf.root: Root(1, Timestamp(1))}, []

    def root(_: Address, root: Hash32) -> Root:
        asked.append(root)
        return known.get(root, Root(0, Timestamp(0)))

    witness: Any = Known(root=root, cid_of_root=lambda leaf: leaf.cid)
    row = [replace(leaf, index=n) for n in range(100)]
    trial = ChannelTrial()
    retrial._compare_roots(trial, Known(anchored=row), witness)
    assert (trial.failed, asked) == ([], [leaf.root])
    others = [replace(leaf, root=Hash32(n.to_bytes(32, "big"))) for n in range(100)]
    retrial._compare_roots(trial, Known(anchored=others), witness)
    assert len(asked) == 2
    assert len(trial.failed) == 1
    assert trial.not_checked == ["other anchored roots: this one is not as on chain"]
