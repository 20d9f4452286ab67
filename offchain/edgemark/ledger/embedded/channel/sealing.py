"""The orderer's signatures: over a block, in its metadata, and over the era that a revert began.

That of a block covers the header (so number, the block below, all envelopes), the number of the
last block with a configuration, and the era (`eras`), in `consenter_metadata`. It does not cover
the flags: whoever needs them computes them.

That of an era covers the channel's name, the era, the number of its first block, and the hash of
the block below: so an era fits one chain alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from fabric_protos.common import common_pb2

from edgemark.ledger.embedded.eras import ERA_BYTES, read_era, write_era
from edgemark.ledger.embedded.validation.ground import Members
from edgemark.ledger.fabric.configuration.configurations import Configuration
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.members import Member, MemberRole
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.canonical import SIGNATURE_HEADER, is_in_order
from edgemark.ledger.fabric.wire.digests import make_block_header
from edgemark.ledger.fabric.wire.messages import parse

WHO, WHO_ERA = "block", "era"
ERA_BEGINS = b"era of a channel\x00"
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
    _check_orders(member, configuration)


def _metadata_of(value: bytes, signature: Any, last_config: int) -> tuple[bytes, bytes]:
    """Signatures and last configuration, in the one form that they are written in."""
    signed = common_pb2.Metadata(value=value)
    signed.signatures.add(
        signature_header=signature.signature_header, signature=signature.signature
    )
    last = common_pb2.Metadata(value=common_pb2.LastConfig(index=last_config).SerializeToString())
    return signed.SerializeToString(), last.SerializeToString()


class ChainOfEra(NamedTuple):
    """What of a chain its era is compared with.

    Attributes:
        height: number of its blocks.
        era: of the newest of them.
        hash_of: hash of the block of a number below that.
    """

    height: int
    era: int
    hash_of: Callable[[int], bytes]


def seal_era(channel: str, era: int, first: int, below: bytes, signer: Signer, nonce: bytes) -> str:
    """The orderer's signature over an era, as text.

    Args:
        channel: name of it.
        era: that begins.
        first: number of its first block, >= 1.
        below: hash of the block below that.
        signer: of the organisation that orders.
        nonce: random.
    """
    value = _value_of(channel, era, first, below)
    header = common_pb2.SignatureHeader(creator=signer.identity, nonce=nonce).SerializeToString()
    return _sealed(value, header, signer.sign(value + header))


def check_era(
    channel: str,
    era: int,
    sealed: str,
    chain: ChainOfEra,
    configuration: Configuration,
    members: Members,
) -> None:
    """Check that who orders signed the era of what comes next, for just this chain.

    Args:
        channel: name of it.
        era: that is said to be the newest.
        sealed: as `seal_era` made it; empty for the first era, which no revert began.
        chain: whose era it is.
        configuration: the newest.
        members: of it.

    Raises:
        MessageMalformed, IdentityRefused: it is not so.
    """
    if not era:
        if sealed or chain.era:
            raise MessageMalformed("is not the newest", who=WHO_ERA, had=era, needed=chain.era)
        return
    metadata = parse(common_pb2.Metadata, _bytes_of(sealed), WHO_ERA)
    first = int.from_bytes(metadata.value[len(ERA_BEGINS) :][8:16], "big")
    below = chain.hash_of(first - 1) if 0 < first <= chain.height else b""
    is_its_own = (chain.era == era) if chain.height > first else (chain.era < era)
    if not below or metadata.value != _value_of(channel, era, first, below) or not is_its_own:
        raise MessageMalformed("is not signed for this chain", who=WHO_ERA, had=era)
    if len(metadata.signatures) != 1:
        raise MessageMalformed("has not one signature", who=WHO_ERA)
    (signature,) = metadata.signatures
    header = signature.signature_header
    whole = _sealed(metadata.value, header, signature.signature)
    if whole != sealed or not is_in_order(header, SIGNATURE_HEADER):
        raise MessageMalformed("has bytes that nobody signed", who=WHO_ERA)
    creator = parse(common_pb2.SignatureHeader, header, WHO_ERA).creator
    member = members.check_signed(creator, metadata.value + header, signature.signature)
    _check_orders(member, configuration)


def _sealed(value: bytes, header: bytes, signature: bytes) -> str:
    """In the one form that it is written in."""
    made = common_pb2.Metadata(value=value)
    made.signatures.add(signature_header=header, signature=signature)
    return str(made.SerializeToString().hex())


def _bytes_of(sealed: str) -> bytes:
    try:
        return bytes.fromhex(sealed)
    except ValueError as error:
        raise MessageMalformed("is no seal", who=WHO_ERA, had=sealed[:32]) from error


def _value_of(channel: str, era: int, first: int, below: bytes) -> bytes:
    """What is signed of an era: it begins as nothing else does that this organisation signs."""
    name = channel.encode()
    numbers = b"".join(each.to_bytes(8, "big") for each in (era, first, len(name)))
    return ERA_BEGINS + numbers + name + below


def _check_orders(member: Member, configuration: Configuration) -> None:
    if member.msp_id != configuration.orderer.msp_id or member.role is not MemberRole.ORDERER:
        raise IdentityRefused("does not order here", who=member.msp_id, had=member.role)


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
