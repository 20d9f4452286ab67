"""Every state-changing function of the contracts, as the honest call it: first, again, at the caps.

The caps are m = 64 nodes, e = 15 errors (t = 15, d = 1) and 16 judges.
A function that no step measures is missing from the gas file, and a test says so.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from eth_utils.crypto import keccak
from tools.gas_lab import GasLab, key_of
from tools.gas_market import CHARGED, COIN, LARGEST, LIMITS, SMALL, WINDOW_S, Job, Market

from edgemark.deployment.deployment import deploy_by
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.statements import RegistryDomain
from edgemark.party.evm.contracts import DidContracts
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.token.plans import DEFAULT_MIN_STAKE, YEAR_S
from edgemark.token.records import Purpose
from edgemark.token.statements import TokenDomain


def run(lab: GasLab) -> Market:
    """The whole scenario; answers the market of the small jobs."""
    small, largest = Market(lab, SMALL), Market(lab, LARGEST)
    small.settle_in()
    run_registry(small)
    largest.settle_in()
    run_token(small)
    run_anchor(small)
    for market in (small, largest):
        run_jobs(market)
    run_batch_of_claims(small)
    small.measure("", "guardian", "JobSettlement", "deprecate")
    run_allocations(small)
    run_identities(lab)
    run_systems(lab)
    return small


def run_systems(lab: GasLab) -> None:
    """The contracts of each system that has a scenario of its own, `gas_of_NAME`."""
    for path in sorted(Path(__file__).parent.glob("gas_of_*.py")):
        import_module(f"tools.{path.stem}").run(lab)


def run_registry(market: Market) -> None:
    """Everybody's first words, and how they leave."""
    registry = "ParticipantRegistry"
    market.measure("", "some device", registry, "registerDevice")
    market.measure("", "some provider", registry, "registerProvider", "Some Provider Ltd")
    market.enrich(market.key("some provider"), registry)
    market.measure("first", "some provider", registry, "stake", DEFAULT_MIN_STAKE)
    market.measure("again", "some provider", registry, "stake", DEFAULT_MIN_STAKE)
    server = market.key("some node").address
    market.measure("", "some provider", registry, "admit", server)
    wanted = market.server("some provider", COMPUTE_NODE, "some node")
    facts = (wanted.pin, wanted.endpoint, wanted.resources.as_abi())
    role_and_provider = (int(wanted.role), wanted.provider)
    market.measure("", "some node", registry, "registerServer", *role_and_provider, *facts)
    market.measure("", "some node", registry, "updateServer", *facts)
    run_signed_registrations(market)
    market.measure("", "some provider", registry, "dismiss", server)
    market.measure("", "some node", registry, "retire")
    market.measure("", "some provider", registry, "unstake")
    organisation = market.key("some provider").address
    with market.lab.undone():
        market.lab.wait_until(market.lab.now() + LIMITS.longest_job_s + 1)
        market.measure("", "outsider", registry, "releaseStake", organisation)


def run_signed_registrations(market: Market) -> None:
    """What others may send for a participant."""
    name, lab = "ParticipantRegistry", market.lab
    registry = market.contract(name)
    domain = RegistryDomain(lab.chain.chain_id, registry.address)
    deadline = Timestamp(lab.now() + WINDOW_S)
    signer, successor = market.key("some signer"), market.key("some successor")
    market.send("some provider", name, "admit", signer.address)
    wanted = market.server("some provider", COMPUTE_NODE, "some signer")
    signed = wanted.sign(signer, domain, 0, deadline)
    arguments = (signer.address, signed.as_abi(), deadline, signed.signature)
    market.measure("", "outsider", name, "registerSigned", *arguments)
    given = signer.sign(domain.succession(signer.address, successor.address, 1, deadline))
    market.measure("", "some successor", name, "succeed", signer.address, deadline, given)
    market.measure("", "some successor", name, "revokeSignatures")


