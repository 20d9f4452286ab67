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
from edgemark.identifiers import Address, Hash32, JobId, ShareIndex, TaskId, Timestamp, Tokens

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
ACCEPTANCE = StructType(
    "Acceptance",
    (
        ("bytes32", "job"),
        ("uint256", "index"),
        ("bytes32", "root"),
        ("bytes32", "termsHash"),
        ("uint256", "stake"),
        ("uint256", "validUntil"),
    ),
)
_CHARGE = (
    ("bytes32", "job"),
    ("uint256", "index"),
    ("bytes32", "root"),
    ("address", "node"),
    ("uint8", "kind"),
)
SERVED = StructType("Served", _CHARGE)
VERDICT = StructType("Verdict", (*_CHARGE, ("uint8", "finding")))
RESULT = StructType(
    "Result",
    (
        ("bytes32", "job"),
        ("bytes32", "taskId"),
        ("uint256", "index"),
        ("address", "node"),
        ("bytes32", "shareHash"),
        ("bytes32", "outputsHash"),
        ("bytes32", "salt"),
    ),
)
READ_REQUEST = StructType(
    "ReadRequest",
    (
        ("bytes32", "job"),
        ("uint256", "index"),
        ("address", "reader"),
        ("address", "server"),
        ("uint256", "validUntil"),
    ),
)

PERMIT = StructType(
    "Permit",
    (
        ("address", "owner"),
        ("address", "spender"),
        ("uint256", "value"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)
REGISTRATION = StructType(
    "Registration",
    (
        ("address", "account"),
        ("uint16", "role"),
        ("address", "provider"),
        ("bytes32", "tlsKeyHash"),
        ("string", "endpoint"),
        ("string", "name"),
        ("uint256", "cpuCores"),
        ("uint256", "ramMiB"),
        ("uint256", "storageMiB"),
        ("uint256", "networkMbps"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)
VISIT = StructType("Visit", (("address", "visitor"), ("address", "server")))
ALLOWANCE = StructType(
    "Allowance",
    (
        ("address", "account"),
        ("address", "locker"),
        ("uint256", "amount"),
        ("uint256", "expiresAt"),
        ("uint256", "nonce"),
    ),
)
SUCCESSION = StructType(
    "Succession",
    (
        ("address", "account"),
        ("address", "successor"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
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


class SettlementDomain(Domain):
    """The five messages of an outsourced job, for one JobSettlement on one chain.

    Nothing that decides who is paid stays outside a message. A result covers its salt: with it
    outside, a device handed judges an honest node's own answer with another salt, which opens no
    commitment. `Served` and `Verdict` cover root, node and kind of charge: a job id names chain,
    contract, payer and nonce alone, so without them a signature would outlive a reorganisation and
    count against whoever stands at that index then.

    Args:
        chain_id: EIP-155 chain id.
        settlement: its JobSettlement contract.
    """

    def __init__(self, chain_id: int, settlement: Address) -> None:
        super().__init__("Edgemark Outsourcing", "2", chain_id, settlement)

    def acceptance(
        self,
        job: JobId,
        index: ShareIndex,
        root: Hash32,
        terms_hash: Hash32,
        stake: Tokens,
        valid_until: Timestamp,
    ) -> Hash32:
        """A node takes an index of a job on; checked on chain."""
        return self.digest(ACCEPTANCE, (job, index, root, terms_hash, stake, valid_until))

    def served(
        self, job: JobId, index: ShareIndex, root: Hash32, node: Address, kind: int
    ) -> Hash32:
        """A judge holds the well-formed task of an index charged as `kind`; checked on chain."""
        return self.digest(SERVED, (job, index, root, node, kind))

    def verdict(
        self, job: JobId, index: ShareIndex, root: Hash32, node: Address, kind: int, finding: int
    ) -> Hash32:
        """A judge's finding, the number of IJobSettlement.Finding; checked on chain."""
        return self.digest(VERDICT, (job, index, root, node, kind, finding))

    def result(
        self,
        job: JobId,
        task_id: TaskId,
        index: ShareIndex,
        node: Address,
        share_hash: Hash32,
        outputs_hash: Hash32,
        salt: bytes,
    ) -> Hash32:
        """A node's result R_j; checked by the device and the judges."""
        return self.digest(RESULT, (job, task_id, index, node, share_hash, outputs_hash, salt))

    def read_request(
        self,
        job: JobId,
        index: ShareIndex,
        reader: Address,
        server: Address,
        valid_until: Timestamp,
    ) -> Hash32:
        """A reader asks exactly one server for what belongs to it; checked by that server."""
        return self.digest(READ_REQUEST, (job, index, reader, server, valid_until))


class TokenDomain(Domain):
    """What an owner of MetaCoin signs, for one token on one chain.

    Args:
        chain_id: EIP-155 chain id.
        token: its MetaCoin contract.
    """

    def __init__(self, chain_id: int, token: Address) -> None:
        super().__init__("MetaCoin", "1", chain_id, token)

    def permit(
        self, owner: Address, spender: Address, value: Tokens, nonce: int, deadline: Timestamp
    ) -> Hash32:
        """The spender may take `value` from the owner (ERC-2612); checked on chain."""
        return self.digest(PERMIT, (owner, spender, value, nonce, deadline))


class AnchorDomain(Domain):
    """What an account signs for somebody else to send, for one AssetAnchor on one chain.

    Args:
        chain_id: EIP-155 chain id.
        anchor: its AssetAnchor contract.
    """

    def __init__(self, chain_id: int, anchor: Address) -> None:
        super().__init__("Edgemark Anchor", "1", chain_id, anchor)

    def allowance(
        self, account: Address, locker: Address, amount: Tokens, expires_at: Timestamp, nonce: int
    ) -> Hash32:
        """The locker may lock `amount` of the account's free balance; checked on chain."""
        return self.digest(ALLOWANCE, (account, locker, amount, expires_at, nonce))


class RegistryDomain(Domain):
    """What a participant signs for somebody else to send, for one registry on one chain.

    Args:
        chain_id: EIP-155 chain id.
        registry: its ParticipantRegistry contract.
    """

    def __init__(self, chain_id: int, registry: Address) -> None:
        super().__init__("Edgemark Participants", "1", chain_id, registry)

    def registration(self, values: Sequence[object]) -> Hash32:
        """An account asks to be registered; checked on chain.

        Args:
            values: of `REGISTRATION`, in order.
        """
        return self.digest(REGISTRATION, values)

    def succession(
        self, account: Address, successor: Address, nonce: int, deadline: Timestamp
    ) -> Hash32:
        """An account gives its place to another; checked on chain."""
        return self.digest(SUCCESSION, (account, successor, nonce, deadline))

    def visit(self, visitor: Address, server: Address) -> Hash32:
        """An account shows itself to one server; never on chain."""
        return self.digest(VISIT, (visitor, server))
