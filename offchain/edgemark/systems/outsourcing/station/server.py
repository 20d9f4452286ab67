"""A server of this system: whoever offers it work gives it the function too.

What is long is admitted by its head: a function that was asked for, the task of an index that this
server holds, the evidence of a charge that stands on chain. Nothing else is read.

What a request makes this server ask its chain, or read of a job that is over, is counted
(`looks.py`).
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from edgemark.errors import LedgerUnavailable, Overloaded, RefusedInput
from edgemark.identifiers import (
    Address,
    Hash32,
    ShareIndex,
    Timestamp,
    parse_hash32,
    parse_share_index,
)
from edgemark.identity.visiting import EXPECTED_S
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.loop.errands import Errand
from edgemark.loop.machine import Machine
from edgemark.party.evm.server import EvmServer
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.events import JobCancelled, JobPosted, JobStarted
from edgemark.systems.outsourcing.contract.records import IndexView
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId, parse_job_id
from edgemark.systems.outsourcing.limits import (
    DISK_COPIES,
    DISK_RESERVE_BYTES,
    MAX_FUNCTION_BYTES,
    MAX_NODES,
)
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of, tell_phase
from edgemark.systems.outsourcing.station.functions import Needed
from edgemark.systems.outsourcing.station.looks import Looks
from edgemark.systems.outsourcing.station.shared_answers import SharedTime
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.compute import check_sizes
from edgemark.transport.serving.server import Head, Request, Response, Route

E = TypeVar("E")
MAX_INDEX_DIGITS = 3
MOST_PAYERS = 32_768  # jobs whose payers are remembered: more than may be open


class Payers:
    """Who pays for which job, as the chain said lately; safe for many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._payers: OrderedDict[JobId, Address] = OrderedDict()

    def find(self, job: JobId) -> Address | None:
        """Who pays for it; None when the chain has yet to say."""
        with self._guard:
            return self._payers.get(job)

    def drop(self, job: JobId) -> Address | None:
        """Forget a job; its payer, when no other job of the same is known."""
        with self._guard:
            payer = self._payers.pop(job, None)
            return None if payer in self._payers.values() else payer

    def note(self, job: JobId, payer: Address) -> None:
        """The chain says so."""
        with self._guard:
            self._payers[job] = payer
            self._payers.move_to_end(job)
            while len(self._payers) > MOST_PAYERS:
                self._payers.popitem(last=False)

    def name_needs(self, jobs: Iterable[tuple[JobId, Terms]]) -> Needed:
        """Which functions these jobs need, and whose jobs they are.

        A job whose payer the chain has yet to say, as after a start, is nobody else's.
        """
        needed: dict[Hash32, set[str]] = {}
        with self._guard:
            for job, terms in jobs:
                payer = self._payers.get(job) or job.hex()
                needed.setdefault(terms.function_hash, set()).add(payer)
        return needed


