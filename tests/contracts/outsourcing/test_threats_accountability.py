"""A21, A22, A23: devices that frame nodes, dodge payment or stay silent; nodes that stay silent.

`PlantedAccountability` is the paper's Algorithm 1 with its automatic payment. Every attack works
there; here the same attacker gains nothing and the honest node is paid.
"""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.states import State
from tests.contracts.world import (
    BOND,
    FEE,
    FOUND_RIGHT,
    FOUND_WRONG,
    JUDGE_FEE,
    LOCK_TAIL,
    NODES,
    STAKE,
    World,
    refused,
    sign,
)

Q = 2**128 + 51
ALL = tuple(range(1, NODES + 1))
STATES = (State(ALL),)


@pytest.fixture
def paper(world: World, project):
    """The paper's contract with two nodes."""
    return world.payer.deploy(
        project.PlantedAccountability, world.nodes[:2], FEE, world.now() + 1000
    )


def honest_result(world: World, paper, task: tuple[int, int]):
    """What an honest node answers in the paper: c = F(v), b = c * w, Sign(sk, c, b)."""
    v, w = task
    c = v * v % Q
    b = c * w % Q
    return c, b, sign(world.nodes[0], paper.resultDigest(c, b))


def test_a21_honest_result_replayed_for_another_task__convicts_in_the_paper(world: World, paper):
    first, second = (1234, 99), (5678, 42)
    c, b, signature = honest_result(world, paper, first)
    paper.accuse(0, first, c, b, signature, sender=world.payer)
    assert not paper.convicted(world.nodes[0])
    paper.accuse(0, second, c, b, signature, sender=world.payer)
    assert paper.convicted(world.nodes[0])  # the flaw: (c, b) says nothing about the task


def test_a22_share_the_node_never_got__convicts_in_the_paper(world: World, paper):
    sent = (1234, 99)
    c, b, signature = honest_result(world, paper, sent)
    shown = (sent[0] + 1, sent[1])
    paper.accuse(0, shown, c, b, signature, sender=world.payer)
    assert paper.convicted(world.nodes[0])  # the flaw: the task comes from the accuser
    assert paper.credit(world.payer) == FEE


def test_a22_share_the_node_never_got__is_not_served_and_costs_the_payer(world: World, outsider):
    """The judges sign `served` only for a task that opens the leaf; else nobody is convicted.

    The payer shows them another share, gets no signatures, and tries everything it can alone.
    """
    job = world.started(committed=ALL)
    with world.moves() as moved:
        world.charge(job, wrong=(1,))
        own = [sign(world.payer, world.settlement.servedDigest(job, 1))] * 3
        twice = {"previous": world.payer, "signer": world.payer}
        with refused(world.enclaves.SignersNotAscending, **twice):
            world.settlement.recordServed(job, 1, own, sender=world.payer)
        digest = world.settlement.servedDigest(job, 1)
        colluding = world.signatures(digest, [*world.judges[:2], world.payer])
        with refused(world.enclaves.NotAMember, signer=world.payer):
            world.settlement.recordServed(job, 1, colluding, sender=world.payer)
        with refused(world.settlement.IndexPhaseWrong, job=job, index=1, had=4):
            world.judge(job, 1, FOUND_WRONG)  # no verdict before `served`
        world.at(world.settlement.indexOf(job, 1).servedBy + 1)
        world.settlement.voidCharge(job, 1, sender=outsider)
    assert moved == {
        "payer": -BOND,
        "pool": JUDGE_FEE,
        "node 1": 2 * FEE + STAKE,
        "locked": -FEE - STAKE,
    }


def test_a23_false_charge__costs_nothing_in_the_paper_and_the_bond_here(world: World, paper):
    c, b, signature = honest_result(world, paper, (7, 8))
    paper.accuse(0, (9, 8), c, b, signature, sender=world.payer)
    assert paper.credit(world.payer) == FEE  # the flaw: it has its fee back, and risked nothing

    job = world.started(committed=ALL)
    with world.moves() as moved:
        world.charge(job, wrong=(1,))
        world.serve(job, 1)
        world.judge(job, 1, FOUND_RIGHT)
    assert moved["payer"] == -BOND
    assert moved["node 1"] == 2 * FEE + STAKE


def test_a23_silence_of_everybody__pays_idle_nodes_in_the_paper_and_not_here(world: World, paper):
    world.at(paper.allocateAfter() + 1)
    paper.allocate(sender=world.outsider)
    assert paper.credit(world.nodes[0]) == FEE  # the flaw: it did nothing

    job = world.start()
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with world.moves() as moved:
        world.settlement.collect(job, list(ALL), sender=world.outsider)
    for index in ALL:
        assert moved[f"node {index}"] == STAKE
    assert "payer" not in moved
    assert moved["pool"] == NODES * FEE


def test_a23_silent_device__cannot_keep_the_fee_of_a_committed_node(world: World, outsider):
    """The device never approves, never charges, is never seen again."""
    job = world.started(committed=ALL)
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with world.moves() as moved:
        world.settlement.collect(job, list(ALL), sender=outsider)
    assert moved == {
        **{f"node {index}": FEE + STAKE for index in ALL},
        "locked": -NODES * (FEE + STAKE),
    }


