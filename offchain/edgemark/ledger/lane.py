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
Law 5: what was signed counts as under way until it is proved that it happened or never will (see
`edgemark.ledger.settling`). What passes, as a full pool or a rate limit, is waited for.
Law 6: the lowest nonce is helped on, whosever it is. Where no node takes what has it and others
wait, a transfer of nothing to oneself takes it, and proves by being final that nothing happened.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from edgemark.closing import Closing
from edgemark.identifiers import Address
from edgemark.ledger.blocks import Receipt
from edgemark.ledger.drafting import Drafter, cancel_identity
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.faults import (
    ChainBusy,
    NodeAnswerMalformed,
    NodeBehind,
    NodeRefused,
    NotYetMined,
    TransactionRefused,
)
from edgemark.ledger.fees import WEI_PER_GWEI
from edgemark.ledger.intent import Call, Intent, LaneLimits, intent_of, transfer_of
from edgemark.ledger.interface import Contract, Interface, load_bytecode, load_interface
from edgemark.ledger.pending import Entry, PendingFile
from edgemark.ledger.refusals import is_already_there, is_never, is_no_funds
from edgemark.ledger.settling import Settler
from edgemark.ledger.transaction import SigningKey
from edgemark.logs import get_logger

PASSING = (ChainBusy, NodeRefused, NodeAnswerMalformed, NodeBehind)  # waited for, up to `wait_s`
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
        self._settler = Settler(chain, key.address, self._pending)
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
            NoFunds, GasAboveCap, TransactionRefused, FeeAboveCap: a call was not sent. What a node
                refused after it was signed takes no other nonce until its own is decided.
            NotYetMined: it takes long; ask again with an equal call to go on waiting.
            NonceTaken: another final transaction has the nonce; this one never happens.
            LedgerUnavailable: the node was not fit to be asked for as long as may be waited.
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

    def may_happen(self, call: Call) -> bool:
        """Was it signed, and is that not decided? Then a refusal is no proof that it did not."""
        with self._lock:
            return self._pending.is_undecided(intent_of(call).identity)

    def close(self) -> None:
        """Let another process send for this account."""
        self._pending.close()

    # --- sending -------------------------------------------------------------------------------

    def _carry_out(self, intents: Sequence[Intent], confirmations: int | None) -> list[Receipt]:
        depth = self._chain.confirmations if confirmations is None else confirmations
        started: list[Entry | Receipt] = []
        deadline = time.monotonic() + self._limits.wait_s
        while len(started) < len(intents):
            try:
                with self._lock:
                    self._cross_out_final()
                    while len(started) < len(intents):
                        started.append(self._start(intents[len(started)], started))
            except (*PASSING, NotYetMined) as fault:
                if time.monotonic() > deadline:
                    raise
                self._log.info("not begun yet", error=fault)
                self._rest(fault, deadline)
        return [
            each if isinstance(each, Receipt) else self._follow(each, intent, depth)
            for each, intent in zip(started, intents, strict=True)
        ]

    def _start(self, intent: Intent, batch: Sequence[Entry | Receipt]) -> Entry | Receipt:
        """The transaction of an intention; equal nameless ones of a batch get one each."""
        earlier = self._pending.done(intent.identity)
        if earlier is not None:
            return self._settler.receipt_of_done(earlier)
        pending = self._pending.find(intent.identity, but_for=batch)
        if pending is not None:
            return pending
        refused = self._pending.refused(intent.identity)
        if refused is not None:
            self._settler.settle(refused.nonce)
            if not refused.is_void:
                return refused if not refused.is_open else self._try_again(refused, intent)
        return self._send_new(intent, None)

    def _try_again(self, refused: Entry, intent: Intent) -> Entry:
        """What was refused goes out with its own nonce or not at all: one at most is mined."""
        used = self._chain.nonces_used(self.address)
        if refused.nonce in self._pending.entries or used > refused.nonce:
            raise NotYetMined(
                "an earlier attempt is not decided yet",
                who=f"{intent.contract.name}.{intent.function}",
                had=f"nonce {refused.nonce} in use",
                needed="a final transaction with that nonce",
                remedy="Ask again; it is not sent twice.",
            )
        return self._send_new(intent, refused.nonce)

    def _send_new(self, intent: Intent, nonce: int | None) -> Entry:
        under_way = [entry.transaction for entry in self._pending.entries.values()]
        draft = self._drafter.draft(intent, under_way, floor=self._pending.floor, nonce=nonce)
        raw = draft.transaction.sign(self._key)
        named, nonce = intent.key is not None, draft.transaction.nonce
        entry = self._pending.sign(nonce, intent.identity, named, draft.height, raw)
        self._send_first(entry)
        return entry

    def _send_first(self, entry: Entry) -> None:
        refusal = self._send_raw(entry)
        if isinstance(refusal, NodeRefused):
            self._refuse_if_final(entry, refusal)

    def _refuse_if_final(self, entry: Entry, refusal: NodeRefused) -> None:
        """Set aside what no node takes; tell it when nothing waits behind it."""
        if not self._set_aside_if_final(entry, refusal) or entry.nonce in self._pending.entries:
            return
        raise self._drafter.refused(refusal) from refusal

    def _set_aside_if_final(self, entry: Entry, refusal: NodeRefused) -> bool:
        """Set aside what no node takes; whatever else a node says may pass, and is waited for."""
        is_last = max(self._pending.entries) == entry.nonce
        is_final = is_never(refusal) or (is_no_funds(refusal) and is_last)
        is_cancel = entry.intent == cancel_identity(entry.nonce)
        if not is_final or is_cancel or self._settler.is_known(entry):
            self._log.info("not taken yet", nonce=entry.nonce, error=refusal)
            return False
        self._pending.refuse(entry)
        self._log.warning("not taken", nonce=entry.nonce, error=refusal)
        self._fill(entry.nonce)
        return True

    def _fill(self, nonce: int) -> None:
        """Let nothing take the nonce of what was set aside, where others wait behind it."""
        entries = self._pending.entries
        if nonce in entries or nonce > max(entries, default=-1):
            return
        under_way = [entry.transaction for entry in entries.values()]
        draft = self._drafter.draft_nothing(nonce, under_way, self._pending.floor)
        if draft is None:
            return
        raw = draft.transaction.sign(self._key)
        cancel = self._pending.sign(nonce, cancel_identity(nonce), False, draft.height, raw)
        cancel.is_answered = True  # nobody will ask: see `_cross_out_final`
        self._send_again(cancel)

    def _send_raw(self, entry: Entry) -> NodeRefused | ChainBusy | None:
        """Hand the latest variant to the node; why it does not take it, if it has not got it."""
        entry.sent_at = time.monotonic()
        self.bytes_sent += len(entry.raws[-1])
        try:
            self._chain.rpc("eth_sendRawTransaction", "0x" + entry.raws[-1].hex())
        except ChainBusy as error:
            return error
        except NodeRefused as error:
            return None if is_already_there(error) else error
        return None

    # --- following -----------------------------------------------------------------------------

    def _follow(self, entry: Entry, intent: Intent, depth: int) -> Receipt:
        deadline = time.monotonic() + self._limits.wait_s
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
                    needed=f"{depth} blocks on top within {self._limits.wait_s} s",
                    remedy="Ask again; it is not sent twice.",
                ) from fault
            self._rest(fault, deadline)

    def _rest(self, fault: Exception | None, deadline: float) -> None:
        asked = fault.retry_after_s if isinstance(fault, ChainBusy) else 0.0
        left = max(0.0, deadline - time.monotonic())
        time.sleep(max(self._limits.poll_s, min(asked, left)))

    def _close_out(self, entry: Entry, intent: Intent, receipt: Receipt, there: int) -> Receipt:
        refusal = None if receipt.is_success else self._drafter.explain(intent, receipt)
        with self._lock:
            if not entry.is_answered:
                self.gas_used += receipt.gas_used
                self.fees_wei += receipt.fee_wei
                entry.is_answered = True
            self._settler.finish_if_final(entry, receipt, there)
        if refusal is not None:
            raise refusal
        return receipt

    def _nurse(self, entry: Entry) -> None:
        """Help what is not seen mined: send it again, raise its fees, or settle its nonce."""
        with self._lock:
            if entry.is_void:
                raise self._settler.taken(entry)
            if not entry.is_open or time.monotonic() - entry.sent_at < RESEND_S:
                return
            used = self._chain.nonces_used(self.address)
            if used > entry.nonce:
                entry.sent_at = time.monotonic()
                self._settler.settle(entry.nonce)
                if entry.is_void:
                    raise self._settler.taken(entry)
                return
            entry.sent_at = time.monotonic()
            for nonce in self._pending.nonces():
                if used <= nonce <= entry.nonce:
                    self._help(nonce, entry, is_lowest=nonce == used)

    def _help(self, nonce: int, followed: Entry, *, is_lowest: bool) -> None:
        """Send again what has a nonce, whosever it is; the lowest with fees that carry it."""
        self._fill(nonce)
        entry = self._pending.entries.get(nonce)
        if entry is None:
            return
        if is_lowest and time.monotonic() - entry.raised_at > self._limits.bump_after_s:
            self._raise(entry)
        refusal = self._send_again(entry)
        if not isinstance(refusal, NodeRefused) or not is_never(refusal):
            return
        put_by = self._refuse_if_final if entry is followed else self._set_aside_if_final
        put_by(entry, refusal)

    def _raise(self, entry: Entry) -> None:
        entry.raised_at = time.monotonic()
        better = self._drafter.redraft(entry.transaction)
        if better is None:
            cap = self._drafter.fee_cap
            self._log.warning("stuck below the fee cap", nonce=entry.nonce, fee_cap_wei=cap)
            return
        raw = better.sign(self._key)
        self._pending.sign(entry.nonce, entry.intent, entry.is_named, entry.height, raw)
        self._log.info("fees raised", nonce=entry.nonce, max_fee_wei=better.max_fee)

    def _send_again(self, entry: Entry) -> NodeRefused | ChainBusy | None:
        refusal = self._send_raw(entry)
        if refusal is not None:
            self._log.warning("not taken again", nonce=entry.nonce, error=refusal)
        return refusal

    # --- what was left over --------------------------------------------------------------------

    def _recover(self) -> None:
        """Take up what was left; what the node cannot take yet is done with the next call."""
        with self._lock:
            refusals = {nonce: self._take_up(nonce) for nonce in self._pending.nonces()}
            # The last first: what is set aside then leaves no hole below another.
            for nonce, refusal in reversed(refusals.items()):
                try:
                    if refusal is not None:  # by a life that ended before it set it aside
                        self._set_aside_if_final(self._pending.entries[nonce], refusal)
                    elif self._chain.nonces_used(self.address) <= nonce:  # or before it cancelled
                        self._fill(nonce)
                except PASSING as fault:
                    self._log.warning("not set aside yet", nonce=nonce, error=fault)

    def _take_up(self, nonce: int) -> NodeRefused | None:
        """Look after one nonce; why its transaction is not taken."""
        entry = self._pending.entries.get(nonce)
        try:
            refusal = None if entry is None else self._look_after(entry)
        except PASSING as fault:
            self._log.warning("not taken up yet", nonce=nonce, error=fault)
            return None
        return refusal if isinstance(refusal, NodeRefused) else None

    def _cross_out_final(self) -> None:
        for entry in [e for e in self._pending.entries.values() if e.is_answered]:
            self._look_after(entry)  # a reorg may have taken it after its caller went on

    def _look_after(self, entry: Entry) -> NodeRefused | ChainBusy | None:
        """Cross it out if it is final; send it again if it is gone: why it is not taken."""
        receipt = self._settler.receipt(entry)
        if receipt is not None:
            self._settler.finish_if_final(entry, receipt, self._chain.depth_of(receipt))
        elif self._chain.nonces_used(self.address) > entry.nonce:
            self._settler.settle(entry.nonce)
        else:
            return self._send_again(entry)
        return None
