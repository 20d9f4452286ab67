"""Two chains, of two programs, with two ids; everything else is the same, nonces and calls too.

`TwinChains.act` lets an account do the same on both. Before either chain takes its transaction, the
other one must have refused it: at that moment its nonce, its sender's balance and its target would
be good there too, and only the chain id is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Tokens
from edgemark.identity.records import Role
from edgemark.identity.registry import ParticipantRegistry
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.development.anvil import AnvilNode
from edgemark.ledger.evm.development.hardhat import HardhatNode
from edgemark.ledger.evm.development.node import ChainOptions, DevelopmentNode, dev_key
from edgemark.ledger.evm.faults import ContractRefused, NodeRefused
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call, intent_of
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import Transaction
from edgemark.party.evm.contracts import DEFAULT_STAKING
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.station.contracts import (
    COMPUTE_NODE,
    ENCLAVE,
    OutsourcingContracts,
    draft_contracts,
)
from edgemark.token.metacoin import MetaCoin

CHAIN_IDS = (31337, 31338)
LIMITS = Limits(Tokens(12), Tokens(10**20), Tokens(1), Tokens(1), 2, 86_400, 600, 60)
# Development accounts by role; the outsider deploys, holds all tokens and brings signatures.
OUTSIDER, PAYER, POOL = 0, 1, 2
JUDGES = (3, 4, 5, 6)
NODES = (7, 8, 9, 10, 11)
ACCOUNTS = 21
DAY_S = 86_400
WEALTH = 10**6
MIN_STAKE = DEFAULT_STAKING.min_stake
LIMIT_S = 30.0
GAS, GAS_PRICE = 3_000_000, 10**10


@cache
def key_of(number: int) -> SecretKey:
    """A funded development account."""
    return SecretKey(dev_key(number))


def address_of(number: int) -> Address:
    return key_of(number).address


# Of judges, then of nodes: a job names its nodes in the order of their providers' addresses.
PROVIDERS = (
    *range(12, 16),
    *sorted(range(16, 21), key=lambda number: int(address_of(number), 16)),
)


class Side:
    """One of the chains, with everything on it.

    Args:
        node: runs it.
        folder: for the lane that deploys.
    """

    def __init__(self, node: DevelopmentNode, folder: Path) -> None:
        self.chain = EvmChain(node.url, confirmations=0).connect()
        judges = tuple(map(address_of, JUDGES))
        owner, pool = address_of(OUTSIDER), address_of(POOL)
        groups = draft_contracts(owner, judges, pool, owner, LIMITS)
        with TransactionLane(self.chain, key_of(OUTSIDER), folder / "lane") as lane:
            self.deployment: Deployment = deploy(self.chain, lane, groups)
        self.settlement = SettlementContract(
            self.chain, self.deployment, self.deployment.group(OutsourcingContracts).judges
        )
        self.anchor = AnchorAccounts(self.chain, self.deployment.contract("AssetAnchor"))
        registry = self.deployment.contract("ParticipantRegistry")
        self.registry = ParticipantRegistry(self.chain, registry)
        self.token = MetaCoin(self.chain, self.deployment.contract("MetaCoin"))

    def sign(self, sender: int, call: Call) -> bytes:
        """A raw transaction for this chain."""
        key, intent = key_of(sender), intent_of(call)
        nonce = int(self.chain.rpc("eth_getTransactionCount", key.address, "latest"), 16)
        made = (self.chain.chain_id, nonce, GAS_PRICE, GAS_PRICE, GAS, intent.to, 0, intent.data)
        return Transaction(*made).sign(key)

    def take(self, raw: bytes) -> None:
        """Mine a transaction, which must succeed."""
        sent = self.chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        deadline = time.monotonic() + LIMIT_S
        while (receipt := self.chain.rpc("eth_getTransactionReceipt", sent)) is None:
            assert time.monotonic() < deadline, f"{sent} is not mined"
            time.sleep(0.005)
        assert int(receipt["status"], 16) == 1, receipt

    def refuse_raw(self, raw: bytes) -> None:
        """Expect that the node takes no transaction of another chain."""
        with pytest.raises(NodeRefused, match=r"(?i)chain.?id"):
            self.chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())

    def refusal(self, call: Call) -> tuple[str, dict[str, Any]] | None:
        """Error and values with which the contract refuses the outsider's call; None when not."""
        outsider = address_of(OUTSIDER)
        try:
            self.chain.call(
                call.contract, call.function, *call.args, block="latest", sender=outsider
            )
        except ContractRefused as refused:
            return refused.error_name, refused.values
        return None

    def balances(self) -> list[int]:
        """Free balance of everybody, then all that is locked."""
        free = [self.anchor.free_balance(address_of(number)) for number in range(ACCOUNTS)]
        return [*free, self.anchor.totals().locked]


