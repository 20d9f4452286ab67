"""Reads the life of a job from the chain's events alone: no key, no journal, no peer.

The events of the settlement are found by their topic, the job. What the anchor paid stands in the
same transactions, behind the event that ended an index; the judges' signatures stand in the data
of the transactions that brought them.
"""

from __future__ import annotations

from typing import Any

from edgemark.chronicle.lookout import MatterLookout, MatterUnknown
from edgemark.chronicle.transactions import Transactions
from edgemark.deployment.deployment import Deployment
from edgemark.ledger.evm.reading.blocks import Mined
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract import events as seen
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.story.folding import ENDS, Court, StoryFold, begin_story
from edgemark.systems.outsourcing.story.story import JobStory


class JobUnknown(MatterUnknown):
    """No such job stands on this chain, or not deep enough yet."""

    WORD = "job"


class Chronicle:
    """The jobs of one settlement, as anybody can read them.

    Args:
        chain: where.
        deployment: addresses of all contracts.
    """

    def __init__(self, chain: EvmChain, deployment: Deployment) -> None:
        self._chain = chain
        self._decided = deployment.group(OutsourcingContracts)
        self._settlement = SettlementContract(chain, deployment, self._decided.judges)
        self._transactions = Transactions(chain, deployment, self._settlement.contract)

    def list_jobs(self) -> tuple[JobId, ...]:
        """All jobs that were ever posted, oldest first, at confirmed depth."""
        posted = self._settlement.contract.interface.topic("JobPosted")
        found = self._transactions.events(self._chain.confirmed(), [[posted]])
        return tuple(event.job for event in found if isinstance(event, seen.JobPosted))

    def open_jobs(self) -> tuple[JobId, ...]:
        """All jobs of which an index has not ended, oldest first, at confirmed depth."""
        left: dict[JobId, int] = {}
        for event in self._transactions.events(self._chain.confirmed(), []):
            if isinstance(event, seen.JobPosted):
                left[event.job] = len(event.nodes)
            elif isinstance(event, seen.JobCancelled):
                left[event.job] = 0
            elif type(event) in ENDS:
                ended: Any = event
                left[ended.job] -= 1
        return tuple(job for job, count in left.items() if count)

    def read(self, job: JobId) -> JobStory:
        """The life of a job until the last confirmed block.

        Raises:
            JobUnknown: nothing on chain names it.
        """
        until = self._chain.confirmed()
        events = self._transactions.events(until, [[], [job]])
        if not events or not isinstance(events[0], seen.JobPosted):
            raise JobUnknown.on(job, self._chain, until)
        said = self._transactions
        mined = said.mined([*events, *said.returns(job, until)], until)
        fold = StoryFold(self.blank(events[0], mined[0], until))
        for each in mined:
            fold.take(said.mark(each), said.said_in(each), said.arguments_of(each))
        return fold.finish()

    def blank(self, posting: seen.JobPosted, mined: Mined, until: int) -> JobStory:
        """A job that was posted and nothing more."""
        court = Court(
            chain_id=self._chain.chain_id,
            judges=self._settlement.judges,
            threshold=self._settlement.judge_threshold,
            pool=self._decided.pool,
        )
        said = self._transactions
        return begin_story(court, posting, said.mark(mined), until, said.time_of(until))


class Lookout(MatterLookout[Chronicle]):
    """A chain and its contracts, to read jobs from; makes no key and no folder."""

    @classmethod
    def open(cls, settings: Settings) -> Lookout:
        """Connect as the settings say; raises as `MatterLookout.of`."""
        return cls.of(settings, OutsourcingStation.GROUPS, Chronicle)
