"""The list behind an anchored root: kept by its CID, and read back whole or not at all (T19)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.controller.recording.evidence_cast import piece, pieces
from tests.offchain.systems.trading.parties_cast import CONTROLLER, CONTROLLERS, DOMAIN, NEXT

from edgemark.crypto.ethereum.merkle import check_branch
from edgemark.encoding import MalformedMessage
from edgemark.storage.cid import MAX_BLOCK_BYTES, Cid, cid_of
from edgemark.systems.trading.controller.recording.lists import (
    PIECE_BYTES,
    PIECES_OF_PAGE,
    Anchored,
    EvidencePiece,
    NoAnchoredList,
    decode_pieces,
    describe,
    encode_pieces,
    plant,
    read_anchored,
)


def kept(contents: list[bytes]) -> dict[Cid, bytes]:
    return {cid_of(content): content for content in contents}


def listed(
    count: int,
) -> tuple[Anchored, list[bytes], list[EvidencePiece]]:
    some = pieces(count)
    head, pages = describe(some, CONTROLLER.address, DOMAIN, CONTROLLERS)
    return head, pages, some


@pytest.mark.parametrize(("count", "many"), [(1, 1), (3, 1), (PIECES_OF_PAGE + 1, 2)])
def test_a_list__is_read_back_from_its_head(count: int, many: int) -> None:
    head, pages, some = listed(count)
    assert len(pages) == many
    assert all(len(page) <= MAX_BLOCK_BYTES for page in pages)
    contents = kept([head.to_bytes(), *pages])
    found, back = read_anchored(head.cid, contents.__getitem__, DOMAIN, CONTROLLERS)
    assert (found, back) == (head, tuple(some))
    tree = plant(back, DOMAIN, CONTROLLERS)
    leaf = some[-1].leaf(DOMAIN, CONTROLLERS)
    check_branch(head.root, leaf, count - 1, count, tree.branch(count - 1))


def test_a_page__has_room_for_as_many_as_fit_a_block() -> None:
    assert len(encode_pieces([piece()])) == 4 + PIECE_BYTES
    assert 4 + PIECES_OF_PAGE * PIECE_BYTES <= MAX_BLOCK_BYTES < 4 + 783 * PIECE_BYTES


def test_another_head_or_page__is_no_list() -> None:
    head, pages, some = listed(3)
    signatures = some[0].signatures
    swapped = replace(some[0], signatures=replace(signatures, payer=signatures.seller))
    other_page = encode_pieces([swapped, *some[1:]])
    for changed in (
        replace(head, root=head.pages[0].digest),
        replace(head, leaves=2),
        replace(head, pages=(*head.pages, *head.pages)),
        replace(head, pages=(cid_of(other_page),)),
        replace(head, pages=(cid_of(pages[0][:-1]),)),
    ):
        contents = kept([changed.to_bytes(), *pages, other_page, pages[0][:-1]])
        with pytest.raises(NoAnchoredList):
            read_anchored(changed.cid, contents.__getitem__, DOMAIN, CONTROLLERS)
    for raw in (b"", b"{}\n", head.to_bytes() + b" ", head.to_bytes()[:-1]):
        with pytest.raises(NoAnchoredList):
            read_anchored(cid_of(raw), {cid_of(raw): raw}.__getitem__, DOMAIN, CONTROLLERS)
    assert replace(head, controller=NEXT.address).cid != head.cid


def test_pieces__have_one_encoding() -> None:
    raw = encode_pieces(pieces(2))
    assert decode_pieces(raw) == tuple(pieces(2))
    for bad in (b"", raw[:-1], raw + b"\0", b"\xff" * 4 + raw[4:]):
        with pytest.raises(MalformedMessage):
            decode_pieces(bad)
