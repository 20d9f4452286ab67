"""What an account has sent and not yet seen final, on the disk.

Law: a transaction is written here before it is sent, and crossed out only when it is as deep as the
chain's confirmations ask; a process that was killed in between finds it again and follows it
instead of sending another.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.encoding import Reader, Writer
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.journal import Journal
from edgemark.ledger.faults import OtherChainsFile
from edgemark.ledger.transaction import Transaction, hash_of, parse_raw

MAX_RAW_BYTES = 256 * 1024  # twice what nodes take
MAX_DONE = 10_000  # finished intentions that are remembered
REWRITE_RECORDS = 4_000  # a file longer than this is written anew when it is opened
IDENTITY, SIGNED, DONE, DROPPED = 1, 2, 3, 4


@dataclass
class Entry:
    """One nonce in use.

    Args:
        nonce: of the account.
        intent: what it is for, 32 bytes.
        is_named: did the caller name the intention itself?
        raws: signed variants, the latest last; they differ in fees only.
        is_answered: did a caller of this process get its receipt?
        sent_at: monotonic time of the last sending, seconds; 0 for never.
        raised_at: monotonic time when the fees were last chosen, seconds.
    """

    nonce: int
    intent: bytes
    is_named: bool
    raws: list[bytes] = field(repr=False)
    is_answered: bool = False
    sent_at: float = 0.0
    raised_at: float = field(default_factory=time.monotonic)

    @property
    def hashes(self) -> list[Hash32]:
        """Under which the chain may know it."""
        return [hash_of(raw) for raw in self.raws]

    @property
    def transaction(self) -> Transaction:
        """The latest variant."""
        return parse_raw(self.raws[-1])


class PendingFile:
    """The pending transactions of one account on one chain.

    Args:
        path: the file; its folder must exist.
        chain_id, genesis: the chain, by id and hash of block 0.
        account: whose.

    Raises:
        JournalInUse: another process sends for this account.
        OtherChainsFile: the file belongs to another chain or account.
    """

    def __init__(self, path: Path, chain_id: int, genesis: Hash32, account: Address) -> None:
        self.entries: dict[int, Entry] = {}
        self._done: OrderedDict[bytes, Hash32] = OrderedDict()
        identity = Writer().integer(IDENTITY, 1).integer(chain_id, 8).fixed(genesis, 32)
        self._identity = identity.fixed(bytes.fromhex(account[2:]), 20).finish()
        self._journal = Journal.open(path, max_record_bytes=MAX_RAW_BYTES + 64)
        try:
            self._load()
        except BaseException:
            self._journal.close()
            raise

    def close(self) -> None:
        """Let another process send."""
        self._journal.close()

    def sign(self, nonce: int, intent: bytes, is_named: bool, raw: bytes) -> Entry:
        """Write a signed transaction down, or one more variant of it."""
        self._journal.append(_signed(nonce, intent, is_named, raw))
        return self._add(nonce, intent, is_named, raw)

    def finish(self, entry: Entry, tx_hash: Hash32, *, is_success: bool) -> None:
        """Cross out what became final; the intention is remembered when it succeeded."""
        if is_success and entry.is_named:
            self._journal.append(_done(entry.nonce, entry.intent, tx_hash))
            self._remember(entry.intent, tx_hash)
        else:
            self._journal.append(_dropped(entry.nonce))
        self.entries.pop(entry.nonce, None)

    def drop(self, entry: Entry) -> None:
        """Cross out what never happened and never will."""
        self._journal.append(_dropped(entry.nonce))
        self.entries.pop(entry.nonce, None)

    def done(self, intent: bytes) -> Hash32 | None:
        """The transaction by which a named intention succeeded, if it is remembered."""
        return self._done.get(intent)

    def find(self, intent: bytes, *, but_for: Collection[object] = ()) -> Entry | None:
        """The pending transaction of this intention that no caller has had an answer for.

        Args:
            intent: 32 bytes.
            but_for: entries that stand for other, equal intentions; named ones never do.
        """
        for entry in self.entries.values():
            if entry.intent != intent:
                continue
            if entry.is_named or not (entry.is_answered or any(e is entry for e in but_for)):
                return entry
        return None

    def _load(self) -> None:
        records = self._journal.records()
        first = next(records, None)
        if first is None:
            self._journal.append(self._identity)
            return
        if first != self._identity:
            raise OtherChainsFile(
                "belongs to another chain or account",
                who=self._journal.path,
                had=first[1:].hex(),
                needed=self._identity[1:].hex(),
                remedy="Use one home folder per chain; move the file away if that chain is gone.",
            )
        for record in records:
            self._take(record)
        if self._journal.count > REWRITE_RECORDS:
            self._journal.rewrite(self._snapshot())

    def _take(self, record: bytes) -> None:
        reader = Reader(record, who="lane file")
        kind = reader.integer(1)
        nonce = reader.integer(8)
        if kind == SIGNED:
            intent, is_named = reader.fixed(32), bool(reader.integer(1, most=1))
            self._add(nonce, intent, is_named, reader.variable(most=MAX_RAW_BYTES))
        elif kind == DONE:
            self._remember(reader.fixed(32), Hash32(reader.fixed(32)))
            self.entries.pop(nonce, None)
        elif kind == DROPPED:
            self.entries.pop(nonce, None)
        else:
            raise RefusedInput("unknown record", who=self._journal.path, had=kind)
        reader.finish()

    def _snapshot(self) -> list[bytes]:
        kept = [self._identity]
        kept += [_done(0, intent, tx_hash) for intent, tx_hash in self._done.items()]
        for entry in self.entries.values():
            kept += [_signed(entry.nonce, entry.intent, entry.is_named, raw) for raw in entry.raws]
        return kept

    def _add(self, nonce: int, intent: bytes, is_named: bool, raw: bytes) -> Entry:
        entry = self.entries.get(nonce)
        if entry is None:
            entry = self.entries[nonce] = Entry(nonce, intent, is_named, [raw])
        else:
            entry.raws.append(raw)
        return entry

    def _remember(self, intent: bytes, tx_hash: Hash32) -> None:
        self._done[intent] = tx_hash
        while len(self._done) > MAX_DONE:
            self._done.popitem(last=False)


def _signed(nonce: int, intent: bytes, is_named: bool, raw: bytes) -> bytes:
    head = Writer().integer(SIGNED, 1).integer(nonce, 8).fixed(intent, 32)
    return head.integer(int(is_named), 1).variable(raw).finish()


def _done(nonce: int, intent: bytes, tx_hash: Hash32) -> bytes:
    return Writer().integer(DONE, 1).integer(nonce, 8).fixed(intent, 32).fixed(tx_hash, 32).finish()


def _dropped(nonce: int) -> bytes:
    return Writer().integer(DROPPED, 1).integer(nonce, 8).finish()
