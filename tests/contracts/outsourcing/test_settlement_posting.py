"""Posting a job: terms, nodes, deposit."""

from __future__ import annotations

import pytest
from eth_abi import encode
from eth_utils import keccak
from tests.contracts.conftest import deploy_settlement
from tests.contracts.world import (
    COMPUTE_NODE,
    FEE,
    JUDGE_FEE,
    LIMITS,
    LOCK_TAIL,
    MAX_WINDOW,
    MIN_WINDOW,
    NODES,
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
    assert (entry.accepted, entry.charged, entry.startedAt) == (0, 0, 0)
    assert entry.postedBlock == world.chain.blocks.head.number
    assert entry.phases == 0x111111  # Named, six times
    assert entry.judgeFee == JUDGE_FEE
    assert entry.root == ROOT
    assert entry.termsHash == world.settlement.hashTerms(tuple(terms.values()))
    assert world.job_phase(job) == "Posted"
    words = b"".join(bytes.fromhex(str(node)[2:]).rjust(32, b"\0") for node in world.nodes)
    assert entry.nodesHash == keccak(words)
    assert world.place(job, 0) == (world.payer, NODES * FEE)
    expires_at, is_group = world.anchor.lockOf(world.settlement, job)
    assert (expires_at, is_group) == (terms["collectBy"] + LOCK_TAIL, True)
    for index in range(1, NODES + 1):
        seat = world.settlement.indexOf(job, index)
        assert (seat.node, seat.committed) == ("0x" + "00" * 20, False)
        assert world.phase(job, index) == "Named"
    for index in (0, NODES + 1, 2**256 - 1):
        assert world.phase(job, index) == "None"


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
    world.allow(world.outsider, world.settlement, WEALTH)
    post(world, nonce=3, sender=world.outsider)
    first = world.settlement.jobIdOf(world.payer, 3)
    second = world.settlement.jobIdOf(world.outsider, 3)
    assert first != second
    assert world.settlement.jobOf(second).payer == world.outsider


VALUES = (257 * 1024, 1, 2**18)  # of what a node or the device has to take
PRODUCTS = (17 * 2**24, 1, 2**28)  # of what a judge has to compute
SIXTEEN = {"nodeCount": 17}  # nodes are too many for the largest batch of 64 inputs

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
    ("inputValues", {"batch": 4096, "inputs": 65, "shareBytes": 17 * 266241}, (266240, 1, 2**18)),
    ("outputValues", {"batch": 257, "outputs": 1024, "inputs": 1, "shareBytes": 17 * 258}, VALUES),
    ("jobValues", {"batch": 4096, "shareBytes": 17 * 262145, **SIXTEEN}, (17 * 2**18, 0, 2**22)),
    ("products", {"batch": 17, "termCount": 2**24, "shareBytes": 17 * 1089}, PRODUCTS),
    ("threshold", {"threshold": 0, "errors": 0}, (0, 1, 64)),
    ("errors", {"errors": 2}, (2, 1, 1)),
    ("errors", {"errors": 0}, (0, 1, 1)),
    ("nodeCount", {"nodeCount": 65}, (65, 1, 64)),
    ("nodeCount", {"nodeCount": 0}, (0, 1, 64)),
    ("jobKey", {"jobKey": b"\x02" * 32}, (32, 33, 33)),
    ("jobKey", {"jobKey": b""}, (0, 33, 33)),
    ("jobKeyPrefix", {"jobKey": b"\x04" + b"\x01" * 32}, (4, 2, 3)),
    ("jobKeyPrefix", {"jobKey": b"\x01" + b"\x01" * 32}, (1, 2, 3)),
    ("fee", {"fee": 9}, (9, 10, 10**24)),
    ("fee", {"fee": 10**24 + 1}, (10**24 + 1, 10, 10**24)),
    ("judgeFee", {"judgeFee": 0}, (0, 251, 334)),
    ("judgeFee", {"judgeFee": 250}, (250, 251, 334)),  # f / 4 = 250.75
    ("judgeFee", {"judgeFee": 335}, (335, 251, 334)),  # f / 3 = 334.33
    ("judgeFee", {"fee": 1004, "judgeFee": 250}, (250, 251, 334)),
    ("judgeFee", {"fee": 1005, "judgeFee": 336}, (336, 252, 335)),
    ("stake", {"stake": 6 * FEE - 1}, (6 * FEE - 1, 6 * FEE, 2**96 - 1)),
]


