"""One account's way onto the chain: each nonce once, in order, followed until it is final.

Law 1: a transaction is on the disk before it is sent (`PendingFile`), so a killed process follows
it after the start instead of sending another.
Law 2: an intention with a key happens at most once, however often and by however many lives of the
process it is asked for. Without a key, an equal call that is still pending is joined; equal calls
of one batch are as many transactions.
Law 3: a receipt is given out only at the depth that was asked for; what a reorg or a restarted node
forgot is sent again, with the same nonce and the same payload.
Law 4: a revert is an exception (`ContractRefused`), before anything is paid where it can be seen
beforehand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from edgemark.closing import Closing
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.blocks import Receipt
from edgemark.ledger.drafting import Drafter
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.faults import (
    NodeRefused,
    NonceTaken,
    NotYetMined,
    ReorgTooDeep,
    TransactionRefused,
)
from edgemark.ledger.fees import WEI_PER_GWEI
from edgemark.ledger.intent import Call, Intent, LaneLimits, intent_of, transfer_of
from edgemark.ledger.interface import Contract, Interface, load_bytecode, load_interface
from edgemark.ledger.pending import Entry, PendingFile
from edgemark.ledger.transaction import SigningKey
from edgemark.logs import get_logger

ALREADY_THERE = ("already known", "already imported", "known transaction", "nonce too low")
FEE_TOO_LOW = ("underpriced", "base fee", "basefee", "fee too low", "fee cap")
RESEND_S = 2.0  # seconds between two sendings of one transaction that is not mined


class TransactionLane(Closing):
    """Sends transactions of one account; safe for many threads.

    Takes up at once what an earlier life of the process left, and sends again what the chain lacks.

    Args:
        chain: the chain.
        key: the account.
        path: the lane's file; one per account and chain, its folder must exist.
        max_fee_gwei: base fee and tip together at most, gwei per gas.
        limits: gas and times.

    Raises:
        JournalInUse: another process sends for this account.
        OtherChainsFile: the file belongs to another chain or account.
        LedgerUnavailable: the chain does not answer.
    """

    def __init__(
        self,
        chain: EvmChain,
        key: SigningKey,
        path: Path,
        *,
        max_fee_gwei: float = 100.0,
        limits: LaneLimits | None = None,
    ) -> None:
        self.gas_used = 0
        self.fees_wei = 0
        self.bytes_sent = 0
        self._chain = chain
        self._key = key
        self._limits = limits or LaneLimits()
        fee_cap = int(max_fee_gwei * WEI_PER_GWEI)
        self._drafter = Drafter(chain, key.address, fee_cap, self._limits)
        self._lock = threading.RLock()
        self._log = get_logger("ledger.lane")
        self._pending = PendingFile(path, chain.chain_id, chain.block(0).hash, key.address)
        try:
            self._recover()
        except BaseException:
            self._pending.close()
            raise

    @property
    def address(self) -> Address:
        """The account."""
        return self._key.address

    def send(self, call: Call, *, confirmations: int | None = None) -> Receipt:
        """Send a call and wait for it; see `send_many`."""
        return self.send_many([call], confirmations=confirmations)[0]

    def send_many(
        self, calls: Sequence[Call], *, confirmations: int | None = None
    ) -> list[Receipt]:
        """Send calls with consecutive nonces at once, then wait for all of them.

        Args:
            calls: in order. An estimate sees what is pending; give `gas` where that is not enough.
            confirmations: blocks on top to wait for; the chain's setting by default.

        Raises:
            ContractRefused: a call reverts; the ones before it are sent.
            NoFunds, GasAboveCap, TransactionRefused, FeeAboveCap: a call was not sent.
            NotYetMined: it takes long; ask again with an equal call to go on waiting.
            NonceTaken: the nonce was used elsewhere; nothing happened.
        """
        return self._carry_out([intent_of(call) for call in calls], confirmations)

    def transfer(self, to: Address, wei: int, *, key: bytes | None = None) -> Receipt:
        """Send native coin; raises as `send_many`."""
        return self._carry_out([transfer_of(to, wei, key)], None)[0]

    def transfer_many(self, payments: Sequence[tuple[Address, int]]) -> list[Receipt]:
        """Send native coin to many at once, wei each; see `send_many`."""
        return self._carry_out([transfer_of(to, wei) for to, wei in payments], None)

    def deploy(
        self, name: str, *args: object, confirmations: int | None = None
    ) -> tuple[Contract, Receipt]:
        """Make one of our contracts; raises as `send_many`."""
        data = load_bytecode(name) + load_interface(name).encode_constructor(args)
        return self.deploy_code(name, load_interface(name), data, confirmations=confirmations)

    def deploy_code(
        self, name: str, interface: Interface, data: bytes, *, confirmations: int | None = None
    ) -> tuple[Contract, Receipt]:
        """Make a contract from creation code with its arguments; raises as `send_many`."""
        nowhere = Contract(name, Address("0x" + "00" * 20), interface)
        intent = Intent(None, 0, data, None, None, nowhere, "constructor")
        receipt = self._carry_out([intent], confirmations)[0]
        if receipt.contract_address is None:
            raise TransactionRefused("made no contract", who=name, had=receipt.tx_hash.hex())
        return Contract(name, receipt.contract_address, interface), receipt

    def close(self) -> None:
        """Let another process send for this account."""
        self._pending.close()

    # --- sending -------------------------------------------------------------------------------

    def _carry_out(self, intents: Sequence[Intent], confirmations: int | None) -> list[Receipt]:
        depth = self._chain.confirmations if confirmations is None else confirmations
        with self._lock:
            self._cross_out_final()
            started: list[Entry | Receipt] = []
            for intent in intents:
                started.append(self._start(intent, started))
        return [
            each if isinstance(each, Receipt) else self._follow(each, intent, depth)
            for each, intent in zip(started, intents, strict=True)
        ]

    def _start(self, intent: Intent, batch: Sequence[Entry | Receipt]) -> Entry | Receipt:
        """The transaction of an intention; equal nameless ones of a batch get one each."""
        earlier = self._pending.done(intent.identity)
        if earlier is not None:
            return self._receipt_of_done(earlier)
        pending = self._pending.find(intent.identity, but_for=batch)
        if pending is not None:
            return pending
        under_way = [entry.transaction for entry in self._pending.entries.values()]
        transaction = self._drafter.draft(intent, under_way)
        raw = transaction.sign(self._key)
        named = intent.key is not None
        entry = self._pending.sign(transaction.nonce, intent.identity, named, raw)
        self._send_first(entry)
        return entry

    def _send_first(self, entry: Entry) -> None:
        refusal = self._send_raw(entry)
        if refusal is None or any(words in refusal.message.lower() for words in FEE_TOO_LOW):
            return
        if self._chain.rpc("eth_getTransactionByHash", "0x" + entry.hashes[-1].hex()) is not None:
            return
        self._pending.drop(entry)
        if "insufficient funds" in refusal.message.lower():
            raise self._drafter.no_funds("more") from refusal
        raise TransactionRefused(
            "the node does not take the transaction",
            who=f"account {self.address}",
            had=refusal.message[:300],
        ) from refusal

    def _send_raw(self, entry: Entry) -> NodeRefused | None:
        """Hand the latest variant to the node; its refusal, unless it has it already."""
        entry.sent_at = time.monotonic()
        self.bytes_sent += len(entry.raws[-1])
        try:
            self._chain.rpc("eth_sendRawTransaction", "0x" + entry.raws[-1].hex())
        except NodeRefused as error:
            if not any(words in error.message.lower() for words in ALREADY_THERE):
                return error
        return None

    # --- following -----------------------------------------------------------------------------

    def _follow(self, entry: Entry, intent: Intent, depth: int) -> Receipt:
        deadline = time.monotonic() + self._limits.wait_s
        while True:
            head = self._chain.head()  # before the receipt: a reorg in between cannot add depth
            receipt = self._receipt(entry)
            if receipt is not None and head - receipt.block_number >= depth:
                return self._close_out(entry, intent, receipt, head)
            if time.monotonic() > deadline:
                raise NotYetMined(
                    "transaction not final yet",
                    who=f"{intent.contract.name}.{intent.function}",
                    had="not mined" if receipt is None else f"block {receipt.block_number}",
                    needed=f"{depth} blocks on top within {self._limits.wait_s} s",
                    remedy="Ask again; it is not sent twice.",
                )
            if receipt is None:
                self._nurse(entry)
            time.sleep(self._limits.poll_s)

    def _receipt(self, entry: Entry) -> Receipt | None:
        for tx_hash in reversed(entry.hashes):
            receipt = self._chain.receipt(tx_hash)
            if receipt is not None:
                return receipt
        return None

    def _close_out(self, entry: Entry, intent: Intent, receipt: Receipt, head: int) -> Receipt:
        with self._lock:
            if not entry.is_answered:
                self.gas_used += receipt.gas_used
                self.fees_wei += receipt.fee_wei
                entry.is_answered = True
            self._finish_if_final(entry, receipt, head)
        if receipt.is_success:
            return receipt
        raise self._drafter.explain(intent, receipt)

    def _nurse(self, entry: Entry) -> None:
        """Help a transaction that is not mined: send it again, raise its fees, or give it up."""
        with self._lock:
            if self._pending.entries.get(entry.nonce) is not entry:
                raise self._taken(entry)  # another caller who waited for it found out
            if time.monotonic() - entry.sent_at < RESEND_S:
                return
            used = self._chain.nonces_used(self.address)
            if used > entry.nonce:
                self._give_up_if_taken(entry)
                return
            stuck = time.monotonic() - entry.raised_at > self._limits.bump_after_s
            if entry.nonce == used and stuck:
                self._raise(entry)
            for nonce in sorted(n for n in self._pending.entries if n <= entry.nonce):
                if nonce >= used:
                    self._send_again(self._pending.entries[nonce])

    def _give_up_if_taken(self, entry: Entry) -> None:
        final = self._chain.nonces_used(self.address, self._chain.confirmed())
        if final > entry.nonce and self._receipt(entry) is None:
            self._pending.drop(entry)
            raise self._taken(entry)

    def _taken(self, entry: Entry) -> NonceTaken:
        return NonceTaken(
            "another transaction used the nonce",
            who=f"account {self.address}",
            had=f"nonce {entry.nonce}",
            remedy="Use the key in one place only; then send again.",
        )

    def _raise(self, entry: Entry) -> None:
        entry.raised_at = time.monotonic()
        better = self._drafter.redraft(entry.transaction)
        if better is None:
            cap = self._drafter.fee_cap
            self._log.warning("stuck below the fee cap", nonce=entry.nonce, fee_cap_wei=cap)
            return
        self._pending.sign(entry.nonce, entry.intent, entry.is_named, better.sign(self._key))
        self._log.info("fees raised", nonce=entry.nonce, max_fee_wei=better.max_fee)

    def _send_again(self, entry: Entry) -> None:
        refusal = self._send_raw(entry)
        if refusal is not None:
            self._log.warning("not taken again", nonce=entry.nonce, error=refusal)

    # --- what was left over --------------------------------------------------------------------

    def _recover(self) -> None:
        with self._lock:
            head = self._chain.head()
            for entry in list(self._pending.entries.values()):
                receipt = self._receipt(entry)
                if receipt is None:
                    self._send_again(entry)
                else:
                    self._finish_if_final(entry, receipt, head)

    def _cross_out_final(self) -> None:
        answered = [e for e in self._pending.entries.values() if e.is_answered]
        if not answered:
            return
        head = self._chain.head()
        for entry in answered:
            receipt = self._receipt(entry)
            if receipt is None:
                self._send_again(entry)  # a reorg took it after its caller went on
            else:
                self._finish_if_final(entry, receipt, head)

    def _finish_if_final(self, entry: Entry, receipt: Receipt, head: int) -> None:
        is_final = head - receipt.block_number >= self._chain.confirmations
        if is_final and self._pending.entries.get(entry.nonce) is entry:
            self._pending.finish(entry, receipt.tx_hash, is_success=receipt.is_success)

    def _receipt_of_done(self, tx_hash: Hash32) -> Receipt:
        receipt = self._chain.receipt(tx_hash)
        if receipt is None:
            raise ReorgTooDeep(
                "a final transaction is gone",
                who=f"account {self.address}",
                had=tx_hash.hex(),
                remedy="Raise the setting confirmations; look at the chain.",
            )
        return receipt
