"""Acceptances by signature, the start of a job, and jobs that never start."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_utils import keccak
from tests.contracts.world import (
    FEE,
    JOB_PHASES,
    LOCK_TAIL,
    NODES,
    STAKE,
    WEALTH,
    World,
    refused,
    signer_of,
)
from tests.waiting import wait_until

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.cli.catalogue import KINDS
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.loop.machine import UnderWay
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.protocol.effects import SubmitExpiry
from edgemark.systems.outsourcing.protocol.events import SawEnded
from edgemark.systems.outsourcing.station.station import OutsourcingStation


def test_accept__signed_by_the_node__locks_its_stake(world: World, outsider):
    job = world.post()
    with world.moves() as moved:
        tx = world.accept(job, 2)

    (accepted,) = tx.decode_logs(world.settlement.NodeAccepted)
    assert (accepted.job, accepted.index, accepted.node) == (job, 2, world.nodes[1])
    assert tx.decode_logs(world.settlement.JobStarted) == []
    assert moved == {"node 2": -STAKE, "locked": STAKE}
    assert world.phase(job, 2) == "Accepted"
    assert world.job_phase(job) == "Posted"
    assert world.place(job, 2) == (world.nodes[1], STAKE)
    assert world.settlement.indexOf(job, 2).node == world.nodes[1]
    expires_at, is_group = world.anchor.lockOf(world.settlement, job)
    assert (expires_at, is_group) == (world.settlement.jobOf(job).collectBy + LOCK_TAIL, True)


def test_accept__the_last_one__starts_the_job(world: World):
    job = world.post()
    for index in range(1, NODES):
        world.accept(job, index)
    tx = world.accept(job, NODES)

    (started,) = tx.decode_logs(world.settlement.JobStarted)
    assert (started.job, started.startedAt) == (job, tx.timestamp)
    entry = world.settlement.jobOf(job)
    assert (entry.accepted, entry.startedAt) == (NODES, tx.timestamp)
    assert world.job_phase(job) == "Started"


def test_accept__all_in_one_call_by_anybody__starts_the_job(world: World, outsider):
    job = world.post()
    with world.moves() as moved:
        tx = world.accept(job, *range(1, NODES + 1))
    assert [log.index for log in tx.decode_logs(world.settlement.NodeAccepted)] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    assert len(tx.decode_logs(world.settlement.JobStarted)) == 1
    assert moved == {f"node {j}": -STAKE for j in range(1, 7)} | {"locked": NODES * STAKE}


def test_accept__its_own_alone__needs_nobody_else(world: World):
    job = world.post()
    acceptance = world.acceptance(job, 4)
    world.settlement.accept(job, world.nodes, [acceptance], sender=world.nodes[3])
    assert world.phase(job, 4) == "Accepted"


def test_accept__batch_in_any_order_with_some_accepted_before__passes_over_those(world: World):
    """Whoever brings one of them first spoils nothing, whatever it says of those."""
    job = world.post()
    world.accept(job, 2)
    stale = (2, 0, b"not looked at")
    with world.moves() as moved:
        tx = world.bring(job, world.acceptance(job, 3), stale, *[world.acceptance(job, 1)] * 2)
    assert [log.index for log in tx.decode_logs(world.settlement.NodeAccepted)] == [3, 1]
    assert moved == {"node 1": -STAKE, "node 3": -STAKE, "locked": 2 * STAKE}
    assert world.settlement.jobOf(job).accepted == 3
    with world.moves() as moved:
        assert world.bring(job, stale).decode_logs(world.settlement.NodeAccepted) == []
        world.bring(job)
    assert moved == {}


def test_accept__batch_with_one_that_is_wrong__accepts_none(world: World):
    job = world.post()
    wrong = world.acceptance(job, 2, signer=world.nodes[0])
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=world.nodes[0], needed=world.nodes[1]):
        world.bring(job, world.acceptance(job, 1), wrong)
    assert world.settlement.jobOf(job).accepted == 0


@pytest.mark.parametrize("change", ["another order", "longer", "shorter", "another node", "none"])
def test_accept__another_list_of_nodes_than_posted__reverts(world: World, change):
    job = world.post()
    nodes = {
        "another order": [world.nodes[1], world.nodes[0], *world.nodes[2:]],
        "longer": [*world.nodes, world.nodes[5]],
        "shorter": world.nodes[:5],
        "another node": [world.payer, *world.nodes[1:]],
        "none": [],
    }[change]
    acceptance = world.acceptance(job, 1)
    words = b"".join(bytes.fromhex(str(node)[2:]).rjust(32, b"\0") for node in nodes)
    needed = world.settlement.jobOf(job).nodesHash
    with refused(world.settlement.NodeListWrong, had=keccak(words), needed=needed):
        world.settlement.accept(job, nodes, [acceptance], sender=world.outsider)


@pytest.mark.parametrize("offset", [-1, 0])
def test_accept__up_to_accept_by__is_taken(world: World, offset):
    job = world.post()
    acceptance = world.acceptance(job, 1)
    world.at(world.settlement.jobOf(job).acceptBy + offset)
    world.bring(job, acceptance)
    assert world.phase(job, 1) == "Accepted"


def test_accept__after_accept_by__reverts(world: World):
    job = world.post()
    deadline = world.settlement.jobOf(job).acceptBy
    acceptance = world.acceptance(job, 1, deadline + 100)
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.bring(job, acceptance)


def test_accept__at_valid_until__is_taken_and_a_second_later_reverts(world: World):
    job = world.post()
    until = world.now() + 20
    first, second = (world.acceptance(job, index, until) for index in (1, 2))
    world.at(until)
    world.bring(job, first)
    world.at(until + 1)
    with refused(world.settlement.TooLate, nowAt=until + 1, deadline=until):
        world.bring(job, second)


def test_accept__unknown_or_cancelled_job__reverts(world: World):
    job = world.post()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    world.settlement.cancelUnstarted(job, sender=world.outsider)
    for which, phase in ((b"\x07" * 32, "None"), (job, "Cancelled")):
        had, needed = JOB_PHASES.index(phase), JOB_PHASES.index("Posted")
        with refused(world.settlement.JobPhaseWrong, job=which, had=had, needed=needed):
            world.bring(which, (1, 2**40, b"\0" * 65))


def test_accept__of_a_job_that_has_started__changes_nothing(world: World):
    """Somebody else brought the same acceptances first."""
    job = world.start()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    with world.moves() as moved:
        tx = world.accept(job, 1, 2)
    assert (moved, list(tx.decode_logs(world.settlement.NodeAccepted))) == ({}, [])
    assert world.settlement.jobOf(job).accepted == NODES


@pytest.mark.parametrize("index", [0, NODES + 1, 2**256 - 1])
def test_accept__index_out_of_range__reverts(world: World, index):
    job = world.post()
    with refused(world.settlement.IndexOutOfRange, index=index, most=NODES):
        world.bring(job, (index, 2**40, b"\0" * 65))


def test_accept__signed_by_another_node__reverts(world: World):
    job = world.post()
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=world.nodes[1], needed=world.nodes[0]):
        world.bring(job, world.acceptance(job, 1, signer=world.nodes[1]))


def test_accept__valid_until_stretched_by_the_bringer__reverts(world: World):
    job = world.post()
    index, until, signature = world.acceptance(job, 1, world.now() + 20)
    stranger = signer_of(world.settlement.acceptanceDigest(job, 1, until + 1), signature)
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=stranger, needed=world.nodes[0]):
        world.bring(job, (index, until + 1, signature))


def test_accept__node_without_stake__reverts_and_the_seat_stays_open(world: World):
    world.anchor.withdraw(world.nodes[0], WEALTH - STAKE + 1, sender=world.nodes[0])
    job = world.post()
    with refused(
        world.anchor.FreeBalanceTooLow, account=world.nodes[0], had=STAKE - 1, needed=STAKE
    ):
        world.accept(job, 1)
    assert world.phase(job, 1) == "Named"
    assert world.settlement.jobOf(job).accepted == 0


def test_cancel_unstarted__after_accept_by__gives_everything_back(world: World, outsider):
    with world.moves() as moved:
        job = world.post()
        for index in (1, 4, 6):
            world.accept(job, index)
        world.at(world.settlement.jobOf(job).acceptBy + 1)
        tx = world.settlement.cancelUnstarted(job, sender=outsider)

    (cancelled,) = tx.decode_logs(world.settlement.JobCancelled)
    assert (cancelled.job, cancelled.caller) == (job, outsider)
    assert moved == {}
    assert world.job_phase(job) == "Cancelled"
    assert [world.phase(job, index) for index in range(1, NODES + 1)] == ["Released"] * NODES


@pytest.mark.parametrize("offset", [-1, 0])
def test_cancel_unstarted__up_to_accept_by__reverts(world: World, offset):
    job = world.post()
    deadline = world.settlement.jobOf(job).acceptBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.cancelUnstarted(job, sender=world.outsider)


def test_cancel_unstarted__started_job__reverts(world: World):
    job = world.start()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    error = world.settlement.JobPhaseWrong
    with refused(error, job=job, had=2, needed=1):
        world.settlement.cancelUnstarted(job, sender=world.outsider)


def test_cancel_unstarted__twice__reverts(world: World):
    job = world.post()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    world.settlement.cancelUnstarted(job, sender=world.outsider)
    error = world.settlement.JobPhaseWrong
    with refused(error, job=job, had=3, needed=1):
        world.settlement.cancelUnstarted(job, sender=world.outsider)


def on_chain(party: Any, world: World, chain: EvmChain, lane: TransactionLane) -> Any:
    """A party of which only what sends to the anchor is there."""
    made: Any = party.__new__(party)
    made.station = OutsourcingStation.__new__(OutsourcingStation)
    anchor = KINDS["AssetAnchor"].at(parse_address(str(world.anchor.address)))
    vars(made.station).update(
        accounts=AnchorAccounts(chain, anchor),
        settlement=SimpleNamespace(address=parse_address(str(world.settlement.address))),
        lane=lane,
    )
    return made


def carry_out(party: Any, state: Any, effect: SubmitExpiry) -> list[object]:
    """As the loop does: again while it is under way, which the party's keeper helps on."""
    found: list[object] = []

    def is_done() -> bool:
        try:
            found[:] = party.perform(state, effect)
        except UnderWay:
            party.station.lane.keep_on()
            return False
        return True

    wait_until("the place is returned", is_done)
    return found


