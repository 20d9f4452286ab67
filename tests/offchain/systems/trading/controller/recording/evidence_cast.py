"""Pieces of evidence for tests: of many channels, signed by nobody in particular."""

from __future__ import annotations

from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.parties_cast import CONTROLLER, PAYER_KEY, SELLER_KEY, TERMS

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Tokens
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.controller.recording.lists import EvidencePiece
from edgemark.systems.trading.identifiers import ChannelId

ANY = key_of("anybody").sign(keccak256(b"anything"))


def channel_of(number: int) -> ChannelId:
    return ChannelId(keccak256(b"channel %d" % number))


def piece(number: int = 0, index: int = 1) -> EvidencePiece:
    """Of the channel of this number; its signatures are somebody's."""
    voucher = Voucher(index, Tokens(10 * index), TERMS.settlement_template, CONTROLLER.address)
    credential = keccak256(b"credential %d %d" % (number, index))
    claim = Claim(channel_of(number), voucher, credential)
    signatures = Signatures(*(key.sign(credential) for key in (PAYER_KEY, SELLER_KEY, CONTROLLER)))
    return EvidencePiece(claim, signatures)


def pieces(count: int, index: int = 1) -> list[EvidencePiece]:
    return [piece(number, index) for number in range(count)]