@pytest.mark.parametrize("end", ["refuted", "answered", "void", "lapsed", "collected"])
def test_a23_fee_of_a_committed_unconvicted_index__never_goes_to_the_device(world: World, end):
    before = world.anchor.freeBalanceOf(world.payer)
    job = world.start()
    world.commit(job, *ALL)
    settlement, outsider = world.settlement, world.outsider
    if end != "collected":
        silent = end == "answered"
        world.charge(job, wrong=() if silent else (1,), silent=(1,) if silent else ())
    if end == "void":
        world.at(settlement.indexOf(job, 1).servedBy + 1)
        settlement.voidCharge(job, 1, sender=outsider)
    elif end in ("refuted", "answered"):
        world.serve(job, 1)
        world.judge(job, 1, FOUND_RIGHT)
    elif end == "lapsed":
        world.serve(job, 1)
        world.at(settlement.indexOf(job, 1).verdictBy + 1)
        settlement.lapseCharge(job, 1, sender=outsider)
    world.at(max(world.now(), settlement.jobOf(job).collectBy) + 1)
    indices = list(ALL) if end == "collected" else list(ALL[1:])
    settlement.collect(job, indices, sender=outsider)
    assert world.anchor.freeBalanceOf(world.payer) <= before - NODES * FEE
    assert world.locked() == 0


def test_a23_charge_and_collection_race__the_second_decides(world: World, outsider):
    """Until collectBy only the payer acts; from the second after it only the others do."""
    job = world.started(committed=ALL)
    deadline = world.settlement.jobOf(job).collectBy
    world.at(deadline)
    with refused(world.settlement.TooEarly, nowAt=deadline, allowedAfter=deadline):
        world.settlement.collect(job, [1], sender=world.nodes[0])
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.settlement.charge(job, [1], [], sender=world.payer)
    world.settlement.collect(job, [1], sender=world.nodes[0])
    assert world.phase(job, 1) == "Paid"


def test_a23_serving_and_voiding_race__the_second_decides(world: World, outsider):
    job = world.started(committed=ALL)
    world.charge(job, wrong=(1,))
    deadline = world.settlement.indexOf(job, 1).servedBy
    world.at(deadline)
    with refused(world.settlement.TooEarly, nowAt=deadline, allowedAfter=deadline):
        world.settlement.voidCharge(job, 1, sender=outsider)
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.serve(job, 1)
    world.settlement.voidCharge(job, 1, sender=outsider)
    assert world.phase(job, 1) == "Void"


def test_a23_verdict_and_lapse_race__the_second_decides(world: World, outsider):
    job = world.started(committed=ALL)
    world.charge(job, wrong=(1,))
    world.serve(job, 1)
    deadline = world.settlement.indexOf(job, 1).verdictBy
    world.at(deadline)
    with refused(world.settlement.TooEarly, nowAt=deadline, allowedAfter=deadline):
        world.settlement.lapseCharge(job, 1, sender=outsider)
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.judge(job, 1, FOUND_WRONG)
    world.settlement.lapseCharge(job, 1, sender=outsider)
    assert world.phase(job, 1) == "Lapsed"


def test_a23_bond_still_locked_and_everybody_gone__a_stranger_returns_it(world: World, outsider):
    job = world.started(committed=ALL)
    world.charge(job, wrong=(1,))
    expiry = world.settlement.jobOf(job).collectBy + LOCK_TAIL
    world.at(expiry + 1)
    with world.moves() as moved:
        world.anchor.expire(world.settlement, job, 0, sender=outsider)
    assert moved == {"payer": NODES * FEE + BOND, "locked": -NODES * FEE - BOND}
    about = {"locker": world.settlement, "subject": job, "expiresAt": expiry}
    world.at(expiry + 5)
    with refused(world.anchor.LockExpired, **about, nowAt=expiry + 5):
        world.settlement.voidCharge(job, 1, sender=outsider)


def test_a23_judges_fee__is_the_same_whoever_loses(world: World):
    gains = []
    for finding in (FOUND_RIGHT, FOUND_WRONG):
        job = world.started(committed=ALL)
        world.charge(job, wrong=(1,))
        world.serve(job, 1)
        with world.moves() as moved:
            world.judge(job, 1, finding)
        gains.append([moved.get(f"judge {judge}", 0) for judge in (1, 2, 3, 4)])
    assert gains[0] == gains[1] == [JUDGE_FEE // 4] * 3 + [0]


def test_a09_copied_commitment__is_of_no_use_to_the_copier(world: World):
    """A seat belongs to its node alone; and a commitment holds node and task: a copy is empty."""
    job = world.start()
    world.settlement.commit(job, 1, keccak(b"mine"), sender=world.nodes[0])
    with refused(world.settlement.IndexPhaseWrong, job=job, index=1, had=3):
        world.settlement.commit(job, 1, keccak(b"mine"), sender=world.nodes[1])
    with refused(world.settlement.CallerWrong, had=world.nodes[0], needed=world.nodes[1]):
        world.settlement.commit(job, 2, keccak(b"mine"), sender=world.nodes[0])
