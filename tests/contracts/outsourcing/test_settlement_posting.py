"""Posting a job: terms, nodes, deposit."""

from __future__ import annotations

import pytest
from eth_abi import encode
from eth_utils import keccak
from tests.contracts.world import (
    EXIT_GRACE,
    FEE,
    JUDGE_FEE,
    JUDGE_WINDOW,
    LIMITS,
    LOCK_TAIL,
    MAX_WINDOW,
    MIN_WINDOW,
    NODES,
    STAKE,
    UNBONDING,
    WEALTH,
    World,
    refused,
    term_name,
)

TERMS_ABI = (
    "(bytes32,uint32,uint32,uint32,uint32,uint8,uint8,uint8,uint8,uint32,uint32,bytes,"
    "uint96,uint96,uint96,uint40,uint40,uint40)"
)
ROOT = keccak(b"root")


def post(world: World, nonce: int = 1, nodes=None, sender=None, **changes):
    terms = tuple(world.terms(**changes).values())
    nodes = world.nodes if nodes is None else nodes
    return world.settlement.post(nonce, ROOT, terms, nodes, sender=sender or world.payer)


def test_post__good_terms__emits_them_in_full_and_locks_the_deposit(world: World):
    terms = world.terms()
    terms_hash = keccak(encode([TERMS_ABI], [tuple(terms.values())]))
    with world.moves() as moved:
        tx = world.settlement.post(7, ROOT, tuple(terms.values()), world.nodes, sender=world.payer)

    job = world.settlement.jobIdOf(world.payer, 7)
    (posted,) = tx.decode_logs(world.settlement.JobPosted)
    assert posted.job == job
    assert posted.payer == world.payer
    assert posted.root == ROOT
    assert posted.termsHash == terms_hash
    assert tuple(posted.terms) == tuple(terms.values())
    assert posted.nodes == [node.address for node in world.nodes]
    assert moved == {"payer": -NODES * FEE, "locked": NODES * FEE}


def test_post__good_terms__stores_what_the_contract_needs(world: World):
    terms = world.terms()
    job = world.post(terms)

    entry = world.settlement.jobOf(job)
    for name in ("nodeCount", "errors", "acceptBy", "computeBy", "collectBy", "fee", "stake"):
        assert entry[name] == terms[name], name
    assert entry.payer == world.payer
    assert (entry.accepted, entry.charged, entry.startedAt, entry.bondLock) == (0, 0, 0, 0)
    assert entry.judgeFee == JUDGE_FEE
    assert entry.root == ROOT
    assert entry.termsHash == world.settlement.hashTerms(tuple(terms.values()))
    assert world.job_phase(job) == "Posted"
    lock = world.anchor.lockOf(entry.depositLock)
    assert lock.owner == world.payer
    assert lock.locker == world.settlement
    assert lock.remaining == NODES * FEE
    assert lock.expiresAt == terms["collectBy"] + LOCK_TAIL
    for index, node in enumerate(world.nodes, 1):
        assert world.settlement.indexOf(job, index).node == node
        assert world.phase(job, index) == "Named"


def test_job_id__is_the_hash_of_chain_contract_payer_and_nonce(world: World):
    # ape calls its local network 1337; the node says what the contract sees.
    chain_id = world.chain.provider.web3.eth.chain_id
    expected = keccak(
        encode(
            ["uint256", "address", "address", "uint256"],
            [chain_id, str(world.settlement.address), str(world.payer), 5],
        )
    )
    assert world.settlement.jobIdOf(world.payer, 5) == expected


def test_post__same_nonce_twice__reverts(world: World):
    post(world, nonce=3)
    job = world.settlement.jobIdOf(world.payer, 3)
    with refused(world.settlement.JobExists, job=job):
        post(world, nonce=3)


def test_post__same_nonce_of_another_payer__is_another_job(world: World):
    post(world, nonce=3)
    world.anchor.deposit(world.outsider, WEALTH, sender=world.deployer)
    world.anchor.allowLocker(world.settlement, WEALTH, sender=world.outsider)
    post(world, nonce=3, sender=world.outsider)
    first = world.settlement.jobIdOf(world.payer, 3)
    second = world.settlement.jobIdOf(world.outsider, 3)
    assert first != second
    assert world.settlement.jobOf(second).payer == world.outsider