@pytest.mark.parametrize(("name", "changes", "values"), TERM_CASES)
def test_post__term_out_of_range__reverts_with_its_bounds(world: World, name, changes, values):
    had, least, most = values
    error = world.settlement.OutOfBounds
    with refused(error, field=term_name(name), had=had, least=least, most=most):
        post(world, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"functionBytes": 1, "termCount": 1},
        {"inputs": 2000, "shareBytes": 17 * (20 * 2000 + 1)},
        {"inputs": 2000, "batch": 131, "shareBytes": 17 * (131 * 2000 + 1)},
        {"inputs": 1, "shareBytes": 17 * 21},
        {"functionBytes": 2**26, "termCount": 2**24, "batch": 16, "shareBytes": 17 * 1025},
        {"outputs": 1024, "batch": 256, "shareBytes": 17 * (256 * 64 + 1)},
        {"batch": 4096, "shareBytes": 17 * (4096 * 64 + 1)},
        {"jobKey": b"\x03" + b"\x01" * 32},
        {"fee": 10, "judgeFee": 3, "stake": 60},
        {"judgeFee": 251},
        {"judgeFee": 334},
        {"stake": 6 * FEE},
    ],
)
def test_post__terms_at_their_bounds__are_taken(world: World, changes):
    post(world, **changes)
    assert world.job_phase(world.settlement.jobIdOf(world.payer, 1)) == "Posted"


@pytest.mark.parametrize(
    ("floor", "price", "least"),
    [(300, 0, 300), (0, 1, 252), (300, 1, 552), (0, 2, 504), (251, 0, 251), (252, 0, 252)],
)
def test_post__judges_fee__is_no_less_than_the_price_of_the_work(
    world: World, project, floor, price, least
):
    """A charge that makes judges work for hours must not cost one unit."""
    limits = (10, 10**24, floor, price, *LIMITS[4:])
    settlement = deploy_settlement(world, project, limits)
    world.allow(world.payer, settlement, WEALTH)
    fee = 1003 if least <= 334 else 3 * least
    least = max(least, (fee + 3) // 4)
    changes = {"fee": fee, "stake": 6 * fee, "termCount": 21, "batch": 12}  # 252 products
    changes["shareBytes"] = 17 * (12 * 64 + 1)
    low = tuple(world.terms(**changes, judgeFee=least - 1).values())
    bounds = {"had": least - 1, "least": least, "most": fee // 3}
    with refused(settlement.OutOfBounds, field=term_name("judgeFee"), **bounds):
        settlement.post(1, ROOT, low, world.nodes, sender=world.payer)
    terms = tuple(world.terms(**changes, judgeFee=least).values())
    settlement.post(1, ROOT, terms, world.nodes, sender=world.payer)


def test_post__fee_too_small_for_the_work__has_no_judges_fee(world: World, project):
    limits = (10, 10**24, 400, 0, *LIMITS[4:])
    settlement = deploy_settlement(world, project, limits)
    terms = tuple(world.terms(judgeFee=334).values())
    bounds = {"had": 334, "least": 400, "most": 334}
    with refused(settlement.OutOfBounds, field=term_name("judgeFee"), **bounds):
        settlement.post(1, ROOT, terms, world.nodes, sender=world.payer)


def test_post__stake_bound__rounds_up(world: World):
    # m * f / e with t = e = 2, d = 1, m = 9: 9 * 1003 / 2 = 4513.5
    error = world.settlement.OutOfBounds
    changes = {"degree": 1, "threshold": 2, "errors": 2, "nodeCount": 9}
    with refused(error, field=term_name("stake"), had=4513, least=4514, most=2**96 - 1):
        post(world, stake=4513, **changes)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"nodeCount": 5}, 6),
        ({"degree": 3}, 7),
        ({"degree": 1, "threshold": 2, "errors": 2, "nodeCount": 8}, 9),
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
        world.settlement.OutOfBounds,
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


