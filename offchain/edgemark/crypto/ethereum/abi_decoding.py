"""Values out of bytes in the Solidity ABI, whoever wrote them: what `crypto.abi` puts in.

As strict as Solidity: padding is zero, a bool is 0 or 1, all of it lies within the bytes. Stricter
in one thing: what the heads point at stands behind them in their order, as every compiler writes
it, so that no byte is read for two values and memory is bounded by the length. That is why it is
not eth-abi, whose values it gives otherwise: there, a megabyte of heads that all point at one place
is copied once for each of them. Bytes after the last value are nobody's business.

Source: Solidity contract ABI specification, as in `crypto.abi`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from edgemark.crypto.ethereum.abi import WORD_BYTES, split_types
from edgemark.errors import RefusedInput

ADDRESS_BYTES = 20


class Decoder(NamedTuple):
    """How values of one type are decoded.

    Attributes:
        decode: of bytes, and where the value stands in them; gives it and where it ends.
        head_bytes: as of `crypto.abi.Encoder`.
    """

    decode: Callable[[bytes, int], tuple[Any, int]]
    head_bytes: int


def decode(kinds: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """What `abi.encode` was given: addresses as text in lower case, tuples and arrays as tuples.

    Text that is no UTF-8 has replacement characters where it is not: strangers put it on the chain.

    Args:
        kinds: types, such as "uint256", "bytes32[]" or "(address,uint96)".
        data: of any length.

    Raises:
        RefusedInput: the bytes are no values of these types, or a type is not known.
    """
    values: tuple[Any, ...] = joined_decoder(tuple(kinds)).decode(data, 0)[0]
    return values


@cache
def joined_decoder(kinds: tuple[str, ...]) -> Decoder:
    """How values of these types are decoded; raises like `decoder_of`."""
    return _joined([decoder_of(kind) for kind in kinds])


@cache
def decoder_of(kind: str) -> Decoder:
    """How values of a type are decoded.

    Raises:
        RefusedInput: the type is not known.
    """
    if array := re.fullmatch(r"(.+)\[(\d*)\]", kind):
        item = decoder_of(array[1])
        if not array[2]:
            return Decoder(partial(_decode_list, item), 0)
        return _joined([item] * int(array[2]))
    if kind.startswith("("):
        return _joined([decoder_of(part) for part in split_types(kind[1:-1])])
    if number := re.fullmatch(r"uint(\d+)", kind):
        return Decoder(partial(_decode_number, 1 << int(number[1])), WORD_BYTES)
    if fixed := re.fullmatch(r"bytes(\d+)", kind):
        return Decoder(partial(_decode_padded, int(fixed[1])), WORD_BYTES)
    try:
        return _ATOMS[kind]
    except KeyError as error:
        raise RefusedInput("is no type of ours", who="ABI", had=kind[:80]) from error


def _joined(parts: Sequence[Decoder]) -> Decoder:
    """Of a tuple, or of an array whose length its type says."""
    is_static = all(part.head_bytes for part in parts)
    heads = sum(part.head_bytes or WORD_BYTES for part in parts)
    return Decoder(partial(_decode_parts, tuple(parts), heads), heads if is_static else 0)


def _decode_parts(
    parts: Sequence[Decoder], heads: int, data: bytes, start: int
) -> tuple[tuple[Any, ...], int]:
    """A tuple whose heads are `heads` bytes together."""
    values, at, behind = [], start, start + heads
    for decode_one, head_bytes in parts:
        if head_bytes:
            value, at = decode_one(data, at)
        else:
            place = start + _word_at(data, at)
            if place < behind:
                raise _misfit("a head that points behind what is read", place)
            value, behind = decode_one(data, place)
            at += WORD_BYTES
        values.append(value)
    return tuple(values), behind


def _decode_list(item: Decoder, data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    count, start = _word_at(data, at), at + WORD_BYTES
    heads = (item.head_bytes or WORD_BYTES) * count
    if heads > len(data) - start:
        raise _misfit("as many bytes as its length says", at)
    return _decode_parts((item,) * count, heads, data, start)


def _word_at(data: bytes, at: int) -> int:
    word = data[at : at + WORD_BYTES]
    if len(word) != WORD_BYTES:
        raise _misfit("32 bytes", at)
    return int.from_bytes(word, "big")


def _decode_number(end: int, data: bytes, at: int) -> tuple[int, int]:
    """One of a type of integers below `end`."""
    number = _word_at(data, at)
    if number >= end:
        raise _misfit("zeros before a number", at)
    return number, at + WORD_BYTES


def _decode_bool(data: bytes, at: int) -> tuple[bool, int]:
    number, end = _decode_number(2, data, at)
    return bool(number), end


def _decode_account(data: bytes, at: int) -> tuple[str, int]:
    number, end = _decode_number(1 << 8 * ADDRESS_BYTES, data, at)
    return f"0x{number:040x}", end


def _decode_padded(length: int, data: bytes, at: int) -> tuple[bytes, int]:
    """So many bytes, and zeros up to a whole word behind them."""
    behind, end = at + length, at + length + -length % WORD_BYTES
    if end > len(data):
        raise _misfit("as many bytes as its length says", at)
    if data.count(0, behind, end) != end - behind:
        raise _misfit("zeros behind bytes", behind)
    return data[at:behind], end


def _decode_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    return _decode_padded(_word_at(data, at), data, at + WORD_BYTES)


def _decode_text(data: bytes, at: int) -> tuple[str, int]:
    text, end = _decode_bytes(data, at)
    return text.decode(errors="replace"), end


def _misfit(needed: str, at: int) -> RefusedInput:
    place = at if at < 1 << 32 else "beyond 2^32"
    return RefusedInput(
        "bytes do not fit the types", who="ABI", had=f"others at {place}", needed=needed
    )


_ATOMS = {
    "bool": Decoder(_decode_bool, WORD_BYTES),
    "address": Decoder(_decode_account, WORD_BYTES),
    "bytes": Decoder(_decode_bytes, 0),
    "string": Decoder(_decode_text, 0),
}
