"""One account's way onto the chain: each nonce once, in order, followed until it is final.

Law 1: a transaction is on the disk before it is sent (`PendingFile`), so a killed process follows
it after the start instead of sending another.
Law 2: an intention with a key happens at most once, however often and by however many lives of the
process it is asked for, while it is among the last 10,000 that succeeded (`pending.MAX_DONE`).
Without a key, an equal call that is pending is joined, and so is one that this process was told to
ask for again; equal calls of one batch are as many transactions.
Law 3: a receipt is given out only at the depth that was asked for; what a reorg or a restarted node
forgot is sent again, with the same nonce and the same payload.
Law 4: a revert is an exception (`ContractRefused`), before anything is paid where it can be seen
beforehand.
Law 5: `push` holds no thread until a transaction is final: it is asked again what became of it, and
`keep_on` is called again and again by one thread that helps on all that nobody waits for.
What becomes of a nonce that nobody follows, or no node takes, is in `nonces` beside this file.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from edgemark.closing import Closing
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.interface import (
    Contract,
    Interface,
    load_bytecode,
    load_interface,
)
from edgemark.ledger.evm.faults import ChainBusy, NodeBehind, NotYetMined, TransactionRefused
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.drafting import Quote
from edgemark.ledger.evm.sending.fees import WEI_PER_GWEI
from edgemark.ledger.evm.sending.intent import Call, Intent, LaneLimits, intent_of, transfer_of
from edgemark.ledger.evm.sending.nonces import PASSING, NonceKeeper
from edgemark.ledger.evm.sending.pending import Done, Entry
from edgemark.ledger.evm.sending.transaction import SigningKey
from edgemark.words import count


class TransactionLane(NonceKeeper, Closing):
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
        fee_cap = int(max_fee_gwei * WEI_PER_GWEI)
        super().__init__(chain, key, path, fee_cap, limits or LaneLimits())

    @property
    def address(self) -> Address:
        """The account."""
        return self._key.address

    @property
    def gas_used(self) -> int:
        """Of the transactions that this process saw mined."""
        return self._settler.gas_used

    @property
    def fees_wei(self) -> int:
        """Paid for these."""
        return self._settler.fees_wei

    def send(self, call: Call, *, confirmations: int | None = None) -> Receipt:
        """Send a call and wait for it; see `send_many`."""
        return self.send_many([call], confirmations=confirmations)[0]

    def send_many(
        self, calls: Sequence[Call], *, confirmations: int | None = None
    ) -> list[Receipt]:
        """Send calls with ascending nonces at once, then wait for all of them.

        Args:
            calls: in order. An estimate sees what is pending; give `gas` where that is not enough.
                A key holds as long as law 2 says: for the last 10,000 that succeeded.
            confirmations: blocks on top to wait for; the chain's setting by default.

        Raises:
            ContractRefused: a call reverts; the ones before it are sent.
            NoFunds, GasAboveCap, TransactionRefused, FeeAboveCap: a call was not sent. What a node
                refused after it was signed takes no other nonce until its own is decided.
            NotYetMined: it takes long; ask again with an equal call to go on waiting. Without a key
                a later life of the process looks first whether it happened.
            NonceTaken: another final transaction has the nonce; this one never happens.
            LedgerUnavailable: the node was not fit to be asked for as long as may be waited.
        """
        return self._carry_out([intent_of(call) for call in calls], confirmations)

    def push(self, call: Call) -> Receipt | None:
        """Send a call unless it is under way, and do not wait for it: None while it is not final.

        Whoever wants to know what became of it asks again, with an equal call or one that is about
        the same: that asks no node while it is under way.

        Raises:
            as `send_many`, but whatever passes at once: ask again.
        """
        intent = intent_of(call)
        if self._is_under_way(self._pushed.get(intent.identity)):
            return None  # without the lock, behind which others wait who send
        begun = self._begin(intent)
        if isinstance(begun, Receipt):
            return begun
        if begun.is_open:
            self._pushed[intent.identity] = begun
            return None
        if begun.is_void:
            raise self._tell_taken(begun)
        return self._follow(begun, intent, self._chain.confirmations, 0.0)

    def _is_under_way(self, entry: Entry | None) -> bool:
        return entry is not None and self._pending.entries.get(entry.nonce) is entry

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

    def may_happen(self, call: Call) -> bool:
        """Was it signed, and is that not decided? Then a refusal is no proof that it did not."""
        return self.is_undecided(intent_of(call))

    def is_undecided(self, intent: Intent) -> bool:
        """The same of an intention."""
        with self._lock:
            return self._pending.is_undecided(intent.identity)

    def was_begun(self, call: Call) -> bool:
        """Was a call with a key signed, whatever became of it? Whoever asks again pays nothing."""
        return self.has_begun(intent_of(call))

    def has_begun(self, intent: Intent) -> bool:
        """The same of an intention."""
        with self._lock:
            done = self._pending.done(intent.identity)
            return done is not None or self._pending.is_undecided(intent.identity)

    def close(self) -> None:
        """Let another process send for this account."""
        self._pending.close()

    # --- sending -------------------------------------------------------------------------------

    def _carry_out(self, intents: Sequence[Intent], confirmations: int | None) -> list[Receipt]:
        depth = self._chain.confirmations if confirmations is None else confirmations
        started: list[Entry | Receipt] = []
        try:
            self._start_all(intents, started)
            return [
                each
                if isinstance(each, Receipt)
                else self._follow(each, intent, depth, self._limits.wait_s)
                for each, intent in zip(started, intents, strict=True)
            ]
        finally:
            with self._lock:
                for each in started:
                    if isinstance(each, Entry):
                        each.waiting -= 1

    def _start_all(self, intents: Sequence[Intent], started: list[Entry | Receipt]) -> None:
        deadline = time.monotonic() + self._limits.wait_s
        while len(started) < len(intents):
            try:
                self._cross_out_final()
                while len(started) < len(intents):
                    begun = self._begin(intents[len(started)], started)
                    started.append(begun)
                    if isinstance(begun, Entry):
                        with self._lock:
                            begun.waiting += 1
            except (*PASSING, NotYetMined) as fault:
                if time.monotonic() > deadline:
                    raise
                self._log.info("not begun yet", error=fault)
                self._rest(fault, deadline)

    def _begin(self, intent: Intent, batch: Sequence[Entry | Receipt] = ()) -> Entry | Receipt:
        """The transaction of an intention, as `_find_begun`, which is sent now if it was not."""
        with self._lock:
            begun = self._find_begun(intent, batch)
            refused = None if begun else self._pending.refused(intent.identity)
        if begun is None:
            quote = None
            if refused is not None:
                self._settler.settle(refused.nonce)
            else:
                quote = self._drafter.quote(intent)  # outside the lock: others send meanwhile
            try:
                with self._lock:
                    begun = self._start(intent, batch, quote, refused)
            except NotYetMined:
                self._help_holder(intent.identity)
                raise
        return self._settler.receipt_of_done(begun) if isinstance(begun, Done) else begun

    def _find_begun(
        self, intent: Intent, batch: Sequence[Entry | Receipt] = ()
    ) -> Entry | Done | None:
        """The transaction of an intention that was sent; equal nameless ones get one each."""
        earlier = self._pending.done(intent.identity)
        if earlier is not None:
            return earlier
        begun = self._pending.find(intent.identity, but_for=batch)
        begun = begun or self._pending.find_untold(intent.identity, but_for=batch)
        if begun is not None:
            begun.was_asked_for = True
        return begun

    def _start(
        self,
        intent: Intent,
        batch: Sequence[Entry | Receipt],
        quote: Quote | None,
        refused: Entry | None,
    ) -> Entry | Done:
        """Another thread may have begun it, or set it aside, while no lock was held."""
        begun = self._find_begun(intent, batch)
        if begun is not None:
            return begun
        refused = self._pending.refused(intent.identity) or refused
        if refused is None or refused.is_void:
            return self._send_new(intent, None, quote)
        return self._try_again(refused, intent, quote) if refused.is_open else refused

    def _try_again(self, refused: Entry, intent: Intent, quote: Quote | None) -> Entry:
        """What was refused goes out with its own nonce or not at all: one at most is mined."""
        used = self._chain.nonces_used(self.address)
        if refused.nonce in self._pending.entries or used > refused.nonce:
            raise NotYetMined(
                "an earlier attempt is not decided yet",
                who=f"{intent.contract.name}.{intent.function}",
                had=f"nonce {refused.nonce} in use",
                needed="a final transaction with that nonce",
                remedy=_how_to_ask_again(intent),
            )
        return self._send_new(intent, refused.nonce, quote)

    # --- following -----------------------------------------------------------------------------

    def _follow(self, entry: Entry, intent: Intent, depth: int, wait_s: float) -> Receipt:
        deadline = time.monotonic() + wait_s
        while True:
            receipt, fault = None, None
            try:
                receipt = self._settler.receipt(entry)
                there = None if receipt is None else self._chain.depth_of(receipt, depth)
                if receipt is not None and there is not None and there >= depth:
                    return self._close_out(entry, intent, receipt, there)
                if there is None and time.monotonic() <= deadline:
                    self._nurse(entry)
            except PASSING as error:
                fault = error
            if time.monotonic() > deadline:
                had = "not mined" if receipt is None else f"block {receipt.block_number}"
                raise NotYetMined(
                    "transaction not final yet",
                    who=f"{intent.contract.name}.{intent.function}",
                    had=had if fault is None else f"{had}; {fault.what}",
                    needed=f"{count(depth, 'block')} on top within {wait_s} s",
                    remedy=_how_to_ask_again(intent),
                ) from fault
            self._rest(fault, deadline)

    def _rest(self, fault: Exception | None, deadline: float) -> None:
        asked = fault.retry_after_s if isinstance(fault, ChainBusy | NodeBehind) else 0.0
        left = max(0.0, deadline - time.monotonic())
        time.sleep(max(self._limits.poll_s, min(asked, left)))

    def _close_out(self, entry: Entry, intent: Intent, receipt: Receipt, there: int) -> Receipt:
        refusal = None if receipt.is_success else self._drafter.explain(intent, receipt)
        with self._lock:
            is_first, entry.is_answered = not entry.is_answered, True
            self._settler.count(entry, receipt)
            self._settler.finish_if_final(entry, receipt, there)
            if is_first:
                self._pending.note_answer(entry)
        if refusal is not None:
            raise refusal
        return receipt


def _how_to_ask_again(intent: Intent) -> str:
    if intent.key is not None:
        return "Ask again; it is not sent twice."
    return (
        "Ask again here; after a restart look first, an equal call is sent anew when this is final."
    )
