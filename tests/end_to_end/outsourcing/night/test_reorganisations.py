"""One-second blocks with a base fee that jumps, and blocks taken back at every step of a job.

Parties wait for two confirmations; the chain takes back one or two blocks just after a step stands
at its head, with all transactions in them. Nobody may believe what was taken back, and everybody
has to do it again.

| job    | node 4         | ends        | when            |
|--------|----------------|-------------|-----------------|
| honest | honest         | all paid    |                 |
| lie    | lies           | 4 convicted |                 |
| mute   | serves nothing | 4 convicted | `make soak` only|
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest
from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.scripted_device import ScriptedDevice
from tests.end_to_end.outsourcing.small_job import FUNCTION, WISH, draw_batch, evaluate_plainly
from tests.end_to_end.outsourcing.theatre import Theatre, close_job, ends, open_theatre
from tests.stage.playhouse import wait_for, whole_stage

from edgemark.demo.evm.holdings import Holdings
from edgemark.demo.script import write_script
from edgemark.deployment.settings import ChainSettings
from edgemark.identifiers import ShareIndex
from edgemark.ledger.evm.development.anvil import AnvilOptions
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract.events import NodePaid
from edgemark.systems.outsourcing.contract.records import IndexPhase, IndexView, JobPhase, JobView
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

pytestmark = whole_stage(86)

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"

GWEI = 10**9
FIRST_BASE_FEE, SPIKE = 20 * GWEI, 150 * GWEI  # parties pay at most 100 gwei: they wait
JOB_LIMIT_S = 200.0
CONFIRMATIONS = 2  # so deep may be cut
PATIENT = replace(WISH, accept_s=30, compute_s=20, collect_s=25)
LIAR = ShareIndex(4)
DEEDS = {"lie": Deed.LIE, "mute": Deed.MUTE}
EXPECTED = {
    "honest": ends(),
    "lie": ends(i4=IndexPhase.CONVICTED),
}
if SOAK:  # the blocks are taken back at the steps of the lie; this one only lasts longer
    EXPECTED["mute"] = ends(i4=IndexPhase.CONVICTED)

SINCE_THE_START = set(DevicePhase) - {
    DevicePhase.UNKNOWN,
    DevicePhase.DRAFTED,
    DevicePhase.POSTED,
}


@dataclass(frozen=True)
class Reorganisation:
    """One that was made: the blocks that stood at its heights before and after."""

    moment: str
    before: list[bytes]
    after: list[bytes]


@dataclass
class Shaken:
    """What came of the jobs."""

    theatre: Theatre
    device: ScriptedDevice
    batches: dict[str, bytes]
    states: dict[str, DeviceJob]
    ledger: JobLedger
    made: list[Reorganisation]
    before: Holdings


View = tuple[JobView, list[IndexView]]
# Each step of the job that lies, as it shows at the head of the chain, and how deep to cut then.
# A step that was reached counts when another has followed it since somebody looked.
MOMENTS: dict[str, tuple[Callable[[View], bool], int]] = {
    "posted": (lambda view: view[0].phase >= JobPhase.POSTED, 1),
    "some accepted": (lambda view: view[0].accepted >= 3, 2),
    "started": (lambda view: view[0].phase is JobPhase.STARTED, 2),
    "committed": (lambda view: any(i.phase >= IndexPhase.COMMITTED for i in view[1]), 2),
    "charged": (lambda view: view[0].charged > 0, 1),
    "served": (lambda view: view[1][LIAR - 1].phase >= IndexPhase.SERVED, 2),
    "convicted": (lambda view: view[1][LIAR - 1].phase is IndexPhase.CONVICTED, 2),
}


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shaken]:
    options = AnvilOptions(block_time_s=None, base_fee_wei=FIRST_BASE_FEE)
    folder = tmp_path_factory.mktemp("reorganisations")
    with open_theatre(
        folder, settings={"chain.confirmations": CONFIRMATIONS}, chain_options=options
    ) as theatre:
        device = theatre.enlist_device()
        before = theatre.begin()
        batches = {name: draw_batch() for name in EXPECTED}
        jobs = {
            name: device.submit(FUNCTION, batches[name], theatre.node_accounts, PATIENT)
            for name in EXPECTED
        }
        write_script(
            theatre.stage.nodes[LIAR - 1].home,
            {jobs[name]: deed for name, deed in DEEDS.items() if name in jobs},
        )
        made = shake(theatre, device, jobs["lie"])
        states = {n: close_job(device, jobs[n], JOB_LIMIT_S) for n in ("honest", "lie")}
        if SOAK:
            pass_silence(theatre, device, jobs["mute"])
            states["mute"] = close_job(device, jobs["mute"], JOB_LIMIT_S)
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        yield Shaken(theatre, device, batches, states, ledger, made, before)


def shake(theatre: Theatre, device: ScriptedDevice, job: JobId) -> list[Reorganisation]:
    """Take blocks back at every moment; once the start is final, gas is dear for a while."""
    settlement = device.station.settlement
    made: list[Reorganisation] = []

    def view() -> View:
        return (
            settlement.job(job, block="latest"),
            settlement.indices(job, 6, block="latest"),
        )

    def cut(moment: str) -> bool:
        is_there, depth = MOMENTS[moment]
        with theatre.metronome.hold():  # what was seen at the head is still there when it is cut
            if not is_there(view()):
                return False
            made.append(take_back(theatre.chain, moment, depth))
        return True

    for moment in MOMENTS:
        wait_for(moment, partial(cut, moment), 120)
        if moment == "started":
            wait_for("a final start", lambda: device.job(job).phase in SINCE_THE_START, 60)
            theatre.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(SPIKE))
    return made


def pass_silence(theatre: Theatre, device: ScriptedDevice, job: JobId) -> None:
    """Skip the times in which everybody but the silent node has done all there is to do."""
    settlement = device.station.settlement

    def indices() -> list[IndexView]:
        return settlement.indices(job, 6, block="latest")

    wait_for("commitments", lambda: all(i.phase >= IndexPhase.COMMITTED for i in indices()), 120)
    theatre.metronome.skip_to(settlement.job(job, block="latest").compute_by)
    wait_for("serving", lambda: all(i.phase >= IndexPhase.SERVED for i in indices()), 120)
    theatre.metronome.skip_to(indices()[LIAR - 1].answer_by)


def take_back(chain: EvmChain, moment: str, depth: int) -> Reorganisation:
    """Replace the last blocks by empty ones; one more when there is nothing in the last.

    An empty block in the place of an empty block would be the same.
    """
    head = chain.head()
    if not chain.rpc("eth_getBlockByNumber", hex(head), False)["transactions"]:
        depth = CONFIRMATIONS
    heights = range(head - depth + 1, head + 1)
    before = [chain.block(height).hash for height in heights]
    chain.rpc("anvil_reorg", depth, [])
    return Reorganisation(moment, before, [chain.block(height).hash for height in heights])


def test_reorganisations__took_blocks_back_at_every_step(shaken: Shaken) -> None:
    assert [each.moment for each in shaken.made] == list(MOMENTS)
    assert [each.moment for each in shaken.made if each.before == each.after] == []


@pytest.mark.parametrize("name", EXPECTED)
def test_job__ends_the_same_through_reorganisations(shaken: Shaken, name: str) -> None:
    state = shaken.states[name]
    assert [phase.name for phase in state.indices] == [phase.name for phase in EXPECTED[name]]
    assert state.result == evaluate_plainly(shaken.batches[name])
    assert state.is_finished


@pytest.mark.parametrize("name", EXPECTED)
def test_job__pays_everybody_once_through_reorganisations(shaken: Shaken, name: str) -> None:
    state = shaken.states[name]
    payer, pool = shaken.device.station.address, shaken.theatre.stage.pool
    signers = [shaken.ledger.signers(state.known.job)]
    expected = compute_changes([(state.known, EXPECTED[name])], payer, pool, signers)
    changes = shaken.ledger.changes(state.known.job)
    assert changes == {account: amount for account, amount in expected.items() if amount}
    paid = [e.index for e in shaken.ledger.of_job(state.known.job) if isinstance(e, NodePaid)]
    assert len(paid) == len(set(paid)) == EXPECTED[name].count(IndexPhase.PAID)


def test_base_fee__was_paid_and_jumped_above_what_anybody_pays(shaken: Shaken) -> None:
    chain = shaken.theatre.chain
    fees = [chain.block(number).base_fee for number in range(chain.head() + 1)]
    assert max(fees) >= SPIKE > min(fee for fee in fees if fee)
    assert shaken.device.station.lane.fees_wei > 0


def test_parties__never_paid_more_for_gas_than_their_settings_allow(shaken: Shaken) -> None:
    chain = shaken.theatre.chain
    most = int(shaken.device.station.settings.of(ChainSettings).max_fee_gwei * GWEI)
    for number in range(shaken.theatre.stage.deployment.block, chain.head() + 1):
        for transaction in chain.rpc("eth_getBlockByNumber", hex(number), True)["transactions"]:
            assert int(transaction["maxFeePerGas"], 16) <= most


def test_after_the_shaking__nothing_is_locked_and_no_token_is_missing(shaken: Shaken) -> None:
    after = shaken.theatre.holdings()
    assert after.locked == 0
    assert after.accounted == after.supply == shaken.before.accounted
