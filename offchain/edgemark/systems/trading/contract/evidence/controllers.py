"""Controllers on one chain: bonds of those who issue, who is in good standing, and the calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.identifiers import NO_TIME, Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.client import ContractClient
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.evidence.records import Bonding
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class Bond:
    """What a controller has at stake, in the order of `IControllers.Bond`; all 0: nothing, ever.

    Attributes:
        amount: smallest units; counts until `expires_at`.
        expires_at: last second of its lock.
        free_at: last second of unbonding; 0 while it does not unbond.
        convicted_at: when it was taken; 0: never.
    """

    amount: Tokens
    expires_at: Timestamp
    free_at: Timestamp
    convicted_at: Timestamp

    @property
    def is_leaving(self) -> bool:
        """Whether its controller said so."""
        return self.free_at != NO_TIME


@dataclass(frozen=True)
class Version:
    """One of two things that a controller said of one index, in the order of the contract."""

    voucher_digest: Hash32
    credential_hash: Hash32
    signature: bytes = field(repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.voucher_digest, self.credential_hash, self.signature)


class ControllersContract(ContractClient):
    """Reads at the head, and makes calls for a lane to send.

    Args:
        chain: where the contract is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        super().__init__(chain, contract)
        self.domain = ControllersDomain(chain.chain_id, contract.address)

    def bonding(self) -> Bonding:
        """What controllers have at stake at least, fixed at deployment."""
        least = self._chain.call(self.contract, "minBond", block="latest")
        seconds = self._chain.call(self.contract, "unbondingSeconds", block="latest")
        return Bonding(Tokens(least), int(seconds))

    def bond_of(self, account: Address, *, block: int | str = "latest") -> Bond:
        """What an account has at stake."""
        amount, *times = self._chain.call(self.contract, "bondOf", account, block=block)
        return Bond(Tokens(amount), *map(Timestamp, times))

    def is_in_standing(self, account: Address, *, block: int | str = "latest") -> bool:
        """Whether it is a controller in good standing, bonded for long enough."""
        return bool(self._chain.call(self.contract, "isInStanding", account, block=block))

    def bond(self, amount: Tokens) -> Call:
        """Lock so much more of the sender's tokens; 0 renews the lock."""
        return self._call("bond", amount)

    def unbond(self) -> Call:
        """Leave; the bond answers until it is home."""
        return self._call("unbond")

    def release(self, controller: Address) -> Call:
        """Return the bond of one that left."""
        return self._call("release", controller)

    def convict(
        self, channel: ChannelId, index: int, epoch: int, first: Version, second: Version
    ) -> Call:
        """Show two issuances of one key for the same index."""
        return self._call("convict", channel, index, epoch, first.as_abi(), second.as_abi())