def test_locks__everybody_gone_until_expiry__parties_and_strangers_return_them(
    world: World, tmp_path: Path
):
    chain = EvmChain(world.chain.provider.web3.provider.endpoint_uri, confirmations=0).connect()
    key = SecretKey(bytes.fromhex(world.nodes[0].private_key.removeprefix("0x")))
    with world.moves() as moved, TransactionLane(chain, key, tmp_path / "lane.journal") as lane:
        job = world.start()
        expiry = world.settlement.jobOf(job).collectBy + LOCK_TAIL
        key_of_job = JobId(bytes(job))
        state: Any = SimpleNamespace(known=SimpleNamespace(job=key_of_job))
        node, device = (on_chain(party, world, chain, lane) for party in (ComputeNode, Device))
        with pytest.raises(ContractRefused, match="LockNotExpired"):
            node.perform(state, SubmitExpiry(key_of_job, 1))
        world.chain.mine(timestamp=expiry + 1)
        assert carry_out(node, state, SubmitExpiry(key_of_job, 1)) == [SawEnded()]
        assert carry_out(device, state, SubmitExpiry(key_of_job, 0)) == [SawEnded()]
        sent = chain.nonces_used(key.address)
        for place in range(2, NODES + 1):
            world.anchor.expire(world.settlement, job, place, sender=world.outsider)
        somebody_was_faster = node.perform(state, SubmitExpiry(key_of_job, 2))
        assert somebody_was_faster == [SawEnded()]
        assert chain.nonces_used(key.address) == sent
    assert moved == {}
    # What is left of the job can neither pay nor take anything any more, nor come again.
    assert world.settlement.indexOf(job, 1).node == "0x" + "00" * 20
    values = {"locker": world.settlement.address, "subject": job, "expiresAt": expiry}
    world.at(expiry + 100)
    with refused(world.anchor.LockExpired, nowAt=expiry + 100, **values):
        world.settlement.collect(job, [1], sender=world.outsider)


def test_deposit__is_m_times_f(world: World):
    with world.moves() as moved:
        world.post(world.terms(fee=77, judgeFee=20))
    assert moved == {"payer": -NODES * 77, "locked": NODES * 77}
    assert FEE != 77
