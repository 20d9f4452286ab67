"""What an account has sent and not yet seen final, on the disk.

Law: a transaction is written here before it is sent, and crossed out only when it is as deep as the
chain's confirmations ask, or another one of its nonce is; a process that was killed in between
finds it again and follows it instead of sending another. One that the node refused for good is set
aside, not crossed out: its nonce may be used for something else, its intention not, until one of
the nonce's transactions is final.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.encoding import Reader, Writer
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.identifiers import Address, Hash32
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.faults import OtherChainsFile
from edgemark.ledger.evm.sending.intent import cancel_identity
from edgemark.ledger.evm.sending.transaction import Transaction, hash_of, parse_raw

MAX_RAW_BYTES = 256 * 1024  # twice what nodes take
MAX_DONE = 10_000  # finished intentions that are remembered
MAX_UNTOLD = 1_000  # decided transactions whose caller may still ask what became of them
REWRITE_RECORDS = 4_000  # a file longer than this is written anew when it is opened
EARLIER = (b"\x01", b"\x07")  # first bytes of files of versions 1 and 2
SIGNED, DONE, DROPPED, REFUSED, FLOOR, ANSWERED, IDENTITY = 2, 3, 4, 5, 6, 8, 9


class LaneFileOld(Unrecoverable):
    """The file was written by an earlier version."""


@dataclass(frozen=True)
class Done:
    """By which transaction an intention succeeded, and in which block it is final."""

    tx_hash: Hash32
    block: int


@dataclass
class Entry:
    """One nonce in use.

    Args:
        nonce: of the account.
        intent: what it is for, 32 bytes.
        is_named: did the caller name the intention itself?
        height: of the chain when it was signed first.
        raws: signed variants, the latest last; one of them at most is ever mined.
        is_answered: did a caller get its receipt, or is there none who would ask?
        waiting: threads that follow it.
        was_asked_for: by a caller of this process, who may ask again?
        is_open: it is neither final nor void.
        is_void: another transaction of its nonce is final.
        is_counted: its cost is among what was paid.
        sent_at: monotonic time of the last sending, seconds; 0 for never.
        raised_at: monotonic time when the fees were last chosen, seconds.
    """

    nonce: int
    intent: bytes
    is_named: bool
    height: int
    raws: list[bytes] = field(repr=False)
    is_answered: bool = False
    waiting: int = 0
    was_asked_for: bool = False
    is_open: bool = True
    is_void: bool = False
    is_counted: bool = False
    sent_at: float = 0.0
    raised_at: float = field(default_factory=time.monotonic)
    _read: tuple[bytes, Transaction] | None = field(default=None, init=False, repr=False)

    @property
    def hashes(self) -> list[Hash32]:
        """Under which the chain may know it."""
        return [hash_of(raw) for raw in self.raws]

    @property
    def transaction(self) -> Transaction:
        """The latest variant; read once, for each new transaction is weighed against all others."""
        raw = self.raws[-1]
        if self._read is None or self._read[0] is not raw:
            self._read = raw, parse_raw(raw)
        return self._read[1]


def identify(chain_id: int, genesis: Hash32, account: Address) -> bytes:
    """The first record of a lane's file: whose it is, on which chain."""
    identity = Writer().integer(IDENTITY, 1).integer(chain_id, 8).fixed(genesis, 32)
    return identity.fixed(bytes.fromhex(account[2:]), 20).finish()


def check_identity(first: bytes, needed: bytes, path: Path) -> None:
    """Check that a file with this first record is this account's on this chain.

    Raises:
        OtherChainsFile: it belongs to another.
    """
    if first != needed:
        raise OtherChainsFile(
            "belongs to another chain or account",
            who=path,
            had=first[1:].hex(),
            needed=needed[1:].hex(),
            remedy="Use one home folder per chain; move the file away if that chain is gone.",
        )


def check_owner(path: Path, needed: bytes) -> None:
    """The same of a file that another process may hold; one that is not there is nobody's.

    Raises:
        OtherChainsFile: it belongs to another chain or account.
    """
    if not path.exists():
        return
    with Journal.look_at(path) as journal:
        first = next(journal.records(), needed)
    if first[:1] not in EARLIER:  # who opens it says of these what to do
        check_identity(first, needed, path)


