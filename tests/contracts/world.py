"""The people, the contracts and one job of six nodes, for the contract tests.

Everybody has a role, never a name. `World` sends the ordinary transactions, so that a test only
writes what is special about it; `refused` expects one custom error with exactly these values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from coincurve import PrivateKey, PublicKey
from eth_abi import decode
from eth_utils import keccak
from tests.contracts.states import Made, State
from tests.contracts.thrift import Refusal, read_numbers

FEE = 1003  # odd, so that every rounding shows; g from 251 to 334
JUDGE_FEE = 263  # 4 judges: 65 to each that signs; 3 and what the idle leave to the pool
STAKE = 7000  # > m * f / e = 6018, so that a conviction leaves something for the pool
NODES = 6
JUDGES = 4
DECIDING = 3  # judges
BOND = FEE + JUDGE_FEE

MIN_WINDOW = 10
MAX_WINDOW = 3600
JUDGE_WINDOW = 600
EXIT_GRACE = 5000
JUDGE_FLOOR, JUDGE_PRICE = 1, 0  # smallest units
LIMITS = (
    10,
    10**24,
    JUDGE_FLOOR,
    JUDGE_PRICE,
    MIN_WINDOW,
    MAX_WINDOW,
    JUDGE_WINDOW,
    EXIT_GRACE,
)
# From collectBy to the expiry of the locks: served, answered, judged, and the grace.
LOCK_TAIL = JUDGE_WINDOW + 2 * max(JUDGE_WINDOW, 2 * MAX_WINDOW) + EXIT_GRACE

ACCEPT_SECONDS = 300
COMPUTE_SECONDS = 1000
COLLECT_SECONDS = 2000

INDEX_PHASES = [
    "None",
    "Named",
    "Accepted",
    "Committed",
    "Charged",
    "Served",
    "Paid",
    "Unearned",
    "Convicted",
    "Refuted",
    "Answered",
    "Void",
    "Lapsed",
    "Released",
]
JOB_PHASES = ["None", "Posted", "Started", "Cancelled"]
WRONG, SILENT = 1, 2
EVERYBODY = tuple(range(1, NODES + 1))
FOUND_NONE, FOUND_RIGHT, FOUND_WRONG, FOUND_MISSING = 0, 1, 2, 3

MIN_STAKE = 10_007  # of a provider, who has just that
STAKED = MIN_STAKE * (NODES + JUDGES)
UNBONDING = 3 * MAX_WINDOW + LOCK_TAIL  # no complaint comes later
PAUSE = 900  # until who stopped counting by its provider's will counts again
COMPUTE_NODE, ENCLAVE = 16, 17  # roles
ALLOWED_SECONDS = 600 * 86_400  # how long allowances last here

SUPPLY = 10**27  # of MetaCoin, smallest units
OPERATION, EARLY, COMMUNITY, INCENTIVES = range(4)  # purposes of its parts
YEAR = 365 * 86_400
WEALTH = 10**9  # what every payer and node pays into the anchor
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@contextmanager
def refused(error: Any, **values: Any) -> Iterator[None]:
    """Expect that the next transaction reverts with this custom error and exactly these values.

    The data are those of the mined transaction at its own timestamp.
    """
    try:
        yield
    except Refusal as refusal:
        data = refusal.data
    else:
        raise AssertionError(f"not refused; expected {error.__name__} {values}")
    selector = keccak(text=error.abi.selector)[:4]
    assert data[:4] == selector, f"refused with {data.hex()}, not {error.abi.selector}"
    found = decode([entry.canonical_type for entry in error.abi.inputs], data[4:])
    assert {
        entry.name: _plain(value) for entry, value in zip(error.abi.inputs, found, strict=True)
    } == {name: _plain(value) for name, value in values.items()}


def refused_signers(world: World, digest: bytes, signatures: list[bytes]) -> Any:
    """Expect what the judges' contract says of signatures over something else than `digest`.

    They seem to come from accounts that are no judges, in any order.
    """
    signers = [signer_of(digest, signature) for signature in signatures]
    for previous, signer in pairwise(signers):
        if int(signer, 16) <= int(previous, 16):
            return refused(world.enclaves.SignersNotAscending, previous=previous, signer=signer)
    return refused(world.enclaves.NotAMember, signer=signers[0])


def _plain(value: Any) -> Any:
    """Accounts, contracts and bytes as lower-case hexadecimal; numbers and enums as numbers."""
    value = getattr(value, "address", value)
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    return value.lower() if isinstance(value, str) else int(value)


def plans_of(holder: Any, pool: Any) -> list[tuple[Any, ...]]:
    """How the supply vests: (beneficiary, amount, delay, duration, grace) by purpose."""
    tenth = SUPPLY // 10
    return [
        (holder, 2 * tenth, 0, 4 * YEAR, YEAR),
        (holder, 2 * tenth, YEAR, 3 * YEAR, YEAR),
        (holder, 3 * tenth, 0, 0, YEAR),
        (pool, 3 * tenth, 0, 8 * YEAR, YEAR),
    ]


def term_name(name: str) -> bytes:
    """A field name as the contracts report it."""
    return name.encode().ljust(32, b"\0")


def sign(account: Any, digest: bytes) -> bytes:
    """65 bytes (r, s, v) with low s and v in 27, 28."""
    key = account if isinstance(account, bytes) else bytes.fromhex(account.private_key[2:])
    made = PrivateKey(key).sign_recoverable(bytes(digest), hasher=None)
    return made[:64] + bytes([27 + made[64]])


def signer_of(digest: bytes, signature: bytes) -> str:
    """Account that a signature seems to come from; of another digest: nobody's account."""
    parts = signature[:64] + bytes([signature[64] - 27])
    key = PublicKey.from_signature_and_message(parts, bytes(digest), hasher=None)
    return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()


