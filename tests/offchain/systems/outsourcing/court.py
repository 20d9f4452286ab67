"""A real chain with the people of `cast.py` on it, whose jobs are walked through step by step.

No server runs: the test signs for everybody and lets chain time pass, so that a whole job with all
its deadlines takes a fraction of a second. Shares, answers and signatures are real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.offchain.systems.outsourcing.cast import (
    JUDGE_ADDRESSES,
    JUDGES,
    LIMITS,
    NODES,
    OUTSIDER,
    PAYER,
    POOL,
    WEALTH,
    WISH,
    commitment_to,
    dense_function,
    key_of_role,
    lie_about_values,
    right_outputs,
    seeded,
    sign_answer,
)

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens
from edgemark.identity.registry import ParticipantRegistry
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call, intent_of
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import Transaction
from edgemark.party.evm.contracts import DEFAULT_STAKING
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import Venue, draft_order
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.messages import Acceptance, Answer
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, ENCLAVE, draft_contracts
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import JobStory
from edgemark.token.metacoin import MetaCoin

MIN_STAKE = DEFAULT_STAKING.min_stake
GAS, GAS_PRICE = 8_000_000, 10**10
GAS_WEI = 10**20
ALLOWED_S = 10 * 86_400
SIX = tuple(range(1, 7))


@dataclass
class Court:
    """The chain, the contracts, and every step of a job.

    Attributes:
        answers: what the nodes of each job answered, by index; a liar's is signed in due form.
    """

    chain: EvmChain
    deployment: Deployment
    settlement: SettlementContract
    folder: Path
    answers: dict[JobId, dict[int, Answer]] = field(default_factory=dict)
    posted: int = 0

    def send(self, key: SecretKey, call: Call) -> Hash32:
        """Mine a call of an account, which must succeed."""
        intent = intent_of(call)
        nonce = int(self.chain.rpc("eth_getTransactionCount", key.address, "latest"), 16)
        made = (self.chain.chain_id, nonce, GAS_PRICE, GAS_PRICE, GAS, intent.to, 0, intent.data)
        raw = Transaction(*made).sign(key)
        receipt = self.chain.rpc("eth_sendRawTransactionSync", "0x" + raw.hex())
        assert int(receipt["status"], 16) == 1, receipt
        return Hash32(bytes.fromhex(receipt["transactionHash"][2:]))

    def pass_to(self, second: int) -> None:
        """Let chain time be `second`, unless it is later already."""
        if self.chain.now() < second:
            self.chain.rpc("anvil_setNextBlockTimestamp", second)
            self.chain.rpc("anvil_mine", "0x1")

    def post(self, name: str) -> Order:
        """Post a job of the first six nodes."""
        function = dense_function()
        self.posted += 1
        draw = seeded(f"{name} {self.posted}")
        venue = Venue(
            payer=PAYER.address,
            settlement=self.settlement.address,
            chain_id=self.chain.chain_id,
            nodes=[key.address for key in NODES[:6]],
            judges=JUDGE_ADDRESSES,
            now=Timestamp(self.chain.now()),
        )
        order = draft_order(function, draw.elements(2 * function.inputs), WISH, venue, draw)
        self.send(PAYER, self.settlement.post(order.nonce, order.root, order.terms, order.nodes))
        return order

    def accept(self, order: Order, *indices: int) -> None:
        """Bring the acceptances of these nodes."""
        terms, domain = order.terms, self.settlement.domain
        brought = []
        for j in indices:
            index = ShareIndex(j)
            digest = domain.acceptance(
                order.job, index, order.root, terms.hash, terms.stake, terms.accept_by
            )
            brought.append(Acceptance(order.job, index, terms.accept_by, NODES[j - 1].sign(digest)))
        self.send(OUTSIDER, self.settlement.accept(order.job, order.nodes, brought))

    def start(
        self, name: str, *, liars: Sequence[int] = (), committed: Sequence[int] = SIX
    ) -> Order:
        """A started job; these nodes have committed, liars to a lie."""
        order = self.post(name)
        self.accept(order, *SIX)
        self.answers[order.job] = {j: self.answer(order, j, lie=j in liars) for j in SIX}
        for j in committed:
            commitment = self.opened_by(self.answers[order.job][j], NODES[j - 1])
            call = self.settlement.commit(order.job, ShareIndex(j), commitment)
            self.send(NODES[j - 1], call)
        return order

    def answer(self, order: Order, j: int, *, lie: bool = False) -> Answer:
        """What a node answers, signed for this chain."""
        outputs = right_outputs(dense_function(), order, j)
        if lie:
            outputs = lie_about_values(outputs, order, j)
        return sign_answer(order.tasks[j - 1], outputs, NODES[j - 1], domain=self.settlement.domain)

    def opened_by(self, answer: Answer, node: SecretKey) -> Hash32:
        """The commitment to an answer."""
        return commitment_to(answer, node, self.settlement.domain)

    def charge(self, order: Order, *, wrong: int | None = None, silent: int | None = None) -> None:
        """Charge an index."""
        if silent is not None:
            self.pass_to(order.terms.compute_by + 1)
        as_wrong = [] if wrong is None else [ShareIndex(wrong)]
        as_silent = [] if silent is None else [ShareIndex(silent)]
        self.send(PAYER, self.settlement.charge(order.job, as_wrong, as_silent))

    def serve(self, order: Order, j: int, judges: Sequence[int] = (1, 2, 3)) -> None:
        """These judges sign that they hold the task."""
        digest = self.settlement.domain.served(*self._charge(order, j))
        signatures = [JUDGES[number - 1].sign(digest) for number in judges]
        call = self.settlement.record_served(order.job, ShareIndex(j), signatures)
        self.send(OUTSIDER, call)

    def rule(
        self, order: Order, j: int, finding: Finding, judges: Sequence[int] = (1, 2, 4)
    ) -> None:
        """These judges sign a verdict."""
        index = ShareIndex(j)
        if finding is Finding.MISSING:
            self.pass_to(self.settlement.index(order.job, j).answer_by + 1)
        digest = self.settlement.domain.verdict(*self._charge(order, j), int(finding))
        signatures = [JUDGES[number - 1].sign(digest) for number in judges]
        self.send(OUTSIDER, self.settlement.record_verdict(order.job, index, finding, signatures))

    def _charge(
        self, order: Order, j: int
    ) -> tuple[JobId, ShareIndex, Hash32, Address, ChargeKind]:
        """What both statements of judges name."""
        kind = self.settlement.index(order.job, j).kind
        return order.job, ShareIndex(j), order.root, order.nodes[j - 1], kind

    def approve(self, order: Order, *indices: int) -> None:
        """The payer pays these nodes."""
        self.send(PAYER, self.settlement.approve(order.job, [ShareIndex(j) for j in indices]))

    def claim(self, *jobs: JobId) -> None:
        """A stranger settles what is due."""
        self.send(OUTSIDER, self.settlement.claim(list(jobs)))

    def read(self, order: Order) -> JobStory:
        """The story of a job."""
        return Chronicle(self.chain, self.deployment).read(order.job)


@contextmanager
def open_court(folder: Path) -> Iterator[Court]:
    """A chain that makes a block for each transaction, with everybody registered and rich."""
    with AnvilNode.start(folder / "anvil", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, confirmations=0).connect()
        operator = SecretKey(dev_key(0))
        groups = draft_contracts(operator.address, JUDGE_ADDRESSES, POOL, operator.address, LIMITS)
        with TransactionLane(chain, operator, folder / "lane.journal") as lane:
            deployment = deploy(chain, lane, groups)
        court = Court(
            chain, deployment, SettlementContract(chain, deployment, JUDGE_ADDRESSES), folder
        )
        for key in (PAYER, OUTSIDER, *NODES[:6], *JUDGES):
            enlist(court, operator, key, court.settlement.address, Tokens(100 * WEALTH))
        register_servers(court, operator)
        yield court


def enlist(
    court: Court, operator: SecretKey, key: SecretKey, locker: Address, amount: Tokens
) -> None:
    """Gas, tokens in the anchor, and leave for the locker to lock them."""
    court.chain.rpc("anvil_setBalance", key.address, hex(GAS_WEI))
    token = MetaCoin(court.chain, court.deployment.contract("MetaCoin"))
    anchor = court.deployment.contract("AssetAnchor")
    court.send(operator, token.approve(anchor.address, amount))
    court.send(operator, Call(anchor, "deposit", (key.address, amount)))
    until = court.chain.now() + ALLOWED_S
    court.send(key, Call(anchor, "allowLocker", (locker, amount, until)))


def register_servers(court: Court, operator: SecretKey) -> None:
    """Each node and judge works for a provider of its own."""
    contract = court.deployment.contract("ParticipantRegistry")
    registry = ParticipantRegistry(court.chain, contract)
    servers = [(key, COMPUTE_NODE) for key in NODES[:6]]
    servers += [(key, ENCLAVE) for key in JUDGES]
    providers = sorted(  # a job names its nodes ascending by provider
        (key_of_role(f"provider {number}") for number in range(len(servers))),
        key=lambda provider: int(provider.address, 16),
    )
    for number, (key, role) in enumerate(servers):
        provider = providers[number]
        enlist(court, operator, provider, registry.address, MIN_STAKE)
        court.send(provider, registry.register_provider(f"provider {number}"))
        court.send(provider, registry.stake(MIN_STAKE))
        court.send(provider, registry.admit(key.address))
        pin, endpoint = Hash32(bytes([number + 1]) * 32), f"https://127.0.0.1:{9000 + number}"
        resources = Resources(1, 1, 1, 1)
        call = registry.register_server(role, provider.address, pin, endpoint, resources)
        court.send(key, call)
