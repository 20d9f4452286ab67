"""The four allocations of the supply: what has vested, and who gets it."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.token.records import Purpose


@dataclass(frozen=True)
class Allocation:
    """One part of the supply (`IAllocations.Allocation`).

    Attributes:
        beneficiary: whom the vested part is released to.
        amount: all of it, smallest units.
        offered_to: account that may take it over; the zero address: none.
        released: what went out.
        starts_at, ends_at: Unix seconds between which it vests.
        lapses_at: Unix seconds; from the second after it the rest is the heir's.
    """

    beneficiary: Address
    amount: Tokens
    offered_to: Address
    released: Tokens
    starts_at: Timestamp
    ends_at: Timestamp
    lapses_at: Timestamp


class Allocations:
    """The allocations on chain.

    Args:
        chain: where they are.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self.contract = contract

    def allocation(self, purpose: Purpose) -> Allocation:
        """One of the four, as of the latest block."""
        raw = self._chain.call(self.contract, "allocationOf", int(purpose), block="latest")
        return Allocation(**raw._asdict())

    def releasable(self, purpose: Purpose) -> int:
        """What `release` would send now."""
        return int(self._chain.call(self.contract, "releasable", int(purpose), block="latest"))

    def release(self, purpose: Purpose) -> Call:
        """Send what has vested to the beneficiary; anyone may."""
        return Call(self.contract, "release", (int(purpose),))

    def offer(self, purpose: Purpose, account: Address) -> Call:
        """Let an account take the sender's allocation over."""
        return Call(self.contract, "offer", (int(purpose), account))

    def take_over(self, purpose: Purpose) -> Call:
        """Become the beneficiary of what was offered to the sender."""
        return Call(self.contract, "takeOver", (int(purpose),))

    def lapse(self, purpose: Purpose) -> Call:
        """Send what nobody released in time to the heir; anyone may."""
        return Call(self.contract, "lapse", (int(purpose),))