@pytest.mark.parametrize("count", [0, NODES - 1, NODES + 1])
def test_post__node_list_of_another_length__reverts(world: World, count):
    nodes = [*world.nodes, world.nodes[0]][:count]
    with refused(world.settlement.NodeListLength, had=count, needed=NODES):
        post(world, nodes=nodes)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (4, 5), (0, 5), (2, 4)])
def test_post__nodes_not_in_the_order_of_their_providers__reverts(world: World, first, second):
    order = list(range(NODES))
    order[first], order[second] = order[second], order[first]
    low = next(place for place in range(1, NODES) if order[place] < order[place - 1])
    with refused(
        world.settlement.NodesNotAscending,
        node=world.nodes[order[low]],
        previousProvider=world.node_providers[order[low - 1]],
        provider=world.node_providers[order[low]],
    ):
        post(world, nodes=[world.nodes[place] for place in order])


@pytest.mark.parametrize("place", [1, 5])
def test_post__node_twice__reverts(world: World, place):
    node, provider = world.nodes[place - 1], world.node_providers[place - 1]
    nodes = [*world.nodes[:place], node, *world.nodes[place + 1 :]]
    error = world.settlement.SameProvider
    with refused(error, nodeA=node, nodeB=node, provider=provider):
        post(world, nodes=nodes)


def test_post__two_nodes_of_one_provider__reverts(world: World, accounts):
    sibling, provider = accounts[25], world.node_providers[2]
    world.registry.admit(sibling, sender=provider)
    world.registry.registerServer(
        COMPUTE_NODE, provider, keccak(b"key"), "https://127.0.0.1:1", (1, 1, 1, 1), sender=sibling
    )
    nodes = [*world.nodes[:3], sibling, *world.nodes[4:]]
    error = world.settlement.SameProvider
    with refused(error, nodeA=world.nodes[2], nodeB=sibling, provider=provider):
        post(world, nodes=nodes)


def test_post__node_of_a_judges_provider__reverts(world: World, accounts):
    insider, provider = accounts[25], world.judge_providers[1]
    world.registry.admit(insider, sender=provider)
    world.registry.registerServer(
        COMPUTE_NODE, provider, keccak(b"key"), "https://127.0.0.1:1", (1, 1, 1, 1), sender=insider
    )
    pairs = [*zip(world.nodes[:5], world.node_providers, strict=False), (insider, provider)]
    nodes = [node for node, _ in sorted(pairs, key=lambda pair: int(str(pair[1]), 16))]
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
    settlement = deploy_settlement(world, project, enclaves=enclaves)
    with refused(settlement.JudgeNotRegistered, judge=accounts[25]):
        settlement.post(1, ROOT, tuple(world.terms().values()), world.nodes, sender=world.payer)


def test_post__too_little_free__reverts_and_nothing_is_there(world: World):
    world.anchor.withdraw(world.payer, WEALTH - NODES * FEE + 1, sender=world.payer)
    error = world.anchor.FreeBalanceTooLow
    with refused(error, account=world.payer, had=NODES * FEE - 1, needed=NODES * FEE):
        post(world)
    assert world.job_phase(world.settlement.jobIdOf(world.payer, 1)) == "None"


def test_post__too_little_allowed__reverts(world: World):
    world.allow(world.payer, world.settlement, NODES * FEE - 1)
    with refused(
        world.anchor.AllowanceTooLow,
        account=world.payer,
        locker=world.settlement.address,
        had=NODES * FEE - 1,
        needed=NODES * FEE,
    ):
        post(world)
