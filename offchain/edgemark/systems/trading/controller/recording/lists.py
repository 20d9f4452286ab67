"""Pieces of evidence as bytes, and the list behind an anchored root, kept by its CID. Pure.

A root says nothing of its leaves; whoever wants to show one of them needs the others' hashes. So
what all leaves are made of is put where content is kept: pages of so many pieces, and a head.

    head = {"format": "edgemark-anchored", "version": 1, "controller", "root", "leaves", "pages"}
    page = count (4 bytes), then of each piece: claim (140 bytes), three signatures (65 bytes each)

The head's CID stands in the call that anchors the root (`EvidenceRegistry.anchorRoot`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edgemark.crypto.ethereum.merkle import MAX_LEAVES, MerkleTree
from edgemark.encoding import Reader, Writer
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, parse_address, parse_hash32
from edgemark.storage.cid import MAX_BLOCK_BYTES, Cid, cid_of, parse_cid
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, compute_leaf
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import (
    SIGNATURE_BYTES,
    read_voucher,
    write_voucher,
)
from edgemark.untrusted.canonical_file import FileForm

PIECE_BYTES = 140 + 3 * SIGNATURE_BYTES
PIECES_OF_PAGE = 780  # so many fit into a block of content
MOST_PAGES = -(-MAX_LEAVES // PIECES_OF_PAGE)


class NoAnchoredList(RefusedInput):
    """Content that is not the list of an anchored root."""


_HEAD = FileForm("edgemark-anchored", 1, "anchored list", MAX_BLOCK_BYTES, NoAnchoredList)


class Piece(Protocol):
    """Evidence of a channel, as it waits for the chain."""

    @property
    def channel(self) -> ChannelId:
        """Whose it is."""

    @property
    def index(self) -> int:
        """Of two pieces of a channel the one of the higher index stands for both."""


@dataclass(frozen=True)
class EvidencePiece:
    """A settlement credential, as evidence has it.

    Attributes:
        claim: what it says.
        signatures: of all three.
    """

    claim: Claim
    signatures: Signatures = field(repr=False)

    @property
    def channel(self) -> ChannelId:
        """Whose it is."""
        return self.claim.channel

    @property
    def index(self) -> int:
        """Of its voucher."""
        return self.claim.voucher.index

    def issuance(self, escrow: EscrowDomain, controllers: ControllersDomain) -> Hash32:
        """What its controller signed."""
        return controllers.issuance(self.claim, escrow.voucher(self.channel, self.claim.voucher))

    def leaf(self, escrow: EscrowDomain, controllers: ControllersDomain) -> Hash32:
        """Where it stands under a root."""
        return compute_leaf(self.claim, self.issuance(escrow, controllers), self.signatures)


@dataclass(frozen=True)
class Anchored:
    """The list of a root.

    Attributes:
        controller: that anchors it.
        root: of the tree of all leaves.
        leaves: how many.
        pages: where the pieces are, in order.
    """

    controller: Address
    root: Hash32
    leaves: int
    pages: tuple[Cid, ...]

    def to_bytes(self) -> bytes:
        """The head."""
        return _HEAD.write(_facts_of(self))

    @property
    def cid(self) -> Cid:
        """Of the head, as the chain has it."""
        return cid_of(self.to_bytes())


def encode_pieces(pieces: Sequence[EvidencePiece]) -> bytes:
    """Pieces in a row; canonical bytes."""
    writer = Writer().integer(len(pieces), 4)
    for each in pieces:
        _write(writer, each)
    return writer.finish()


def decode_pieces(raw: bytes, *, most: int = PIECES_OF_PAGE) -> tuple[EvidencePiece, ...]:
    """What `encode_pieces` wrote; raises `MalformedMessage` or `RefusedInput`."""
    reader = Reader(raw, who="pieces of evidence")
    pieces = tuple(_read(reader) for _ in range(reader.integer(4, most=most)))
    reader.finish()
    return pieces


def paginate(pieces: Sequence[EvidencePiece]) -> list[bytes]:
    """The pages of a list."""
    return [
        encode_pieces(pieces[begin : begin + PIECES_OF_PAGE])
        for begin in range(0, len(pieces), PIECES_OF_PAGE)
    ]


def plant(
    pieces: Sequence[EvidencePiece], escrow: EscrowDomain, controllers: ControllersDomain
) -> MerkleTree:
    """The tree of a list.

    Raises:
        RefusedInput: no pieces, or more than a tree has leaves.
    """
    return MerkleTree([each.leaf(escrow, controllers) for each in pieces])


def describe(
    pieces: Sequence[EvidencePiece],
    controller: Address,
    escrow: EscrowDomain,
    controllers: ControllersDomain,
) -> tuple[Anchored, list[bytes]]:
    """The head of a list, and its pages; raises as `plant`."""
    pages = paginate(pieces)
    root = plant(pieces, escrow, controllers).root
    head = Anchored(controller, root, len(pieces), tuple(map(cid_of, pages)))
    return head, pages


def read_anchored(
    cid: Cid,
    get: Callable[[Cid], bytes],
    escrow: EscrowDomain,
    controllers: ControllersDomain,
) -> tuple[Anchored, tuple[EvidencePiece, ...]]:
    """The list behind the CID of an anchored root, whole: its root is computed again.

    Args:
        cid: that the chain has.
        get: the content of a CID, which has to be that content; raises what a store raises.
        escrow: domain of vouchers.
        controllers: domain of issuances.

    Raises:
        NoAnchoredList: the content is none, or its pieces have another root or number.
    """
    head = _HEAD.read(get(cid), _parse_head, _facts_of)
    pieces: list[EvidencePiece] = []
    for page in head.pages:
        pieces += _read_page(get(page))
    had = (len(pieces), plant(pieces, escrow, controllers).root if pieces else None)
    if had != (head.leaves, head.root):
        needed = f"{head.leaves} leaves under {head.root.hex()}"
        raise NoAnchoredList("has other pieces than it says", who=f"content {cid}", needed=needed)
    return head, tuple(pieces)


def _read_page(raw: bytes) -> tuple[EvidencePiece, ...]:
    try:
        return decode_pieces(raw)
    except RefusedInput as error:
        raise NoAnchoredList("has a page that is none", who="anchored list", had=error) from None


def _facts_of(head: Anchored) -> dict[str, Any]:
    return {
        "controller": head.controller,
        "root": head.root.hex(),
        "leaves": head.leaves,
        "pages": [str(each) for each in head.pages],
    }


def _parse_head(facts: Mapping[str, Any]) -> Anchored:
    if not isinstance(facts["leaves"], int) or not 1 <= len(facts["pages"]) <= MOST_PAGES:
        raise ValueError
    return Anchored(
        parse_address(facts["controller"], who="controller"),
        Hash32(parse_hash32(facts["root"], who="root")),
        facts["leaves"],
        tuple(map(parse_cid, facts["pages"])),
    )


def _write(writer: Writer, piece: EvidencePiece) -> None:
    writer.fixed(piece.channel, 32)
    write_voucher(writer, piece.claim.voucher)
    writer.fixed(piece.claim.credential_hash, 32)
    for signature in piece.signatures.as_abi():
        writer.fixed(signature, SIGNATURE_BYTES)


def _read(reader: Reader) -> EvidencePiece:
    channel, voucher = ChannelId(reader.fixed(32)), read_voucher(reader)
    claim = Claim(channel, voucher, Hash32(reader.fixed(32)))
    signatures = Signatures(*(reader.fixed(SIGNATURE_BYTES) for _ in range(3)))
    return EvidencePiece(claim, signatures)
