"""One account's nonces: whatever took one is sent, helped on or given up, until a block decides it.

Law 1: the lowest nonce is helped on, whosever it is. Where no node takes what has it and others
wait, or nothing has it at all, a transfer of nothing to oneself takes it, and proves by being final
that nothing happened. Where more have nothing than anybody pays for, as after a count that was
wrong, later transactions take them, and what waits above keeps its nonce.
Law 2: what was signed counts as under way until it is proved that it happened or never will (see
`edgemark.ledger.evm.sending.settling`). What passes, as a full pool or a rate limit, is waited for.
Law 3: what is final is crossed out, also when nobody waits for it, and answers no later wish but
that of a caller in this process who was told to ask again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from edgemark.ledger.evm.faults import (
    ChainBusy,
    NodeAnswerMalformed,
    NodeBehind,
    NodeRefused,
    NonceTaken,
)
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.refusals import is_already_there, is_never, is_no_funds
from edgemark.ledger.evm.sending.drafting import Drafter, Quote
from edgemark.ledger.evm.sending.fees import Market
from edgemark.ledger.evm.sending.intent import Intent, LaneLimits, cancel_identity
from edgemark.ledger.evm.sending.pending import Entry, PendingFile
from edgemark.ledger.evm.sending.settling import Settler
from edgemark.ledger.evm.sending.transaction import SigningKey, Transaction
from edgemark.logs import get_logger

PASSING = (ChainBusy, NodeRefused, NodeAnswerMalformed, NodeBehind)  # waited for, up to `wait_s`
RESEND_S = 2.0  # seconds between two sendings of one transaction that is not mined
MOST_AT_ONCE = 32  # of many that nobody waits for: looks in one turn, and raised fees


class NonceKeeper:
    """What `TransactionLane` does with the nonces of its account; takes what it takes."""

    def __init__(
        self, chain: EvmChain, key: SigningKey, path: Path, fee_cap: int, limits: LaneLimits
    ) -> None:
        self.bytes_sent = 0
        self._chain = chain
        self._key = key
        self._limits = limits
        self._drafter = Drafter(chain, key.address, fee_cap, limits)
        self._lock = threading.RLock()
        self._kept_on_at = time.monotonic()
        self._priced_at = 0.0
        self._pushed: dict[bytes, Entry] = {}  # by intention
        self._log = get_logger("ledger.lane")
        self.genesis = chain.block(0).hash  # hash of block 0: no other chain has it
        self._pending = PendingFile(path, chain.chain_id, self.genesis, key.address)
        self._settler = Settler(chain, key.address, self._pending, self._lock)
        try:
            self._recover()
        except BaseException:
            self._pending.close()
            raise

    # --- sending -------------------------------------------------------------------------------

    def _send_new(self, intent: Intent, nonce: int | None, quote: Quote | None) -> Entry:
        under_way = [entry.transaction for entry in self._pending.entries.values()]
        floor = self._pending.floor
        draft = self._drafter.draft(intent, under_way, floor=floor, nonce=nonce, quote=quote)
        raw = draft.transaction.sign(self._key)
        named, nonce = intent.key is not None, draft.transaction.nonce
        entry = self._pending.sign(nonce, intent.identity, named, draft.height, raw)
        entry.was_asked_for = True
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
        """Let nothing take a nonce that nothing of ours has, where others wait behind it."""
        entries = self._pending.entries
        if nonce in entries or not self._pending.floor <= nonce <= max(entries, default=-1):
            return
        under_way = [entry.transaction for entry in entries.values()]
        draft = self._drafter.draft_nothing(nonce, under_way, self._pending.floor)
        if draft is None:
            return
        raw = draft.transaction.sign(self._key)
        self._send_again(
            self._pending.sign(nonce, cancel_identity(nonce), False, draft.height, raw)
        )

    def _send_raw(self, entry: Entry) -> NodeRefused | ChainBusy | None:
        """Hand the latest variant to the node; why it does not take it, if it has not got it."""
        with self._lock:
            entry.sent_at = time.monotonic()
            raw = entry.raws[-1]
            self.bytes_sent += len(raw)
        try:
            self._chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        except ChainBusy as error:
            return error
        except NodeRefused as error:
            return None if is_already_there(error) else error
        return None

    # --- helping on -----------------------------------------------------------------------------

    def _nurse(self, entry: Entry) -> None:
        """Help what is not seen mined: send it again, raise its fees, or settle its nonce."""
        if not entry.is_void:
            if not entry.is_open or not _is_due(entry):
                return
            used = self._chain.nonces_used(self._key.address)
            if used <= entry.nonce:
                self._help_up_to(entry.nonce, used, entry)
                return
            entry.sent_at = time.monotonic()
            self._settler.settle(entry.nonce)
        if entry.is_void:
            raise self._tell_taken(entry)

    def keep_on(self) -> None:
        """Do for what nobody waits for what a thread does that waits: for one thread, in turns."""
        entries, now = self._pending.entries, time.monotonic()
        if not entries or now - self._kept_on_at < RESEND_S:
            return
        self._kept_on_at = now
        self._pushed = {what: entry for what, entry in [*self._pushed.items()] if entry.is_open}
        try:
            used = self._chain.nonces_used(self._key.address)
            with self._lock:
                lowest = entries.get(used)
                nearest = min((nonce for nonce in entries if nonce >= used), default=None)
            if nearest is not None and (lowest is None or _is_due(lowest)):
                self._help_up_to(used, used, weighed_to=nearest)
        except PASSING as fault:
            self._log.info("not helped on yet", error=fault)
        self._cross_out_final()

    def _tell_taken(self, entry: Entry) -> NonceTaken:
        entry.is_answered = True
        return self._settler.taken(entry)

    def _help_up_to(
        self, last: int, used: int, followed: Entry | None = None, *, weighed_to: int = -1
    ) -> None:
        """Help on whatever has a nonce from `used` to `last`, and what waits for one that none has.

        Nothing is signed above what was counted, but a count that was wrong may have left holes:
        none is filled where there are more than anybody pays for, up to `last` or `weighed_to`.
        """
        waits = max(last, weighed_to)  # what is helped on, in the end
        with self._lock:
            nonces = [nonce for nonce in self._pending.nonces() if used <= nonce <= last]
            held = sum(used <= nonce <= waits for nonce in self._pending.nonces())
            is_wide = self._drafter.fillers.is_wide(waits + 1 - used - held)
        if not is_wide:
            nonces = list(range(used, last + 1))
        else:  # later transactions take the nonces below, see `Drafter`
            say = self._log.debug if followed is None else self._log.warning
            say("far above the nonces that are used", used=used, nonce=waits)
        dearer = self._make_dearer(used)
        for nonce in sorted({*nonces, *dearer}):
            self._help(nonce, followed, is_dearer=nonce in dearer)

    def _help_holder(self, identity: bytes) -> None:
        """Help on what has the nonce of an intention that was set aside, and what is below it."""
        with self._lock:
            refused = self._pending.refused(identity)
            holder = None if refused is None else self._pending.entries.get(refused.nonce)
        if holder is None or not _is_due(holder):
            return
        used = self._chain.nonces_used(self._key.address)
        if used <= holder.nonce:
            self._help_up_to(holder.nonce, used)

    def _help(self, nonce: int, followed: Entry | None, *, is_dearer: bool = False) -> None:
        """Send again what has a nonce, whosever it is; what was sent just now only if dearer."""
        with self._lock:
            self._fill(nonce)
            entry = self._pending.entries.get(nonce)
            if entry is None or not (is_dearer or _is_due(entry)):
                return
            entry.sent_at = time.monotonic()  # so that of many who wait one sends it
        refusal = self._send_again(entry)
        if not isinstance(refusal, NodeRefused) or not is_never(refusal):
            return
        put_by = self._refuse_if_final if entry is followed else self._set_aside_if_final
        with self._lock:
            if self._pending.entries.get(nonce) is entry:
                put_by(entry, refusal)

    def _make_dearer(self, used: int) -> list[int]:
        """Sign with higher fees what the next block asks too much for; which nonces that were.

        And the lowest, which waits for long. Each after a pause, and so many at a time; nothing
        above a nonce that none has, for that cannot be mined whatever it pays.
        """
        with self._lock:
            entries = {**self._pending.entries}
            ripe = [entry for entry in _in_a_row(entries, used) if self._is_ripe(entry)]
            if not ripe or time.monotonic() - self._priced_at < RESEND_S:
                return []
            self._priced_at = time.monotonic()  # of many who wait one asks
        market, room = self._drafter.read_market(), 0
        cheap = [e for e in ripe if e.transaction.max_fee < market.next_base_fee or e.nonce == used]
        if any(entry.nonce != used for entry in cheap):
            waiting = [entry for nonce, entry in entries.items() if nonce >= used]
            room = self._drafter.compute_room(entry.transaction for entry in waiting)
        with self._lock:
            there = [e for e in cheap if self._pending.entries.get(e.nonce) is e]
            return self._raise_all(there[:MOST_AT_ONCE], market, used, room)

    def _raise_all(self, cheap: list[Entry], market: Market, lowest: int, room: int) -> list[int]:
        """Which were raised, as far as the coin goes; `room` is what there is of it, wei."""
        dearer: list[int] = []
        for entry in cheap:
            better = self._drafter.redraft(entry.transaction, market)
            if better is not None:
                room -= better.most_wei - entry.transaction.most_wei
                if room < 0 and entry.nonce != lowest:
                    self._log.warning("no coin for higher fees", nonce=entry.nonce)
                    break
                dearer.append(entry.nonce)
            self._raise(entry, better)
        return dearer

    def _is_ripe(self, entry: Entry) -> bool:
        return time.monotonic() - entry.raised_at > self._limits.bump_after_s

    def _raise(self, entry: Entry, better: Transaction | None) -> None:
        entry.raised_at = time.monotonic()
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
                    # Of a life that ended before it set it aside, or before it cancelled.
                    if refusal is not None:
                        self._set_aside_if_final(self._pending.entries[nonce], refusal)
                    elif self._chain.nonces_used(self._key.address) <= nonce:
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
        """Look after what nobody waits for; a reorg may have taken what its caller saw mined."""
        with self._lock:
            idle = [e for e in self._pending.entries.values() if not e.waiting]
        try:
            chosen = self._choose([e for e in idle if e.is_answered or _is_due(e)])
        except PASSING as fault:
            self._log.info("not looked after yet", error=fault)
            return
        for entry in chosen:
            self._look_after_quietly(entry)

    def _choose(self, idle: list[Entry]) -> list[Entry]:
        """Of many those that may be decided, and the lowest of what no block has yet.

        A number of nonces decides nothing here: what it hides is looked at when it is another.
        """
        if len(idle) <= MOST_AT_ONCE:
            return idle
        idle.sort(key=lambda entry: entry.nonce)
        used = self._chain.nonces_used(self._key.address)
        final = self._chain.nonces_used(self._key.address, self._chain.confirmed())
        decided = [entry for entry in idle if entry.nonce < final]
        missing = [entry for entry in idle if entry.nonce >= used]
        return decided[:MOST_AT_ONCE] + missing[: MOST_AT_ONCE // 2]

    def _look_after_quietly(self, entry: Entry) -> None:
        """What nobody waits for must not hold up what somebody does."""
        try:
            if self._pending.entries.get(entry.nonce) is entry:
                self._look_after(entry)
        except PASSING as fault:
            self._log.info("not looked after yet", nonce=entry.nonce, error=fault)

    def _look_after(self, entry: Entry) -> NodeRefused | ChainBusy | None:
        """Cross it out if it is final; send it again if it is gone: why it is not taken."""
        receipt = self._settler.receipt(entry)
        if receipt is not None:
            depth = self._chain.depth_of(receipt)
            with self._lock:
                self._settler.finish_if_final(entry, receipt, depth)
        elif self._chain.nonces_used(self._key.address) > entry.nonce:
            self._settler.settle(entry.nonce)
        else:
            return self._send_again(entry)
        return None


def _in_a_row(entries: dict[int, Entry], first: int) -> Iterator[Entry]:
    """From a nonce on, up to one that nothing has."""
    while first in entries:
        yield entries[first]
        first += 1


def _is_due(entry: Entry) -> bool:
    return time.monotonic() - entry.sent_at >= RESEND_S
