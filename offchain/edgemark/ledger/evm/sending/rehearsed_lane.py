"""The lane of who wants to know what transactions would do, and cost, before any is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgemark.amounts import Coin
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.faults import GasAboveCap
from edgemark.ledger.evm.reading.blocks import RawLog, Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.simulating import CannotSimulate, Simulated, simulate
from edgemark.ledger.evm.sending.closed_lane import ClosedLane
from edgemark.ledger.evm.sending.drafting import Drafter
from edgemark.ledger.evm.sending.fees import WEI_PER_GWEI, choose_fees
from edgemark.ledger.evm.sending.intent import Call, Intent, LaneLimits, intent_of
from edgemark.ledger.evm.sending.transaction import SigningKey

NOWHERE = Hash32(bytes(32))  # what is rehearsed stands in no block
NOTHING = Simulated(0, ())


@dataclass(frozen=True)
class Rehearsal:
    """What was rehearsed in a lane.

    Attributes:
        calls: by contract and function, in order.
        gas: that all of it would use.
        fee_wei: for that gas at present: base fee and tip.
        value_wei: native coin that is given away beside it.
        logs: of all of it, in order.
        unknown: why gas, fee and logs are not known; None when they are.
    """

    calls: tuple[str, ...]
    gas: int = 0
    fee_wei: int = 0
    value_wei: int = 0
    logs: tuple[RawLog, ...] = ()
    unknown: CannotSimulate | None = None

    def check_known(self) -> None:
        """Check that it is known whether it would go.

        Raises:
            CannotSimulate: it is not.
        """
        if self.unknown is not None:
            raise self.unknown


class RehearsedLane(ClosedLane):
    """Takes no lock, opens no file and sends nothing; says what sending would come to.

    Each call sees what those before it would have changed; what is read of the chain meanwhile
    shows nothing of that.

    Args:
        chain: the chain.
        key: of the account.
        max_fee_gwei: base fee and tip together at most, gwei per gas.
        limits: gas of one transaction.
        was_sent: whether an intention was sent before, and is decided or not: it is sent once.
    """

    def __init__(
        self,
        chain: EvmChain,
        key: SigningKey,
        *,
        max_fee_gwei: float = 100.0,
        limits: LaneLimits | None = None,
        was_sent: Callable[[Intent], bool] | None = None,
    ) -> None:
        super().__init__(key)
        self._chain = chain
        self._limits = limits or LaneLimits()
        self._fee_cap = int(max_fee_gwei * WEI_PER_GWEI)
        self._batches: list[list[Intent]] = []
        self._found: list[list[Simulated]] = []
        self._was_sent = was_sent or (lambda _: False)
        self._unknown: CannotSimulate | None = None

    def push(self, call: Call) -> Receipt | None:
        """Rehearse a call; raises as `send_many`."""
        return self._carry_out([intent_of(call)], None)[0]

    def is_undecided(self, intent: Intent) -> bool:
        """Whether it was sent before this rehearsal."""
        return self._was_sent(intent)

    def has_begun(self, intent: Intent) -> bool:
        """The same."""
        return self._was_sent(intent)

    def sum_up(self) -> Rehearsal:
        """What all that was rehearsed would come to; raises as `send_many`."""
        intents = [intent for batch in self._batches for intent in batch]
        calls = tuple(f"{intent.contract.name}.{intent.function}" for intent in intents)
        value = sum(intent.value for intent in intents)
        if self._unknown or not calls:
            return Rehearsal(calls, value_wei=value, unknown=self._unknown)
        gas, fee = self._check_means()
        logs = tuple(log for batch in self._found for each in batch for log in each.logs)
        return Rehearsal(calls, gas, fee, value, logs)

    def _carry_out(self, intents: Sequence[Intent], confirmations: int | None) -> list[Receipt]:  # noqa: ARG002
        fresh = [intent for intent in intents if not self._was_sent(intent)]
        found: list[Simulated] = []
        if fresh:
            wanted = [*self._batches, fresh]
            if self._unknown is None:
                try:
                    self._found = simulate(self._chain, self.address, wanted)
                    found = self._found[-1]
                except CannotSimulate as unable:
                    self._unknown = unable
            self._batches = wanted
            if self._unknown is None:
                self._check_means()
        of = {intent.identity: each for intent, each in zip(fresh, found, strict=False)}
        return [_receipt(of.get(intent.identity, NOTHING)) for intent in intents]

    def _check_means(self) -> tuple[int, int]:
        """Gas and fee of all, each batch paid for when its turn comes, as a lane pays."""
        drafter = Drafter(self._chain, self.address, self._fee_cap, self._limits)
        market = drafter.read_market()
        fees = choose_fees(market.base_fee, market.tip, self._fee_cap)
        price = min(fees.most, market.base_fee + fees.tip)
        left = self._chain.balance(self.address)
        gas = 0
        for batch, found in zip(self._batches, self._found, strict=True):
            value = sum(intent.value for intent in batch)
            limits = [self._limit(*each) for each in zip(batch, found, strict=True)]
            most = sum(limits) * fees.most + value
            if left < most:
                raise drafter.no_funds(f"{Coin(most)} at most")
            used = sum(each.gas_used for each in found)
            left -= used * price + value
            gas += used
        return gas, gas * price

    def _limit(self, intent: Intent, found: Simulated) -> int:
        limits = self._limits
        if found.gas_used > limits.max_gas:
            raise GasAboveCap(
                "needs too much gas",
                who=f"{intent.contract.name}.{intent.function}",
                had=found.gas_used,
                needed=f"<= {limits.max_gas}",
                remedy="Split the call or raise the limit.",
            )
        return intent.gas or limits.limit_of(found.gas_used)


def _receipt(found: Simulated) -> Receipt:
    return Receipt(NOWHERE, 0, NOWHERE, True, found.gas_used, 0, None, found.logs)