def run_identities(lab: GasLab) -> None:
    """One identity, sent and signed, until it is deactivated; and another's end."""
    owner = key_of("owner of an identity")
    kind, name = encode_name("veriKey"), encode_name("did/svc/Files")
    made = deploy_by(partial(lab.make, "", owner), lab.chain.chain_id, (DidContracts(),))
    registry = made.contract("DidRegistry")
    me, delegate, heir = owner.address, key_of("delegate").address, key_of("heir").address
    value, ends = b"https://files.example", (kind, delegate)
    for case in ("first", "again"):
        lab.measure(case, owner, registry, "addDelegate", me, *ends, YEAR_S)
        lab.measure(case, owner, registry, "setAttribute", me, name, value, YEAR_S)
    lab.measure("2,048 bytes", owner, registry, "setAttribute", me, name, b"\1" * 2048, YEAR_S)
    lab.measure("", owner, registry, "revokeAttribute", me, name, value)
    lab.measure("", owner, registry, "revokeDelegate", me, *ends)
    lab.measure("", owner, registry, "revokeSignatures", me)
    deadline = lab.now() + YEAR_S
    signed: tuple[tuple[str, str, tuple[object, ...]], ...] = (
        ("addDelegate", "delegateAddition", (*ends, deadline)),
        ("revokeDelegate", "delegateRevocation", ends),
        ("setAttribute", "attributeSetting", (name, value, deadline)),
        ("revokeAttribute", "attributeRevocation", (name, value)),
        ("changeOwner", "ownerChange", (heir,)),
        ("deactivate", "deactivation", ()),
    )
    for function, digest, arguments in signed:
        with lab.undone():
            asked = (me, *arguments, deadline)
            if function == "revokeDelegate":
                lab.send(owner, registry, "addDelegate", me, *ends, YEAR_S)
            found = lab.chain.call(registry, f"{digest}Digest", *asked, block="latest")
            signature = owner.sign(Hash32(found))
            sender = key_of("outsider")
            lab.measure("", sender, registry, f"{function}BySignature", *asked, signature)
    lab.measure("", owner, registry, "changeOwner", me, heir)
    lab.measure("", key_of("heir"), registry, "deactivate", me)


def run_allocations(market: Market) -> None:
    """A part of the supply, from its first release to its lapse."""
    operation = int(Purpose.OPERATION)
    heiress = market.key("new owner").address
    for case in ("first", "again"):
        market.lab.wait_until(market.lab.now() + YEAR_S)
        market.measure(case, "outsider", "Allocations", "release", operation)
    market.measure("", "owner", "Allocations", "offer", operation, heiress)
    market.measure("", "new owner", "Allocations", "takeOver", operation)
    market.lab.wait_until(market.lab.now() + 10 * YEAR_S)
    market.measure("", "outsider", "Allocations", "lapse", operation)


def run_token(market: Market) -> None:
    """Transfers to accounts that hold nothing yet, and to others."""
    friend, spender = market.key("friend"), market.key("spender")
    for case, value in (("first", COIN), ("again", 2 * COIN)):
        market.measure(case, "owner", "MetaCoin", "transfer", friend.address, value)
        market.measure(case, "owner", "MetaCoin", "approve", spender.address, 5 * value)
        market.measure(
            case,
            "spender",
            "MetaCoin",
            "transferFrom",
            market.key("owner").address,
            market.key("another friend").address,
            value,
        )
    for case, nonce in (("first", 0), ("again", 1)):
        permit = sign_permit(market, "friend", spender.address, nonce)
        market.measure(case, "outsider", "MetaCoin", "permit", *permit)
    anchor = market.deployment.contracts["AssetAnchor"]
    _, _, amount, *rest = sign_permit(market, "friend", anchor, 2)
    market.measure("", "friend", "AssetAnchor", "depositWithPermit", friend.address, amount, *rest)


