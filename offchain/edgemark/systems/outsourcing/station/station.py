"""What every shell of this system stands on: the settlement, and functions to hand to servers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.faults import ContractRefused, NoFunds
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.station import EvmStation
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract.records import IndexView, JobView, is_lock_over
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import MAX_SMALL_BYTES
from edgemark.systems.outsourcing.settings import SECTIONS, OutsourcingSettings
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.station.functions import FunctionStore

FUNCTION_NEEDED = b"function needed"
RETURNED = ("LockUnknown", "PlaceEmpty")  # somebody else was faster, or nothing was left


def path_of(what: str, job: JobId, index: int) -> str:
    """Where a task, an answer or evidence of one index is handed in: its head says what it is."""
    return f"/v1/{what}/{job.hex()}/{index}"


@dataclass(frozen=True)
class Seen:
    """What the chain shows of a job at one block.

    Attributes:
        job: its record.
        indices: those that were asked for, in that order.
        now: time of the block.
        lock_over: whether the job's lock had expired by then.
    """

    job: JobView
    indices: Sequence[IndexView]
    now: Timestamp
    lock_over: bool


@dataclass(frozen=True)
class OutsourcingStation(EvmStation):
    """Everything a shell of this system uses."""

    SECTIONS = (*SECTIONS, *EvmStation.SECTIONS)
    GROUPS = (BaseContracts, OutsourcingContracts)
    CONTRACTS = ("JobSettlement",)
    MATTERS = "jobs"

    settlement: SettlementContract
    functions: FunctionStore

    @classmethod
    def furnish(
        cls, settings: Settings, chain: EvmChain, deployment: Deployment
    ) -> Mapping[str, Any]:
        """The settlement, and the folder of functions."""
        judges = deployment.group(OutsourcingContracts).judges
        most = settings.of(OutsourcingSettings).max_open_jobs
        return {
            "settlement": SettlementContract(chain, deployment, judges),
            "functions": FunctionStore(settings.home / "functions", most),
        }

    @property
    def bounds(self) -> OutsourcingSettings:
        """How much a party of this system takes on."""
        return self.settings.of(OutsourcingSettings)

    def hand(
        self,
        server: Address,
        path: str,
        body: bytes,
        function_hash: Hash32,
        by: float = math.inf,
    ) -> bytes:
        """Hand over a message that names a function; give the function too when it is asked for.

        Both have to be there `by` then.

        Returns:
            What the server says, now that it has both.

        Raises:
            TryAgain: the server does not take it yet.
        """
        said = self.ask(server, path, body, most=MAX_SMALL_BYTES, by=by)
        if said != FUNCTION_NEEDED:
            return said
        with self.functions.handing_to(server) as is_mine:
            if not is_mine:  # a slow server must not hold every thread that has something for it
                raise TryAgain("is being given a function", who=server, had=function_hash.hex())
            self._give_function(server, function_hash, by)
        said = self.ask(server, path, body, most=MAX_SMALL_BYTES, by=by)
        if said == FUNCTION_NEEDED:
            raise TryAgain("does not keep the function", who=server, had=function_hash.hex())
        return said

    def see(self, wanted: Sequence[tuple[JobId, Sequence[int]]], block: int) -> list[Seen]:
        """Jobs and these indices of theirs, as a block has them.

        Raises:
            TimeInDoubt: its header says too late a time; a lock that seems over is given up.
        """
        now = self.time_of(block)
        tail_s = self.deployment.group(OutsourcingContracts).limits.longest_tail_s
        return [
            Seen(job, indices, now, is_lock_over(job, now, tail_s))
            for job, indices in self.settlement.views(wanted, block=block)
        ]

    def return_place(self, job: JobId, place: int) -> None:
        """Return what a place of a job's expired lock still holds, if anything, to its owner.

        Raises:
            ContractRefused: the lock has not expired yet.
            TryAgain: it is under way, or there is no gas.
        """
        call = self.accounts.expire(self.settlement.address, job, place)
        try:
            self.push(call)
        except NoFunds as poor:
            raise TryAgain(poor.what, who=poor.who, had=poor.had, needed=poor.needed) from poor
        except ContractRefused as refused:
            if refused.error_name not in RETURNED:
                raise

    def _give_function(self, server: Address, function_hash: Hash32, by: float) -> None:
        function = self.functions.find(function_hash)
        if function is None:
            raise TryAgain("function is not here yet", who="this party", had=function_hash.hex())
        raw = function.to_bytes()
        path = f"/v1/functions/{function_hash.hex()}"
        self.ask(server, path, raw, most=MAX_SMALL_BYTES, method="PUT", by=by)
        self.functions.note_given(len(raw))
