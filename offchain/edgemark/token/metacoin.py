"""MetaCoin (MTC), the token of every system: an ERC-20 of fixed supply."""

from __future__ import annotations

from edgemark.identifiers import Address
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.intent import Call
from edgemark.ledger.interface import Contract


class MetaCoin:
    """The token on chain; amounts in its smallest unit, 10^-18 MTC.

    Args:
        chain: where it is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self.contract = contract

    def balance(self, account: Address, *, block: int | str = "latest") -> int:
        """What the account holds itself."""
        return int(self._chain.call(self.contract, "balanceOf", account, block=block))

    def allowance(self, owner: Address, spender: Address, *, block: int | str = "latest") -> int:
        """What the spender may still take from the owner."""
        return int(self._chain.call(self.contract, "allowance", owner, spender, block=block))

    def supply(self, *, block: int | str = "latest") -> int:
        """All there is."""
        return int(self._chain.call(self.contract, "totalSupply", block=block))

    def approve(self, spender: Address, amount: int) -> Call:
        """Let the spender take up to `amount` from the sender."""
        return Call(self.contract, "approve", (spender, amount))

    def transfer(self, to: Address, amount: int) -> Call:
        """Send tokens of the sender."""
        return Call(self.contract, "transfer", (to, amount))
