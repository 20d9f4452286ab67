"""EIP-712: what is signed, on which chain, for which contract.

Source: EIP-712, "Typed structured data hashing and signing". Only the atomic types that our
messages use (bytes32, uint8, uint16, uint256, address, string in the domain); no arrays and no
nested structs.

digest = keccak256(0x1901 || separator || hashStruct(message))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgemark.crypto.ethereum.abi import encoder_of
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32

_PREFIX = b"\x19\x01"
_WORDS = frozenset({"bytes32", "address", "uint8", "uint16", "uint256"})


def _encoder_of(kind: str) -> Callable[[Any], bytes]:
    """Atomic types only: EIP-712 hashes others in another way than the ABI encodes them."""
    if kind == "string":
        return _hash_text
    if kind not in _WORDS:
        raise RefusedInput("is not atomic", who="typed data", had=kind, needed="an atomic type")
    return encoder_of(kind).encode


def _hash_text(value: object) -> bytes:
    if not isinstance(value, str):
        raise RefusedInput(
            "has another type", who="typed data", had=type(value).__name__, needed="string"
        )
    return keccak256(value.encode())


@dataclass(frozen=True)
class StructType:
    """A struct of atomic fields.

    Args:
        name: as in Solidity.
        fields: (type, name) in order.
    """

    name: str
    fields: tuple[tuple[str, str], ...]

    @cached_property
    def type_hash(self) -> Hash32:
        """keccak256 of `Name(type name,...)`."""
        members = ",".join(f"{kind} {name}" for kind, name in self.fields)
        return keccak256(f"{self.name}({members})".encode())

    def hash_struct(self, values: Sequence[object]) -> Hash32:
        """keccak256(typeHash || encodeData).

        Raises:
            RefusedInput: a value is missing or does not fit its type.
        """
        if len(values) != len(self.fields):
            raise RefusedInput(
                "has the wrong number of values",
                who=self.name,
                had=len(values),
                needed=len(self.fields),
            )
        words = [one(value) for one, value in zip(self._encoders, values, strict=True)]
        return keccak256(self.type_hash, *words)

    @cached_property
    def _encoders(self) -> tuple[Callable[[Any], bytes], ...]:
        return tuple(_encoder_of(kind) for kind, _ in self.fields)


DOMAIN = StructType(
    "EIP712Domain",
    (
        ("string", "name"),
        ("string", "version"),
        ("uint256", "chainId"),
        ("address", "verifyingContract"),
    ),
)


@dataclass(frozen=True)
class Domain:
    """Where a signature counts.

    Args:
        name: of the protocol.
        version: of the protocol.
        chain_id: EIP-155 chain id.
        contract: the verifying contract.
    """

    name: str
    version: str
    chain_id: int
    contract: Address

    @cached_property
    def separator(self) -> Hash32:
        """HashStruct of the domain."""
        return DOMAIN.hash_struct((self.name, self.version, self.chain_id, self.contract))

    def digest(self, kind: StructType, values: Sequence[object]) -> Hash32:
        """What is signed for one message.

        Raises:
            RefusedInput: a value is missing or does not fit its type.
        """
        return keccak256(_PREFIX, self.separator, kind.hash_struct(values))