def sign_permit(market: Market, owner: str, spender: Address, nonce: int) -> tuple[object, ...]:
    """A permit (ERC-2612), as the token takes it."""
    key = market.key(owner)
    deadline, value = Timestamp(market.lab.now() + WINDOW_S), Tokens(COIN // 2 + nonce)
    domain = TokenDomain(market.lab.chain.chain_id, market.deployment.contracts["MetaCoin"])
    signed = key.sign(domain.permit(key.address, spender, value, nonce, deadline))
    parts = (signed[64], signed[:32], signed[32:64])
    return (key.address, spender, value, deadline, *parts)


def run_anchor(market: Market) -> None:
    """One account, and one locker that is no contract."""
    anchor, saver, locker = "AssetAnchor", "saver", market.key("locker").address
    account, payee = market.key(saver).address, market.key("payee").address
    until = market.lab.now() + YEAR_S
    for case, amount in (("first", 100 * COIN), ("again", 200 * COIN)):
        market.measure(case, "owner", anchor, "deposit", account, amount)
        market.measure(case, saver, anchor, "allowLocker", locker, amount, until)
    market.measure("", "outsider", anchor, "allowLockerSigned", *sign_allowance(market, saver))
    market.measure("", saver, anchor, "revokeSignatures")
    market.measure("part", saver, anchor, "withdraw", account, COIN)
    market.measure("", saver, anchor, "move", market.key("friend").address, COIN)
    expiry = market.lab.now() + WINDOW_S
    for case in ("first", "again"):
        subject = keccak(text=f"plain lock, {case}")
        market.measure(case, "locker", anchor, "lock", subject, account, COIN, expiry)
    market.measure("", "locker", anchor, "increase", subject, 0, COIN)
    market.measure("", "locker", anchor, "renew", subject, expiry + 1)
    market.measure("a part, first", "locker", anchor, "pay", subject, 0, payee, COIN // 2)
    market.measure("the rest, again", "locker", anchor, "pay", subject, 0, payee, 3 * COIN // 2)
    run_group(market, account, payee)
    market.lab.wait_until(market.lab.now() + 2 * WINDOW_S)
    left = keccak(text="plain lock, first")
    market.measure("", "outsider", anchor, "expire", locker, left, 0)


def run_group(market: Market, account: Address, payee: Address) -> None:
    """A group of two equal stakes beside the first place."""
    anchor, group = "AssetAnchor", keccak(text="group")
    expiry = market.lab.now() + WINDOW_S
    market.measure("", "locker", anchor, "openGroup", group, account, COIN, expiry)
    fills = [(1, account), (2, account)]
    market.measure("two places", "locker", anchor, "fillMany", group, fills, COIN)
    payments = [(place, payee, COIN) for place in (1, 2)]
    market.measure("two whole places", "locker", anchor, "payMany", group, payments)


def sign_allowance(market: Market, owner: str) -> tuple[object, ...]:
    """An allowance that anyone may bring, as the anchor takes it."""
    key, locker = market.key(owner), market.key("locker").address
    until = Timestamp(market.lab.now() + YEAR_S)
    amount = Tokens(200 * COIN)
    contract = market.contract("AssetAnchor")
    digest = market.lab.chain.call(
        contract, "allowanceDigest", key.address, locker, amount, until, block="latest"
    )
    return key.address, locker, amount, until, key.sign(Hash32(digest))


def run_jobs(market: Market) -> None:
    """One job from its posting on, and from each of its states every way that leads on."""
    lab, label = market.lab, market.size.label
    job = Job(market, f"{label}, first")
    with lab.undone():
        Job(market, f"{label}, again").accept(*job.indices, case=f"{label}, all in one call")
    job.accept(1, case=f"{label}, its own alone, first")
    job.accept(*job.indices[1:-1])
    with lab.undone():
        lab.wait_until(job.terms.accept_by + 1)
        job.end("cancelUnstarted", f"{label}, one acceptance missing", job.job)
    job.accept(job.indices[-1], case=f"{label}, its own alone, the last starts the job")
    run_exits(job, f"{label}, none committed")
    job.commit(*job.indices, case=label)
    run_exits(job, f"{label}, all committed")
    run_charges(job, label)
    with lab.undone():
        job.act(f"{label}, one index", market.key("payer"), "approve", job.job, [1])
    job.act(f"{label}, all", market.key("payer"), "approve", job.job, job.indices)


def run_exits(job: Job, case: str) -> None:
    """What anyone ends when payer and nodes are gone."""
    lab = job.market.lab
    for function, arguments in (("collect", (job.job, job.indices)), ("claim", ([job.job],))):
        with lab.undone():
            lab.wait_until(job.terms.collect_by + 1)
            job.end(function, case, *arguments)


def run_charges(job: Job, label: str) -> None:
    """Every end of a charge; as many charges at once as there may be."""
    lab = job.market.lab
    most = list(range(CHARGED, CHARGED + job.market.size.errors))
    with lab.undone():
        job.charge(most, [], f"{label}, wrong")
        with lab.undone():
            lab.wait_until(job.index().served_by + 1)
            job.end("voidCharge", label, job.job, CHARGED)
        job.serve(case=f"{label}, wrong")
        for finding, case in ((Finding.WRONG, "wrong"), (Finding.RIGHT, "refuted")):
            with lab.undone():
                job.judge(finding, case=f"{label}, {case}")
        lab.wait_until(job.index().verdict_by + 1)
        job.end("lapseCharge", label, job.job, CHARGED)
    with lab.undone():
        job.charge([], most, f"{label}, silent").serve(case=f"{label}, silent")
        with lab.undone():
            job.judge(Finding.RIGHT, case=f"{label}, answered")
        lab.wait_until(job.index().answer_by + 1)
        job.judge(Finding.MISSING, case=f"{label}, missing")


def run_batch_of_claims(market: Market) -> None:
    """As many small jobs as one claim takes."""
    count = LARGEST.nodes // market.size.nodes
    jobs = [Job(market).start() for _ in range(count)]
    market.lab.wait_until(jobs[-1].terms.collect_by + 1)
    case = f"{count} jobs of m = {market.size.nodes}, none committed"
    jobs[0].end("claim", case, [job.job for job in jobs])
