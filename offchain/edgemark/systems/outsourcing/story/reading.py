"""Reads the life of a job from the chain's events alone: no key, no journal, no peer.

The events of the settlement are found by their topic, the job. What the anchor paid stands in the
same transactions, behind the event that ended an index; the judges' signatures stand in the data
of the transactions that brought them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.chronicle.marks import Mark
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.deployment.deployment import Deployment, open_deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.blocks import Mined, Receipt, SentCall
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract import events as seen
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.story.folding import ENDS, Court, StoryFold, begin_story
from edgemark.systems.outsourcing.story.story import JobStory

RETURNED_TOPIC = keccak256(b"LockReturned(address,bytes32,address,uint256,uint256,address)")


class JobUnknown(RefusedInput):
    """No such job stands on this chain, or not deep enough yet."""


class Chronicle:
    """The jobs of one settlement, as anybody can read them.

    Args:
        chain: where.
        deployment: addresses of all contracts.
    """

    def __init__(self, chain: EvmChain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self._decided = deployment.group(OutsourcingContracts)
        self._settlement = SettlementContract(chain, deployment, self._decided.judges)
        self._anchor = deployment.contract("AssetAnchor")
        self._times: dict[int, Timestamp] = {}

    def list_jobs(self) -> tuple[JobId, ...]:
        """All jobs that were ever posted, oldest first, at confirmed depth."""
        posted = self._settlement.contract.interface.topic("JobPosted")
        found = self._settlement_events(self._chain.confirmed(), [[posted]])
        return tuple(event.job for event in found if isinstance(event, seen.JobPosted))

    def open_jobs(self) -> tuple[JobId, ...]:
        """All jobs of which an index has not ended, oldest first, at confirmed depth."""
        left: dict[JobId, int] = {}
        for event in self._settlement_events(self._chain.confirmed(), []):
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
        events = self._settlement_events(until, [[], [job]])
        if not events or not isinstance(events[0], seen.JobPosted):
            raise JobUnknown(
                "no such job on this chain",
                who=f"job {job.hex()}",
                had=f"chain {self._chain.chain_id} until block {until}",
                remedy="Check the settings chain.url and chain.manifest; a new job needs "
                "confirmations.",
            )
        mined = self._mined([*events, *self._returns(job, until)], until)
        fold = StoryFold(self.blank(events[0], mined[0], until))
        for each in mined:
            arguments = self.arguments_of(each.call)
            fold.take(self.mark(each), self.events_in(each.receipt), arguments)
        return fold.finish()

    def mark(self, mined: Mined) -> Mark:
        """When a transaction was mined, and who sent it."""
        receipt = mined.receipt
        time = self._times[receipt.block_number]
        return Mark(receipt.block_number, time, receipt.tx_hash, mined.call.sender)

    def events_in(self, receipt: Receipt) -> list[ChainEvent]:
        """What settlement and anchor say in one transaction, in order."""
        return decode_logs([self._settlement.contract, self._anchor], receipt.logs)

    def arguments_of(self, call: SentCall) -> dict[str, Any]:
        """What the settlement was called with directly; nothing for any other way."""
        if call.to != self._settlement.address:
            return {}
        found = self._settlement.contract.interface.decode_call(call.data)
        return {} if found is None else found[1]

    def blank(self, posting: seen.JobPosted, mined: Mined, until: int) -> JobStory:
        """A job that was posted and nothing more."""
        court = Court(
            chain_id=self._chain.chain_id,
            judges=self._settlement.judges,
            threshold=self._settlement.judge_threshold,
            pool=self._decided.pool,
        )
        return begin_story(court, posting, self.mark(mined), until, self._times[until])

    def _settlement_events(self, until: int, topics: list[list[bytes]]) -> list[ChainEvent]:
        contract = self._settlement.contract
        logs = self._chain.logs([contract.address], self._deployment.block, until, topics)
        return decode_logs([contract], logs)

    def _returns(self, job: JobId, until: int) -> list[ChainEvent]:
        """How places of the job's expired lock went back to their owners."""
        locker = bytes.fromhex(self._settlement.address[2:]).rjust(32, b"\0")
        topics: list[list[bytes]] = [[RETURNED_TOPIC], [locker], [job]]
        logs = self._chain.logs([self._anchor.address], self._deployment.block, until, topics)
        return decode_logs([self._anchor], logs)

    def _mined(self, events: Sequence[ChainEvent], until: int) -> list[Mined]:
        """The transactions of these events, oldest first; learns the times of their blocks."""
        in_order = sorted(events, key=lambda event: (event.at.block_number, event.at.log_index))
        hashes = list(dict.fromkeys(event.at.tx_hash for event in in_order))
        blocks = {event.at.block_number for event in events} | {until}
        for header in self._chain.headers(sorted(blocks - self._times.keys())):
            self._times[header.number] = Timestamp(header.timestamp)
        return self._chain.mined(hashes)


@dataclass(frozen=True)
class Lookout:
    """A chain and its contracts, to read from; makes no key and no folder."""

    chain: EvmChain
    deployment: Deployment
    chronicle: Chronicle

    @staticmethod
    def open(settings: Settings) -> Lookout:
        """Connect as the settings say, and check that the contracts are there.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
        """
        chain, deployment = open_deployment(settings, OutsourcingStation.GROUPS)
        return Lookout(chain, deployment, Chronicle(chain, deployment))
