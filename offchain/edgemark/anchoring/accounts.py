"""Accounts of the AssetAnchor: what is free, what is locked, and how it gets in and out."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.anchoring.statements import AnchorDomain
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Timestamp, Tokens, parse_address
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call

MAX_LOCK_S = 730 * 86_400  # of the contract: no lock and no allowance ends later


@dataclass(frozen=True)
class Lock:
    """What one contract holds for one subject: a matter, a stake.

    Attributes:
        expires_at: last second at which the contract may pay out of it; afterwards anyone returns
            it; 0 when there is none.
        is_group: whether it has places beside place 0.
    """

    expires_at: Timestamp
    is_group: bool


@dataclass(frozen=True)
class Place:
    """Tokens of one owner in a lock; the zero address and 0 when it holds none."""

    owner: Address
    amount: Tokens


@dataclass(frozen=True)
class Allowance:
    """What a contract may still lock of an account's free balance.

    Attributes:
        amount: smallest units.
        expires_at: last second at which that counts.
    """

    amount: Tokens
    expires_at: Timestamp

    def left_until(self, moment: int) -> int:
        """What of it still counts at that second."""
        return self.amount if moment <= self.expires_at else 0


@dataclass(frozen=True)
class Totals:
    """The anchor's own counters."""

    free: int
    locked: int


class AnchorAccounts:
    """The anchor on chain; amounts in the token's smallest unit.

    Args:
        chain: where it is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self.contract = contract

    def domain(self) -> AnchorDomain:
        """What accounts sign for this anchor."""
        return AnchorDomain(self._chain.chain_id, self.contract.address)

    def nonce(self, account: Address) -> int:
        """Of the next statement that the account signs."""
        return int(self._chain.call(self.contract, "nonces", account, block="latest"))

    def free_balance(self, account: Address, *, block: int | str = "latest") -> int:
        """What the account may withdraw or let be locked."""
        return int(self._chain.call(self.contract, "freeBalanceOf", account, block=block))

    def locker_allowance(self, account: Address, locker: Address) -> Allowance:
        """What the locker may still lock of the account's free balance, and until when."""
        found = self._chain.call(self.contract, "lockerAllowance", account, locker, block="latest")
        amount, expires_at = found
        return Allowance(Tokens(amount), Timestamp(expires_at))

    def lock(self, locker: Address, subject: bytes, *, block: int | str = "latest") -> Lock:
        """One lock; all zero when there is none."""
        expires_at, is_group = self._chain.call(
            self.contract, "lockOf", locker, subject, block=block
        )
        return Lock(Timestamp(expires_at), bool(is_group))

    def place(
        self, locker: Address, subject: bytes, place: int, *, block: int | str = "latest"
    ) -> Place:
        """What one place of a lock holds, 0 .. 255."""
        owner, amount = self._chain.call(
            self.contract, "placeOf", locker, subject, place, block=block
        )
        return Place(parse_address(owner, who="owner"), Tokens(amount))

    def totals(self, *, block: int | str = "latest") -> Totals:
        """Sums over all accounts and all locks."""
        return Totals(
            free=int(self._chain.call(self.contract, "totalFree", block=block)),
            locked=int(self._chain.call(self.contract, "totalLocked", block=block)),
        )

    def deposit(self, account: Address, amount: int) -> Call:
        """Pay the sender's tokens into an account; the anchor must be approved for them."""
        return Call(self.contract, "deposit", (account, amount))

    def deposit_with_permit(
        self, account: Address, amount: int, deadline: Timestamp, signature: bytes
    ) -> Call:
        """Pay the sender's tokens into an account under the sender's own permit.

        Args:
            account: credited with them.
            amount: smallest units, exactly what the permit says.
            deadline: of the permit.
            signature: 65 bytes r || s || v over `MetaCoin.permit_digest`.
        """
        parts = (signature[64], signature[:32], signature[32:64])
        return Call(self.contract, "depositWithPermit", (account, amount, deadline, *parts))

    def withdraw(self, to: Address, amount: int) -> Call:
        """Take free tokens of the sender out."""
        return Call(self.contract, "withdraw", (to, amount))

    def move(self, to: Address, amount: int) -> Call:
        """Give free tokens of the sender to another account of the anchor."""
        return Call(self.contract, "move", (to, amount))

    def allow_locker(self, locker: Address, amount: int, expires_at: int) -> Call:
        """Set how much a contract may lock of the sender's free balance, and until when."""
        return Call(self.contract, "allowLocker", (locker, amount, expires_at))

    def sign_allowance(
        self, key: SecretKey, locker: Address, amount: Tokens, expires_at: Timestamp
    ) -> Call:
        """`allow_locker` of the key's account, signed here, for anybody to send once."""
        nonce = self.nonce(key.address)
        digest = self.domain().allowance(key.address, locker, amount, expires_at, nonce)
        arguments = (key.address, locker, amount, expires_at, key.sign(digest))
        return Call(self.contract, "allowLockerSigned", arguments)

    def expire(self, locker: Address, subject: bytes, place: int) -> Call:
        """Return what a place of an expired lock still holds to its owner."""
        return Call(self.contract, "expire", (locker, subject, place))
