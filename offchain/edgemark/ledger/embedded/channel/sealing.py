"""The orderer's signature over a block, in its metadata.

It covers the header (so number, the block below, all envelopes), the number of the last block with
a configuration, and the era (`eras`), in `consenter_metadata`. It does not cover the flags: whoever
needs them computes them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fabric_protos.common import common_pb2

from edgemark.ledger.embedded.eras import ERA_BYTES, read_era, write_era
from edgemark.ledger.embedded.validation.ground import Members
from edgemark.ledger.fabric.configuration.configurations import Configuration
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.canonical import SIGNATURE_HEADER, is_in_order
from edgemark.ledger.fabric.wire.digests import make_block_header
from edgemark.ledger.fabric.wire.messages import parse

WHO = "block"
TWO_PARTS = SIGNATURE_HEADER  # as `OrdererBlockMetadata`: two fields with lengths


def seal(block: Block, last_config: int, signer: Signer, nonce: bytes, era: int = 0) -> Block:
    """The block with the orderer's signature.

    Args:
        block: without metadata, but for its flags.
        last_config: number of the last block with a configuration.
        signer: of the organisation that orders.
        nonce: random.
        era: of the block; see `eras`.
    """
    index = common_pb2.LastConfig(index=last_config)
    value = common_pb2.OrdererBlockMetadata(
        last_config=index, consenter_metadata=write_era(era)
    ).SerializeToString()
    header = common_pb2.SignatureHeader(creator=signer.identity, nonce=nonce).SerializeToString()
    signature = common_pb2.MetadataSignature(
        signature_header=header, signature=signer.sign(value + header + _header_of(block))
    )
    signatures, last = _metadata_of(value, signature, last_config)
    return replace(block, signatures=signatures, last_config=last)


def check_seal(
    block: Block, last_config: int, configuration: Configuration, members: Members
) -> None:
    """Check that who orders signed a block.

    Args:
        block: with its metadata.
        last_config: number of the last block with a configuration.
        configuration: that counts for it.
        members: of that configuration.

    Raises:
        MessageMalformed, IdentityRefused: it is not so.
    """
    metadata = parse(common_pb2.Metadata, block.signatures, WHO)
    if len(metadata.signatures) != 1:
        raise MessageMalformed("has not one signature", who=WHO, had=len(metadata.signatures))
    said = parse(common_pb2.OrdererBlockMetadata, metadata.value, WHO).last_config.index
    told = parse(common_pb2.Metadata, block.last_config, WHO).value
    if said != last_config or parse(common_pb2.LastConfig, told, WHO).index != last_config:
        raise MessageMalformed("names another configuration", who=WHO, had=said, needed=last_config)
    (signature,) = metadata.signatures
    # What is signed has no lengths: each of the two has to begin with 0x0a, and to have it once.
    if not all(
        is_in_order(each, TWO_PARTS) for each in (metadata.value, signature.signature_header)
    ):
        raise MessageMalformed("has a signature over other metadata too", who=WHO)
    creator = parse(common_pb2.SignatureHeader, signature.signature_header, WHO).creator
    message = metadata.value + signature.signature_header + _header_of(block)
    member = members.check_signed(creator, message, signature.signature)
    if _metadata_of(metadata.value, signature, last_config) != (
        block.signatures,
        block.last_config,
    ):
        raise MessageMalformed("has metadata that nobody signed", who=WHO)
    if member.msp_id != configuration.orderer.msp_id or member.role is not MemberRole.ORDERER:
        raise IdentityRefused("does not order here", who=member.msp_id, had=member.role)


def _metadata_of(value: bytes, signature: Any, last_config: int) -> tuple[bytes, bytes]:
    """Signatures and last configuration, in the one form that they are written in."""
    signed = common_pb2.Metadata(value=value)
    signed.signatures.add(
        signature_header=signature.signature_header, signature=signature.signature
    )
    last = common_pb2.Metadata(value=common_pb2.LastConfig(index=last_config).SerializeToString())
    return signed.SerializeToString(), last.SerializeToString()


def read_era_of(block: Block) -> int:
    """The era that a block says it is of; `check_seal` checks who says so.

    Raises:
        MessageMalformed: it says none.
    """
    value = parse(common_pb2.Metadata, block.signatures, WHO).value
    said = parse(common_pb2.OrdererBlockMetadata, value, WHO).consenter_metadata
    return read_era(said, f"{WHO} {block.number}")


def make_mark(block: Block) -> bytes:
    """What tells a block from every other that has or had its number; see `wire.blocks`.

    Its hash is not enough. The same envelopes may come again in the same place, and what was valid
    there may be a conflict now, as no version is given twice: of an era there is one such block.

    Raises:
        MessageMalformed: it says no era.
    """
    return block.hash + read_era_of(block).to_bytes(ERA_BYTES, "big")


def _header_of(block: Block) -> bytes:
    return make_block_header(block.number, block.previous_hash, block.data_hash)
