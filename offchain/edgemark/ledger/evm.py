"""Reading an Ethereum-like chain through its JSON-RPC, with typed errors and repeated attempts.

The head of a chain can still change; what is read at `confirmed` is `confirmations` blocks deep.
Every request made here may safely be repeated: reading changes nothing, and a signed transaction
that is sent twice is one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.blocks import (
    Block,
    Mined,
    NodeAnswerMalformed,
    RawLog,
    block_from_json,
    call_from_json,
    receipt_from_json,
)
from edgemark.ledger.faults import (
    AnswerTooLarge,
    ChainIdMismatch,
    ContractRefused,
    NoChain,
    NoCode,
    NodeRefused,
    NotYetConfirmed,
)
from edgemark.ledger.intent import Call
from edgemark.ledger.interface import Contract, explain_revert
from edgemark.ledger.log_answers import logs_from_json
from edgemark.ledger.wire import RpcWire

BATCH_CALLS = 50  # in one message; public nodes commonly take a hundred
MANY_BLOCKS = 100  # headers in one message: what public nodes commonly take
LOG_CHUNK_BLOCKS = 1_000  # what public nodes commonly answer in one request
MINED_METHODS = ("eth_getTransactionByHash", "eth_getTransactionReceipt")
REVERT_CODE = 3  # JSON-RPC error code of a revert with data


class EvmChain:
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

    def connect(self) -> EvmChain:
        """Check that the expected chain is there; returns itself.

        Raises:
            NoChain: nothing answers at the address, or something that is no chain.
            ChainIdMismatch: another chain answers.
        """
        try:
            found = int(self.rpc("eth_chainId"), 16)
        except (LedgerUnavailable, TypeError, ValueError) as error:
            raise NoChain(
                "no chain answers",
                who=self.place,
                had=_tell_answer(error),
                needed="an Ethereum JSON-RPC node",
                remedy="Start one (`edgemark chain up`) or correct the setting chain_url.",
            ) from error
        if self._expected is not None and found != self._expected:
            raise ChainIdMismatch(
                "is another chain",
                who=self.place,
                had=f"chain id {found}",
                needed=f"chain id {self._expected}",
                remedy="Correct the setting chain_url or chain_id.",
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
            NodeRefused: the node answered with an error.
        """
        return self._wire.rpc(method, *params)

    def rpc_many(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Many requests in one message, repeated while the connection is lost.

        Returns:
            One result a request, in order; the first refusal is raised.

        Raises:
            ConnectionLost, NodeRefused: as `rpc`.
        """
        return self._wire.rpc_many(wanted)

    def head(self) -> int:
        """Number of the latest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def confirmed(self) -> int:
        """Number of the latest block that counts as final, >= 0."""
        return max(0, self.head() - self.confirmations)

    def block(self, at: int | str = "latest") -> Block:
        """Header of a block.

        Raises:
            LedgerUnavailable: there is no such block (any more).
        """
        number = hex(at) if isinstance(at, int) else at
        answer = self.rpc("eth_getBlockByNumber", number, False)
        if answer is None:
            raise LedgerUnavailable("has no such block", who=self.place, had=self.head(), needed=at)
        return block_from_json(answer)

    def headers(self, numbers: Sequence[int]) -> list[Block]:
        """Headers of many blocks, asked for in messages of `MANY_BLOCKS`.

        Raises:
            LedgerUnavailable: one of them is not there (any more).
        """
        found: list[Block] = []
        for start in range(0, len(numbers), MANY_BLOCKS):
            some = numbers[start : start + MANY_BLOCKS]
            wanted = [("eth_getBlockByNumber", (hex(number), False)) for number in some]
            for number, answer in zip(some, self.rpc_many(wanted), strict=True):
                if answer is None:
                    raise LedgerUnavailable("has no such block", who=self.place, needed=number)
                found.append(block_from_json(answer))
        return found

    def now(self) -> int:
        """Chain time: timestamp of the latest block, Unix seconds."""
        return self.block().timestamp

    def balance(self, account: Address) -> int:
        """Native balance at the head, wei."""
        return int(self.rpc("eth_getBalance", account, "latest"), 16)

    def code(self, address: Address, at: int | str = "latest") -> bytes:
        """Code of the contract at the address; empty when there is none.

        Raises:
            NodeAnswerMalformed: the node answered with something else.
        """
        number = hex(at) if isinstance(at, int) else at
        answer = str(self.rpc("eth_getCode", address, number))
        try:
            return bytes.fromhex("" if answer == "0x0" else answer.removeprefix("0x"))
        except ValueError as error:
            raise NodeAnswerMalformed("sent no code", who=self.place, had=answer[:80]) from error

    def has_code(self, address: Address, at: int | str = "latest") -> bool:
        """Is there a contract at the address?"""
        return bool(self.code(address, at))

    def require_code(self, contract: Contract) -> None:
        """Check that a contract is where it should be.

        Raises:
            NoCode: nothing there.
        """
        if not self.has_code(contract.address):
            raise NoCode(
                "no contract at the address",
                who=contract.name,
                had=f"no code at {contract.address} on chain {self.chain_id}",
                needed="a deployed contract",
                remedy="Deploy first (`ape run deploy`) or correct the setting manifest.",
            )

    def mined(self, tx_hashes: Sequence[Hash32]) -> list[Mined]:
        """What mined transactions asked for and what became of them, in order.

        Raises:
            LedgerUnavailable: one of them is not there (any more).
        """
        wanted = [(f"0x{each.hex()}", method) for each in tx_hashes for method in MINED_METHODS]
        answers: list[Any] = []
        for start in range(0, len(wanted), BATCH_CALLS):
            part = [(method, (shown,)) for shown, method in wanted[start : start + BATCH_CALLS]]
            try:
                answers += self.rpc_many(part)
            except (NodeRefused, NodeAnswerMalformed):  # a node that takes no batch
                answers += [self.rpc(method, *shown) for method, shown in part]
        for (shown, _), answer in zip(wanted, answers, strict=True):
            if answer is None:
                raise LedgerUnavailable("has no such transaction", who=self.place, had=shown)
        return [
            Mined(call_from_json(call), receipt_from_json(receipt))
            for call, receipt in zip(answers[::2], answers[1::2], strict=True)
        ]

    def call(
        self,
        contract: Contract,
        function: str,
        *args: object,
        block: int | str = "confirmed",
        sender: Address | None = None,
    ) -> Any:
        """What a contract's function answers.

        Args:
            contract: where.
            function: Solidity name.
            args: as the interface has them; structs as tuples.
            block: where to read: a number, "latest" (the head) or "confirmed" (final).
            sender: for functions that look at the caller.

        Raises:
            ContractRefused: it reverted.
            NoCode: there is no contract at the address.
            NotYetConfirmed: the contract is too new to be read at `confirmed`.
        """
        at = self.confirmed() if block == "confirmed" else block
        number = hex(at) if isinstance(at, int) else at
        data = contract.interface.encode_call(function, args)
        request: dict[str, str] = {"to": contract.address, "data": "0x" + data.hex()}
        if sender is not None:
            request["from"] = sender
        answer = self._call(contract, function, request, number)
        if not answer and not self.has_code(contract.address, at):
            self.require_code(contract)
            raise NotYetConfirmed(
                "contract too new",
                who=f"{contract.name} at {contract.address}",
                had=f"no code at block {at}",
                needed=f"{self.confirmations} blocks on top of its deployment",
            )
        return contract.interface.decode_result(function, answer)

    def call_many(self, calls: Sequence[Call], block: int) -> list[Any]:
        """What functions of contracts answer as of one block, in as few messages as may be.

        Args:
            calls: with contract, function and arguments; senders do not matter.
            block: number.

        Raises:
            ContractRefused, NoCode, NotYetConfirmed: as `call`; nothing is told of the others.
        """
        found: list[Any] = []
        for start in range(0, len(calls), BATCH_CALLS):
            part = calls[start : start + BATCH_CALLS]
            data = [call.contract.interface.encode_call(call.function, call.args) for call in part]
            wanted = [
                ("eth_call", ({"to": call.contract.address, "data": "0x" + raw.hex()}, hex(block)))
                for call, raw in zip(part, data, strict=True)
            ]
            try:
                answers = self.rpc_many(wanted)
            except (NodeRefused, NodeAnswerMalformed):
                # A revert, or a node that takes no batch: one by one tells which, and why.
                found += [self.call(c.contract, c.function, *c.args, block=block) for c in part]
                continue
            found += [self._decode(c, a, block) for c, a in zip(part, answers, strict=True)]
        return found

    def _decode(self, call: Call, answer: str, block: int) -> Any:
        raw = bytes.fromhex(answer.removeprefix("0x"))
        if not raw:  # no contract there: the single call says it in words
            return self.call(call.contract, call.function, *call.args, block=block)
        return call.contract.interface.decode_result(call.function, raw)

    def _call(
        self, contract: Contract, function: str, request: dict[str, str], number: str
    ) -> bytes:
        try:
            return bytes.fromhex(self.rpc("eth_call", request, number).removeprefix("0x"))
        except NodeRefused as error:
            raise revert_of(error, contract, function) or error from error

    def logs(
        self,
        addresses: Sequence[Address],
        from_block: int,
        to_block: int,
        topics: Sequence[Sequence[bytes]] = (),
    ) -> list[RawLog]:
        """All logs of these contracts in the blocks, both included, in order.

        Args:
            addresses: of the contracts.
            from_block: number of the first.
            to_block: number of the last.
            topics: for each topic in turn the values that are wanted; none stands for any.

        Raises:
            NodeRefused, AnswerTooLarge: even for a single block.
            NodeAnswerMalformed: logs that were not asked for, twice, or out of order.
        """
        found: list[RawLog] = []
        start, width = from_block, LOG_CHUNK_BLOCKS
        while start <= to_block:
            end = min(to_block, start + width - 1)
            wanted = {
                "address": list(addresses),
                "fromBlock": hex(start),
                "toBlock": hex(end),
                "topics": [[f"0x{value.hex()}" for value in each] or None for each in topics],
            }
            try:
                answer = self.rpc("eth_getLogs", wanted)
            except (NodeRefused, AnswerTooLarge):
                if width == 1:
                    raise
                width //= 2  # nodes limit the range or the number of logs
                continue
            found += logs_from_json(answer, addresses, start, end)
            start = end + 1
        return found

    def logs_of_block(self, addresses: Sequence[Address], block: Block) -> list[RawLog]:
        """All logs of these contracts in this very block, whatever stands at its height now.

        Raises:
            NodeRefused: the node does not know the block (any more).
            NodeAnswerMalformed: logs of anything else.
        """
        wanted = {"address": list(addresses), "blockHash": "0x" + block.hash.hex()}
        answer = self.rpc("eth_getLogs", wanted)
        return logs_from_json(answer, addresses, block.number, block.number)


def revert_of(error: NodeRefused, contract: Contract, function: str) -> ContractRefused | None:
    """The contract's own refusal inside a node's error; None when it is something else."""
    if not error.data and error.code != REVERT_CODE and "revert" not in error.message.lower():
        return None
    name, values = explain_revert(error.data, contract.interface)
    return ContractRefused(contract.name, function, name, values)


def _tell_answer(error: Exception) -> str:
    """What was there instead of a chain id, in words of our own."""
    if not isinstance(error, LedgerUnavailable):
        return "an answer that is no number"
    return error.what if error.had is None else f"{error.what}: {error.had}"
