"""What one device may begin beside its open jobs, and what it lets the settlement lock for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.anchoring.accounts import Allowance
from edgemark.errors import RefusedInput
from edgemark.identifiers import ShareIndex, Timestamp, Tokens
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.faults import ContractRefused, GasAboveCap, NoFunds
from edgemark.loop.machine import TryAgain
from edgemark.loop.replay import encode_record
from edgemark.systems.outsourcing.contract.records import IndexPhase, JobPhase
from edgemark.systems.outsourcing.contract.terms import hash_nodes
from edgemark.systems.outsourcing.device.beginning import look_into_refusal
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import (
    Funds,
    allow_what_is_due,
    check_funds,
    compute_deposit,
    compute_due,
    compute_most,
    compute_reserve,
    cut_to_means,
    read_funds,
)
from edgemark.systems.outsourcing.device.observing import TAKEN_NUMBER, observe_as_device
from edgemark.systems.outsourcing.evidence.exporting import read_jobs
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
TERMS = ORDER.terms
ONE, TWO = ShareIndex(1), ShareIndex(2)
NAMED = (IndexPhase.NAMED,) * TERMS.node_count
DRAFTED = DeviceJob(phase=DevicePhase.DRAFTED, order=ORDER, indices=NAMED)
CHARGING = DeviceJob(
    phase=DevicePhase.VALID,
    order=ORDER,
    indices=(IndexPhase.COMMITTED,) * TERMS.node_count,
    result=b"",
    wrong=(ONE,),
)
DEPOSIT, MOST, BOND = compute_deposit(TERMS), compute_most(TERMS), int(TERMS.bond)


class Anchor:
    """One allowance, which every call replaces and every lock uses up; no free balance is short."""

    def __init__(self) -> None:
        self.allowed = 0
        self.sent: list[int] = []

    def locker_allowance(self, *_: object) -> Allowance:
        return Allowance(Tokens(self.allowed), Timestamp(2**40 - 1))

    def allow_locker(self, _: object, amount: int, __: int) -> int:
        return amount

    def send_many(self, calls: Sequence[int], **_: object) -> None:
        self.sent += calls
        self.allowed = calls[-1]

    def lock(self, amount: int) -> bool:
        """As the contract: True when it was allowed."""
        fits = self.allowed >= amount
        self.allowed -= amount if fits else 0
        return fits


def station_over(anchor: Anchor, **facts: Any) -> Any:
    chain = SimpleNamespace(block=lambda _: SimpleNamespace(timestamp=1_000))
    return SimpleNamespace(
        clock=lambda: 1_000,
        allowing=threading.RLock(),
        lockers=["settlement"],
        address=cast.PAYER.address,
        chain=chain,
        accounts=anchor,
        lane=anchor,
        **facts,
    )


def planted_allow(station: Any, state: DeviceJob) -> None:
    """As it was: each job looks to itself, and its allowance takes the place of another's."""
    needed = DEPOSIT if state.phase is DevicePhase.DRAFTED else BOND
    if station.accounts.allowed < needed:
        station.lane.send_many([needed])


def lock_both(
    states: Sequence[DeviceJob], allow: Callable[[DeviceJob], None], anchor: Anchor
) -> bool:
    """Two threads of one device, as unlucky as can be: both have looked before one locks."""
    for state in states:
        allow(state)
    amounts = [DEPOSIT if s.phase is DevicePhase.DRAFTED else BOND for s in states]
    return all([anchor.lock(amount) for amount in amounts])


TWO_AT_ONCE = [[DRAFTED, DRAFTED], [CHARGING, CHARGING], [CHARGING, DRAFTED], [DRAFTED, CHARGING]]


@pytest.mark.parametrize("states", TWO_AT_ONCE)
def test_two_jobs_at_once__have_an_allowance_for_both(states: list[DeviceJob]) -> None:
    anchor = Anchor()
    station = station_over(anchor)
    assert lock_both(states, lambda _: allow_what_is_due(station, lambda: states), anchor)
    assert len(anchor.sent) == 1


@pytest.mark.parametrize("states", TWO_AT_ONCE[:2])
def test_two_jobs_at_once__in_the_planted_copy__one_takes_the_others(
    states: list[DeviceJob],
) -> None:
    anchor = Anchor()
    station = station_over(anchor)
    assert not lock_both(states, lambda state: planted_allow(station, state), anchor)


def test_a_device_that_locks_nothing_now__allows_nothing() -> None:
    anchor = Anchor()
    posted = replace(DRAFTED, phase=DevicePhase.POSTED)
    allow_what_is_due(station_over(anchor), lambda: [posted, DeviceJob()])
    assert anchor.sent == []


def test_charges_in_several_calls__are_all_allowed_with_the_first() -> None:
    """As it was, only the first was, and each later one waited for an allowance of its own."""
    order = replace(ORDER, terms=replace(TERMS, errors=2))
    first = replace(CHARGING, order=order)
    second = replace(first, indices=(IndexPhase.CHARGED, *CHARGING.indices[1:]), wrong=(ONE, TWO))
    assert compute_due(first) == (BOND, 2 * BOND)
    assert compute_due(replace(first, indices=(IndexPhase.COMMITTED,))) == (BOND, BOND)
    anchor = Anchor()
    station = station_over(anchor)
    for state in (first, second):
        allow_what_is_due(station, lambda state=state: [state])  # type: ignore[misc]
        assert anchor.lock(BOND)
    assert anchor.sent == [2 * BOND]


# --- a posting that is refused -------------------------------------------------------------------


def refusal(name: str) -> ContractRefused:
    return ContractRefused("JobSettlement", "post", name, {})


