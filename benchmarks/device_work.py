"""All that a device computes for one outsourced job, from its input to the approval it signs.

Without network and chain: those cost waiting, not work. The answers are prepared beforehand, as the
nodes would send them; one function does with them what `Device` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import DenseQuadratic, Polynomial, SparsePolynomial
from edgemark.crypto.polynomial.interface import Monomial
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.interface import load_interface
from edgemark.ledger.evm.sending.transaction import Transaction
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.offline.drafting import Venue, Wish, draft_order
from edgemark.systems.outsourcing.protocol.events import FoundResultValid, Order
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.steps.compute import compute_outputs
from edgemark.systems.outsourcing.steps.decode import (
    check_opens,
    check_outputs,
    check_signed_answer,
    decode_answers,
)

CHAIN_ID = 31337
SETTLEMENT = Address("0x00000000000000000000000000000000000000C5")
NOW = Timestamp(1_800_000_000)
DOMAIN = SettlementDomain(CHAIN_ID, SETTLEMENT)
RANDOMNESS = Randomness()
GAS, GAS_PRICE = 2_000_000, 10**9


def draw_quadratic(inputs: int, outputs: int = 1) -> DenseQuadratic:
    """A dense quadratic function with random coefficients."""
    rows = outputs * (inputs + 1) * (inputs + 2) // 2
    return DenseQuadratic(inputs, outputs, RANDOMNESS.elements(rows))


def draw_inner_product(pairs: int) -> SparsePolynomial:
    """x_0 x_1 + x_2 x_3 + ...: the inner product of two vectors of so many elements."""
    terms: dict[Monomial, list[int]] = {(2 * at, 2 * at + 1): [1] for at in range(pairs)}
    return SparsePolynomial.from_terms(2 * pairs, 1, terms)


def wish_for(threshold: int, errors: int) -> Wish:
    """What a user would ask for."""
    return Wish(threshold, errors, Tokens(1000), Tokens(300), 60, 600, 3600)


@dataclass(frozen=True)
class DeviceWork:
    """One job: what the device has, and what the nodes answered.

    Attributes:
        batch: packed inputs.
        order: the sharing that was answered; `spend` makes another one, at the same cost.
        answers, commitments: of index j at position j - 1.
    """

    function: Polynomial
    batch: bytes
    wish: Wish
    owner: SecretKey
    nodes: tuple[SecretKey, ...]
    judges: tuple[Address, ...]
    order: Order
    answers: tuple[Answer, ...]
    commitments: tuple[Hash32, ...]

    @classmethod
    def prepare(
        cls,
        function: Polynomial,
        *,
        threshold: int = 1,
        errors: int = 1,
        liars: int = 0,
        batch: int = 1,
    ) -> DeviceWork:
        """Draw inputs, keys and a sharing, and every node's answer; the first `liars` lie."""
        drawn = RANDOMNESS.elements(batch * function.inputs)
        wish = wish_for(threshold, errors)
        count = compute_least_nodes(function.degree, threshold, errors)
        nodes = tuple(SecretKey.generate(RANDOMNESS) for _ in range(count))
        judges = tuple(SecretKey.generate(RANDOMNESS).address for _ in range(4))
        owner = SecretKey.generate(RANDOMNESS)
        order = draft(function, drawn, nodes, judges, wish, owner)
        answers = tuple(
            answer_task(function, task, order, key, is_lie=task.index <= liars)
            for task, key in zip(order.tasks, nodes, strict=True)
        )
        commitments = tuple(map(commitment_of, answers, (key.address for key in nodes)))
        return cls(function, drawn, wish, owner, nodes, judges, order, answers, commitments)

    def spend(self) -> FoundResultValid:
        """Everything: share, post, check m answers, decode, approve."""
        order = draft(self.function, self.batch, self.nodes, self.judges, self.wish, self.owner)
        terms = order.terms.as_abi()
        accounts = list(order.nodes)
        self._sign("post", order.nonce, order.root, terms, accounts)
        found = self.check()
        good = [j for j in range(1, len(self.nodes) + 1) if j not in found.liars]
        self._sign("approve", self.order.job, good)
        return found

    def check(self) -> FoundResultValid:
        """Verify and decode the answers; name the liars."""
        terms = self.order.terms
        for task, answer, key, commitment in zip(
            self.order.tasks, self.answers, self.nodes, self.commitments, strict=True
        ):
            check_signed_answer(answer, task, key.address, DOMAIN)
            check_outputs(answer, terms)
            check_opens(answer, key.address, commitment, DOMAIN)
        challenge = RANDOMNESS.elements(terms.batch * terms.outputs)
        found = decode_answers(self.order, self.answers, challenge)
        if not isinstance(found, FoundResultValid):
            raise ArithmeticError(f"undecided: {found.reason}")
        return found

    def evaluate(self) -> bytes:
        """What the device would compute if it did the work itself."""
        return self.function.evaluate(self.batch)

    def _sign(self, function: str, *arguments: object) -> bytes:
        data = load_interface("JobSettlement").encode_call(function, arguments)
        made = (CHAIN_ID, 1, GAS_PRICE, GAS_PRICE, GAS, SETTLEMENT, 0, data)
        return Transaction(*made).sign(self.owner)


def draft(
    function: Polynomial,
    batch: bytes,
    nodes: tuple[SecretKey, ...],
    judges: tuple[Address, ...],
    wish: Wish,
    owner: SecretKey,
) -> Order:
    """Terms, fresh secrets, tasks and root, as the device makes them."""
    venue = Venue(owner.address, SETTLEMENT, CHAIN_ID, [key.address for key in nodes], judges, NOW)
    return draft_order(function, batch, wish, venue, RANDOMNESS)


def answer_task(
    function: Polynomial, task: Task, order: Order, key: SecretKey, *, is_lie: bool
) -> Answer:
    """What a node answers, signed; a lie has another value in it."""
    outputs = compute_outputs(function, task, order.terms)
    if is_lie:
        outputs = RANDOMNESS.elements(len(outputs) // len(FIELD.pack([0])))
    salt = RANDOMNESS.octets(32)
    blank = Answer(task.job, task.index, task.task_id, task.share_hash, outputs, salt, b"")
    return replace(blank, signature=key.sign(blank.digest(DOMAIN, key.address)))


def commitment_of(answer: Answer, node: Address) -> Hash32:
    """What the node put on chain before it answered."""
    return answer.commitment(DOMAIN, node)
