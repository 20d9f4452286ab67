"""Every token of a stage: who has how many, and whether none is missing or stuck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address
from edgemark.identity.events import ProviderStaked
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.receipt import PartyBalance, Receipt
from edgemark.token.metacoin import MetaCoin


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


def check_holdings(
    receipt: Receipt,
    names: Mapping[Address, tuple[str, str]],
    before: Holdings,
    after: Holdings,
    expected: Mapping[Address, int],
) -> None:
    """Each balance changed as expected; no token was created or lost, no stake touched.

    Args:
        receipt: gets the balances and the checks.
        names: name and role of every account that holds tokens.
        before: of these accounts, before everything.
        after: the same, when all is over.
        expected: what each should have won or lost; nothing where it is not named.
    """
    for account, (name, role) in names.items():
        was, is_now = before.parties[account], after.parties[account]
        receipt.parties.append(PartyBalance(name, role, was, is_now))
        receipt.compare_tokens(f"change of {name}", is_now - was, expected.get(account, 0))
    receipt.parties += [
        PartyBalance("providers", "stakes", before.staked, after.staked),
        PartyBalance("allocations", "supply under vesting", before.vesting, after.vesting),
    ]
    receipt.tokens_before, receipt.tokens_after = before.accounted, after.accounted
    receipt.compare_tokens("tokens before = supply", before.accounted, before.supply)
    receipt.compare_tokens("tokens after = tokens before", after.accounted, before.accounted)
    receipt.compare_tokens("anchor holds what it owes", after.anchored, after.owed)
    receipt.compare_tokens("stakes of providers untouched", after.staked, before.staked)


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
