"""One node of a chain, asked plain questions: blocks, receipts, balances.

The head of a chain can still change; what is read at `confirmed` is `confirmations` blocks deep.
Of several nodes behind one address one may lag behind another: what is not there is a fault of the
moment (`NodeBehind`) and proves nothing. What has to come from one node is asked in one message;
where none such is taken, the hashes of blocks have to show that the answers belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm.faults import (
    BatchRefused,
    ChainIdMismatch,
    NoChain,
    NodeAnswerMalformed,
    NodeBehind,
)
from edgemark.ledger.evm.reading.answers import MOST_NUMBER, height_of, malformed, quantity_of
from edgemark.ledger.evm.reading.blocks import (
    Block,
    Receipt,
    SentFrom,
    block_from_json,
    receipt_from_json,
    senders_from_json,
)
from edgemark.ledger.evm.reading.wire import RpcWire
from edgemark.ledger.evm.refusals import is_too_much

MANY_BLOCKS = 100  # headers in one message: what public nodes commonly take


class ChainNode:
    """One chain at one address.

    Args:
        url: http(s) address of a node.
        chain_id: the chain that is expected; None takes what is there.
        confirmations: blocks on top of one until it counts as final, >= 0.
        timeout_s: seconds to wait for one answer.
        attempts: requests until a lost connection is reported, >= 1.
    """

    def __init__(
        self,
        url: str,
        *,
        chain_id: int | None = None,
        confirmations: int = 2,
        timeout_s: float = 10.0,
        attempts: int = 4,
    ) -> None:
        self.url = url
        self.confirmations = confirmations
        self._expected = chain_id
        self._chain_id: int | None = None
        self._wire = RpcWire(url, timeout_s=timeout_s, attempts=attempts)
        self.place = self._wire.place
        self._seen: set[Address] = set()  # contracts whose code a node showed us

    def connect(self) -> Self:
        """Check that the expected chain is there; returns itself.

        Raises:
            NoChain: nothing answers at the address, or something that is no chain.
            ChainIdMismatch: another chain answers.
        """
        try:
            found = quantity_of(self.rpc("eth_chainId"), "chain id", most=MOST_NUMBER)
        except LedgerUnavailable as error:
            raise NoChain(
                "no chain answers",
                who=self.place,
                had=error.what if error.had is None else f"{error.what}: {error.had}",
                needed="an Ethereum JSON-RPC node",
                remedy="Start one (`edgemark chain up`) or correct the setting chain.url.",
            ) from error
        if self._expected is not None and found != self._expected:
            raise ChainIdMismatch(
                "is another chain",
                who=self.place,
                had=f"chain id {found}",
                needed=f"chain id {self._expected}",
                remedy="Correct the setting chain.url or chain.id.",
            )
        self._chain_id = found
        return self

    @property
    def chain_id(self) -> int:
        """The id of the chain, checked once."""
        if self._chain_id is None:
            self.connect()
        if self._chain_id is None:  # connect either set it or raised
            raise NoChain("did not connect", who=self.place)
        return self._chain_id

    def rpc(self, method: str, *params: object) -> Any:
        """One JSON-RPC request, repeated while the connection is lost.

        Raises:
            ConnectionLost: no answer after all attempts.
            ChainBusy: the node takes no more requests at present.
            NodeRefused: the node answered with an error.
            NodeAnswerMalformed: it answered with something else.
        """
        return self._wire.rpc(method, *params)

    def rpc_many(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Many requests in one message, repeated while the connection is lost.

        Returns:
            One result a request, in order; the first refusal is raised.

        Raises:
            BatchRefused: the node takes no such messages.
            ConnectionLost, ChainBusy, NodeRefused, NodeAnswerMalformed: as `rpc`.
        """
        return self._wire.rpc_many(wanted)

    def ask_together(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any] | None:
        """Few questions in one message: of several nodes at one address one answers them all.

        Returns:
            None when no such messages are taken. Asked one by one, one node may answer this
            question and another one that, and nobody sees which.

        Raises:
            NodeRefused: the node refuses one of the questions.
        """
        try:
            return self.rpc_many(wanted)
        except BatchRefused as refused:
            if is_too_much(refused):
                raise
            return None
        except NodeAnswerMalformed:
            return None

    def head(self) -> int:
        """Number of the latest block."""
        return height_of(self.rpc("eth_blockNumber"))

    def confirmed(self) -> int:
        """Number of the latest block that counts as final, >= 0."""
        return max(0, self.head() - self.confirmations)

    def block(self, at: int | str = "latest") -> Block:
        """Header of a block.

        Raises:
            LedgerUnavailable: there is no such block (any more).
        """
        number = hex(at) if isinstance(at, int) else at
        return self.block_from(at, self.rpc("eth_getBlockByNumber", number, False))

    def block_from(self, at: int | str, answer: object) -> Block:
        """The block that was asked for; raises as `block`."""
        if answer is None:
            raise NodeBehind("has no such block", who=self.place, needed=at)
        found = block_from_json(answer)
        if isinstance(at, int) and found.number != at:
            raise malformed("block that was asked for", found.number, f"block {at}")
        return found

    def headers(self, numbers: Sequence[int]) -> list[Block]:
        """Headers of many blocks, asked for in messages of `MANY_BLOCKS`.

        Raises:
            LedgerUnavailable: one of them is not there (any more).
        """
        found: list[Block] = []
        for start in range(0, len(numbers), MANY_BLOCKS):
            some = numbers[start : start + MANY_BLOCKS]
            wanted = [("eth_getBlockByNumber", (hex(number), False)) for number in some]
            answers = self.ask_together(wanted)
            if answers is None:
                answers = [self.rpc(method, *asked) for method, asked in wanted]
            found += map(self.block_from, some, answers)
        return found

    def senders(self, number: int) -> list[SentFrom]:
        """Who sent the transactions of a block that is final at the node that answers.

        Raises:
            NodeBehind: that node has too few blocks on top of it.
        """
        top = number + self.confirmations
        wanted = ("eth_getBlockByNumber", (hex(number), True))
        found = self.ask_together([wanted, ("eth_getBlockByNumber", (hex(top), False))])
        if found is None:
            whole = self.rpc(wanted[0], *wanted[1])
            there = self._depth_by_links(self.block_from(number, whole), self.confirmations)
            if there < self.confirmations:
                raise NodeBehind("has too few blocks on top", who=self.place, had=there, needed=top)
        else:
            whole, above = found
            self.block_from(top, above)
            self.block_from(number, whole)
        return senders_from_json(whole)

    def depth_of(self, receipt: Receipt, enough: int = 0) -> int | None:
        """Blocks on top of a receipt's block, by one node; None when that one shows another.

        Args:
            receipt: as it was shown before.
            enough: blocks beyond which they need not be counted, where that is dear; at least the
                confirmations are.
        """
        number, latest = receipt.block_number, ("eth_getBlockByNumber", ("latest", False))
        wanted = [
            ("eth_getTransactionReceipt", ("0x" + receipt.tx_hash.hex(),)),
            ("eth_getBlockByNumber", (hex(number), False)),
        ]
        found = self.ask_together([*wanted, latest])
        again, shown = found[:2] if found else [self.rpc(each, *asked) for each, asked in wanted]
        if again is None or shown is None:
            return None
        block = self.block_from(number, shown)
        if {receipt_from_json(again).block_hash, block.hash} != {receipt.block_hash}:
            return None
        if found is None:
            return self._depth_by_links(block, max(enough, self.confirmations))
        head = self.block_from("latest", found[2]).number
        return head - number if head >= number else None

    def _depth_by_links(self, block: Block, most: int) -> int:
        """Blocks on top of one, `most` at most, each by the hash of the one below."""
        for depth in range(most):
            number = block.number + 1
            answer = self.rpc("eth_getBlockByNumber", hex(number), False)
            above = None if answer is None else self.block_from(number, answer)
            if above is None or above.parent_hash != block.hash:
                return depth
            block = above
        return most

    def receipt(self, tx_hash: Hash32) -> Receipt | None:
        """What became of a transaction; None when the node knows of none, which proves nothing."""
        answer = self.rpc("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        if answer is None:
            return None
        found = receipt_from_json(answer)
        if found.tx_hash != tx_hash:
            raise malformed("receipt that was asked for", found.tx_hash.hex(), tx_hash.hex())
        return found

    def nonces_used(self, account: Address, at: int | str = "latest") -> int:
        """How many nonces of an account the chain had taken at a block."""
        number = hex(at) if isinstance(at, int) else at
        answer = self.rpc("eth_getTransactionCount", account, number)
        return height_of(answer, "number of transactions")

    def now(self) -> int:
        """Chain time: timestamp of the latest block, Unix seconds."""
        return self.block().timestamp

    def balance(self, account: Address) -> int:
        """Native balance at the head, wei."""
        return quantity_of(self.rpc("eth_getBalance", account, "latest"), "balance")