TERM_CASES = [
    ("functionBytes", {"functionBytes": 0}, (0, 1, 2**26)),
    ("functionBytes", {"functionBytes": 2**26 + 1}, (2**26 + 1, 1, 2**26)),
    ("termCount", {"termCount": 0}, (0, 1, 2**24)),
    ("termCount", {"termCount": 2**24 + 1}, (2**24 + 1, 1, 2**24)),
    ("inputs", {"inputs": 0}, (0, 1, 2000)),
    ("inputs", {"inputs": 2001}, (2001, 1, 2000)),
    ("outputs", {"outputs": 0}, (0, 1, 1024)),
    ("outputs", {"outputs": 1025}, (1025, 1, 1024)),
    ("degree", {"degree": 0}, (0, 1, 20)),
    ("degree", {"degree": 21}, (21, 1, 20)),
    ("batch", {"batch": 0}, (0, 1, 4096)),
    ("batch", {"batch": 4097}, (4097, 1, 4096)),
    ("shareBytes", {"shareBytes": 21776}, (21776, 21777, 21777)),
    ("shareBytes", {"shareBytes": 21778}, (21778, 21777, 21777)),
    ("threshold", {"threshold": 0, "errors": 0}, (0, 1, 64)),
    ("errors", {"errors": 2}, (2, 0, 1)),
    ("nodeCount", {"nodeCount": 65}, (65, 1, 64)),
    ("nodeCount", {"nodeCount": 0}, (0, 1, 64)),
    ("jobKey", {"jobKey": b"\x02" * 32}, (32, 33, 33)),
    ("jobKey", {"jobKey": b""}, (0, 33, 33)),
    ("jobKeyPrefix", {"jobKey": b"\x04" + b"\x01" * 32}, (4, 2, 3)),
    ("jobKeyPrefix", {"jobKey": b"\x01" + b"\x01" * 32}, (1, 2, 3)),
    ("fee", {"fee": 9}, (9, 10, 10**24)),
    ("fee", {"fee": 10**24 + 1}, (10**24 + 1, 10, 10**24)),
    ("judgeFee", {"judgeFee": 0}, (0, 1, FEE)),
    ("judgeFee", {"judgeFee": FEE + 1}, (FEE + 1, 1, FEE)),
    ("stake", {"stake": 6 * FEE - 1}, (6 * FEE - 1, 6 * FEE, 2**96 - 1)),
]


@pytest.mark.parametrize(("name", "changes", "values"), TERM_CASES)
def test_post__term_out_of_range__reverts_with_its_bounds(world: World, name, changes, values):
    had, least, most = values
    error = world.settlement.TermOutOfRange
    with refused(error, field=term_name(name), had=had, least=least, most=most):
        post(world, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"functionBytes": 1, "termCount": 1},
        {"inputs": 2000, "shareBytes": 17 * (20 * 2000 + 1)},
        {"inputs": 1, "shareBytes": 17 * 21},
        {"functionBytes": 2**26, "termCount": 2**24},
        {"outputs": 1024},
        {"batch": 4096, "shareBytes": 17 * (4096 * 64 + 1)},
        {"jobKey": b"\x03" + b"\x01" * 32},
        {"fee": 10, "judgeFee": 1, "stake": 60},
        {"judgeFee": FEE},
        {"stake": 6 * FEE},
        {"errors": 0, "stake": 2 * JUDGE_FEE + FEE},
    ],
)
def test_post__terms_at_their_bounds__are_taken(world: World, changes):
    post(world, **changes)
    assert world.job_phase(world.settlement.jobIdOf(world.payer, 1)) == "Posted"


def test_post__no_errors_survived_and_low_stake__reverts(world: World):
    # e = 0: the stake covers 2g + f; m * f / e has no meaning.
    least = 2 * JUDGE_FEE + FEE
    error = world.settlement.TermOutOfRange
    with refused(error, field=term_name("stake"), had=least - 1, least=least, most=2**96 - 1):
        post(world, errors=0, stake=least - 1)


def test_post__stake_bound__rounds_up(world: World):
    # m * f / e with t = e = 2, d = 1, m = 9: 9 * 1003 / 2 = 4513.5
    error = world.settlement.TermOutOfRange
    changes = {"degree": 1, "threshold": 2, "errors": 2, "nodeCount": 9}
    with refused(error, field=term_name("stake"), had=4513, least=4514, most=2**96 - 1):
        post(world, stake=4513, **changes)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"nodeCount": 5}, 6),
        ({"degree": 3}, 7),
        ({"degree": 1, "threshold": 2, "errors": 2, "nodeCount": 8}, 9),
        ({"errors": 0, "nodeCount": 3}, 4),
    ],
)
def test_post__fewer_nodes_than_decoding_needs__reverts(world: World, changes, needed):
    had = changes.get("nodeCount", NODES)
    with refused(world.settlement.TooFewNodes, had=had, needed=needed):
        post(world, **changes)


