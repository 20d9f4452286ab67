"""The node's side of an offer (protocol step 2): what it checks, and the acceptance that it gives.

A node whose allowance covers the stake leaves its acceptance to the device, in the reply to the
offer; else it lets the settlement lock more and brings it itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgemark.amounts import Amount
from edgemark.identifiers import NO_TIME, NOBODY, Address
from edgemark.loop.errands import Pace
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.joining import allow_again
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.inquiry import PAUSE_S
from edgemark.systems.outsourcing.contract.records import IndexPhase, JobView
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    check_depth,
    check_pace,
    check_terms,
    hash_nodes,
)
from edgemark.systems.outsourcing.node.admission import (
    Capacity,
    Load,
    OfferDeclined,
    OfferRefused,
    OfferUnseen,
    check_admission,
    check_disk,
    check_function_room,
    check_stakes,
    check_waiting,
    count_coming,
    count_disk,
    measure_load,
)
from edgemark.systems.outsourcing.node.handing import Judging, check_handing
from edgemark.systems.outsourcing.node.speed import SpeedMeter
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Acceptance, Offer
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.settings import NodeSettings
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.station.functions import MAX_STORED_BYTES
from edgemark.systems.outsourcing.station.shared_answers import Freshness, SharedAnswer
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.accept import compute_waiting, sign_acceptance
from edgemark.systems.outsourcing.steps.inquire import Readiness
from edgemark.transport.asking.turns import FULL_BYTES_PER_S
from edgemark.words import in_words

OWN_STANDING = Freshness("how this node stands", shared_s=2.0, most_old_s=20.0)


class Accepting:
    """Checks offers and accepts them; holds no state of its own.

    Args:
        station: keys, chain.
        tasks: all tasks of this node, as they are now.
        speed: of this machine.
        turns: of the tasks that are to be computed.
        looked_until: the block as of which the tasks are known.
    """

    def __init__(
        self,
        station: OutsourcingStation,
        tasks: Callable[[], Iterable[NodeTask]],
        speed: SpeedMeter,
        turns: TurnBook,
        looked_until: Callable[[], int] = int,
    ) -> None:
        self._station, self._tasks = station, tasks
        self._speed, self._turns = speed, turns
        self._looked_until = looked_until
        self._own = SharedAnswer(self._read_own, OWN_STANDING)

    @property
    def _settings(self) -> NodeSettings:
        return self._station.settings.of(NodeSettings)

    # --- offers --------------------------------------------------------------------------------

    def check_alone(self, terms: Terms, *, may_free: bool = True) -> None:
        """Fee and size, by what this node knows without its chain: that costs nobody anything.

        Args:
            terms: of the job.
            may_free: what nobody needs may go for it where the disk is full.

        Raises:
            OfferRefused, NodeBusy: it is not taken, or not now.
        """
        least = self._settings.min_fee
        if terms.fee < least:
            had, needed = Amount(terms.fee), f">= {Amount(least)}"
            raise OfferDeclined("fee too low", who="offer", had=had, needed=needed)
        self.check_admission(terms, self._speed.fastest, may_free=may_free)

    def check_posted(self, offer: Offer) -> JobView:
        """The chain names this node at this index, under these terms, and there is time left.

        Raises:
            OfferRefused, NodeBusy: it does not, or the stake is not there.
        """
        job = self._station.settlement.job(offer.job)
        if job.terms_hash != offer.terms.hash:
            raise OfferUnseen(
                "terms are not the posted ones",
                who=f"job {offer.job.hex()}",
                had=offer.terms.hash.hex(),
                needed=job.terms_hash.hex(),
                remedy="The posting may not be deep enough yet.",
            )
        self._check_place(offer, job)
        self._check_waiting(offer)
        self._check_depth(offer.terms)
        self._check_active(self._station.registry.is_active(self._me))
        self.check_free(offer.terms)
        return job

    def take(
        self, offer: Offer, job: JobView, judges: tuple[Address, ...], speed: float
    ) -> on.HeardOffer:
        """What the node remembers of an offer that it takes, once nothing else speaks against it.

        One thread at a time, until that is in the journal: of two offers for the last place or the
        last stake one comes too late.

        Raises:
            OfferRefused, NodeBusy: another came first.
        """
        terms = offer.terms
        self.check_admission(terms, speed)
        self.check_free(terms)
        gives = self.may_lock(self.offered_stakes() + terms.stake, until=terms.accept_by)
        until = compute_waiting(self._station.clock(), terms.accept_by) if gives else NO_TIME
        return on.HeardOffer(offer.job, offer.index, terms, job.root, offer.nodes, judges, until)

    def measure(self) -> Load:
        """What is taken on already."""
        return measure_load(self._tasks(), self._speed.of, self._turns.read(self._tasks))

    def count_coming(self) -> int:
        """Bytes that the tasks at hand have yet to write."""
        return count_coming(self._tasks())

    def check_admission(self, terms: Terms, speed: float, *, may_free: bool = True) -> None:
        """There is room for it, and time to compute and defend it beside what is taken on."""
        me, load = self._me, self.measure()
        capacity = Capacity.of(self._station.bounds, self._settings)
        check_admission(terms, load, capacity, speed, who=me)
        check_handing(terms, self._tasks(), self._judging(), speed, self._speed.of, who=me)
        functions = self._station.functions
        free = functions.make_free(count_disk(terms, load)) if may_free else functions.count_free()
        check_disk(terms, free, load, who=me)
        check_pace(terms, self._station.paces.poll_s, who=f"node {me}")

    def _judging(self) -> Judging:
        decided = self._station.deployment.group(OutsourcingContracts)
        return Judging(
            judges=len(decided.judges),
            window_s=decided.limits.judge_window,
            bytes_per_s=FULL_BYTES_PER_S,
            pause_s=PAUSE_S,
            seen_s=self._station.seeing_s(),
            threads=Pace(workers=self._station.paces.workers).of_lane,
        )

    def check_free(self, terms: Terms) -> None:
        """The stake is there beside those of the tasks whose acceptance is not on chain yet.

        The stakes are read first: one that is accepted meanwhile counts in both rather than in
        neither. The balance is as of no block before the one that the tasks were looked at by: a
        chain's node that lags would show it as it was before their locks, and refuses instead.
        """
        offered = self.offered_stakes()
        check_stakes(terms.stake, offered, self._read_free(), who=self._me)

    def _read_free(self) -> int:
        block = max(self._station.chain.confirmed(), self._looked_until())
        return self._station.accounts.free_balance(self._me, block=block)

    def _check_waiting(self, offer: Offer) -> None:
        """It can still start, and soon: a job that never does pays nothing for stake and place."""
        most_s, who = self._settings.max_accept_s, f"job {offer.job.hex()}"
        check_waiting(offer.terms.accept_by, self._station.clock(), most_s, who=who)

    def _check_active(self, is_active: bool) -> None:
        if not is_active:
            raise OfferRefused("node takes no new work", who=self._me)

    def _check_depth(self, terms: Terms) -> None:
        """What is seen when it is deep enough leaves time to commit."""
        station = self._station
        check_depth(terms, station.seeing_s(), station.block_s(), who=f"node {self._me}")

    def _check_place(self, offer: Offer, job: JobView) -> None:
        """The list of nodes is the posted one, this node stands at its index and is awaited."""
        listed = hash_nodes(offer.nodes)
        if listed != job.nodes_hash:
            raise OfferRefused(
                "list of nodes is not the posted one",
                who=f"job {offer.job.hex()}",
                had=listed.hex(),
                needed=job.nodes_hash.hex(),
            )
        named = offer.nodes[offer.index - 1] if offer.index <= len(offer.nodes) else NOBODY
        phase = self._station.settlement.index(offer.job, offer.index).phase
        if named != self._me or phase is not IndexPhase.NAMED:
            raise OfferRefused(
                "this node is not awaited at this index",
                who=f"index {offer.index}",
                had=f"{named}, {in_words(phase)}",
                needed=f"{self._me}, {in_words(IndexPhase.NAMED)}",
            )

    # --- inquiries -----------------------------------------------------------------------------

    def look_into(self, terms: Terms, now: int, *, has_function: bool) -> None:
        """As of an offer of these terms, but for their posting; nothing is kept or promised.

        What the chain says of this node is asked once for all inquiries: it is a little older.

        Args:
            terms: as they would be posted.
            now: chain time.
            has_function: F is here.

        Raises:
            OfferRefused, NodeBusy: as they are now, it would not be taken.
            LedgerUnavailable, Overloaded: the chain says nothing now.
        """
        check_terms(terms)
        self.check_alone(terms, may_free=False)
        check_waiting(terms.accept_by, now, self._settings.max_accept_s, who="inquiry")
        self._check_depth(terms)
        offered = self.offered_stakes()
        is_active, free = self._own.read()
        self._check_active(is_active)
        check_stakes(terms.stake, offered, free, who=self._me)
        if not has_function:
            free = self._station.functions.count_free() - count_disk(terms, self.measure())
            check_function_room(terms, self._tasks(), MAX_STORED_BYTES, free, who=self._me)

    def describe(self, *, has_function: bool) -> Readiness:
        """What this node takes at all, and how many tasks more."""
        settings, open_jobs = self._settings, self.measure().open_jobs
        capacity = Capacity.of(self._station.bounds, settings)
        return Readiness(
            least_fee=settings.min_fee,
            free_places=max(0, capacity.open_jobs - open_jobs),
            places=capacity.open_jobs,
            most_accept_s=int(settings.max_accept_s),
            most_compute_s=int(capacity.queued_s),
            most_task_bytes=capacity.held_bytes,
            has_function=has_function,
        )

    def _read_own(self) -> tuple[bool, int]:
        return self._station.registry.is_active(self._me), self._read_free()

    # --- acceptances ---------------------------------------------------------------------------

    @property
    def _me(self) -> Address:
        return self._station.address

    def offered_stakes(self) -> int:
        """Stakes of the tasks that were taken and whose acceptance is not on chain yet.

        They stay reserved whoever brings it: an acceptance that was given away locks a stake until
        `accept_by`.
        """
        return sum(t.known.terms.stake for t in self._tasks() if t.phase is NodePhase.OFFERED)

    def may_lock(self, stakes: int, *, until: int) -> bool:
        """Whether the settlement may lock so much of this node's balance, and long enough."""
        accounts, locker = self._station.accounts, self._station.settlement.address
        return accounts.locker_allowance(self._me, locker).left_until(until) >= stakes

    def sign(self, offer: on.HeardOffer) -> Acceptance:
        """The acceptance of an offer that this node took."""
        return sign_acceptance(offer, self._station.keys.account, self._station.settlement.domain)

    def bring(self, offer: on.HeardOffer) -> None:
        """Bring one's own acceptance to the chain, alone.

        Raises:
            TryAgain: the contract refuses it now; or it is brought, and has to become final.
        """
        settlement = self._station.settlement
        if settlement.index(offer.job, offer.index, block="latest").phase is not IndexPhase.NAMED:
            raise TryAgain("acceptance is on chain, not deep enough", who=f"index {offer.index}")
        call = settlement.accept(offer.job, offer.nodes, [self.sign(offer)])
        if not self._station.lane.may_happen(call):
            self.allow_stakes()
        self._station.submit(call)

    def allow_stakes(self) -> None:
        """Let the settlement lock the stakes of all tasks that are to be accepted.

        What was locked under an allowance is used up; the deposit's worth is allowed at once, and
        is enough for offers to come.
        """
        with self._station.allowing:
            needed = self.offered_stakes()
            kept = self._station.settings.of(RegistrationSettings).deposit
            allow_again(self._station, needed, max(needed, kept))
