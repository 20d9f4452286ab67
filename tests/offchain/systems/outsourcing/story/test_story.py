"""The life of a job, read from a real chain's events alone, and settled by a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.offchain.systems.outsourcing.cast import NODES, OUTSIDER, PAYER, POOL
from tests.offchain.systems.outsourcing.court import SIX, Court, open_court
from tests.offchain.systems.outsourcing.story.played_ends import (
    PLAYS,
    play_convicted,
    play_unstarted,
)

from edgemark.amounts import format_tokens
from edgemark.chronicle.steps import find_expired
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.faults import NodeRefused
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase, JobPhase
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.claiming import batches
from edgemark.systems.outsourcing.story.reading import Chronicle, JobUnknown
from edgemark.systems.outsourcing.story.story import (
    JobStory,
    check_amounts,
    find_next_steps,
    is_due,
)
from edgemark.systems.outsourcing.story.telling import as_facts, tell

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with open_court(tmp_path_factory.mktemp("court")) as opened:
        yield opened


@pytest.mark.parametrize("name", PLAYS)
def test_story__tells_the_same_phases_as_the_contract_stores(court: Court, name: str) -> None:
    play, index, end = PLAYS[name]
    order = play(court)
    story = court.read(order)
    stored = court.settlement.indices(order.job, 6, block="latest")
    assert [place.phase for place in story.indices] == [view.phase for view in stored]
    for place in story.indices:
        if place.committed is not None:
            assert place.commitment == court.settlement.commitment(order.job, place.index)
    assert story.phase is court.settlement.job(order.job).phase
    assert (story.at(index).phase, story.payer, story.pool) == (end, PAYER.address, POOL)
    assert (story.terms, story.root) == (order.terms, order.root)


@pytest.mark.parametrize("name", PLAYS)
def test_story__of_each_end__pays_what_the_table_of_amounts_says(court: Court, name: str) -> None:
    story = court.read(PLAYS[name][0](court))
    checks = check_amounts(story)
    assert checks
    assert [check for check in checks if not check.agrees] == []
    locked = sum(pot.amount - pot.remaining for pot in story.pots)
    assert sum(sum(check.paid.values()) for check in checks) == locked


def test_story__with_a_unit_more_paid_than_due__says_so(court: Court) -> None:
    story = court.read(play_convicted(court))
    place = story.at(3)
    more = replace(place.credits[0], amount=place.credits[0].amount + 1)
    planted = replace(place, credits=(more, *place.credits[1:]))
    false = replace(story, indices=(*story.indices[:2], planted, *story.indices[3:]))
    assert [check.what for check in check_amounts(false) if not check.agrees] == [
        "index 3 convicted"
    ]
    assert "amounts DIFFER at index 3 convicted" in tell(false, str)


def test_tell__of_a_conviction__names_who_signed_what_and_where_the_stake_went(
    court: Court,
) -> None:
    story = court.read(play_convicted(court))
    text = tell(story, lambda second: f"<{second}>")
    (line,) = (line for line in text.splitlines() if line.startswith("index 3:"))
    charge = story.at(3).charge
    assert charge is not None
    assert f"node {NODES[2].address}" in line
    assert f"was charged as wrong by the payer at <{charge.filed.time}>" in line
    assert "judges 1, 2, 3 signed served" in line
    assert "judges 1, 2, 4 found it wrong (verdict Wrong)" in line
    parts = {"judges": 3 * 65, "payer": 5015, "pool": 740 + 68}  # (m-1) f, and what is left
    shown = ", ".join(f"{format_tokens(n)} to the {who}" for who, n in parts.items())
    assert f"stake {format_tokens(story.terms.stake)} MTC: {shown}" in text
    assert "amounts: 6 ends paid what the table of amounts says" in text
    assert "nothing is left to be done" in text


def test_facts__of_a_conviction__hold_signers_amounts_and_transactions(court: Court) -> None:
    story = court.read(play_convicted(court))
    facts = as_facts(story)
    index: dict[str, object] = facts["indices"][2]  # type: ignore[index,assignment]
    charge: dict[str, object] = index["charge"]  # type: ignore[assignment]
    assert (charge["kind"], charge["finding"]) == ("wrong", "wrong")
    assert charge["served_signers"] == ["judge 1", "judge 2", "judge 3"]
    assert charge["verdict_signers"] == ["judge 1", "judge 2", "judge 4"]
    stake: dict[str, int] = {}
    for credit in index["paid"]:  # type: ignore[attr-defined]
        if credit["pot"] == "stake":
            stake[credit["to"]] = stake.get(credit["to"], 0) + int(credit["amount"])
    assert stake == {"payer": 5015, "pool": 740 + 68, **{f"judge {j}": 65 for j in (1, 2, 4)}}
    assert facts["next"] == []


def test_story__of_many_jobs_claimed_at_once__keeps_their_payments_apart(court: Court) -> None:
    orders = [court.start(f"together {number}") for number in range(3)]
    court.pass_to(orders[-1].terms.collect_by + 1)
    court.claim(*(order.job for order in orders))
    for order in orders:
        story = court.read(order)
        assert [place.phase for place in story.indices] == [IndexPhase.PAID] * 6
        assert all(check.agrees for check in check_amounts(story))
        assert story.held == 0


# --- what comes next ---


def steps_of(story: JobStory, index: int) -> dict[str, tuple[int, int | None]]:
    return {s.act: (s.opens, s.closes) for s in find_next_steps(story) if s.part == index}


def test_next_steps__of_a_posted_job__are_to_accept_and_then_to_cancel(court: Court) -> None:
    order = court.post("waiting")
    court.accept(order, 1)
    story = court.read(order)
    assert steps_of(story, 1) == {}
    assert steps_of(story, 2) == {"accept": (0, order.terms.accept_by)}
    whole = steps_of(story, 0)
    assert whole["cancelUnstarted"][0] == order.terms.accept_by + 1
    assert not is_due(story, order.terms.accept_by)
    assert is_due(story, order.terms.accept_by + 1)


def test_next_steps__of_a_running_job__open_and_close_as_the_contract_does(court: Court) -> None:
    order = court.start("running", committed=[2])
    story, terms = court.read(order), order.terms
    assert steps_of(story, 1)["commit"] == (0, terms.compute_by)
    assert steps_of(story, 1)["charge as silent"] == (terms.compute_by + 1, terms.collect_by)
    assert "charge as wrong" not in steps_of(story, 1)
    assert steps_of(story, 2)["charge as wrong"] == (0, terms.collect_by)
    assert steps_of(story, 2)["collect"][0] == terms.collect_by + 1
    assert [is_due(story, terms.collect_by + late) for late in (0, 1)] == [False, True]


def test_next_steps__of_a_charge__follow_its_deadlines(court: Court) -> None:
    order = court.start("disputed")
    court.charge(order, wrong=1)
    charged = court.read(order)
    charge = charged.at(1).charge
    assert charge is not None
    assert (charge.kind, charge.finding) == (ChargeKind.WRONG, Finding.NONE)
    assert steps_of(charged, 1)["voidCharge"][0] == charge.served_by + 1
    assert "charge as wrong" not in steps_of(charged, 2)  # e charges are all there are
    court.serve(order, 1)
    served = court.read(order).at(1).charge
    assert served is not None
    assert steps_of(court.read(order), 1)["lapseCharge"][0] == served.verdict_by + 1


def test_claim__beyond_the_expiry__is_not_due_and_the_places_go_back_one_by_one(
    court: Court,
) -> None:
    order = court.start("forgotten", committed=[1])
    (expiry,) = {pot.expires_at for pot in court.read(order).pots}
    court.pass_to(expiry + 1)
    story = court.read(order)
    assert not is_due(story, story.now)
    expired = find_expired(story.pots, story.now)
    assert len(expired) == 7  # the deposit and six stakes
    anchor = court.deployment.contract("AssetAnchor")
    for place in expired:
        place_of_job = (court.settlement.address, order.job, place)
        court.send(OUTSIDER, Call(anchor, "expire", place_of_job))
    story = court.read(order)
    assert story.held == 0
    assert all(pot.returned is not None for pot in story.pots)
    assert sum(pot.given_back for pot in story.pots) == sum(pot.amount for pot in story.pots)
    assert find_next_steps(story) == ()


def test_open_jobs__are_those_of_which_an_index_has_not_ended(court: Court) -> None:
    chronicle = Chronicle(court.chain, court.deployment)
    settled, running = play_convicted(court), court.start("still running")
    listed = chronicle.open_jobs()
    assert running.job in listed
    assert settled.job not in listed


def test_read__of_a_job_that_nobody_posted__is_refused(court: Court) -> None:
    with pytest.raises(JobUnknown, match="no such job"):
        Chronicle(court.chain, court.deployment).read(JobId(keccak256(b"nobody")))


def test_read__asks_the_chain_in_few_messages(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = play_convicted(court)
    messages: list[int] = []
    one, many = court.chain.rpc, court.chain.rpc_many
    monkeypatch.setattr(court.chain, "rpc", lambda *a: (messages.append(1), one(*a))[1])
    monkeypatch.setattr(court.chain, "rpc_many", lambda w: (messages.append(len(w)), many(w))[1])
    story = court.read(order)
    assert story.held == 0
    asked, sent = sum(messages), len(messages)
    assert asked > 30  # 12 transactions, their receipts and blocks
    assert sent <= asked // 4


def test_mined__of_a_transaction_that_is_not_there__is_refused(court: Court) -> None:
    with pytest.raises(LedgerUnavailable, match="no such transaction"):
        court.chain.mined([Hash32(bytes(32))])


def test_mined__from_a_node_that_takes_no_batch__is_asked_one_by_one(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = play_unstarted(court)
    expected = court.read(order)

    def refuse(_: object) -> None:
        raise NodeRefused(-32600, "batches are not taken", b"", who="node")

    hashes = [expected.posted.tx]
    together = court.chain.mined(hashes)
    monkeypatch.setattr(court.chain, "rpc_many", refuse)
    assert court.chain.mined(hashes) == together


def test_read__as_of_an_earlier_block__knows_nothing_later(court: Court) -> None:
    order = court.start("early")
    court.chain.confirmations, usual = 6, court.chain.confirmations
    try:
        story = court.read(order)
    finally:
        court.chain.confirmations = usual
    assert story.phase is JobPhase.STARTED
    assert [place.phase for place in story.indices] == [IndexPhase.ACCEPTED] * 6


def test_batches__hold_as_many_jobs_as_one_transaction_may_end(court: Court) -> None:
    story = court.read(play_unstarted(court))
    sizes = [len(batch) for batch in batches([story] * 23)]
    assert sizes == [10, 10, 3]
    assert SIX[-1] * 10 <= 64 < SIX[-1] * 11
