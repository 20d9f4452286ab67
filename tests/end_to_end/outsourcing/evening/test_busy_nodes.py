"""Back-pressure end to end: nodes that take one job at a time, and a device that wants three.

| job     | what happens                                                                   |
|---------|--------------------------------------------------------------------------------|
| first   | is taken; while it is open, every node is busy                                 |
| hasty   | its nodes are busy for longer than it waits: cancelled, everything comes back  |
| patient | waits until the nodes are free again, then is computed like any other          |

Beside it nodes are asked, and a seventh, which nobody runs: while the first job is open, and when
all are free again. Then, on the same stage, come the jobs of `crashed_node.py` and
`changing_nodes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from tests.end_to_end.outsourcing.crashed_node import CRASHED, Crash, play_crash
from tests.end_to_end.outsourcing.evening.changing_nodes import Changed, play_changes
from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.scripted_device import ScriptedDevice
from tests.end_to_end.outsourcing.small_job import FUNCTION, WISH, draw_batch, evaluate_plainly
from tests.end_to_end.outsourcing.theatre import Theatre, close_job, ends, open_theatre
from tests.stage.command_line import KILLED, Finished, edgemark, write_settings
from tests.stage.playhouse import wait_for, whole_stage

from edgemark.cli.terminal.exits import Exit
from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import Address, ShareIndex, format_time
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.sharing import count_inputs
from edgemark.systems.outsourcing.order.inquiring import TooFewNodes
from edgemark.systems.outsourcing.order.ordering import pick
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.story.reading import Chronicle

pytestmark = whole_stage(82)

HASTY = replace(WISH, accept_s=4)
PATIENT = replace(WISH, accept_s=90)
LIMIT_S = 120.0


@dataclass
class Rush:
    """What came of it.

    Attributes:
        said: what the nodes answered to the offers of the hasty job, by index.
        spare: a seventh node, which nobody runs.
        too_few: what each said while the first job was open.
        chosen: those that would accept a job once all are free again.
        listed: what `index nodes --ask` printed then.
        crash: what came of the job during which a node died.
        changed: what came of the jobs during which nodes change.
    """

    theatre: Theatre

    batch: bytes
    jobs: dict[str, JobId]
    states: dict[str, DeviceJob]
    said: dict[ShareIndex, str]
    spare: Address
    too_few: TooFewNodes
    chosen: Sequence[Address]
    listed: Finished
    crash: Crash
    changed: Changed
    ledger: JobLedger
    before: Holdings
    after: Holdings


@pytest.fixture(scope="module")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rush]:
    settings = {"outsourcing.max_open_jobs": 1}
    with open_theatre(tmp_path_factory.mktemp("rush"), settings=settings) as theatre:
        device = theatre.enlist_device()
        spare = theatre.enlist_node("spare", "https://127.0.0.1:9").address
        before, nodes, batch = theatre.begin(), theatre.node_accounts, draw_batch()
        jobs = {"first": device.submit(FUNCTION, draw_batch(), nodes, PATIENT)}
        wait_for("start", lambda: device.job(jobs["first"]).phase is DevicePhase.STARTED, 60)
        with pytest.raises(TooFewNodes) as too_few:
            choose(device, [spare, *nodes])
        jobs["hasty"] = device.submit(FUNCTION, draw_batch(), nodes, HASTY)
        wait_for("refusals", lambda: len(device.job(jobs["hasty"]).refused) == 6, 60)
        said = {word.index: word.reason for word in device.job(jobs["hasty"]).refused}
        jobs["patient"] = device.submit(FUNCTION, batch, nodes, PATIENT)
        states = {name: close_job(device, job, LIMIT_S) for name, job in jobs.items()}
        chosen = choose_when_free(device, [spare, *nodes])
        home = write_settings(device.station.settings)
        listed = edgemark("index", "nodes", "--ask", "--json", "--home", home)
        crash = play_crash(theatre)
        changed = play_changes(theatre, device)
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        after = theatre.holdings()
        yield Rush(
            theatre=theatre,
            batch=batch,
            jobs=jobs,
            states=states,
            said=said,
            spare=spare,
            too_few=too_few.value,
            chosen=chosen,
            listed=listed,
            crash=crash,
            changed=changed,
            ledger=ledger,
            before=before,
            after=after,
        )


def choose(device: ScriptedDevice, nodes: Sequence[Address]) -> Sequence[Address]:
    """Those of them that would accept a small job now; nothing is posted."""
    return pick(device.station, FUNCTION, count_inputs(FUNCTION, draw_batch()), nodes, WISH)


def choose_when_free(device: ScriptedDevice, nodes: Sequence[Address]) -> Sequence[Address]:
    """The same once they have seen that the last job has ended, each in a round of its own."""
    chosen = list[Address]()

    def may_choose() -> bool:
        try:
            chosen[:] = choose(device, nodes)
        except TooFewNodes:
            return False
        return True

    wait_for("nodes that are free", may_choose, 60)
    return chosen


def test_busy_nodes_that_are_asked_before__say_so_and_nothing_is_posted(rush: Rush) -> None:
    said = dict(rush.too_few.said)
    assert said.pop(rush.spare).startswith("cannot be reached")
    busy = "NodeBusy; has as many jobs as it takes; 1; < 1; Ask again after 5 s."
    assert said == dict.fromkeys(rush.theatre.node_accounts, busy)
    assert (rush.too_few.had, rush.too_few.needed) == ("0 of different providers", 6)


def test_free_nodes_that_are_asked_before__are_chosen_and_the_mute_one_is_not(rush: Rush) -> None:
    assert rush.chosen == rush.theatre.node_accounts


def test_index_nodes__shows_what_each_takes_as_it_says_itself(rush: Rush) -> None:
    assert rush.listed.status == 0
    nodes = {each["account"]: each for each in rush.listed.value["nodes"]}
    assert set(nodes) == {rush.spare, *rush.theatre.node_accounts}
    assert {each["standing"] for each in nodes.values()} == {"good"}
    mute = nodes.pop(rush.spare)
    assert mute["takes"] is None
    assert mute["refused"].startswith("cannot be reached")
    for node in rush.theatre.stage.nodes:
        shown = nodes[node.account]
        assert shown["endpoint"].startswith("https://127.0.0.1:")
        assert shown["provider_name"]
        takes = shown["takes"]
        assert (takes["places"], takes["free_places"]) == (1, 1)
        assert int(takes["least_fee"]) >= 0 and isinstance(takes["least_fee"], str)


def test_busy_node__refuses_by_name_and_says_what_there_was_and_when_to_ask_again(
    rush: Rush,
) -> None:
    assert set(rush.said) == {1, 2, 3, 4, 5, 6}
    for words in rush.said.values():
        assert words == "NodeBusy; has as many jobs as it takes; 1; < 1; Ask again after 5 s."


def test_job_that_cannot_wait__is_cancelled_and_nothing_is_lost(rush: Rush) -> None:
    assert rush.states["hasty"].phase is DevicePhase.CANCELLED
    assert rush.ledger.changes(rush.jobs["hasty"]) == {}


@pytest.mark.parametrize("name", ["first", "patient"])
def test_job_that_was_taken__ends_like_any_other(rush: Rush, name: str) -> None:
    assert rush.states[name].indices == ends()


@pytest.mark.parametrize("name", ["first", "patient"])
def test_acceptances_of_an_honest_job__come_in_one_transaction_of_its_device(
    rush: Rush, name: str
) -> None:
    story = Chronicle(rush.theatre.chain, rush.theatre.stage.deployment).read(rush.jobs[name])
    brought = {place.accepted for place in story.indices}
    assert brought == {story.started}
    assert story.started is not None and story.started.sender == story.payer


def test_job_that_waited__gives_the_right_result(rush: Rush) -> None:
    assert rush.states["patient"].result == evaluate_plainly(rush.batch)


# --- a node that dies in the middle of a job ---


def test_r5_job_with_a_dead_node__tells_its_result_before_it_charges_anybody(rush: Rush) -> None:
    submitted, left = rush.crash.submitted, rush.crash.left
    assert rush.crash.died == KILLED
    assert submitted.status == 0, submitted
    early, _, _ = submitted.error.partition("Staying until the job is cleared")
    assert "The result is checked: " in early
    assert left.result == evaluate_plainly(rush.crash.batch)
    assert (list(left.wrong), list(left.silent)) == ([], [CRASHED])


def test_r5_job_with_a_dead_node__says_whom_it_waits_for_and_until_when(rush: Rush) -> None:
    until = format_time(rush.crash.left.known.gather_until)
    line = next(t for t in rush.crash.submitted.error.splitlines() if t.startswith("Staying"))
    assert line.endswith(f"waits for the answer of node {CRASHED} until {until}.")


def test_r4_node_that_comes_back__answers_and_every_bundle_says_what_its_home_knows(
    rush: Rush,
) -> None:
    assert rush.crash.end is IndexPhase.ANSWERED
    said = {
        name: (done.status, done.value["outcome"]) for name, done in rush.crash.replayed.items()
    }
    assert said == {
        "impatient": (Exit.LEDGER_UNAVAILABLE, "open"),  # the answer reached the judges only
        "node-4": (Exit.DONE, "agrees"),
        "judge-1": (Exit.DONE, "agrees"),
    }


# --- nodes that change in the middle of a job ---


@pytest.fixture
def registry(rush: Rush) -> ParticipantRegistry:
    stage = rush.theatre.stage
    contract = stage.deployment.contract("ParticipantRegistry")
    return ParticipantRegistry(rush.theatre.chain, contract)


def test_job_whose_nodes_change__ends_paid_with_the_right_result(rush: Rush) -> None:
    changed = rush.changed
    assert [done.status for done in changed.commands] == [0, 0, 0]
    assert changed.delivered_before == {2, 3, 4, 5, 6}
    assert changed.state.indices == ends()
    assert changed.state.result == evaluate_plainly(changed.batch)
    order, payer = changed.state.known, rush.ledger.posting(changed.job).payer
    due = compute_changes([(order, ends())], payer, rush.theatre.stage.pool)
    assert rush.ledger.changes(changed.job) == {a: n for a, n in due.items() if n}


def test_node_that_moved_during_a_job__is_reached_with_its_new_key(
    rush: Rush, registry: ParticipantRegistry
) -> None:
    node = rush.theatre.stage.nodes[0]
    entry = registry.server(node.account)
    assert entry.endpoint == f"https://127.0.0.1:{node.port}"
    assert entry.pin == KeyStore.open(node.home / "keys").tls.pin != rush.changed.had_pin
    assert registry.is_active(node.account)


def test_nodes_whose_provider_dismissed_them_or_left__have_no_new_work_but_the_stake_stays(
    rush: Rush, registry: ParticipantRegistry
) -> None:
    standing = [registry.is_active(node) for node in rush.theatre.node_accounts]
    assert standing == [True, False, False, True, True, True]
    assert rush.changed.refused.phase is DevicePhase.FAILED
    assert rush.ledger.of_job(rush.changed.refused.known.job) == []
    stake = registry.stake_of(rush.theatre.stage.nodes[2].provider)
    assert stake.amount == registry.min_stake()
    assert stake.free_at > rush.changed.state.known.terms.collect_by
    assert registry.active_stake(rush.theatre.stage.nodes[2].provider) == 0


def test_after_the_rush__no_token_is_locked_or_missing(rush: Rush) -> None:
    assert rush.after.locked == 0
    assert rush.after.accounted == rush.before.accounted
