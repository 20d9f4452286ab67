"""MetaCoin (MTC), the token of every system: an ERC-20 of fixed supply."""

from __future__ import annotations

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.token.statements import TokenDomain


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

    def permit_digest(
        self, owner: Address, spender: Address, amount: int, deadline: Timestamp
    ) -> Hash32:
        """What the owner signs so that the spender may take `amount`, with its present nonce."""
        nonce = int(self._chain.call(self.contract, "nonces", owner, block="latest"))
        domain = TokenDomain(self._chain.chain_id, self.contract.address)
        return domain.permit(owner, spender, Tokens(amount), nonce, deadline)