class TwinChains:
    """Both chains, in step.

    Attributes:
        here: the one whose signatures are carried away.
        there: the one that they are carried to.
        refused: raw transactions that the wrong chain refused.
    """

    def __init__(self, here: Side, there: Side) -> None:
        self.here, self.there = here, there
        self.refused = 0

    def act(self, sender: int, make: Callable[[Side], Call]) -> None:
        """Let an account do the same on both chains, each of which refuses the other's."""
        raws = [side.sign(sender, make(side)) for side in (self.here, self.there)]
        self.there.refuse_raw(raws[0])
        self.here.refuse_raw(raws[1])
        self.refused += 2
        self.here.take(raws[0])
        self.there.take(raws[1])

    def settle_in(self) -> None:
        """Register everybody and fill the accounts of payer and nodes."""
        total = WEALTH * (1 + len(NODES)) + MIN_STAKE * len(PROVIDERS)
        self.act(OUTSIDER, lambda side: side.token.approve(side.anchor.contract.address, total))
        servers = [(number, ENCLAVE) for number in JUDGES]
        servers += [(number, COMPUTE_NODE) for number in NODES]
        for provider, (number, role) in zip(PROVIDERS, servers, strict=True):
            self._register(number, role, provider)
        self.act(PAYER, lambda side: side.registry.register_device())
        for number in (PAYER, *NODES):
            self._enrich(number)

    def _register(self, number: int, role: Role, provider: int) -> None:
        pin, resources = Hash32(bytes([number]) * 32), Resources(2, 1024, 1024, 100)
        endpoint = f"https://127.0.0.1:{8000 + number}"
        organisation, member = address_of(provider), address_of(number)
        self.act(provider, lambda side: side.registry.register_provider(f"provider {provider}"))
        self.act(OUTSIDER, lambda side: side.anchor.deposit(organisation, MIN_STAKE))
        until = self._allowances_end()
        self.act(
            provider,
            lambda side: side.anchor.allow_locker(side.registry.address, MIN_STAKE, until),
        )
        self.act(provider, lambda side: side.registry.stake(MIN_STAKE))
        self.act(provider, lambda side: side.registry.admit(member))
        self.act(
            number,
            lambda side: side.registry.register_server(
                role, organisation, pin, endpoint, resources
            ),
        )

    def _enrich(self, number: int) -> None:
        self.act(OUTSIDER, lambda side: side.anchor.deposit(address_of(number), WEALTH))
        until = self._allowances_end()
        self.act(
            number, lambda side: side.anchor.allow_locker(side.settlement.address, WEALTH, until)
        )

    def _allowances_end(self) -> int:
        """The same second on both chains, long after the test."""
        return min(side.chain.block("latest").timestamp for side in (self.here, self.there)) + DAY_S


@contextmanager
def start_twins(folder: Path, chain_ids: Sequence[int] = CHAIN_IDS) -> Iterator[TwinChains]:
    """An Anvil and a Hardhat with the same contracts at the same addresses, and the same people."""
    here, there = (
        ChainOptions(chain_id=chain_id, block_time_s=None, accounts=ACCOUNTS)
        for chain_id in chain_ids
    )
    with (
        AnvilNode.start(folder / "here", here) as one,
        HardhatNode.start(folder / "there", there) as two,
    ):
        twins = TwinChains(Side(one, folder / "here"), Side(two, folder / "there"))
        if twins.here.deployment.contracts != twins.there.deployment.contracts:
            raise RefusedInput("are no twins", who="contracts")
        twins.settle_in()
        yield twins
