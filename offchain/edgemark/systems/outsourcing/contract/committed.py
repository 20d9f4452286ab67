"""To what nodes committed: no contract stores it, so it is remembered from the events.

Rule 1: the party's watch reads every event of the contract anyway, and each is noted. A job that
started before its eyes asks the chain for nothing up to the block that the watch has come to.
Rule 2: of any other job, as after a restart, each block is read once: from the posting to the last
that can hold a commitment, in pieces, and from where it came to whatever fails in between.
Rule 3: what is read is as deep as the chain's confirmations. A deeper reorganisation is found by
the watch, which ends the process (`ReorgTooDeep`); nothing here outlives it.
Rule 4: that a node told no commitment is no proof. When a view says that there is one, what was
read of the job does not count, and it is read again, after pauses that double.
Rule 5: a job takes a place when it starts, which binds stakes; a posting takes none. Jobs with no
commitment that still counts make room first.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract import events as seen
from edgemark.systems.outsourcing.contract.records import JobView
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.transport.rates import DoublingPause

COMMITTED_TOPIC = keccak256(b"ResultCommitted(bytes32,uint256,address,bytes32)")
REMEMBERED_JOBS = 2_048  # 20 MB if each has 64 nodes; of what is forgotten, rule 2 holds
PIECE_BLOCKS = 200  # read at once; two requests a block where a node takes no batches
LONGEST_PAUSE_S = 32.0  # between two readings of a job whose views and logs contradict each other
FORGET_S = 600.0
ENDS = (  # of an index
    seen.NodePaid,
    seen.FeeUnearned,
    seen.NodeConvicted,
    seen.ChargeRefuted,
    seen.ChargeAnswered,
    seen.ChargeVoided,
    seen.ChargeLapsed,
)


class Allowance:
    """How much may be read by all questions that share it: one piece, and more for some time.

    Belongs to one thread.

    Args:
        seconds: after the first piece was begun.
        clock: monotonic seconds.
    """

    def __init__(
        self, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._until: float | None = None

    @property
    def is_endless(self) -> bool:
        """Whoever has it may wait for others that read."""
        return self._seconds == math.inf

    @property
    def is_left(self) -> bool:
        """Whether one more piece may be begun."""
        return self._until is None or self._clock() < self._until

    def note_piece(self) -> None:
        """One is begun."""
        if self._until is None:
            self._until = self._clock() + self._seconds


@dataclass
class _Known:
    """What is known of one job.

    Attributes:
        by_index: commitments.
        read_to: its events up to this block are known; -1 for none.
        is_followed: the watch has seen its start, and so everything since.
        is_over: no block behind `read_to` can hold one.
        ended: indices that are known to have ended.
        reading: held by the thread that reads on.
    """

    by_index: dict[int, Hash32] = field(default_factory=dict)
    read_to: int = -1
    is_followed: bool = False
    is_over: bool = False
    ended: set[int] = field(default_factory=set)
    reading: threading.Lock = field(default_factory=threading.Lock)


class Commitments:
    """Commitments of the latest jobs that started or were asked for; safe for many threads.

    Args:
        chain: where the contract is.
        contract: the settlement.
        view_of: a job as of a block.
        is_committed: what the view of an index says, as of a block.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        chain: EvmChain,
        contract: Contract,
        view_of: Callable[[JobId, int], JobView],
        is_committed: Callable[[JobId, int, int], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain, self._contract = chain, contract
        self._view_of, self._is_committed, self._clock = view_of, is_committed, clock
        self._guard = threading.Lock()  # effects of all threads ask
        self._jobs: OrderedDict[JobId, _Known] = OrderedDict()
        self._pauses = DoublingPause(1, LONGEST_PAUSE_S, FORGET_S)
        self._seen_to = -1

    def note(self, events: Iterable[ChainEvent], upto: int) -> None:
        """What the party's one watch saw, in order, and the block that it has come to."""
        with self._guard:
            for event in events:
                if isinstance(event, seen.JobStarted):
                    self._of(event.job).is_followed = True
                elif isinstance(event, seen.ResultCommitted):
                    self._of(event.job).by_index[event.index] = event.commitment
                elif isinstance(event, ENDS):
                    self._end(event.job, event.index)
            self._seen_to = max(self._seen_to, upto)

    def find(self, job: JobId, index: int, allowance: Allowance | None = None) -> Hash32 | None:
        """What an index is committed to; None when no such event was read that is deep enough.

        Args:
            job: which.
            index: of it.
            allowance: how much may be read; without one all that is missing.

        Raises:
            LedgerUnavailable: the chain does not answer; what was read until then is kept.
        """
        allowance = allowance or Allowance()
        with self._guard:
            known = self._of(job)
            if index in known.by_index:
                return known.by_index[index]
        if known.reading.acquire(blocking=allowance.is_endless):
            try:
                if index not in known.by_index:  # another thread may have read it meanwhile
                    self._read_on(job, index, known, allowance)
            finally:
                known.reading.release()
        return known.by_index.get(index)

    def _of(self, job: JobId) -> _Known:
        known = self._jobs.setdefault(job, _Known())
        self._jobs.move_to_end(job)
        while len(self._jobs) > REMEMBERED_JOBS:
            self._jobs.popitem(last=False)
        return known

    def _end(self, job: JobId, index: int) -> None:
        known = self._jobs.get(job)
        if known is None:
            return
        known.ended.add(index)
        if known.by_index.keys() <= known.ended:
            self._jobs.move_to_end(job, last=False)  # the next that makes room

    def _read_on(self, job: JobId, index: int, known: _Known, allowance: Allowance) -> None:
        """Read what is new, until the index is found; all once more if a view says that it is."""
        if not allowance.is_left:
            return
        head = self._chain.confirmed()
        self._read_to(head, job, index, known, allowance)
        if self._is_contradicted(head, job, index, known):
            with self._guard:
                self._pauses.note(job.hex(), self._clock())
                known.is_followed, known.read_to, known.is_over = False, -1, False
            self._read_to(head, job, index, known, allowance)

    def _is_contradicted(self, head: int, job: JobId, index: int, known: _Known) -> bool:
        """Whether all was read that could hold it, in vain, and the index is committed."""
        is_read = known.is_over or head <= known.read_to
        if not is_read or index in known.by_index:
            return False
        with self._guard:
            if self._pauses.left(job.hex(), self._clock()):
                return False
        return self._is_committed(job, index, head)

    def _read_to(
        self, head: int, job: JobId, index: int, known: _Known, allowance: Allowance
    ) -> None:
        with self._guard:
            if known.is_followed:
                known.read_to = max(known.read_to, self._seen_to)
        if known.is_over or index in known.by_index or head <= known.read_to:
            return
        view = self._view_of(job, head)
        if not view.started_at:  # nobody could commit; what a node lacks is not remembered
            with self._guard:
                self._jobs.pop(job, None)
            return
        known.read_to = max(known.read_to, view.posted_block - 1)
        last = self._find_last(known.read_to, head, view.compute_by)
        while known.read_to < last and index not in known.by_index and allowance.is_left:
            allowance.note_piece()
            end = min(last, known.read_to + PIECE_BLOCKS)
            found = self._read(job, known.read_to + 1, end)
            with self._guard:
                known.by_index.update(found)
            known.read_to = end
        known.is_over = known.read_to == last < head

    def _find_last(self, low: int, head: int, compute_by: int) -> int:
        """The last block from `low` to `head` that is no later than `compute_by`; or `low`."""
        if self._chain.block(head).timestamp <= compute_by:
            return head
        high = head
        while high - low > 1:
            middle = (low + high) // 2
            if self._chain.block(middle).timestamp <= compute_by:
                low = middle
            else:
                high = middle
        return low

    def _read(self, job: JobId, first: int, last: int) -> dict[int, Hash32]:
        topics: list[list[bytes]] = [[COMMITTED_TOPIC], [job]]
        logs = self._chain.logs([self._contract.address], first, last, topics)
        events = decode_logs([self._contract], logs)
        commits = [event for event in events if isinstance(event, seen.ResultCommitted)]
        return {event.index: event.commitment for event in commits if event.job == job}
