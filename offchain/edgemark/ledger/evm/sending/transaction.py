"""Transactions with dynamic fees (EIP-1559, type 2), to and from signed bytes. Pure.

Source: EIP-1559, EIP-2718 (envelope), EIP-155 (chain id in what is signed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address, Hash32, parse_address

TYPE_DYNAMIC_FEE = b"\x02"
SIGNED_FIELDS = 12
_STRING, _LIST, _SHORT = 0x80, 0xC0, 55  # RLP: Yellow Paper, appendix B


class SigningKey(Protocol):
    """An account that signs."""

    @property
    def address(self) -> Address:
        """The account."""

    def sign(self, digest: bytes) -> bytes:
        """65 bytes r || s || v over a 32-byte digest, s in the lower half, v 27 or 28."""


@dataclass(frozen=True)
class Transaction:
    """What is signed.

    Args:
        chain_id: the only chain that takes it.
        nonce: of the sending account.
        tip: priority fee, wei per gas.
        max_fee: base fee and tip together at most, wei per gas.
        gas: limit.
        to: called contract or payee; None to make a contract.
        value: wei.
        data: call data or creation code.
    """

    chain_id: int
    nonce: int
    tip: int
    max_fee: int
    gas: int
    to: Address | None
    value: int
    data: bytes = field(repr=False)

    @property
    def most_wei(self) -> int:
        """What it takes from the account at most, wei."""
        return self.value + self.gas * self.max_fee

    def _fields(self) -> list[bytes]:
        """What is signed, each part in its RLP."""
        to = b"" if self.to is None else bytes.fromhex(self.to[2:])
        fees = [self.chain_id, self.nonce, self.tip, self.max_fee, self.gas]
        octets = [*map(_octets, fees), to, _octets(self.value), self.data]
        return [*map(_encode, octets), _join([])]

    def sign(self, key: SigningKey) -> bytes:
        """The raw transaction, as nodes take it."""
        fields = self._fields()
        signature = key.sign(keccak256(TYPE_DYNAMIC_FEE + _join(fields)))
        v, r, s = _octets(signature[64] - 27), signature[:32], signature[32:64]
        numbers = (v, r.lstrip(b"\0"), s.lstrip(b"\0"))
        return TYPE_DYNAMIC_FEE + _join([*fields, *map(_encode, numbers)])


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _encode(octets: bytes) -> bytes:
    """RLP of octets; the rlp package takes ten times as long, finding out about types."""
    length = len(octets)
    if length == 1 and octets[0] < _STRING:
        return octets
    if length <= _SHORT:
        return bytes([_STRING + length]) + octets
    return _head(length, _STRING) + octets


def _join(encoded: Sequence[bytes]) -> bytes:
    """RLP of a list of what is encoded already."""
    body = b"".join(encoded)
    return _head(len(body), _LIST) + body


def _head(length: int, kind: int) -> bytes:
    if length <= _SHORT:
        return bytes([kind + length])
    octets = _octets(length)
    return bytes([kind + _SHORT + len(octets)]) + octets


def hash_of(raw: bytes) -> Hash32:
    """The hash under which a raw transaction is found on the chain."""
    return keccak256(raw)


def address_of_made(maker: Address, nonce: int) -> Address:
    """The contract that an account or contract makes with this nonce (CREATE).

    A contract's own first nonce is 1 (EIP-161).
    """
    return parse_address(
        keccak256(_join([_encode(bytes.fromhex(maker[2:])), _encode(_octets(nonce))]))[12:]
    )


def parse_raw(raw: bytes) -> Transaction:
    """What one of our own raw transactions says; the signature is not checked.

    Raises:
        Unrecoverable: not a transaction of this kind.
    """
    import rlp  # type: ignore[import-untyped]  # noqa: PLC0415 - dear to import

    try:
        parts = rlp.decode(raw[1:])
    except rlp.exceptions.RLPException as error:
        raise Unrecoverable("is no transaction", who="lane file", had=raw[:16].hex()) from error
    if raw[:1] != TYPE_DYNAMIC_FEE or len(parts) != SIGNED_FIELDS:
        raise Unrecoverable("is no dynamic-fee transaction", who="lane file", had=raw[:16].hex())
    chain_id, nonce, tip, max_fee, gas = (int.from_bytes(part, "big") for part in parts[:5])
    to, value, data = parts[5], int.from_bytes(parts[6], "big"), bytes(parts[7])
    return Transaction(
        chain_id, nonce, tip, max_fee, gas, parse_address(to) if to else None, value, data
    )
