"""A chain of payments in memory, seen through nodes that lag, forget, refuse and contradict.

Why not a real one: what a provider of many nodes does in an hour has to happen at every step of a
lane, thousands of times, and the same each time. Time is counted in requests: every so many of them
a block is made. The same laws are tested against Anvil in `test_lane_faults.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.posting import HttpAnswer
from edgemark.ledger.evm.reading.wire import RpcWire
from edgemark.ledger.evm.sending.transaction import Transaction, hash_of, parse_raw

CHAIN_ID = 99
KEY = SecretKey(bytes(31) + b"\x07")
WEALTH = 10**21
NO_BATCHES = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}
OLD_STATES = 16  # blocks whose states a node keeps


class Says(Exception):
    """An error of a node."""

    def __init__(self, message: str, code: int = -32000) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


@dataclass
class Block:
    """Which transactions of the account stand in it."""

    number: int
    parent: bytes
    salt: int
    raws: tuple[bytes, ...] = ()
    hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.hash = keccak(self.parent + bytes([self.salt % 256]) + b"".join(self.raws))


class Chain:
    """What really happened; one account, `KEY`, sends.

    Attributes:
        base_fee: of every block, wei per gas; what pays less is not mined.
    """

    def __init__(self) -> None:
        self.base_fee = 10**9
        self.blocks = [Block(0, bytes(32), 0)]
        self.pool: dict[int, bytes] = {}

    def mine(self, salt: int = 0, *, is_empty: bool = False) -> None:
        """One block, with whatever follows on what is there."""
        raws: list[bytes] = []
        used = self.used(len(self.blocks) - 1)
        while not is_empty and self._pays(used + len(raws)):
            raws.append(self.pool.pop(used + len(raws)))
        top = self.blocks[-1]
        self.blocks.append(Block(top.number + 1, top.hash, salt, tuple(raws)))

    def _pays(self, nonce: int) -> bool:
        return nonce in self.pool and parse_raw(self.pool[nonce]).max_fee >= self.base_fee

    def take_back(self, depth: int, *, forgets: bool = True) -> None:
        """Replace the last blocks by empty ones; what was in them is forgotten, or waits again."""
        depth = min(depth, len(self.blocks) - 1)
        gone = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        for block in gone:
            if not forgets:
                for raw in block.raws:
                    self.pool.setdefault(parse_raw(raw).nonce, raw)
            self.mine(salt=block.salt + 1, is_empty=True)

    def submit(self, raw: bytes) -> None:
        """Take a transaction into the pool; a dearer one replaces."""
        sent = parse_raw(raw)
        if sent.nonce < self.used(len(self.blocks) - 1):
            raise Says("nonce too low")
        waits = self.pool.get(sent.nonce)
        if waits == raw:
            raise Says("already known")
        if waits is not None and parse_raw(waits).max_fee * 11 > sent.max_fee * 10:
            raise Says("replacement transaction underpriced")
        self.pool[sent.nonce] = raw

    def used(self, height: int) -> int:
        """Nonces used up to a block."""
        return sum(len(block.raws) for block in self.blocks[: height + 1])

    def paid(self, to: Address) -> list[int]:
        """What the account paid to another, in order."""
        sent = [parse_raw(raw) for block in self.blocks for raw in block.raws]
        return [each.value for each in sent if each.to == to]


@dataclass
class View:
    """One node: what it knows of the chain.

    Attributes:
        lag: blocks that it has not got yet.
        hides_receipts: it never shows one.
        is_deaf: transactions do not reach the others' pool by it.
        old_states: of how many blocks it keeps the state.
        more: methods beside those of payments.
    """

    chain: Chain
    lag: int = 0
    hides_receipts: bool = False
    is_deaf: bool = False
    old_states: int = OLD_STATES
    more: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def head(self) -> int:
        """Its latest block."""
        return max(0, len(self.chain.blocks) - 1 - self.lag)

    def answer(self, method: str, params: Sequence[Any]) -> Any:
        """As a node answers; raises `Says`."""
        of_method: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(CHAIN_ID),
            "eth_blockNumber": lambda: hex(self.head),
            "eth_getBlockByNumber": self._block,
            "eth_getTransactionCount": lambda _, at: hex(self.chain.used(self._state(at))),
            "eth_getBalance": lambda *_: hex(WEALTH),
            "eth_maxPriorityFeePerGas": lambda: hex(10**9),
            "eth_estimateGas": lambda *_: hex(21_000),
            "eth_sendRawTransaction": self._take,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
        }
        of_method |= self.more
        if method not in of_method:
            raise Says("the method does not exist", -32601)
        return of_method[method](*params)

    def _take(self, shown: str) -> str:
        raw = bytes.fromhex(shown[2:])
        if not self.is_deaf:
            self.chain.submit(raw)
        return "0x" + hash_of(raw).hex()

    def _height(self, at: str) -> int:
        return self.head if at in ("latest", "pending") else int(at, 16)

    def _state(self, at: str) -> int:
        height = self._height(at)
        if height > self.head:
            raise Says("header not found")
        if height < self.head - self.old_states:
            raise Says("missing trie node")
        return height

    def _block(self, at: str, is_whole: bool) -> dict[str, Any] | None:
        height = self._height(at)
        if height > self.head:
            return None
        block = self.chain.blocks[height]
        sent = [self._shown(block, raw) for raw in block.raws]
        return {
            "number": hex(block.number),
            "hash": "0x" + block.hash.hex(),
            "parentHash": "0x" + block.parent.hex(),
            "timestamp": hex(1_700_000_000 + block.number),
            "baseFeePerGas": hex(self.chain.base_fee),
            "transactions": sent if is_whole else [each["hash"] for each in sent],
        }

    def _find(self, shown: str) -> tuple[Block, bytes] | None:
        wanted = bytes.fromhex(shown[2:])
        for block in self.chain.blocks[: self.head + 1]:
            for raw in block.raws:
                if hash_of(raw) == wanted:
                    return block, raw
        return None

    def _shown(self, block: Block, raw: bytes) -> dict[str, Any]:
        return {
            "hash": "0x" + hash_of(raw).hex(),
            "from": KEY.address,
            "nonce": hex(parse_raw(raw).nonce),
            "blockNumber": hex(block.number),
        }

    def _transaction(self, shown: str) -> dict[str, Any] | None:
        found = self._find(shown)
        if found is not None:
            return self._shown(*found)
        waits = [raw for raw in self.chain.pool.values() if "0x" + hash_of(raw).hex() == shown]
        return {"hash": shown} if waits else None

    def _receipt(self, shown: str) -> dict[str, Any] | None:
        found = None if self.hides_receipts else self._find(shown)
        if found is None:
            return None
        return {
            "transactionHash": shown,
            "blockNumber": hex(found[0].number),
            "blockHash": "0x" + found[0].hash.hex(),
            "status": "0x1",
            "gasUsed": hex(21_000),
            "effectiveGasPrice": hex(2 * 10**9),
            "contractAddress": None,
            "logs": [],
        }


class Nodes:
    """The nodes behind one address; one message is answered by one of them.

    Attributes:
        views: the nodes.
        choose: which of them answers the message of this number, from 0.
        before: called with each request before it is answered; may raise `Says` or return what is
            answered instead.
        after: changes the whole HTTP answer.
        block_every: messages until a block is made; 0 for never.
        takes_batches: many requests in one message are answered.
    """

    def __init__(self, *views: View) -> None:
        self.views = views
        self.choose: Callable[[int], int] = lambda number: number % len(self.views)
        self.before: Callable[[str, Sequence[Any]], Any] = lambda *_: None
        self.after: Callable[[HttpAnswer], HttpAnswer] = lambda answer: answer
        self.block_every = 0
        self.takes_batches = True
        self.methods: list[str] = []
        self._messages = 0

    def __call__(self, body: bytes) -> HttpAnswer:
        """What `HttpPost` does."""
        asked = json.loads(body)
        view = self.views[self.choose(self._messages)]
        self._messages += 1
        if self.block_every and self._messages % self.block_every == 0:
            view.chain.mine()
        if isinstance(asked, list) and not self.takes_batches:
            return HttpAnswer(200, {}, json.dumps(NO_BATCHES).encode())
        many = asked if isinstance(asked, list) else [asked]
        said = [self._answer(view, each) for each in many]
        found = said if isinstance(asked, list) else said[0]
        return self.after(HttpAnswer(200, {}, json.dumps(found).encode()))

    def _answer(self, view: View, asked: dict[str, Any]) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": asked["id"]}
        self.methods.append(asked["method"])
        try:
            given = self.before(asked["method"], asked["params"])
            if given is None:
                given = view.answer(asked["method"], asked["params"])
        except Says as said:
            return {**head, "error": said.error}
        return {**head, "result": given}


def chain_through(
    post: Callable[[bytes], HttpAnswer],
    *,
    confirmations: int = 2,
    attempts: int = 1,
    kind: type[EvmChain] = EvmChain,
) -> EvmChain:
    """A chain whose node is `post`."""
    chain = kind("http://127.0.0.1:1", chain_id=CHAIN_ID, confirmations=confirmations)
    chain._wire = RpcWire("http://127.0.0.1:1", timeout_s=0.5, attempts=attempts, post=post)
    return chain


def other_payment(nonce: int, to: Address, value: int = 1) -> bytes:
    """What another program signs with the same key."""
    fee = 10**12
    return Transaction(CHAIN_ID, nonce, fee, fee, 21_000, to, value, b"").sign(KEY)
