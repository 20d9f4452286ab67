"""Accounts of the AssetAnchor: what is free, what is locked, and how it gets in and out."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Timestamp
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.intent import Call
from edgemark.ledger.interface import Contract


@dataclass(frozen=True)
class Lock:
    """Tokens that one contract may pay out until the expiry; afterwards anyone returns them."""

    owner: Address
    expires_at: Timestamp
    locker: Address
    remaining: int


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

    def free_balance(self, account: Address, *, block: int | str = "latest") -> int:
        """What the account may withdraw or let be locked."""
        return int(self._chain.call(self.contract, "freeBalanceOf", account, block=block))

    def locker_allowance(self, account: Address, locker: Address) -> int:
        """What the locker may still lock of the account's free balance."""
        return int(
            self._chain.call(self.contract, "lockerAllowance", account, locker, block="latest")
        )

    def lock(self, lock_id: int, *, block: int | str = "latest") -> Lock:
        """One lock; empty when there is none."""
        raw = self._chain.call(self.contract, "lockOf", lock_id, block=block)
        return Lock(raw.owner, Timestamp(raw.expires_at), raw.locker, raw.remaining)

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

    def allow_locker(self, locker: Address, amount: int) -> Call:
        """Set how much a contract may lock of the sender's free balance."""
        return Call(self.contract, "allowLocker", (locker, amount))

    def expire(self, lock_id: int) -> Call:
        """Return what an expired lock still holds to its owner."""
        return Call(self.contract, "expire", (lock_id,))
