"""Deployed contracts with everybody registered, and one job, for the measurement of gas."""

from __future__ import annotations

from dataclasses import dataclass, field

from eth_utils.crypto import keccak
from tools.gas_lab import GasLab, key_of

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy_by
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens
from edgemark.identity.records import Role
from edgemark.identity.registration import Registration
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexView, Limits
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    compute_least_stake,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.contracts import (
    COMPUTE_NODE,
    ENCLAVE,
    OutsourcingContracts,
    draft_contracts,
)
from edgemark.token.plans import DEFAULT_MIN_STAKE, YEAR_S
from edgemark.token.records import Purpose

COIN = 10**18
WEALTH = 10**6 * COIN
LIMITS = Limits(
    min_fee=Tokens(12),
    max_fee=Tokens(10**6 * COIN),
    judge_floor=Tokens(1),
    judge_price=Tokens(10**12),
    min_window=2,
    max_window=86_400,
    judge_window=60,
    exit_grace=86_400,
)
WINDOW_S = 10_000  # of a job's three
ENDPOINT = "https://node.example.org:8443"
RESOURCES = Resources(4, 8192, 65_536, 1000)
CHARGED = ShareIndex(2)


@dataclass(frozen=True)
class Size:
    """How large a job is; `label` names it in the gas file."""

    nodes: int
    judges: int
    degree: int
    threshold: int
    errors: int

    @property
    def label(self) -> str:
        """m, e and the number of judges."""
        return f"m = {self.nodes}, e = {self.errors}, {self.judges} judges"


SMALL = Size(nodes=6, judges=4, degree=2, threshold=1, errors=1)
LARGEST = Size(nodes=64, judges=16, degree=1, threshold=15, errors=15)


@dataclass
class Market:
    """Deployed contracts with everybody registered and rich, and jobs of one size."""

    lab: GasLab
    size: Size
    nonce: int = 0
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        judges = tuple(key.address for key in self.judges)
        pool, guardian = self.key("pool").address, self.key("guardian").address
        owner = self.key("owner")
        groups = draft_contracts(owner.address, judges, pool, guardian, LIMITS)
        self.deployment = deploy_by(
            lambda name, *args: self.lab.make(self.size.label, owner, name, *args),
            self.lab.chain.chain_id,
            groups,
        )
        self.send("outsider", "Allocations", "release", int(Purpose.COMMUNITY))

    def key(self, role: str) -> SecretKey:
        """Somebody of this market."""
        return key_of(f"{role}, {self.size.label}")

    @property
    def nodes(self) -> list[SecretKey]:
        """Node of index j at position j - 1: in the order of their providers' addresses."""
        servers = [f"node {j}" for j in range(1, self.size.nodes + 1)]
        servers.sort(key=lambda server: int(self.key(f"provider of {server}").address, 16))
        return [self.key(server) for server in servers]

    @property
    def judges(self) -> list[SecretKey]:
        """All judges."""
        return [self.key(f"judge {j}") for j in range(1, self.size.judges + 1)]

    def contract(self, name: str) -> Contract:
        """One of the contracts."""
        return self.deployment.contract(name)

    def send(self, role: str, contract: str, function: str, *args: object) -> None:
        """A call that is not measured."""
        self.lab.send(self.key(role), self.contract(contract), function, *args)

    def measure(self, case: str, role: str, contract: str, function: str, *args: object) -> None:
        """A call that is."""
        self.lab.measure(case, self.key(role), self.contract(contract), function, *args)

    # --- settling in ---------------------------------------------------------------------------

    def settle_in(self) -> None:
        """Register everybody and fill the accounts of payer and nodes."""
        anchor = self.deployment.contracts["AssetAnchor"]
        self.send("owner", "MetaCoin", "approve", anchor, 2**255)
        for role, servers in ((COMPUTE_NODE, self.nodes), (ENCLAVE, self.judges)):
            name = "node" if role is COMPUTE_NODE else "judge"
            for j in range(1, len(servers) + 1):
                self.register(f"{name} {j}", role)
        self.send("payer", "ParticipantRegistry", "registerDevice")
        for key in (self.key("payer"), *self.nodes):
            self.enrich(key, "JobSettlement")

    def enrich(self, key: SecretKey, locker: str) -> None:
        """Free tokens, and a contract that may lock them."""
        anchor, allowed = self.contract("AssetAnchor"), self.deployment.contracts[locker]
        self.send("owner", "AssetAnchor", "deposit", key.address, WEALTH)
        self.lab.send(key, anchor, "allowLocker", allowed, WEALTH, self.lab.now() + YEAR_S)

    def register(self, server: str, role: Role) -> None:
        """A provider of its own admits a server, which registers."""
        provider, registry = f"provider of {server}", "ParticipantRegistry"
        self.send(provider, registry, "registerProvider", provider)
        self.enrich(self.key(provider), registry)
        self.send(provider, registry, "stake", DEFAULT_MIN_STAKE)
        self.send(provider, registry, "admit", self.key(server).address)
        wanted = self.server(provider, role, server)
        facts = (wanted.pin, wanted.endpoint, wanted.resources.as_abi())
        self.send(server, registry, "registerServer", int(role), wanted.provider, *facts)

    def server(self, provider: str, role: Role, server: str) -> Registration:
        """What a server says of itself."""
        pin = Hash32(keccak(text=f"TLS key of {server}"))
        return Registration(role, self.key(provider).address, pin, ENDPOINT, "", RESOURCES)

    # --- jobs ----------------------------------------------------------------------------------

    def terms(self) -> Terms:
        """Good terms from now on."""
        now, size = self.lab.now(), self.size
        fee, judge_fee = Tokens(10 * COIN), Tokens(3 * COIN)
        return Terms(
            function_hash=Hash32(keccak(b"F")),
            function_bytes=365_000,
            term_count=21_450,
            inputs=64,
            outputs=10,
            degree=size.degree,
            threshold=size.threshold,
            errors=size.errors,
            node_count=size.nodes,
            batch=20,
            share_bytes=compute_share_bytes(20, 64),
            job_key=self.key("payer").public_key,
            fee=fee,
            stake=Tokens(compute_least_stake(fee, size.nodes, size.errors)),
            judge_fee=judge_fee,
            accept_by=Timestamp(now + WINDOW_S),
            compute_by=Timestamp(now + 2 * WINDOW_S),
            collect_by=Timestamp(now + 3 * WINDOW_S),
        )