class PendingFile:
    """The pending transactions of one account on one chain.

    Args:
        path: the file; its folder must exist.
        chain_id, genesis: the chain, by id and hash of block 0.
        account: whose.

    Raises:
        JournalInUse: another process sends for this account.
        OtherChainsFile: the file belongs to another chain or account.
        LaneFileOld: an earlier version wrote it.
    """

    def __init__(self, path: Path, chain_id: int, genesis: Hash32, account: Address) -> None:
        self.entries: dict[int, Entry] = {}
        self.floor = 0  # every nonce below it is decided
        self._refused: list[Entry] = []
        self._done: OrderedDict[bytes, Done] = OrderedDict()
        self._untold: OrderedDict[bytes, list[Entry]] = OrderedDict()
        self._identity = identify(chain_id, genesis, account)
        self._journal = Journal.open(path, max_record_bytes=MAX_RAW_BYTES + 64)
        try:
            self._load()
        except BaseException:
            self._journal.close()
            raise

    def close(self) -> None:
        """Let another process send."""
        self._journal.close()

    def sign(self, nonce: int, intent: bytes, is_named: bool, height: int, raw: bytes) -> Entry:
        """Write a signed transaction down, or one more variant of it."""
        self._journal.append(_signed(nonce, intent, is_named, height, raw))
        return self._add(nonce, intent, is_named, height, raw)

    def finish(self, entry: Entry, tx_hash: Hash32, block: int, *, is_success: bool) -> None:
        """Cross out what became final; the intention is remembered when it succeeded."""
        if is_success and entry.is_named:
            done = Done(tx_hash, block)
            self._journal.append(_done(entry.nonce, entry.intent, done))
            self._remember(entry.intent, done)
        else:
            self._journal.append(_of_nonce(DROPPED, entry.nonce))
        self._close(entry.nonce, entry)

    def note_answer(self, entry: Entry) -> None:
        """A caller has its receipt: an equal nameless call is another one, in the next life too."""
        if entry.is_open and not entry.is_named:
            self._journal.append(_answered(entry))

    def drop(self, nonce: int) -> None:
        """Cross out what never happened and never will: another transaction has the nonce."""
        self._journal.append(_of_nonce(DROPPED, nonce))
        self._close(nonce, None)

    def refuse(self, entry: Entry) -> None:
        """Set aside what no node should ever take, so that its nonce can be used."""
        self._journal.append(_of_nonce(REFUSED, entry.nonce))
        self._set_aside(entry.nonce)

    def done(self, intent: bytes) -> Done | None:
        """The transaction by which a named intention succeeded, if it is remembered."""
        return self._done.get(intent)

    def refused(self, intent: bytes) -> Entry | None:
        """The transaction of this intention that was set aside, is not decided, and not told."""
        for entry in self._refused:
            if entry.intent == intent and (entry.is_named or not entry.is_answered):
                return entry
        return None

    def holders(self, nonce: int) -> list[Entry]:
        """Whatever was signed with a nonce that is not decided."""
        held = [entry for entry in self._refused if entry.nonce == nonce]
        return [self.entries[nonce], *held] if nonce in self.entries else held

    def is_undecided(self, intent: bytes) -> bool:
        """Was it signed, and may that still happen?"""
        return self.find(intent) is not None or self.refused(intent) is not None

    def nonces(self) -> list[int]:
        """Whichever are not decided, in order."""
        return sorted({*self.entries, *(entry.nonce for entry in self._refused)})

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

    def find_untold(self, intent: bytes, *, but_for: Collection[object] = ()) -> Entry | None:
        """What is decided since its caller, of this process, was told to ask again.

        It stays until a caller has its answer: whoever asks may go away without one once more.
        What is void goes with the first who asks, as it paid nothing.
        """
        kept = [entry for entry in self._untold.pop(intent, []) if not entry.is_answered]
        free = (entry for entry in kept if not any(each is entry for each in but_for))
        found = next(free, None)
        if left := [entry for entry in kept if entry is not found or not entry.is_void]:
            self._untold[intent] = left
        return found

    def _load(self) -> None:
        records = self._journal.records()
        first = next(records, None)
        if first is None:
            self._journal.append(self._identity)
            return
        if first[:1] in EARLIER:
            raise LaneFileOld(
                "was written by an earlier version",
                who=self._journal.path,
                needed="version 3",
                remedy="Let the version that wrote it finish what is pending; then move it away.",
            )
        check_identity(first, self._identity, self._journal.path)
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
            height = reader.integer(8)
            self._add(nonce, intent, is_named, height, reader.variable(most=MAX_RAW_BYTES))
        elif kind == DONE:
            intent = reader.fixed(32)
            self._remember(intent, Done(Hash32(reader.fixed(32)), reader.integer(8)))
            self._close(nonce, None)
        elif kind == DROPPED:
            self._close(nonce, None)
        elif kind == REFUSED:
            self._set_aside(nonce)
        elif kind == ANSWERED:
            intent = reader.fixed(32)  # of several with a nonce; one may be set aside since
            for entry in self.holders(nonce):
                entry.is_answered |= entry.intent == intent
        elif kind == FLOOR:
            self.floor = nonce
        else:
            raise RefusedInput("unknown record", who=self._journal.path, had=kind)
        reader.finish()

    def _snapshot(self) -> list[bytes]:
        kept = [self._identity]
        kept += [_done(0, intent, done) for intent, done in self._done.items()]
        kept.append(_of_nonce(FLOOR, self.floor))
        for entry in self._refused:
            kept += [*_variants(entry), _of_nonce(REFUSED, entry.nonce)]
            kept += [_answered(entry)] if entry.is_answered else []
        for entry in self.entries.values():
            kept += _variants(entry)
            kept += [_answered(entry)] if entry.is_answered else []
        return kept

    def _add(self, nonce: int, intent: bytes, is_named: bool, height: int, raw: bytes) -> Entry:
        entry = self.entries.get(nonce)
        if entry is None:
            entry = next(
                (e for e in self._refused if (e.nonce, e.intent) == (nonce, intent)),
                Entry(nonce, intent, is_named, height, []),
            )
            self._refused = [each for each in self._refused if each is not entry]
            self.entries[nonce] = entry
            entry.is_answered = intent == cancel_identity(nonce)  # nobody will ask
        entry.raws.append(raw)
        return entry

    def _set_aside(self, nonce: int) -> None:
        entry = self.entries.pop(nonce, None)
        if entry is not None:
            self._refused.append(entry)

    def _close(self, nonce: int, winner: Entry | None) -> None:
        """A transaction with this nonce is final: of `winner`, or of none of ours."""
        to_tell = {id(e): e for e in (winner, self.entries.get(nonce)) if e is not None}
        for entry in self.holders(nonce):
            entry.is_open = False
            entry.is_void = entry is not winner
        for entry in to_tell.values():
            self._keep_untold(entry)
        self.entries.pop(nonce, None)
        self._refused = [each for each in self._refused if each.nonce != nonce]
        self.floor = max(self.floor, nonce + 1)

    def _keep_untold(self, entry: Entry) -> None:
        is_done = entry.is_named and not entry.is_void  # then it is asked for by its name
        if not entry.was_asked_for or entry.is_answered or is_done:
            return
        self._untold.setdefault(entry.intent, []).append(entry)
        while len(self._untold) > MAX_UNTOLD:
            self._untold.popitem(last=False)

    def _remember(self, intent: bytes, done: Done) -> None:
        self._done[intent] = done
        while len(self._done) > MAX_DONE:
            self._done.popitem(last=False)


def _variants(entry: Entry) -> list[bytes]:
    facts = (entry.nonce, entry.intent, entry.is_named, entry.height)
    return [_signed(*facts, raw) for raw in entry.raws]


def _signed(nonce: int, intent: bytes, is_named: bool, height: int, raw: bytes) -> bytes:
    head = Writer().integer(SIGNED, 1).integer(nonce, 8).fixed(intent, 32)
    return head.integer(int(is_named), 1).integer(height, 8).variable(raw).finish()


def _done(nonce: int, intent: bytes, done: Done) -> bytes:
    head = Writer().integer(DONE, 1).integer(nonce, 8).fixed(intent, 32)
    return head.fixed(done.tx_hash, 32).integer(done.block, 8).finish()


def _answered(entry: Entry) -> bytes:
    head = Writer().integer(ANSWERED, 1).integer(entry.nonce, 8)
    return head.fixed(entry.intent, 32).finish()


def _of_nonce(kind: int, nonce: int) -> bytes:
    return Writer().integer(kind, 1).integer(nonce, 8).finish()