def twin_of(signature: bytes) -> bytes:
    """The other ECDSA signature of the same key and digest: s' = n - s, the parity flipped."""
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([27 + (28 - signature[64])])


def compact_of(signature: bytes) -> bytes:
    """The 64-byte form of ERC-2098."""
    s = int.from_bytes(signature[32:64], "big") | ((signature[64] - 27) << 255)
    return signature[:32] + s.to_bytes(32, "big")


@dataclass
class World:
    """Deployed contracts and the accounts in their roles."""

    chain: Any
    token: Any
    registry: Any
    anchor: Any
    enclaves: Any
    settlement: Any
    deployer: Any
    payer: Any
    outsider: Any
    pool: Any
    guardian: Any
    nodes: list[Any]
    node_providers: list[Any]
    judges: list[Any]
    judge_providers: list[Any]
    nonce: int = 0
    roles: dict[str, str] = field(default_factory=dict)
    named: dict[bytes, list[Any]] = field(default_factory=dict)  # nodes of each job
    made: dict[State, Made] = field(default_factory=dict)  # that no test has taken yet

    def __post_init__(self) -> None:
        self.roles = {"payer": str(self.payer), "pool": str(self.pool)}
        self.roles |= {f"node {j}": str(node) for j, node in enumerate(self.nodes, 1)}
        self.roles |= {f"judge {j}": str(judge) for j, judge in enumerate(self.judges, 1)}

    # Time. The next transaction is mined at exactly this second.

    def now(self) -> int:
        """Timestamp of the latest block."""
        return int(self.chain.blocks.head.timestamp)

    def at(self, timestamp: int) -> None:
        """Let the next block be at `timestamp`."""
        self.chain.pending_timestamp = timestamp

    # Terms.

    def terms(self, **changes: Any) -> dict[str, Any]:
        """Good terms from now on, with changes."""
        start = self.now()
        terms: dict[str, Any] = {
            "functionHash": keccak(b"F"),
            "functionBytes": 1000,
            "termCount": 21450,
            "inputs": 64,
            "outputs": 10,
            "degree": 2,
            "threshold": 1,
            "errors": 1,
            "nodeCount": NODES,
            "batch": 20,
            "shareBytes": 17 * (20 * 64 + 1),
            "jobKey": b"\x02" + keccak(b"job key"),
            "fee": FEE,
            "stake": STAKE,
            "judgeFee": JUDGE_FEE,
            "acceptBy": start + ACCEPT_SECONDS,
            "computeBy": start + ACCEPT_SECONDS + COMPUTE_SECONDS,
            "collectBy": start + ACCEPT_SECONDS + COMPUTE_SECONDS + COLLECT_SECONDS,
        }
        return terms | changes

    # The steps of a job, as the honest take them.

    def post(self, terms: dict[str, Any] | None = None, nodes: list[Any] | None = None) -> bytes:
        """Post a job and return its id."""
        self.nonce += 1
        named = nodes or self.nodes
        self.settlement.post(
            self.nonce,
            keccak(b"root"),
            tuple((terms or self.terms()).values()),
            named,
            sender=self.payer,
        )
        job = bytes(self.settlement.jobIdOf(self.payer, self.nonce))
        self.named[job] = list(named)
        return job

    def acceptance(
        self, job: bytes, index: int, valid_until: int | None = None, signer: Any = None
    ) -> tuple[int, int, bytes]:
        """What the contract takes as the acceptance by the node of `index` (or by `signer`)."""
        until = self.settlement.jobOf(job).acceptBy if valid_until is None else valid_until
        digest = self.settlement.acceptanceDigest(job, index, until)
        return index, until, sign(signer or self.named[job][index - 1], digest)

    def acceptances(self, job: bytes, *indices: int) -> list[tuple[int, int, bytes]]:
        """Those of several indices, valid until the last second; their digests in one request."""
        until = self.settlement.jobOf(job).acceptBy
        data = self.settlement.acceptanceDigest.encode_input
        digests = read_numbers(self.settlement, [data(job, index, until) for index in indices])
        return [
            (index, until, sign(self.named[job][index - 1], digest.to_bytes(32, "big")))
            for index, digest in zip(indices, digests, strict=True)
        ]

    def bring(self, job: bytes, *acceptances: tuple[int, int, bytes]) -> Any:
        """Let an outsider bring acceptances, in one call."""
        nodes = self.named.get(job, self.nodes)
        return self.settlement.accept(job, nodes, list(acceptances), sender=self.outsider)

    def accept(self, job: bytes, *indices: int) -> Any:
        """Bring the acceptances of these indices."""
        return self.bring(job, *self.acceptances(job, *indices))

    def start(self, nodes: list[Any] | None = None, **changes: Any) -> bytes:
        """Post a job and bring all acceptances."""
        job = self.post(self.terms(**changes), nodes)
        self.accept(job, *range(1, len(self.named[job]) + 1))
        return job

    def commit(self, job: bytes, *indices: int) -> None:
        """Commit for these indices."""
        for index in indices:
            commitment = keccak(b"commitment %d" % index)
            self.settlement.commit(job, index, commitment, sender=self.named[job][index - 1])

    def allow(self, account: Any, locker: Any, amount: int) -> None:
        """Let a locker lock as much of an account, for as long as any test lasts."""
        until = self.now() + ALLOWED_SECONDS
        self.anchor.allowLocker(locker, amount, until, sender=account)

    def started(self, *, committed: tuple[int, ...] = ()) -> bytes:
        """A running job in which these indices have committed."""
        if found := self.made.pop(State(committed), None):
            return found.job
        bare = self.made.pop(State(), None)
        job = bare.job if bare else self.start()
        self.commit(job, *committed)
        return job

    def charge(self, job: bytes, wrong: tuple[int, ...] = (), silent: tuple[int, ...] = ()) -> Any:
        """Charge; for silent ones from the first second it is allowed."""
        if silent:
            self.at(max(self.settlement.jobOf(job).computeBy, self.now()) + 1)
        return self.settlement.charge(job, list(wrong), list(silent), sender=self.payer)

    def charged_wrong(self, index: int = 2) -> bytes:
        """A job of which all indices have committed and one is charged as wrong."""
        if found := self.made.pop(State(EVERYBODY, index), None):
            return found.job
        job = self.started(committed=EVERYBODY)
        self.charge(job, wrong=(index,))
        return job

    def charged_silent(self, index: int = 2, committed: tuple[int, ...] | None = None) -> bytes:
        """A job of which all indices (or these) have committed and one is charged as silent."""
        job = self.started(committed=EVERYBODY if committed is None else committed)
        self.charge(job, silent=(index,))
        return job

    def signatures(self, digest: bytes, signers: list[Any] | None = None) -> list[bytes]:
        """Signatures in the order the contract wants, of k judges unless said otherwise."""
        signers = self.judges[:DECIDING] if signers is None else signers
        ordered = sorted(signers, key=lambda judge: int(str(judge), 16))
        return [sign(judge, digest) for judge in ordered]

    def serve(self, job: bytes, index: int) -> Any:
        """Record that the judges hold the task."""
        signatures = self.signatures(self.settlement.servedDigest(job, index))
        return self.settlement.recordServed(job, index, signatures, sender=self.outsider)

    def judge(self, job: bytes, index: int, finding: int, signers: list[Any] | None = None) -> Any:
        """Record a verdict, of as many judges as decide unless said otherwise."""
        signatures = self.signatures(self.settlement.verdictDigest(job, index, finding), signers)
        return self.settlement.recordVerdict(job, index, finding, signatures, sender=self.outsider)

    # Reading.

    def phase(self, job: bytes, index: int) -> str:
        """Name of the phase of an index."""
        return INDEX_PHASES[self.settlement.indexOf(job, index).phase]

    def job_phase(self, job: bytes) -> str:
        """Name of the phase of a job."""
        return JOB_PHASES[self.settlement.jobOf(job).phase]

    def free(self) -> dict[str, int]:
        """Free balance of everybody in the anchor, and all that is locked; read in one request."""
        data = self.anchor.freeBalanceOf.encode_input
        calls = {role: data(account) for role, account in self.roles.items()}
        calls["locked"] = self.anchor.totalLocked.encode_input()
        books = dict(zip(calls, read_numbers(self.anchor, list(calls.values())), strict=True))
        return books | {"locked": books["locked"] - STAKED}

    def place(self, job: bytes, place: int) -> tuple[Any, int]:
        """Owner and amount of a place of the job's lock; place 0 is the payer's."""
        owner, amount = self.anchor.placeOf(self.settlement, job, place)
        return owner, int(amount)

    def locked(self) -> int:
        """All that is locked for the jobs of a test."""
        put_by = sum(made.locked for made in self.made.values())
        return int(self.anchor.totalLocked()) - STAKED - put_by

    @contextmanager
    def moves(self) -> Iterator[dict[str, int]]:
        """Yield a dictionary that holds, after the block, what each balance gained or lost."""
        before: dict[str, int] = self.free()
        moved: dict[str, int] = {}
        yield moved
        after = self.free()
        moved.update(
            {role: after[role] - was for role, was in before.items() if after[role] != was}
        )
        assert sum(after.values()) == sum(before.values()), "tokens appeared or vanished"

    def assert_books_close(self) -> None:
        """Counters equal the sums, and the anchor holds at least what it owes."""
        owed = self.anchor.totalFree() + self.anchor.totalLocked()
        assert self.token.balanceOf(self.anchor) >= owed


def per_judge(amount: int = JUDGE_FEE, signers: int = DECIDING) -> dict[str, int]:
    """What the judges that signed (the first ones) and the pool get of a judges' fee."""
    shares = {f"judge {j}": amount // JUDGES for j in range(1, signers + 1)}
    return {
        role: share
        for role, share in (shares | {"pool": amount - sum(shares.values())}).items()
        if share
    }