class Job:
    """One job of a market, whose steps are measured when they are given a case."""

    def __init__(self, market: Market, case: str = "") -> None:
        self.market = market
        self.silent: frozenset[int] = frozenset()
        market.nonce += 1
        self.root = Hash32(keccak(text=f"root {market.nonce}"))
        self.terms = market.terms()
        payer = market.key("payer")
        accounts = [key.address for key in market.nodes]
        settlement = market.deployment.contracts["JobSettlement"]
        chain_id = market.lab.chain.chain_id
        self.domain = SettlementDomain(chain_id, settlement)
        self.job: JobId = compute_job_id(chain_id, settlement, payer.address, market.nonce)
        posting = (market.nonce, self.root, self.terms.as_abi(), accounts)
        self.act(case, payer, "post", *posting)

    @property
    def indices(self) -> list[int]:
        """1 .. m."""
        return list(range(1, self.market.size.nodes + 1))

    def act(self, case: str, sender: SecretKey, function: str, *args: object) -> None:
        """A call of the Settlement, measured when it has a case."""
        contract = self.market.contract("JobSettlement")
        if case:
            self.market.lab.measure(case, sender, contract, function, *args)
        else:
            self.market.lab.send(sender, contract, function, *args)

    def accept(self, *indices: int, case: str = "") -> None:
        """Let the first of these nodes bring the acceptances of all, in one call."""
        nodes, terms = self.market.nodes, self.terms
        acceptances = []
        for index in indices:
            digest = self.domain.acceptance(
                self.job, ShareIndex(index), self.root, terms.hash, terms.stake, terms.accept_by
            )
            acceptances.append((index, terms.accept_by, nodes[index - 1].sign(digest)))
        named = [key.address for key in nodes]
        self.act(case, nodes[indices[0] - 1], "accept", self.job, named, acceptances)

    def start(self) -> Job:
        """Bring all acceptances."""
        self.accept(*self.indices)
        return self

    def commit(self, *indices: int, case: str = "") -> Job:
        """Commit; the last one is measured."""
        for index in indices:
            node = self.market.nodes[index - 1]
            commitment = keccak(text=f"commitment {index}")
            is_last = index == indices[-1]
            self.act(case if is_last else "", node, "commit", self.job, index, commitment)
        return self

    def charge(self, wrong: list[int], silent: list[int], case: str = "") -> Job:
        """File charges."""
        if silent:
            self.market.lab.wait_until(self.terms.compute_by + 1)
        self.silent = frozenset(silent)
        self.act(case, self.market.key("payer"), "charge", self.job, wrong, silent)
        return self

    def signatures(self, digest: Hash32) -> list[bytes]:
        """Of all judges, ascending by account: who brings a verdict brings every signature."""
        judges = sorted(self.market.judges, key=lambda key: int(key.address, 16))
        return [key.sign(digest) for key in judges]

    def charge_of(self, index: int) -> tuple[JobId, ShareIndex, Hash32, Address, ChargeKind]:
        """What both statements of judges name."""
        kind = ChargeKind.SILENT if index in self.silent else ChargeKind.WRONG
        node = self.market.nodes[index - 1].address
        return self.job, ShareIndex(index), self.root, node, kind

    def serve(self, index: int = CHARGED, case: str = "") -> Job:
        """Record that the judges hold the task."""
        signed = self.signatures(self.domain.served(*self.charge_of(index)))
        self.act(case, self.market.key("outsider"), "recordServed", self.job, index, signed)
        return self

    def judge(self, finding: Finding, index: int = CHARGED, case: str = "") -> None:
        """Record a verdict; a missing answer may be found only after the answer time."""
        signed = self.signatures(self.domain.verdict(*self.charge_of(index), finding))
        arguments = (self.job, index, int(finding), signed)
        self.act(case, self.market.key("outsider"), "recordVerdict", *arguments)

    def index(self) -> IndexView:
        """The charged index as the chain has it now."""
        lab = self.market.lab
        contract = SettlementContract(
            lab.chain,
            self.market.deployment,
            self.market.deployment.group(OutsourcingContracts).judges,
        )
        return contract.index(self.job, CHARGED, block="latest")

    def end(self, function: str, case: str, *args: object) -> None:
        """What anyone may call."""
        self.act(case, self.market.key("outsider"), function, *args)
