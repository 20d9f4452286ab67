"""Reading the contracts of an Ethereum-like chain through its JSON-RPC, with typed errors.

Every request made here may safely be repeated: reading changes nothing, and a signed transaction
that is sent twice is one transaction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from edgemark.errors import LedgerUnavailable, Unrecoverable
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm.contract.interface import Contract, explain_revert
from edgemark.ledger.evm.faults import (
    AnswerTooLarge,
    ContractRefused,
    NoCode,
    NodeAnswerMalformed,
    NodeBehind,
    NodeRefused,
    NotYetConfirmed,
)
from edgemark.ledger.evm.reading.answers import data_of, list_of, malformed
from edgemark.ledger.evm.reading.blocks import (
    Block,
    Mined,
    RawLog,
    call_from_json,
    receipt_from_json,
)
from edgemark.ledger.evm.reading.log_answers import logs_from_json
from edgemark.ledger.evm.reading.node import ChainNode
from edgemark.ledger.evm.refusals import REVERT_CODE, is_too_much
from edgemark.ledger.evm.sending.intent import Call
from edgemark.words import count

MOST_CODE_BYTES = 2**18  # of one contract: ten times what the main chain takes
BATCH_CALLS = 50  # in one message; public nodes commonly take a hundred
LOG_CHUNK_BLOCKS = 1_000  # what public nodes commonly answer in one request
LOOKS = 5  # at one block, where each may be answered by another node
MINED_METHODS = ("eth_getTransactionByHash", "eth_getTransactionReceipt")

T = TypeVar("T")


class EvmChain(ChainNode):
    """One chain at one address, with its contracts; takes what `ChainNode` takes."""

    def code(self, address: Address, at: int | str = "latest") -> bytes:
        """Code of the contract at the address; empty when there is none.

        Raises:
            NodeAnswerMalformed: the node answered with something else.
        """
        number = hex(at) if isinstance(at, int) else at
        answer = self.rpc("eth_getCode", address, number)
        is_none = answer == "0x0"  # as some write it
        found = b"" if is_none else data_of(answer, "code", most=MOST_CODE_BYTES)
        if found:
            self._seen.add(address)
        return found

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
                remedy="Deploy first (`ape run deploy`) or correct the setting chain.manifest.",
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
                raise NodeBehind("has no such transaction", who=self.place, had=shown)
        found = [
            Mined(call_from_json(call), receipt_from_json(receipt))
            for call, receipt in zip(answers[::2], answers[1::2], strict=True)
        ]
        for tx_hash, each in zip(tx_hashes, found, strict=True):
            if each.receipt.tx_hash != tx_hash:
                raise malformed("receipt that was asked for", each.receipt.tx_hash.hex(), "another")
            if each.call.hash != tx_hash:
                raise malformed("transaction that was asked for", each.call.hash.hex(), "another")
        return found

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
            raise self._no_code(contract, at)
        return _decode(contract, function, answer)

    def _no_code(self, contract: Contract, at: int | str) -> LedgerUnavailable:
        """Why a node shows no code; a contract that we saw once does not go away."""
        who = f"{contract.name} at {contract.address}"
        if contract.address in self._seen and not self.has_code(contract.address):
            return NodeBehind(
                "the code of a contract is not there any more", who=who, remedy="Ask again."
            )
        self.require_code(contract)
        return NotYetConfirmed(
            "contract too new",
            who=who,
            had=f"no code at block {at}",
            needed=f"{count(self.confirmations, 'block')} on top of its deployment",
        )

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
            found += [self._decode_one(c, a, block) for c, a in zip(part, answers, strict=True)]
        return found

    def _decode_one(self, call: Call, answer: object, block: int) -> Any:
        raw = data_of(answer, "result of a call")
        if not raw:  # no contract there: the single call says it in words
            return self.call(call.contract, call.function, *call.args, block=block)
        return _decode(call.contract, call.function, raw)

    def _call(
        self, contract: Contract, function: str, request: dict[str, str], number: str
    ) -> bytes:
        try:
            return data_of(self.rpc("eth_call", request, number), "result of a call")
        except NodeRefused as error:
            raise revert_of(error, contract, function) or error from error

    def logs(
        self,
        addresses: Sequence[Address],
        from_block: int,
        to_block: int,
        topics: Sequence[Sequence[bytes]] = (),
        *,
        last: Hash32 | None = None,
    ) -> list[RawLog]:
        """All logs of these contracts in the blocks, both included, in order.

        Args:
            addresses: of the contracts.
            from_block: number of the first.
            to_block: number of the last.
            topics: for each topic in turn the values that are wanted; none stands for any.
            last: hash of the last block, where it is known: others are of another branch.

        Raises:
            NodeRefused, AnswerTooLarge: even for a single block, or for another reason than its
                number of blocks.
            NodeBehind: the node that answers has not got all these blocks.
            NodeAnswerMalformed: logs that were not asked for, twice, out of order, or more than a
                block can hold.
        """
        found: list[RawLog] = []
        start, width = from_block, LOG_CHUNK_BLOCKS
        while start <= to_block:
            end = min(to_block, start + width - 1)
            wanted: dict[str, object] = {
                "address": list(addresses),
                "topics": [[f"0x{value.hex()}" for value in each] or None for each in topics],
            }
            until = last if end == to_block else None
            try:
                answer = self._logs_within(start, end, wanted, until)
                found += logs_from_json(answer, addresses, start, end)
            except (NodeRefused, AnswerTooLarge) as error:
                if start == end or (isinstance(error, NodeRefused) and not is_too_much(error)):
                    raise
                width = (end - start + 1) // 2  # nodes limit the range or the number of logs
                continue
            start = end + 1
        return found

    def _logs_within(
        self, start: int, end: int, wanted: dict[str, object], last: Hash32 | None
    ) -> Any:
        """Logs up to a block, of a node that has it: one that lags answers with none, no error."""
        within = {**wanted, "fromBlock": hex(start), "toBlock": hex(end)}
        asked = [("eth_getBlockByNumber", (hex(end), False)), ("eth_getLogs", (within,))]
        found = self.ask_together(asked)
        if found is None:
            return self._logs_by_hashes(start, end, wanted, last)
        self._check_branch(self.block_from(end, found[0]), last)
        return found[1]

    def _logs_by_hashes(
        self, start: int, end: int, wanted: dict[str, object], last: Hash32 | None
    ) -> list[Any]:
        """Logs block by block: a node that has not got the block of a hash refuses."""
        logs: list[Any] = []
        block: Block | None = None
        for number in range(start, end + 1):
            below, block = block, self._insist(functools.partial(self.block, number))
            if below is not None and block.parent_hash != below.hash:
                raise NodeBehind("has another block", who=self.place, needed=below.hash.hex())
            of_block = {**wanted, "blockHash": "0x" + block.hash.hex()}
            ask = functools.partial(self.rpc, "eth_getLogs", of_block)
            logs += list_of(self._insist(ask), "list of logs")
        if block is not None:
            self._check_branch(block, last)
        return logs

    def _insist(self, ask: Callable[[], T]) -> T:
        """Ask some more times what the next node may know."""
        for _ in range(LOOKS - 1):
            with suppress(NodeBehind, NodeRefused):
                return ask()
        return ask()

    def _check_branch(self, block: Block, wanted: Hash32 | None) -> None:
        if wanted is not None and block.hash != wanted:
            raise NodeBehind("has another block", who=self.place, needed=wanted.hex())

    def logs_of_block(self, addresses: Sequence[Address], block: Block) -> list[RawLog]:
        """All logs of these contracts in this very block, whatever stands at its height now.

        Raises:
            NodeRefused, NodeBehind: the node does not know the block (any more).
            NodeAnswerMalformed: logs of anything else.
        """
        wanted = {"address": list(addresses), "blockHash": "0x" + block.hash.hex()}
        header = ("eth_getBlockByNumber", (hex(block.number), False))
        found = self.ask_together([header, ("eth_getLogs", (wanted,))])
        if found is None:
            there, answer = self.rpc(header[0], *header[1]), self.rpc("eth_getLogs", wanted)
        else:
            there, answer = found
        self._check_branch(self.block_from(block.number, there), block.hash)
        return logs_from_json(answer, addresses, block.number, block.number)


def _decode(contract: Contract, function: str, raw: bytes) -> Any:
    """The contract's code was compared with ours: what does not fit is the node's doing."""
    try:
        return contract.interface.decode_result(function, raw)
    except Unrecoverable as error:
        raise malformed(f"result of {contract.name}.{function}", raw, error.what) from error


def revert_of(error: NodeRefused, contract: Contract, function: str) -> ContractRefused | None:
    """The contract's own refusal inside a node's error; None when it is something else."""
    if not error.data and error.code != REVERT_CODE and "revert" not in error.message.lower():
        return None
    name, values = explain_revert(error.data, contract.interface)
    return ContractRefused(contract.name, function, name, values)
