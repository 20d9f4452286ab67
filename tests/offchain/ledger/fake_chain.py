"""A chain of logs in memory, behind the JSON-RPC that a node speaks.

Why not a real one: a property needs thousands of reorganisations at every point of a reading, and a
node that lies; Anvil does the first at a few a second and the second not at all. The same laws are
tested against Anvil in `test_index_on_anvil.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from eth_utils.crypto import keccak
from tests.offchain.deployed import CONTRACTS, GROUPS
from tests.offchain.ledger.evm.contract.abi_values import log_of

from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.contract.interface import load_interface
from edgemark.ledger.evm.faults import NodeRefused
from edgemark.ledger.evm.reading.chain import EvmChain

CHAIN_ID = 99
FIRST_BLOCK = 3  # of the deployment
GENESIS_AT = 1_700_000_000

Event = tuple[str, str, tuple[Any, ...]]  # contract, event, values


def person(number: int) -> Address:
    """One of the accounts that events name."""
    return parse_address(number.to_bytes(20, "big"))


def deployment_of(first: int = FIRST_BLOCK) -> Deployment:
    """A deployment of all contracts, each at an address of its own."""
    contracts = {name: person(0xC000 + place) for place, name in enumerate(CONTRACTS)}
    return Deployment(CHAIN_ID, first, contracts, cast(Any, GROUPS))


@dataclass
class FakeBlock:
    """One block: what identifies it and what its transactions logged."""

    number: int
    parent: bytes
    salt: int
    events: Sequence[Event]
    hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        facts = f"{self.number} {self.salt} {self.events}"
        self.hash = keccak(self.parent + facts.encode())

    def header(self) -> dict[str, Any]:
        """As a node gives it."""
        return {
            "number": hex(self.number),
            "hash": "0x" + self.hash.hex(),
            "parentHash": "0x" + self.parent.hex(),
            "timestamp": hex(GENESIS_AT + 12 * self.number + self.salt % 3),
        }

    def logs(self, deployment: Deployment) -> list[dict[str, Any]]:
        """As a node gives them; every second event is of the transaction of the one before."""
        found = []
        for place, (contract, event, values) in enumerate(self.events):
            log = log_of(load_interface(contract).events[event], values)
            tx_hash = keccak(self.hash + bytes([place // 2]))
            found.append(
                {
                    "address": deployment.contracts[contract],
                    "topics": ["0x" + topic.hex() for topic in log.topics],
                    "data": "0x" + log.data.hex(),
                    "blockNumber": hex(self.number),
                    "blockHash": "0x" + self.hash.hex(),
                    "transactionHash": "0x" + tx_hash.hex(),
                    "logIndex": hex(place),
                }
            )
        return found


class FakeChain(EvmChain):
    """Answers from its list of blocks.

    Attributes:
        blocks: the chain as it is now.
        before_request: called with the number of the request, from 1, before it is answered.
        lie: changes the answers to `eth_getLogs`.
        most_range: blocks of one `eth_getLogs`; more are refused.
    """

    def __init__(self, deployment: Deployment, *, confirmations: int = 2) -> None:
        super().__init__("http://127.0.0.1:1", chain_id=CHAIN_ID, confirmations=confirmations)
        self.deployment = deployment
        self.blocks: list[FakeBlock] = []
        self.requests = 0
        self.before_request: Callable[[int], None] = lambda _: None
        self.lie: Callable[[list[dict[str, Any]]], Any] = lambda logs: logs
        self.most_range = 1_000
        self.mine([])

    def mine(self, events: Sequence[Event], salt: int = 0) -> None:
        """Put one block on top."""
        parent = self.blocks[-1].hash if self.blocks else bytes(32)
        self.blocks.append(FakeBlock(len(self.blocks), parent, salt, tuple(events)))

    def take_back(self, depth: int) -> None:
        """Remove the last blocks, but never the first."""
        del self.blocks[max(1, len(self.blocks) - depth) :]

    def rpc(self, method: str, *params: object) -> Any:
        """What a node would answer."""
        self.requests += 1
        self.before_request(self.requests)
        match method:
            case "eth_chainId":
                return hex(CHAIN_ID)
            case "eth_blockNumber":
                return hex(len(self.blocks) - 1)
            case "eth_getBlockByNumber":
                return self._header(str(params[0]))
            case "eth_getLogs":
                return self.lie(self._logs(cast(Any, params[0])))
        raise NodeRefused(-32601, f"no method {method}", b"", who="fake node")

    def rpc_many(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """What a node would answer to each."""
        return [self.rpc(method, *params) for method, params in wanted]

    def _header(self, at: str) -> dict[str, Any] | None:
        number = len(self.blocks) - 1 if at == "latest" else int(at, 16)
        return self.blocks[number].header() if number < len(self.blocks) else None

    def _logs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        if "blockHash" in wanted:
            chosen = [b for b in self.blocks if "0x" + b.hash.hex() == wanted["blockHash"]]
            if not chosen:
                raise NodeRefused(-32000, "unknown block", b"", who="fake node")
        else:
            first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
            if last - first >= self.most_range:
                raise NodeRefused(-32005, "range too large", b"", who="fake node")
            chosen = self.blocks[first : last + 1]
        return [log for block in chosen for log in block.logs(self.deployment)]
