"""Every token of the stage: who has how many, and who should have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.participant_events import ProviderStaked
from edgemark.systems.outsourcing.amounts import (
    IndexPhase,
    compute_judge_share,
    compute_payout,
)
from edgemark.systems.outsourcing.parameters import Terms
from edgemark.token.metacoin import MetaCoin

Signers = Mapping[int, Sequence[Address]]  # by index


class Agreed(Protocol):
    """What the payments of a job depend on; an `Order`, or what the chain tells of it."""

    @property
    def terms(self) -> Terms:
        """Amounts and numbers."""

    @property
    def nodes(self) -> Sequence[Address]:
        """Node of index j at position j - 1."""

    @property
    def judges(self) -> Sequence[Address]:
        """All judges."""


@dataclass(frozen=True)
class Holdings:
    """All tokens at one block, in the smallest unit.

    Attributes:
        parties: wallet and free balance in the anchor, by account.
        supply: what the token says there is.
        anchored: what the token says the anchor holds.
        free, locked: what the anchor's own counters say, but for the stakes of providers.
        staked: what providers have at stake.
        vesting: what the allocations hold.
        wallets: sum of the parties' wallets.
    """

    parties: Mapping[Address, int]
    supply: int
    anchored: int
    free: int
    locked: int
    staked: int
    vesting: int
    wallets: int

    @property
    def accounted(self) -> int:
        """All that the parties hold, and all that is locked, staked or vesting."""
        return sum(self.parties.values()) + self.locked + self.staked + self.vesting

    @property
    def owed(self) -> int:
        """What the anchor should hold."""
        return self.free + self.locked + self.staked


def read_holdings(chain: EvmChain, deployment: Deployment, accounts: Iterable[Address]) -> Holdings:
    """Read every party's tokens as of the latest block."""
    token = MetaCoin(chain, deployment.contract("MetaCoin"))
    anchor = AnchorAccounts(chain, deployment.contract("AssetAnchor"))
    wallets = {account: token.balance(account, block="latest") for account in accounts}
    parties = {
        account: wallet + anchor.free_balance(account, block="latest")
        for account, wallet in wallets.items()
    }
    totals = anchor.totals(block="latest")
    staked = read_stakes(chain, deployment)
    return Holdings(
        parties=parties,
        supply=token.supply(block="latest"),
        anchored=token.balance(deployment.contracts["AssetAnchor"], block="latest"),
        free=totals.free,
        locked=totals.locked - staked,
        staked=staked,
        vesting=token.balance(deployment.contracts["Allocations"], block="latest"),
        wallets=sum(wallets.values()),
    )


def read_stakes(chain: EvmChain, deployment: Deployment) -> int:
    """Sum of what all providers have at stake, as of the latest block."""
    contract = deployment.contract("ParticipantRegistry")
    registry = ParticipantRegistry(chain, contract)
    logs = chain.logs([contract.address], deployment.block, chain.head())
    providers = {
        event.provider
        for event in decode_logs([contract], logs)
        if isinstance(event, ProviderStaked)
    }
    return sum(registry.stake_of(provider).amount for provider in providers)


def compute_changes(
    orders: Iterable[tuple[Agreed, tuple[IndexPhase, ...]]],
    payer: Address,
    pool: Address,
    signers: Sequence[Signers] | None = None,
) -> dict[Address, int]:
    """What each party should have won or lost by these jobs, from the amounts table alone.

    Args:
        orders: each job with the phase in which each of its indices should have ended.
        payer: the device.
        pool: the incentives pool.
        signers: of each job, who signed the verdict of an index; None: all judges signed all.
    """
    changes: dict[Address, int] = {}

    def add(account: Address, amount: int) -> None:
        changes[account] = changes.get(account, 0) + amount

    for number, (order, ends) in enumerate(orders):
        terms = order.terms
        for index, (node, end) in enumerate(zip(order.nodes, ends, strict=True), start=1):
            payout = compute_payout(end, terms)
            bond = payout.total - terms.fee - terms.stake
            add(payer, payout.payer - terms.fee - bond)
            add(node, payout.node - terms.stake)
            signed = order.judges if signers is None else signers[number].get(index, ())
            share, rest = compute_judge_share(payout.judges, len(order.judges), len(signed))
            for judge in signed:
                add(judge, share)
            add(pool, payout.pool + rest)
    return changes
