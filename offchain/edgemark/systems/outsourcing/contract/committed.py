"""To what nodes committed: no contract stores it, so it is remembered from the events.

Rule 1: the party's watch reads every event of the contract anyway, and each is noted. A job that
was posted before its eyes asks the chain for nothing up to the block that the watch has come to.
Rule 2: of any other job, as after a restart, each block is read once: from the posting to the last
that can hold a commitment, in pieces, and from where it came to whatever fails in between.
Rule 3: what is read is as deep as the chain's confirmations. A deeper reorganisation is found by
the watch, which ends the process (`ReorgTooDeep`); nothing here outlives it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Hash32, JobId
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract.events import JobPosted, ResultCommitted
from edgemark.systems.outsourcing.contract.records import JobView

COMMITTED_TOPIC = keccak256(b"ResultCommitted(bytes32,uint256,address,bytes32)")
REMEMBERED_JOBS = 2_048  # 20 MB if each has 64 nodes; of what is forgotten, rule 2 holds
PIECE_BLOCKS = 200  # read at once; two requests a block where a node takes no batches


@dataclass
class _Known:
    """What is known of one job.

    Attributes:
        by_index: commitments.
        read_to: its events up to this block are known; -1 for none.
        is_followed: the watch has seen its posting, and so everything since.
        is_over: no block behind `read_to` can hold one.
        reading: held by the thread that reads on.
    """

    by_index: dict[int, Hash32] = field(default_factory=dict)
    read_to: int = -1
    is_followed: bool = False
    is_over: bool = False
    reading: threading.Lock = field(default_factory=threading.Lock)


class Commitments:
    """Commitments of the latest jobs that were heard of or asked for; safe for many threads.

    Args:
        chain: where the contract is.
        contract: the settlement.
        view_of: a job as of a block.
    """

    def __init__(
        self, chain: EvmChain, contract: Contract, view_of: Callable[[JobId, int], JobView]
    ) -> None:
        self._chain, self._contract, self._view_of = chain, contract, view_of
        self._guard = threading.Lock()  # effects of all threads ask
        self._jobs: OrderedDict[JobId, _Known] = OrderedDict()
        self._seen_to = -1

    def note(self, events: Iterable[ChainEvent], upto: int) -> None:
        """What the party's one watch saw, in order, and the block that it has come to."""
        with self._guard:
            for event in events:
                if isinstance(event, JobPosted):
                    self._of(event.job).is_followed = True
                elif isinstance(event, ResultCommitted):
                    self._of(event.job).by_index[event.index] = event.commitment
            self._seen_to = max(self._seen_to, upto)

    def find(self, job: JobId, index: int) -> Hash32 | None:
        """What an index is committed to; None when no such event stands deep enough."""
        with self._guard:
            known = self._of(job)
            if index in known.by_index:
                return known.by_index[index]
        with known.reading:
            if index not in known.by_index:  # another thread may have read it meanwhile
                self._read_on(job, index, known)
        return known.by_index.get(index)

    def _of(self, job: JobId) -> _Known:
        known = self._jobs.setdefault(job, _Known())
        self._jobs.move_to_end(job)
        while len(self._jobs) > REMEMBERED_JOBS:
            self._jobs.popitem(last=False)
        return known

    def _read_on(self, job: JobId, index: int, known: _Known) -> None:
        """Read what is new, until the index is found."""
        if known.is_over:
            return
        head = self._chain.confirmed()
        with self._guard:
            if known.is_followed:
                known.read_to = max(known.read_to, self._seen_to)
        if index in known.by_index or head <= known.read_to:
            return
        view = self._view_of(job, head)
        if not view.started_at:  # nobody could commit; what a node lacks is not remembered
            return
        known.read_to = max(known.read_to, view.posted_block - 1)
        last = self._find_last(known.read_to, head, view.compute_by)
        while known.read_to < last and index not in known.by_index:
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
        commits = [event for event in events if isinstance(event, ResultCommitted)]
        return {event.index: event.commitment for event in commits if event.job == job}
