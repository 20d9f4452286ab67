"""From an intention to a transaction that the account can pay for, and why one failed afterwards.

What a transaction may cost is settled here, before anything is signed: its gas is estimated and
capped, its fees are chosen below the account's cap, and the account holds enough for it beside
everything that is already under way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgemark.amounts import Coin
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.ledger.evm.faults import (
    ContractRefused,
    FeeAboveCap,
    GasAboveCap,
    NodeBehind,
    NodeRefused,
    NoFunds,
    TransactionRefused,
)
from edgemark.ledger.evm.reading.answers import quantity_of
from edgemark.ledger.evm.reading.blocks import MOST_GAS, MOST_PRICE, Receipt
from edgemark.ledger.evm.reading.chain import EvmChain, revert_of
from edgemark.ledger.evm.refusals import is_no_funds
from edgemark.ledger.evm.sending.fees import (
    DEFAULT_TIP,
    Fees,
    Market,
    choose_fees,
    raise_fees,
)
from edgemark.ledger.evm.sending.fillers import MOST_HOLES, FillerBudget
from edgemark.ledger.evm.sending.intent import Intent, LaneLimits, transfer_of
from edgemark.ledger.evm.sending.spaced_looks import SpacedLooks
from edgemark.ledger.evm.sending.transaction import Transaction
from edgemark.logs import get_logger

JUMP_LOOKS, JUMP_APART_S = 3, 2.0  # until a count above what is known is believed
HOLE_LOOKS, HOLE_APART_S = 4, 15.0  # until one is that says so afterwards


@dataclass(frozen=True)
class Draft:
    """A transaction to be signed, and the height of the chain that it was made for."""

    transaction: Transaction
    height: int


@dataclass(frozen=True)
class Quote:
    """What a transaction costs at most, as of a height of the chain.

    Attributes:
        gas: its limit.
        fees: per gas.
        height: of the chain.
    """

    gas: int
    fees: Fees
    height: int


class Drafter:
    """Drafts the transactions of one account.

    Args:
        chain: the chain.
        address: the account.
        fee_cap: base fee and tip together at most, wei per gas.
        limits: gas of one transaction.

    Attributes:
        fillers: how many nonces may be given to nothing.
    """

    def __init__(self, chain: EvmChain, address: Address, fee_cap: int, limits: LaneLimits) -> None:
        self.fee_cap = fee_cap
        self._chain = chain
        self._address = address
        self._limits = limits
        self.fillers = FillerBudget()
        self._jumps = SpacedLooks(JUMP_LOOKS, JUMP_APART_S)
        self._holes = SpacedLooks(HOLE_LOOKS, HOLE_APART_S)
        self._log = get_logger("ledger.lane")

    def draft(
        self,
        intent: Intent,
        under_way: Iterable[Transaction],
        *,
        floor: int = 0,
        nonce: int | None = None,
        quote: Quote | None = None,
    ) -> Draft:
        """A transaction for `intent`.

        Args:
            intent: what is wanted.
            under_way: the account's other transactions that may not be mined yet.
            floor: every nonce below it is used, by what was seen before.
            nonce: to be used again, for what was refused with it; None takes the next.
            quote: of it, from a moment ago; None asks for one.

        Raises:
            ContractRefused, GasAboveCap, FeeAboveCap: as `quote`.
            NoFunds: the account cannot pay for it beside the others.
            NodeBehind: the node does not know what the account sent before, or knows of more than
                is final.
        """
        quote = quote or self.quote(intent)
        # The balance first: a block between the two questions then makes us count too little as
        # spoken for, which the node notices, and never too much.
        balance = self._chain.balance(self._address)
        used = self._chain.nonces_used(self._address)
        if used < floor:
            raise NodeBehind(
                "the node knows fewer of the account's transactions than were final",
                who=f"account {self._address}",
                had=used,
                needed=f">= {floor}",
                remedy="Ask again; when it stays so, look at the chain: it took back final blocks.",
            )
        ours = list(under_way)
        others = [other for other in ours if other.nonce >= used]
        spoken_for = sum(other.most_wei for other in others)
        if nonce is None:
            nonce = self._next_nonce(used, floor, {other.nonce for other in ours})
        elif nonce < used:
            raise NodeBehind("the nonce is used by now", who=f"account {self._address}", had=nonce)
        facts = (self._chain.chain_id, nonce, quote.fees.tip, quote.fees.most, quote.gas)
        transaction = Transaction(*facts, intent.to, intent.value, intent.data)
        if balance < spoken_for + transaction.most_wei:
            needed = f"{Coin(transaction.most_wei)} at most"
            beside = f" beside {Coin(spoken_for)} under way" if others else ""
            raise self.no_funds(f"{needed}{beside}")
        return Draft(transaction, quote.height)

    def quote(self, intent: Intent) -> Quote:
        """What a transaction for `intent` costs now.

        Raises:
            ContractRefused: it reverts.
            GasAboveCap, FeeAboveCap: it costs more than it may.
        """
        gas = self._gas(intent)
        block = self._chain.block()
        return Quote(gas, choose_fees(block.base_fee, self._tip(), self.fee_cap), block.number)

    def _next_nonce(self, used: int, floor: int, held: set[int]) -> int:
        """The one above all of ours; but below a hole that nobody pays for, the lowest free one.

        What was signed above such a hole stays signed, with its nonce: it may happen still.

        Raises:
            NodeBehind: it is not to be believed yet.
        """
        known = max(floor, max(held, default=-1) + 1)
        nonce = max(used, known)
        if used >= known or not self._is_wide(used, known, held):
            self._check_filled(floor, known, held)
            self._holes.disagree()
            self._check_nonce(nonce, known)
            return nonce
        lowest = next(each for each in range(used, nonce) if each not in held)
        waiting = min(each for each in held if each > lowest)
        self._check_hole(used, waiting)
        self._log.warning("waits above nonces that nothing has", nonce=waiting, used=used)
        return lowest

    def _is_wide(self, used: int, known: int, held: set[int]) -> bool:
        """Whether more nonces from `used` to `known` are free than may be filled with nothing."""
        return self.fillers.is_wide(known - used - sum(each >= used for each in held))

    def _check_filled(self, floor: int, known: int, held: set[int]) -> None:
        """What was signed far above all that is known to be used: one count alone is not believed.

        If the hole is there still, what is signed above it now is stalled too.

        Raises:
            NodeBehind: as of a block that is final it is there.
        """
        if not self._is_wide(floor, known, held):
            return
        final = self._chain.nonces_used(self._address, self._chain.confirmed())
        if final >= known or not self._is_wide(final, known, held):
            return
        doubt = NodeBehind(
            "nonces that nothing was known to have are said to be used, but are not final",
            who=f"account {self._address}",
            had=final,
            needed=f">= {known}, or near it",
            remedy="Ask again; look at what the chain's node says.",
        )
        doubt.retry_after_s = JUMP_APART_S
        raise doubt

    def _check_nonce(self, nonce: int, known: int) -> None:
        """Above what we know of ourselves one count is not believed: all others would wait for it.

        What is signed above holes costs a fee for each, or is never mined, so that takes some looks
        that agree. Who knows nothing of the account, as at its first use here, believes a little.

        Raises:
            NodeBehind: the nonces below are not all used as of a block that is final, or not at
                looks that lie apart.
        """
        if nonce <= known:
            self._jumps.disagree()
            return
        final = self._chain.nonces_used(self._address, self._chain.confirmed())
        is_first = not known and not self.fillers.is_wide(nonce)
        if final < nonce:
            self._jumps.disagree()
        elif is_first or self._jumps.agree((nonce, known)):
            return
        doubt = NodeBehind(
            "more of the account's nonces are said to be used than are final",
            who=f"account {self._address}",
            had=nonce if final < nonce else f"{nonce}, above {known}",
            needed=f"<= {max(known, final)}, at {JUMP_LOOKS} looks {JUMP_APART_S:g} s apart",
            remedy="Ask again; use the key in one place only.",
        )
        doubt.retry_after_s = 0.0 if is_first else JUMP_APART_S
        raise doubt

    def _check_hole(self, used: int, waiting: int) -> None:
        """A count that is far below what we signed is of a node that lags, or ours was wrong.

        Raises:
            NodeBehind: it has not stayed so for long.
        """
        final = self._chain.nonces_used(self._address, self._chain.confirmed())
        if final > used:
            self._holes.disagree()
        elif self._holes.agree(waiting):
            return
        doubt = NodeBehind(
            "fewer of the account's nonces are used than were when it signed",
            who=f"account {self._address}",
            had=max(used, final),
            needed=f">= {waiting}; or the same at {HOLE_LOOKS} looks {HOLE_APART_S:g} s apart",
            remedy="Ask again; look at what the chain's node says.",
        )
        doubt.retry_after_s = HOLE_APART_S
        raise doubt

    def read_market(self) -> Market:
        """What the chain asks."""
        return Market(self._chain.block().base_fee, self._tip())

    def compute_room(self, under_way: Iterable[Transaction]) -> int:
        """Wei that the account has beside what is not mined yet; negative where it lacks some."""
        return self._chain.balance(self._address) - sum(each.most_wei for each in under_way)

    def redraft(self, old: Transaction, market: Market) -> Transaction | None:
        """The same transaction with fees that replace `old`; None when the cap forbids it."""
        fees = raise_fees(Fees(old.tip, old.max_fee), market.base_fee, market.tip, self.fee_cap)
        if fees is None:
            return None
        return Transaction(
            old.chain_id, old.nonce, fees.tip, fees.most, old.gas, old.to, old.value, old.data
        )

    def draft_nothing(
        self, nonce: int, under_way: Iterable[Transaction], floor: int
    ) -> Draft | None:
        """A transfer of nothing to oneself that takes a nonce; None while it costs too much."""
        if not self.fillers.left:
            self._log.warning("not cancelled within this hour", nonce=nonce, most=MOST_HOLES)
            return None
        try:
            draft = self.draft(transfer_of(self._address, 0), under_way, floor=floor, nonce=nonce)
        except (RefusedInput, FeeAboveCap) as fault:
            self._log.warning("not cancelled yet", nonce=nonce, error=fault)
            return None
        self.fillers.note()
        return draft

    def refused(self, refusal: NodeRefused) -> RefusedInput:
        """The node does not take what was signed."""
        if is_no_funds(refusal):
            return self.no_funds("more")
        return TransactionRefused(
            "the node does not take the transaction",
            who=f"account {self._address}",
            had=refusal.message[:300],
        )

    def no_funds(self, needed: str) -> NoFunds:
        """The account cannot pay."""
        return NoFunds(
            "cannot pay for the transaction",
            who=f"account {self._address}",
            had=Coin(self._chain.balance(self._address)),
            needed=needed,
            remedy="Send the chain's native coin to the account.",
        )

    def explain(self, intent: Intent, receipt: Receipt) -> ContractRefused:
        """Why a mined transaction failed: run it again on the state before and after its block."""
        request = self._request(intent)
        for number in (receipt.block_number - 1, receipt.block_number):
            try:
                self._chain.rpc("eth_call", request, hex(number))
            except NodeRefused as error:
                refused = revert_of(error, intent.contract, intent.function)
                if refused is not None:
                    return refused
        return ContractRefused(
            intent.contract.name, intent.function, "", {"gas_used": receipt.gas_used}
        )

    def _tip(self) -> int:
        try:
            answer = self._chain.rpc("eth_maxPriorityFeePerGas")
            return quantity_of(answer, "tip", most=MOST_PRICE)
        except NodeRefused:
            return DEFAULT_TIP  # an optional method

    def _gas(self, intent: Intent) -> int:
        gas = intent.gas if intent.gas is not None else self._estimate(intent)
        if gas > self._limits.max_gas:
            raise GasAboveCap(
                "needs too much gas",
                who=f"{intent.contract.name}.{intent.function}",
                had=gas,
                needed=f"<= {self._limits.max_gas}",
                remedy="Split the call or raise the limit.",
            )
        if intent.gas is not None:
            return gas
        return self._limits.limit_of(gas)

    def _estimate(self, intent: Intent) -> int:
        try:
            answer = self._chain.rpc("eth_estimateGas", self._request(intent), "pending")
            return quantity_of(answer, "gas", most=MOST_GAS)
        except NodeRefused as error:
            if is_no_funds(error):
                raise self.no_funds(f"more than {Coin(intent.value)}") from error
            raise revert_of(error, intent.contract, intent.function) or error from error

    def _request(self, intent: Intent) -> dict[str, str]:
        request = {
            "from": self._address,
            "value": hex(intent.value),
            "data": "0x" + intent.data.hex(),
        }
        return request if intent.to is None else {**request, "to": intent.to}