@pytest.mark.parametrize("offset", [MIN_WINDOW - 1, MAX_WINDOW + 1])
@pytest.mark.parametrize("name", ["acceptBy", "computeBy", "collectBy"])
def test_post__window_out_of_range__reverts(world: World, name, offset):
    start = world.now() + 5
    times = {"acceptBy": start + 100, "computeBy": start + 200, "collectBy": start + 300}
    previous = {"acceptBy": start, "computeBy": start + 100, "collectBy": start + 200}[name]
    times[name] = previous + offset
    world.at(start)
    with refused(
        world.settlement.TermOutOfRange,
        field=term_name(name),
        had=previous + offset,
        least=previous + MIN_WINDOW,
        most=previous + MAX_WINDOW,
    ):
        post(world, **times)


@pytest.mark.parametrize("window", [MIN_WINDOW, MAX_WINDOW])
def test_post__windows_at_their_bounds__are_taken(world: World, window):
    start = world.now() + 5
    world.at(start)
    times = (start + window, start + 2 * window, start + 3 * window)
    post(world, **dict(zip(("acceptBy", "computeBy", "collectBy"), times, strict=True)))


def test_post__node_list_of_another_length__reverts(world: World):
    with refused(world.settlement.NodeListLength, had=5, needed=6):
        post(world, nodes=world.nodes[:5])


def test_post__node_twice__reverts(world: World):
    first, provider = world.nodes[0], world.node_providers[0]
    nodes = [*world.nodes[:5], first]
    error = world.settlement.SameProvider
    with refused(error, nodeA=first, nodeB=first, provider=provider):
        post(world, nodes=nodes)


def test_post__two_nodes_of_one_provider__reverts(world: World, accounts):
    sibling, provider = accounts[25], world.node_providers[2]
    world.registry.admit(sibling, sender=provider)
    world.registry.registerServer(
        2, provider, keccak(b"key"), "https://127.0.0.1:1", (1, 1, 1, 1), sender=sibling
    )
    nodes = [*world.nodes[:5], sibling]
    error = world.settlement.SameProvider
    with refused(error, nodeA=world.nodes[2], nodeB=sibling, provider=provider):
        post(world, nodes=nodes)


def test_post__node_of_a_judges_provider__reverts(world: World, accounts):
    insider, provider = accounts[25], world.judge_providers[1]
    world.registry.admit(insider, sender=provider)
    world.registry.registerServer(
        2, provider, keccak(b"key"), "https://127.0.0.1:1", (1, 1, 1, 1), sender=insider
    )
    nodes = [*world.nodes[:5], insider]
    error = world.settlement.JudgesProvider
    with refused(error, node=insider, judge=world.judges[1], provider=provider):
        post(world, nodes=nodes)


def test_post__node_that_is_none__reverts(world: World, outsider):
    for stranger in (outsider, world.judges[0], world.node_providers[0], world.payer):
        with refused(world.settlement.NotAComputeNode, account=stranger):
            post(world, nodes=[*world.nodes[:5], stranger])


def test_post__judge_not_registered__reverts(world: World, project, accounts):
    judges = [*world.judges[:3], accounts[25]]
    enclaves = world.deployer.deploy(project.EnclaveManager, judges)
    settlement = world.deployer.deploy(
        project.Settlement,
        world.anchor,
        world.registry,
        enclaves,
        world.pool,
        world.guardian,
        LIMITS,
    )
    with refused(settlement.JudgeNotRegistered, judge=accounts[25]):
        settlement.post(1, ROOT, tuple(world.terms().values()), world.nodes, sender=world.payer)


def test_post__too_little_free__reverts_and_nothing_is_there(world: World):
    world.anchor.withdraw(world.payer, WEALTH - NODES * FEE + 1, sender=world.payer)
    error = world.anchor.FreeBalanceTooLow
    with refused(error, account=world.payer, had=NODES * FEE - 1, needed=NODES * FEE):
        post(world)
    assert world.job_phase(world.settlement.jobIdOf(world.payer, 1)) == "None"