class OutsourcingServer(EvmServer[OutsourcingStation]):
    """A node or a judge: takes the functions that it asked for.

    Args:
        station, machine, name: as an `EvmServer` has them.

    Attributes:
        looks: at the chain, that requests cause.
        payers: of the jobs that it has a part in.
        postings: payers of jobs that name it, until they are cancelled.
        chain_time: for all requests together.
        recalling: held by the one request that has a finished job read.
    """

    def __init__(
        self, station: OutsourcingStation, machine: Machine[Any, Any, Any], name: str
    ) -> None:
        self.payers, self.postings = Payers(), Payers()
        self.chain_time = SharedTime(station.clock)
        super().__init__(station, machine, name)
        self.looks = Looks(self.has_part)
        self.recalling = threading.Lock()

    @abstractmethod
    def parties_of(self, state: Any) -> Collection[Address | None]:
        """Whom an open job of this server gives looks of their own."""

    def telling_end(
        self, place: on.HeardOffer | on.SawCase, view: IndexView, found: Sequence[E]
    ) -> Sequence[E]:
        """What was observed, as it is; the log says what became of an index that has ended."""
        if view.phase.is_end and any(isinstance(event, on.SawEnded) for event in found):
            self.log.info(tell_phase(view.phase), job=place.job, index=place.index)
        return found

    def has_part(self, account: str) -> bool:
        """Whether it has a part in a job that runs, or is judged, here now."""
        states = self.runtime.states().values()
        return any(account in self.parties_of(state) for state in states if not state.is_finished)

    def state_for(self, asker: Head | Request, job: JobId, index: int) -> Any | None:
        """What is remembered of an index, open or over; None when nothing is.

        The records of one that is over may be long, and anybody can name it: reading them counts as
        a look, and nobody waits for another's.

        Raises:
            Overloaded: there were too many looks, or another is being read.
        """
        key = key_of(job, index)
        state = self.runtime.state_at_hand(key)
        if state is not None or not self.runtime.is_archived(key):
            return state
        self.looks.check(asker)
        if not self.recalling.acquire(blocking=False):
            raise Overloaded("another finished job is being read", who=f"job {job.hex()}")
        try:
            return self.runtime.state(key)
        finally:
            self.recalling.release()

    def routes(self) -> Sequence[Route]:
        """Functions; subclasses add theirs."""
        return [
            Route(
                "PUT",
                "/v1/functions/{hash}",
                self._take_function,
                MAX_FUNCTION_BYTES,
                self._admit_function,
            )
        ]

    def due(self, state: Any, effect: Any) -> float | None:
        """What a judge computes again waits for its turn; a node has turns of its own."""
        return float(state.due) if isinstance(effect, do.Reexecute) else None

    def expect(self, job: JobId, payer: Address, *others: Address) -> None:
        """These have a part in a job that this server has one in."""
        self.payers.note(job, payer)
        self.door.expect(payer, *others)

    def expect_payer(self, job: JobId, payer: Address) -> None:
        """Its posting names this server, which has no part in the job yet."""
        self.payers.note(job, payer)
        self.postings.note(job, payer)
        self.door.invite(payer)

    def expect_payers(self, events: Sequence[ChainEvent], least_fee: int, longest_s: float) -> None:
        """Whoever posted a job that names this server, for such a fee, may offer it while it can.

        A job that may not start for longer than `longest_s` is none that this server takes now.

        An offer that a stranger sends may come too late: looks of strangers are few for all of
        them, and a few addresses use them up by offers that nobody posted. Whoever cancels all its
        postings is a stranger again.
        """
        me = self.station.address
        posted = [event for event in events if isinstance(event, JobPosted) and me in event.nodes]
        now = self._now() if posted else None  # once, however many there are
        for event in posted:
            terms = Terms(*event.terms)
            left_s = 0.0 if now is None else float(terms.accept_by - now)
            if terms.fee >= least_fee and left_s <= longest_s:
                self.postings.note(event.job, event.payer)
                self.door.invite(event.payer, seconds=max(EXPECTED_S, left_s))
        for over in events:
            if isinstance(over, JobStarted | JobCancelled):
                payer = self.postings.drop(over.job)
                if payer is not None and isinstance(over, JobCancelled):
                    self.door.uninvite(payer)

    def _now(self) -> Timestamp | None:
        """None when the chain does not say now: no event that was taken may be lost for it."""
        try:
            return Timestamp(self.station.clock())
        except LedgerUnavailable:
            return None

    @contextmanager
    def function_of(self, terms: Terms, payer: Address) -> Iterator[bool]:
        """Whether a job's function is here, and is held until the end of this; or it is asked for.

        Raises:
            WrongFunction: it is of other sizes than the terms say.
        """
        with self.station.functions.using(terms.function_hash) as header:
            if header is None:
                length = terms.function_bytes
                self.station.functions.ask_for(terms.function_hash, length, payer)
            else:
                check_sizes(header, terms)
            yield header is not None

    def errand(self, state: Any, effect: Any) -> Errand | None:
        """Whom an effect waits for."""
        return errand_of(effect, by=state.deadline(effect))

    def _admit_function(self, head: Head) -> int | Response:
        """Its length; or that it is here, as whoever had it for another job was faster."""
        function_hash = parse_hash32(head.params["hash"], who="function")
        with self.station.functions.using(function_hash) as header:
            if header is not None:
                return Response(body=TAKEN)
        awaited = self.station.functions.awaited_bytes(function_hash)
        return self.on_disk(awaited, self.promised_bytes())

    def reserved_bytes(self) -> int:
        """What is promised, and the function that is being written."""
        return self.promised_bytes() + self.station.functions.bytes_coming

    def on_disk(self, most: int, beside: int = 0) -> int:
        """So many bytes, if there is room on the disk to journal and to archive them.

        A disk that is full stops this process; what is refused before goes to another server, or
        comes again.

        Raises:
            Overloaded: there is none.
        """
        needed = beside + DISK_COPIES * most + DISK_RESERVE_BYTES
        free = self.station.functions.make_free(needed)
        if free < needed:
            raise Overloaded(
                "disk is nearly full", who=self.http.url, had=free, needed=f">= {needed} bytes free"
            )
        return most

    def _take_function(self, request: Request) -> Response:
        function_hash = parse_hash32(request.params["hash"], who="function")
        self.station.functions.put(function_hash, request.body)
        return Response(body=TAKEN)


def handed_in(
    what: str,
    take: Callable[[Request], Response],
    most: int,
    admit: Callable[[Head], int | Response],
    *,
    is_promised: bool = False,
) -> Route:
    """The face for what `path_of` names."""
    return Route("POST", f"/v1/{what}/{{job}}/{{index}}", take, most, admit, is_promised)


def parse_place(params: Mapping[str, str]) -> tuple[JobId, ShareIndex]:
    """Job and index of a path that `path_of` made.

    Raises:
        RefusedInput: they are none.
    """
    number = params["index"]
    is_short = number.isascii() and number.isdecimal() and len(number) <= MAX_INDEX_DIGITS
    return parse_job_id(params["job"]), parse_share_index(int(number) if is_short else 0, MAX_NODES)


def check_posted(job: JobId, posted: Hash32, terms: Terms) -> None:
    """Check that terms are those that the chain has the hash of.

    Raises:
        RefusedInput: they are others.
    """
    if posted != terms.hash:
        raise RefusedInput(
            "terms are not the posted ones",
            who=f"job {job.hex()}",
            had=terms.hash.hex(),
            needed=posted.hex(),
        )


def check_place(request: Request, job: JobId, index: ShareIndex) -> None:
    """Check that a message is about the index that its path named, by which it was admitted.

    Raises:
        RefusedInput: another one.
    """
    if parse_place(request.params) != (job, index):
        raise RefusedInput(
            "is about another index than its path says",
            who=f"job {job.hex()}",
            had=index,
            needed=request.path,
        )