def settlement_with(**changed: object) -> Any:
    facts = {
        "phase": JobPhase.POSTED,
        "root": ORDER.root,
        "terms_hash": TERMS.hash,
        "nodes_hash": hash_nodes(ORDER.nodes),
        **changed,
    }
    return SimpleNamespace(job=lambda *_, **__: SimpleNamespace(**facts))


@pytest.mark.parametrize(
    "refused",
    [
        refusal("AllowanceTooLow"),
        refusal("AllowanceExpired"),
        refusal("FreeBalanceTooLow"),
        NoFunds("cannot pay"),
    ],
    ids=str,
)
def test_what_a_posting_lacks_for_the_moment__ends_it_only_when_accept_by_is_past(
    refused: RefusedInput,
) -> None:
    station = station_over(Anchor())
    station.clock = lambda: TERMS.accept_by
    with pytest.raises(TryAgain):
        look_into_refusal(station, ORDER, refused)
    station.clock = lambda: TERMS.accept_by + 1
    assert look_into_refusal(station, ORDER, refused) == [on.FoundPostingRefused(str(refused))]


@pytest.mark.parametrize("refused", [refusal("OutOfBounds"), GasAboveCap("too much")])
def test_what_is_wrong_with_a_posting_for_good__ends_it(refused: RefusedInput) -> None:
    found = look_into_refusal(station_over(Anchor()), ORDER, refused)
    assert found == [on.FoundPostingRefused(str(refused))]


def test_a_number_that_is_taken__by_this_job_is_its_posting() -> None:
    station = station_over(Anchor(), settlement=settlement_with())
    assert look_into_refusal(station, ORDER, refusal("JobExists")) == []
    nowhere = station_over(Anchor(), settlement=settlement_with(phase=JobPhase.NONE))
    with pytest.raises(TryAgain):
        look_into_refusal(nowhere, ORDER, refusal("JobExists"))


@pytest.mark.parametrize("field", ["root", "terms_hash", "nodes_hash"])
def test_a_number_that_is_taken__by_another_job_ends_this_one(field: str) -> None:
    settlement = settlement_with(**{field: bytes(32)})
    station = station_over(Anchor(), settlement=settlement)
    refused = [on.FoundPostingRefused(TAKEN_NUMBER)]
    assert look_into_refusal(station, ORDER, refusal("JobExists")) == refused
    assert observe_as_device(DRAFTED, settlement.job(), []) == refused


# --- what open jobs have yet to lock -------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "charged", "now", "reserve"),
    [
        (JobPhase.NONE, 0, 0, MOST),
        (JobPhase.NONE, 0, TERMS.accept_by + 1, 0),
        (JobPhase.POSTED, 0, 0, TERMS.errors * BOND),
        (JobPhase.STARTED, 0, TERMS.collect_by, TERMS.errors * BOND),
        (JobPhase.STARTED, TERMS.errors, 0, 0),
        (JobPhase.STARTED, 0, TERMS.collect_by + 1, 0),
        (JobPhase.CANCELLED, 0, 0, 0),
    ],
)
def test_a_job__reserves_what_it_may_still_lock(
    phase: JobPhase, charged: int, now: int, reserve: int
) -> None:
    job: Any = SimpleNamespace(phase=phase, charged=charged)
    assert compute_reserve(TERMS, job, NAMED, now) == reserve
    ended = (IndexPhase.PAID,) * TERMS.node_count
    if phase is JobPhase.STARTED:
        assert compute_reserve(TERMS, job, ended, now) == 0


def test_a_second_job__is_not_begun_with_the_bonds_of_the_first() -> None:
    free, reserved = MOST, TERMS.errors * BOND
    check_funds(Funds(free, 0), TERMS, who="device")  # as it was: the free balance alone
    with pytest.raises(RefusedInput, match="free balance does not cover"):
        check_funds(Funds(free, reserved), TERMS, who="device")
    check_funds(Funds(free + reserved, reserved), TERMS, who="device")


def test_charges__as_many_as_there_are_bonds_for() -> None:
    charge = do.SubmitCharge(ORDER.job, (ONE,), (TWO, ShareIndex(3)))
    assert cut_to_means(charge, 10, 30) == charge
    assert cut_to_means(charge, 10, 29) == do.SubmitCharge(ORDER.job, (ONE,), (TWO,))
    assert cut_to_means(charge, 10, 19) == do.SubmitCharge(ORDER.job, (ONE,), ())
    with pytest.raises(TryAgain, match="bond"):
        cut_to_means(charge, 10, 9)


def test_jobs_of_a_home__are_read_from_its_journal_for_who_withdraws(tmp_path: Path) -> None:
    assert read_jobs(tmp_path) == []
    with Journal.open(tmp_path / "device.journal") as journal:
        machine = PartyMachine(DeviceJob)
        journal.append(encode_record(machine, ORDER.job, on.AskedSubmit(ORDER)))
    (state,) = read_jobs(tmp_path)
    job: Any = SimpleNamespace(phase=JobPhase.NONE, charged=0)
    accounts = SimpleNamespace(free_balance=lambda *_, **__: MOST + 1)
    block = SimpleNamespace(number=1, timestamp=0)
    station: Any = SimpleNamespace(
        chain=SimpleNamespace(block=lambda _: block), accounts=accounts, address="device"
    )
    settlement: Any = SimpleNamespace(views=lambda wanted, **_: [(job, [])] * len(wanted))
    assert read_funds(station, settlement, [state]).left == 1
    assert read_funds(station, settlement, []).left == MOST + 1
