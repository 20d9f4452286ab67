"""What the operator's pages of a party say about its chain and its account there.

The chain is asked apart from the party's own reading, once and with a short time limit: a node that
hangs must not hang the page that is to tell about it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client.core import Metric

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.deployment.settings import ChainSettings
from edgemark.errors import EdgemarkError
from edgemark.ledger.evm.faults import NoCode
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.metrics.readings import make_counter, make_family, make_gauge
from edgemark.party.evm.station import EvmStation
from edgemark.token.metacoin import MetaCoin

CHAIN_BOUND_S = 3.0  # for one answer; a chain that takes longer keeps matters from their deadlines


@dataclass(frozen=True)
class ChainReading:
    """One look at the chain.

    Attributes:
        head: number of the latest block.
        confirmed: number of the latest block that counts as final.
        lag_s: seconds since the latest block was made, by its own clock.
        gas_wei: coins of the account.
        tokens: smallest units of the account by where they are: wallet, free, locked.
        gas_used: gas of this process's transactions.
    """

    head: int
    confirmed: int
    lag_s: float
    gas_wei: int
    tokens: Mapping[str, int] = field(default_factory=dict)
    gas_used: int = 0


class Holder(Protocol):
    """Whose chain and account it is."""

    @property
    def station(self) -> EvmStation:
        """Chain, contracts and account."""

    def locked_tokens(self) -> int:
        """Tokens of this party that open matters hold, smallest unit."""


class ChainFigures:
    """A collector for a Prometheus registry, and the `Dependency` of whoever is on the chain.

    Args:
        party: need not have started.
    """

    name = "chain"

    def __init__(self, party: Holder) -> None:
        station, chain = party.station, party.station.settings.of(ChainSettings)
        self._party = party
        self._chain = EvmChain(
            chain.url,
            chain_id=station.deployment.chain_id,
            confirmations=chain.confirmations,
            timeout_s=CHAIN_BOUND_S,
            attempts=1,
        )
        self._accounts = AnchorAccounts(self._chain, station.accounts.contract)
        self._token = MetaCoin(self._chain, station.token.contract)

    def ask(self) -> None:
        """One look at the chain.

        Raises:
            LedgerUnavailable: it does not answer in time, or is another one.
            NoCode: it has no contracts of ours.
        """
        self._party.station.same_chain.check(self._chain)
        if not self._chain.code(self._accounts.contract.address):
            raise NoCode("no contract at the address", who=self._accounts.contract.name)

    def read(self) -> ChainReading:
        """The chain as it is now, in a few short requests.

        Raises:
            LedgerUnavailable: it does not answer in time.
        """
        station, latest = self._party.station, self._chain.block()
        return ChainReading(
            head=latest.number,
            confirmed=max(0, latest.number - self._chain.confirmations),
            lag_s=max(0.0, time.time() - latest.timestamp),
            gas_wei=self._chain.balance(station.address),
            tokens={
                "wallet": self._token.balance(station.address, block="latest"),
                "free": self._accounts.free_balance(station.address),
                "locked": self._party.locked_tokens(),
            },
            gas_used=station.lane.gas_used,
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking for names must not ask the chain."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The chain's lines of one scrape."""
        return tell_chain(self.read)


def tell_chain(read: Callable[[], ChainReading]) -> Iterable[Metric]:
    """The lines of a chain; one that does not answer costs its own lines: `edgemark_chain_up` is 0.

    Args:
        read: looks at it; raises an `EdgemarkError` when it does not answer.
    """
    try:
        chain = read()
    except EdgemarkError:
        yield make_gauge("edgemark_chain_up", "Whether the chain answers.", 0)
        return
    yield make_gauge("edgemark_chain_up", "Whether the chain answers.", 1)
    yield make_gauge("edgemark_chain_head_block", "The latest block.", chain.head)
    yield make_gauge("edgemark_chain_confirmed_block", "The latest final block.", chain.confirmed)
    yield make_gauge("edgemark_chain_lag_seconds", "Seconds since the latest block.", chain.lag_s)
    yield make_gauge("edgemark_account_gas_wei", "Coins that pay for gas.", chain.gas_wei)
    used = "Gas used since the start."
    yield make_counter("edgemark_transactions_gas_total", used, chain.gas_used)
    yield make_family(
        "edgemark_account_tokens",
        "Tokens, smallest unit (as a float: exact to 16 digits).",
        chain.tokens,
        label="where",
    )
