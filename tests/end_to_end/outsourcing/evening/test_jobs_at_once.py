"""Thirteen jobs at once (`crowd.py`), and what strangers may do to the servers that played them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.end_to_end.outsourcing.evening import crowd, secrets_of_a_run
from tests.end_to_end.outsourcing.evening.crowd import EXPECTED, JOBS, Played, play_everything
from tests.end_to_end.outsourcing.evening.strangers import (
    ANSWERS,
    OFFERS,
    READ_ANSWER,
    READ_TASK,
    ask_to_read,
    hand_task,
    knock,
)
from tests.end_to_end.outsourcing.small_job import BATCH, OUTPUTS, evaluate_plainly
from tests.end_to_end.outsourcing.theatre import ends
from tests.stage.leaks import LeakFinder, spell
from tests.stage.playhouse import whole_stage

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import DenseQuadratic, parse_polynomial
from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.identity.keys import KeyStore
from edgemark.systems.outsourcing.contract.events import NodeConvicted
from edgemark.systems.outsourcing.contract.records import Finding, IndexPhase
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.evidence.bundle import Bundle
from edgemark.systems.outsourcing.evidence.exporting import export_bundle
from edgemark.systems.outsourcing.evidence.retrial import retry_bundle
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import MAX_TASK_BYTES
from edgemark.systems.outsourcing.offline.exported_answers import ExportedAnswers, decode_exported
from edgemark.systems.outsourcing.offline.sharing_files import read_secret
from edgemark.systems.outsourcing.order.outlook import tell_outlook
from edgemark.systems.outsourcing.protocol.events import FoundResultValid
from edgemark.systems.outsourcing.protocol.messages import Answer, Evidence, Offer
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.station.station import path_of
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import check_amounts
from edgemark.transport.faults import PeerRefused

pytestmark = whole_stage(142)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with play_everything(tmp_path_factory.mktemp("jobs")) as everything:
        yield everything


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job__ends_index_by_index_as_planned(played: Played, name: str) -> None:
    state = played.states[name]
    assert [phase.name for phase in state.indices] == [phase.name for phase in EXPECTED[name]]
    assert state.is_finished


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job__pays_what_the_table_of_amounts_says(played: Played, name: str) -> None:
    order, payer, pool = played.states[name].known, played.payer(name), played.theatre.stage.pool
    signers = [played.ledger.signers(order.job)]
    expected = compute_changes([(order, EXPECTED[name])], payer, pool, signers)
    changes = played.ledger.changes(played.jobs[name])
    assert changes == {account: amount for account, amount in expected.items() if amount}


@pytest.mark.parametrize("name", JOBS)
def test_a_job__makes_no_token_and_loses_none(played: Played, name: str) -> None:
    assert sum(played.ledger.changes(played.jobs[name]).values()) == 0


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"unstarted"}))
def test_a_started_job__gives_the_right_result(played: Played, name: str) -> None:
    assert played.states[name].result == evaluate_plainly(played.batches[name])


def test_result__is_there_before_who_is_silent_is_charged(played: Played) -> None:
    state = played.states["absent"]  # `right`: of five answers, while the sixth was awaited
    assert (state.silent, state.right) == ((5,), {1, 2, 3, 4, 6})


def test_a_job_that_never_starts__is_cancelled_and_gives_everything_back(played: Played) -> None:
    assert played.states["unstarted"].phase is DevicePhase.CANCELLED
    assert played.ledger.changes(played.jobs["unstarted"]) == {}


def test_two_liars__leave_the_job_undecided_and_the_charged_one_gets_its_due(
    played: Played,
) -> None:
    state = played.states["two liars"]
    assert state.undecided_because
    assert state.result is None
    (charged,) = state.wrong
    end = IndexPhase.CONVICTED if charged in (1, 2) else IndexPhase.REFUTED
    expected = ends(**{f"i{charged}": end})
    assert state.indices == expected
    payer, pool = played.payer("two liars"), played.theatre.stage.pool
    signers = [played.ledger.signers(state.known.job)]
    changes = compute_changes([(state.known, expected)], payer, pool, signers)
    assert played.ledger.changes(played.jobs["two liars"]) == {
        account: amount for account, amount in changes.items() if amount
    }


def test_nobody_but_the_planted__is_convicted(played: Played) -> None:
    convicted = {
        (event.job, event.index)
        for event in played.ledger.events
        if isinstance(event, NodeConvicted) and event.job != played.jobs["two liars"]
    }
    assert convicted == {
        (played.jobs["absent"], 5),
        (played.jobs["lenient"], 3),
        (played.jobs["returned"], 4),
    }


def test_f4_besieged_judges__heard_the_nodes_that_answered_to_them(played: Played) -> None:
    assert played.siege >= crowd.BESIEGERS * len(played.theatre.stage.judges)
    for name, node in (("late", 1), ("kept", 4)):
        assert played.states[name].indices[node - 1] is IndexPhase.ANSWERED


def test_a_device_that_was_away__is_told_what_that_has_cost(played: Played) -> None:
    # both have the right result; only who was back in time had its liar fined
    order = played.states["left"].known
    state = replace(played.states["left"], phase=DevicePhase.VALID)
    text = tell_outlook(state, Timestamp(order.terms.collect_by + 1))
    assert "too late to charge index 6" in text
    assert played.states["returned"].wrong == (4,)
    assert played.states["returned"].result == evaluate_plainly(played.batches["returned"])


def test_all_jobs_together__change_every_balance_by_the_sum(played: Played) -> None:
    total: dict[str, int] = {}
    for job in played.jobs.values():
        for account, amount in played.ledger.changes(job).items():
            total[account] = total.get(account, 0) + amount
    before, after = played.before.parties, played.after.parties
    changed = {a: after[a] - before[a] for a in before if after[a] != before[a]}
    assert changed == {account: amount for account, amount in total.items() if amount}


def test_after_all_jobs__nothing_is_locked_and_the_supply_is_accounted_for(
    played: Played,
) -> None:
    assert played.after.locked == 0
    assert played.after.accounted == played.after.supply == played.before.accounted
    assert played.after.staked == played.before.staked
    assert played.after.anchored == played.after.owed


# --- what anybody can find out afterwards ---


@pytest.mark.parametrize("name", JOBS)
def test_story_of_a_job__from_the_chain_alone__adds_up(played: Played, name: str) -> None:
    stage = played.theatre.stage
    story = Chronicle(played.theatre.chain, stage.deployment).read(played.jobs[name])
    assert [place.phase for place in story.indices] == list(played.states[name].indices)
    assert [check for check in check_amounts(story) if not check.agrees] == []
    assert story.held == 0


@pytest.mark.parametrize(
    ("name", "index", "home", "finding"),
    [
        ("lenient", 3, "device", Finding.WRONG),
        ("lenient", 3, "node-3", Finding.WRONG),
        ("lenient", 3, "judge-4", Finding.WRONG),
        ("framed", 2, "device", Finding.RIGHT),
        ("framed", 2, "node-2", Finding.RIGHT),
        ("framed", 2, "judge-3", Finding.RIGHT),
        ("late", 1, "node-1", Finding.RIGHT),
        ("late", 1, "judge-4", Finding.RIGHT),
        ("absent", 5, "device", Finding.MISSING),
        ("absent", 5, "judge-2", Finding.MISSING),
    ],
)
def test_evidence_of_each_party__replays_to_the_verdict_on_chain(
    played: Played, name: str, index: int, home: str, finding: Finding
) -> None:
    stage = played.theatre.stage
    story = Chronicle(played.theatre.chain, stage.deployment).read(played.jobs[name])
    raw = export_bundle(stage.folder / home, story, [index]).to_json()
    bundle = Bundle.from_json(raw)
    trial = retry_bundle(bundle, parse_polynomial(bundle.function), story)
    assert [check for check in trial.receipt.checks if not check.passed] == []
    assert trial.findings == {index: finding}
    others = [t.share.hex() for t in played.states[name].known.tasks if t.index != index]
    assert not any(share.encode() in raw for share in others)


def test_a_sharing_made_elsewhere__is_decoded_from_its_secret_and_the_answers_alone(
    played: Played,
) -> None:
    state, stage = played.states["imported"], played.theatre.stage
    exported = ExportedAnswers(
        stage.deployment.chain_id,
        stage.deployment.contracts["JobSettlement"],
        played.jobs["imported"],
        state.known.nodes,
        tuple(
            (a.index, a.outputs, a.salt, a.signature)
            for a in sorted(state.answers, key=lambda answer: answer.index)
        ),
    )
    secret = read_secret(stage.folder / "sharing" / "secret.json")
    challenge = Randomness().elements(BATCH * OUTPUTS)
    found, refused = decode_exported(
        ExportedAnswers.from_bytes(exported.to_bytes()), secret, challenge
    )
    assert isinstance(found, FoundResultValid)
    assert found.result == evaluate_plainly(played.batches["imported"])
    assert (found.liars, refused) == ((), {})


# --- what was printed ---


@pytest.fixture(scope="module")
def finder(played: Played) -> LeakFinder:
    secrets = [*secrets_of_a_run.secrets_of_keys(played.theatre.stage.folder)]
    for name, state in played.states.items():
        secrets += secrets_of_a_run.secrets_of_job(name, state, played.batches[name])
    return LeakFinder(secrets)


def test_a61_no_secret_of_any_party_stands_in_a_log(played: Played, finder: LeakFinder) -> None:
    logs = secrets_of_a_run.read_logs(played.theatre.stage.folder)
    assert len(logs) == 12  # six nodes, four judges, the devices, the chain
    assert all(logs.values())
    assert finder.count > 1000
    assert finder.find(logs) == []


def test_a61_no_secret_of_any_party_stands_on_the_chain(played: Played, finder: LeakFinder) -> None:
    blocks = secrets_of_a_run.read_chain(played.theatre.chain)
    assert any(f"{played.jobs['honest'].hex()}" in text for text in blocks.values())
    assert finder.find(blocks) == []


@pytest.mark.parametrize("way", list(spell(bytes(range(1, 18)))))
def test_a61_a_planted_secret__is_found_however_it_is_spelt(
    played: Played, finder: LeakFinder, way: str
) -> None:
    order = played.states["honest"].known
    for secret in (order.job_secret, order.alpha.to_bytes(17, "big")):
        text = f'{{"event": "oops", "value": "{spell(secret)[way]}"}}'
        assert [leak.place for leak in finder.find({"log": text})] == ["log"]


# --- what strangers may do ---


@pytest.fixture
def job_key(played: Played) -> SecretKey:
    return SecretKey(played.states["honest"].known.job_secret)


def test_read__by_the_device_itself__gives_the_answer(played: Played, job_key: SecretKey) -> None:
    node = played.theatre.node_accounts[0]
    read = ask_to_read(played.outsider, played.jobs["honest"], 1, node, job_key)
    raw = played.outsider.ask(node, ANSWERS, read.to_wire(), most=MAX_TASK_BYTES)
    assert Answer.from_wire(raw) == played.states["honest"].answer_of(ShareIndex(1))


def test_read__request_replayed_at_another_node__is_refused(
    played: Played, job_key: SecretKey
) -> None:
    # What node 1 heard from the device, it shows to node 2, for node 2's answer.
    one, two = played.theatre.node_accounts[:2]
    heard = ask_to_read(played.outsider, played.jobs["honest"], 1, one, job_key)
    for forged in (heard, replace(heard, index=ShareIndex(2))):
        refused = knock(played.outsider, two, ANSWERS, forged.to_wire())
        assert refused.status in (400, 404)
    refused = knock(played.outsider, two, ANSWERS, replace(heard, index=2).to_wire())
    assert refused.error["what"] == "request is for another server"
    redirected = replace(heard, index=ShareIndex(2), server=two)
    assert knock(played.outsider, two, ANSWERS, redirected.to_wire()).status == 409


@pytest.mark.parametrize("as_the_device", [False, True])
def test_read__by_a_stranger__is_refused(
    played: Played, job_key: SecretKey, as_the_device: bool
) -> None:
    node, stranger = played.theatre.node_accounts[0], played.outsider.keys.account
    reader = job_key.address if as_the_device else None
    read = ask_to_read(played.outsider, played.jobs["honest"], 1, node, stranger, reader=reader)
    refused = knock(played.outsider, node, ANSWERS, read.to_wire())
    assert refused.status == (409 if as_the_device else 400)


@pytest.mark.parametrize("lasts_s", [-2, 100_000])
def test_read__outdated_or_made_for_ever__is_refused(
    played: Played, job_key: SecretKey, lasts_s: int
) -> None:
    node = played.theatre.node_accounts[0]
    read = ask_to_read(played.outsider, played.jobs["honest"], 1, node, job_key, lasts_s=lasts_s)
    assert knock(played.outsider, node, ANSWERS, read.to_wire()).error["what"] == (
        "request is outdated"
    )


def test_read__of_a_charged_task_by_anybody_but_its_node__is_refused(played: Played) -> None:
    judge = played.theatre.stage.judges[0].account
    job, key = played.jobs["framed"], played.outsider.keys.account
    neighbour = KeyStore.open(played.theatre.stage.nodes[0].home / "keys").account
    for who in (key, neighbour):
        read = ask_to_read(played.outsider, job, 2, judge, who)
        assert knock(played.outsider, judge, READ_TASK, read.to_wire()).status == 400


def test_read__of_an_answer_that_judges_hold_by_a_stranger__is_refused(played: Played) -> None:
    judge, key = played.theatre.stage.judges[0].account, played.outsider.keys.account
    read = ask_to_read(played.outsider, played.jobs["framed"], 2, judge, key)
    assert knock(played.outsider, judge, READ_ANSWER, read.to_wire()).status == 400


def test_upload__of_a_function_that_nobody_asked_for__is_refused(played: Played) -> None:
    other = DenseQuadratic.from_terms(1, 1, {(0, 0): (1,)})
    path = f"/v1/functions/{bytes(other.hash).hex()}"
    for server in (played.theatre.stage.nodes[0], played.theatre.stage.judges[0]):
        refused = knock(played.outsider, server.account, path, other.to_bytes(), "PUT")
        assert (refused.status, refused.error["what"]) == (400, "function was not asked for")
        assert refused.error["remedy"]


def give_first(played: Played, body: bytes, *, job: JobId | None = None) -> PeerRefused:
    node, at = played.theatre.node_accounts[0], job or played.jobs["honest"]
    return hand_task(played.outsider, node, at, 1, body)


def test_task__of_another_index_than_its_path__is_refused(played: Played) -> None:
    task = played.states["honest"].known.tasks[1]
    refused = give_first(played, task.to_wire())
    assert refused.error["what"] == "is about another index than its path says"


def test_task__of_another_job__is_refused(played: Played) -> None:
    # The node took the offer of the job that never started, or refused it: no task is held for it.
    task = replace(played.states["honest"].known.tasks[0], job=played.jobs["unstarted"])
    refused = give_first(played, task.to_wire(), job=task.job)
    assert refused.status in (400, 404, 409)
    assert refused.error["error"] in {"BranchMismatch", "IllegalMove", "NotFound"}


def test_task__beside_the_one_that_is_held__is_refused(played: Played) -> None:
    task = played.states["honest"].known.tasks[0]
    other = replace(task, share=task.share[:-1] + bytes([task.share[-1] ^ 1]))
    refused = give_first(played, other.to_wire())
    assert refused.error["what"] == "another task is held already"


@pytest.mark.parametrize("path", [OFFERS, ANSWERS])
def test_message__longer_than_any_of_its_kind__is_refused_unread(played: Played, path: str) -> None:
    refused = knock(played.outsider, played.theatre.node_accounts[0], path, bytes(5000))
    assert refused.status == 413
    assert refused.error["needed"] == "<= 4096 bytes"


def test_offer__of_a_job_that_does_not_stand_on_the_chain__is_refused(played: Played) -> None:
    known = played.states["honest"].known
    offer = Offer(JobId(bytes(32)), ShareIndex(1), known.terms, known.nodes)
    refused = knock(played.outsider, played.theatre.node_accounts[0], OFFERS, offer.to_wire())
    assert refused.error["what"] == "terms are not the posted ones"


def test_evidence__about_an_index_that_is_not_charged__is_refused(played: Played) -> None:
    known = played.states["honest"].known
    evidence = Evidence(known.terms, known.tasks[0], None)
    judge = played.theatre.stage.judges[0].account
    path = path_of("evidence", known.job, 1)
    refused = knock(played.outsider, judge, path, evidence.to_wire())
    assert (refused.status, refused.error["what"]) == (404, "index is not charged")


def test_node_with_another_certificate_than_it_registered__is_told_nothing(played: Played) -> None:
    log = (played.theatre.stage.folder / "devices.log.jsonl").read_text()
    assert "shows another TLS key than the one it registered" in log
    state = played.states["unstarted"]
    offered = {state.known.nodes[index - 1] for index in state.offered}
    assert offered and offered <= set(played.theatre.node_accounts)


def test_bad_requests__cost_nobody_anything(played: Played) -> None:
    assert played.theatre.holdings().parties == played.after.parties


def test_bad_requests__stop_no_server(played: Played) -> None:
    for actor in (*played.theatre.stage.nodes, *played.theatre.stage.judges):
        assert actor.process is not None
        assert actor.process.poll() is None, actor.name