def test_post__too_little_allowed__reverts(world: World):
    world.anchor.allowLocker(world.settlement, NODES * FEE - 1, sender=world.payer)
    with refused(
        world.anchor.AllowanceTooLow,
        account=world.payer,
        locker=world.settlement.address,
        had=NODES * FEE - 1,
        needed=NODES * FEE,
    ):
        post(world)


def test_deprecate__by_the_guardian__stops_new_jobs_and_keeps_exits(world: World):
    job = world.post()
    tx = world.settlement.deprecate(sender=world.guardian)
    assert [log.guardian for log in tx.decode_logs(world.settlement.SettlementDeprecated)] == [
        world.guardian
    ]
    assert world.settlement.isDeprecated()
    with refused(world.settlement.Deprecated):
        post(world, nonce=99)
    world.accept(job, 1)
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    with world.moves() as moved:
        world.settlement.cancelUnstarted(job, sender=world.outsider)
    assert moved == {"payer": NODES * FEE, "node 1": STAKE, "locked": -NODES * FEE - STAKE}


def test_deprecate__twice__reverts(world: World):
    world.settlement.deprecate(sender=world.guardian)
    with refused(world.settlement.Deprecated):
        world.settlement.deprecate(sender=world.guardian)


def test_deprecate__by_an_outsider__reverts(world: World, outsider):
    with refused(world.settlement.CallerWrong, had=outsider, needed=world.guardian):
        world.settlement.deprecate(sender=outsider)


LONGEST = 730 * 86400
LIMIT_CASES = [
    ("minFee", (9, 100, 10, 60, 60, 60), (9, 10, 100)),
    ("minFee", (101, 100, 10, 60, 60, 60), (101, 10, 100)),
    ("maxFee", (10, 2**96 // 128 + 1, 10, 60, 60, 60), (2**96 // 128 + 1, 10, (2**96 - 1) // 128)),
    ("minWindow", (10, 100, 0, 60, 60, 60), (0, 1, 60)),
    ("minWindow", (10, 100, 61, 60, 60, 60), (61, 1, 60)),
    ("judgeWindow", (10, 100, 10, 60, 0, 60), (0, 1, 2**40 - 1)),
    ("exitGrace", (10, 100, 10, 60, 60, 0), (0, 1, 2**40 - 1)),
    ("longestLock", (10, 100, 10, 60, 60, LONGEST), (LONGEST + 480, 1, LONGEST)),
]


@pytest.mark.parametrize(("name", "limits", "values"), LIMIT_CASES)
def test_deployment__limits_that_contradict__reverts(world: World, project, name, limits, values):
    had, least, most = values
    error = project.Settlement.LimitsInvalid
    with refused(error, field=term_name(name), had=had, least=least, most=most):
        deploy_settlement(world, project, pool=world.pool, limits=limits)


def test_deployment__jobs_as_long_as_stakes_stay__are_the_longest(world: World, project):
    """A provider's stake stays until the last complaint about any job that its node took."""
    limits = (10, 100, 10, 60, 60, UNBONDING - 480)
    settlement = deploy_settlement(world, project, pool=world.pool, limits=limits)
    assert tuple(settlement.limits()) == limits
    values = {"had": UNBONDING, "least": UNBONDING + 1, "most": 2**256 - 1}
    with refused(project.Settlement.LimitsInvalid, field=term_name("unbonding"), **values):
        deploy_settlement(world, project, pool=world.pool, limits=(*limits[:5], UNBONDING - 479))


def test_deployment__pool_that_cannot_withdraw__reverts(world: World, project):
    for pool in ("0x" + "00" * 20, world.anchor.address):
        with refused(project.Settlement.PoolInvalid, pool=pool):
            deploy_settlement(world, project, pool=pool, limits=LIMITS)


def deploy_settlement(world: World, project, pool, limits):
    return world.deployer.deploy(
        project.Settlement,
        world.anchor,
        world.registry,
        world.enclaves,
        pool,
        world.guardian,
        limits,
    )


def test_settlement__tells_what_it_was_deployed_with(world: World):
    settlement = world.settlement
    assert settlement.anchor() == world.anchor
    assert settlement.registry() == world.registry
    assert settlement.enclaves() == world.enclaves
    assert settlement.pool() == world.pool
    assert settlement.guardian() == world.guardian
    assert not settlement.isDeprecated()
    limits = settlement.limits()
    assert (limits.judgeWindow, limits.exitGrace) == (JUDGE_WINDOW, EXIT_GRACE)
