"""Watchtowers on one chain: bonds, terms and covers of towers, and the calls that change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.client import ContractClient
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.contract.towers.records import Cover, Receipt, TowerTerms, Watching
from edgemark.systems.trading.contract.towers.statements import TowersDomain
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class TowerBond:
    """What a tower has at stake, in the order of `IWatchtowers.Bond`; all 0: nothing, ever.

    Attributes:
        amount: smallest units; counts until `expires_at`.
        covered: what of it is set aside for channels.
        expires_at: last second of its lock.
        is_retired: whether it covers nothing new.
    """

    amount: Tokens
    covered: Tokens
    expires_at: Timestamp
    is_retired: bool

    @property
    def free(self) -> Tokens:
        """What may still be set aside."""
        return Tokens(self.amount - self.covered)


@dataclass(frozen=True)
class Covering:
    """What a tower sets aside for a channel in all: never less, never shorter than before."""

    channel: ChannelId
    amount: Tokens
    until: Timestamp

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return astuple(self)


@dataclass(frozen=True)
class ReceiptClaim:
    """A receipt of a tower, brought to be paid, in the order of `IWatchtowers.Claim`."""

    tower: Address
    terms: Terms
    receipt: Receipt
    signature: bytes = field(repr=False)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes; whose keys signed, it knows from the channel."""
        said = (self.receipt.amount, self.receipt.until, self.signature)
        return (self.tower, self.terms.as_abi(), *said)


class TowersContract(ContractClient):
    """Reads at the head unless told otherwise, and makes calls for a lane to send.

    Args:
        chain: where the contract is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        super().__init__(chain, contract)
        self.domain = TowersDomain(chain.chain_id, contract.address)

    def watching(self) -> Watching:
        """What all towers hold to, fixed at deployment."""
        return Watching(int(self._chain.call(self.contract, "claimSeconds", block="latest")))

    def bond_of(self, tower: Address, *, block: int | str = "latest") -> TowerBond:
        """What a tower has at stake."""
        amount, covered, expires_at, is_retired = self._chain.call(
            self.contract, "bondOf", tower, block=block
        )
        return TowerBond(Tokens(amount), Tokens(covered), Timestamp(expires_at), bool(is_retired))

    def terms_of(self, tower: Address, *, block: int | str = "latest") -> TowerTerms:
        """On which terms it watches; zeros of one that never said any."""
        least, retainer, until = self._chain.call(self.contract, "termsOf", tower, block=block)
        return TowerTerms(Tokens(least), Tokens(retainer), Timestamp(until))

    def cover_of(self, tower: Address, channel: ChannelId, *, block: int | str = "latest") -> Cover:
        """What it has set aside for a channel; zeros of one that was never covered."""
        amount, paid, until = self._chain.call(
            self.contract, "coverOf", tower, channel, block=block
        )
        return Cover(Tokens(amount), Tokens(paid), Timestamp(until))

    def is_watching(self, tower: Address, *, block: int | str = "latest") -> bool:
        """Whether it takes channels now."""
        return bool(self._chain.call(self.contract, "isWatching", tower, block=block))

    def bond(self, amount: Tokens) -> Call:
        """Lock so much more of the sender's tokens; 0 renews the lock."""
        return self._call("bond", amount)

    def publish(self, terms: TowerTerms) -> Call:
        """Say on which terms the sender watches."""
        return self._call("publish", terms.as_abi())

    def cover(self, coverings: Sequence[Covering]) -> Call:
        """Set parts of the sender's bond aside."""
        check_list("cover", coverings)
        return self._call("cover", [each.as_abi() for each in coverings])

    def claim(self, said: ReceiptClaim) -> Call:
        """Have a seller paid what a tower did not bring."""
        return self._call("claim", said.as_abi())

    def uncover(self, tower: Address, channels: Sequence[ChannelId]) -> Call:
        """Give up covers that can pay nothing any more."""
        check_list("uncover", channels)
        return self._call("uncover", tower, list(channels))

    def retire(self) -> Call:
        """Cover nothing new; what is covered stays."""
        return self._call("retire")

    def release(self, tower: Address) -> Call:
        """Return the bond of a tower that retired and covers nothing."""
        return self._call("release", tower)
