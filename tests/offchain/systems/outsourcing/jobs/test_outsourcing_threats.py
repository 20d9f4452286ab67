"""Threats to outsourced computing, by number; where the paper's version can be planted, it falls.

Planted versions stand in this file only. A20 a signature on a sum, A21 replay of a result, A22 a
device that frames a node, A24 withheld shares, A25 collusion, A28 other chains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.merkle import BranchMismatch
from edgemark.crypto.ethereum.secp256k1 import BadSignature, check_signature, recover
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.sharing.shamir import recover as recover_secret
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Hash32, ShareIndex, parse_address
from edgemark.systems.outsourcing.contract.hashes import compute_job_id, split_share
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.identifiers import JobId, TaskId
from edgemark.systems.outsourcing.protocol.events import (
    FoundResultValid,
    HeardAnswer,
    Order,
    SawCase,
)
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.steps.accuse import check_evidence, find, hear_answer
from edgemark.systems.outsourcing.steps.compute import compute_outputs
from edgemark.systems.outsourcing.steps.decode import (
    WrongAnswer,
    check_opens,
    check_signed_answer,
    decode_answers,
)
from edgemark.systems.outsourcing.steps.share import SharingSecrets, share_inputs

FUNCTION = cast.dense_function()
JOB_A = cast.order_of(name="job a")
JOB_B = cast.order_of(name="job b")
INDEX = 3
NODE = cast.NODES[INDEX - 1]

# --- A20 ---------------------------------------------------------------------------------------

GROUP = 2**127 - 1  # the planted scheme's group: integers modulo a prime
SECRET = int.from_bytes(cast.JUDGES[0].reveal(), "big") % (GROUP - 1)


def planted_hash(message: int) -> int:
    """h_h(a + b) = h_h(a) * h_h(b), as in IV-B.1."""
    return pow(3, message, GROUP)


def planted_sign(message: int) -> int:
    """Sig = h_h(cnfi)^x, as in IV-B.3."""
    return pow(planted_hash(message), SECRET, GROUP)


@given(a=st.integers(0, 2**64), b=st.integers(0, 2**64))
def test_a20_planted_homomorphic_hash__two_signatures_make_a_third(a: int, b: int) -> None:
    forged = planted_sign(a) * planted_sign(b) % GROUP
    assert forged == planted_sign(a + b)


COMBINATIONS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "product of both numbers": lambda a, b: _merge(a, b, lambda x, y: x * y),
    "sum of both numbers": lambda a, b: _merge(a, b, lambda x, y: x + y),
    "r of one, s of both": lambda a, b: a[:32] + _merge(a, b, lambda x, y: x + y)[32:],
    "the first": lambda a, _: a,
    "the second": lambda _, b: b,
}
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _merge(a: bytes, b: bytes, combine: Callable[[int, int], int]) -> bytes:
    numbers = [
        combine(int.from_bytes(a[i : i + 32], "big"), int.from_bytes(b[i : i + 32], "big")) % ORDER
        for i in (0, 32)
    ]
    return b"".join(n.to_bytes(32, "big") for n in numbers) + a[64:]


@pytest.mark.parametrize("name", COMBINATIONS)
@given(a=st.binary(min_size=32, max_size=32), b=st.binary(min_size=32, max_size=32))
def test_a20_two_signed_opinions__make_no_third(name: str, a: bytes, b: bytes) -> None:
    judge = cast.JUDGES[0]
    total = (int.from_bytes(a, "big") + int.from_bytes(b, "big")) % 2**256
    digest = total.to_bytes(32, "big")
    if digest in (a, b):  # a message added to zero is no other message
        return
    with pytest.raises(BadSignature):
        forged = COMBINATIONS[name](judge.sign(a), judge.sign(b))
        check_signature(digest, forged, judge.address)


# --- A21 ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlantedAnswer:
    """R_j of the paper: Sig_Tj = Sign(c_j, b_j), and nothing else is signed."""

    outputs: bytes
    signature: bytes


def planted_answer(outputs: bytes) -> PlantedAnswer:
    """What an honest node signs in the paper."""
    return PlantedAnswer(outputs, NODE.sign(keccak256(outputs)))


def planted_judge(task: Task, answer: PlantedAnswer, order: Order) -> Finding:
    """Algorithm 1, lines 14-20: verify Sig over (c_j, b_j), compute again, compare."""
    check_signature(keccak256(answer.outputs), answer.signature, NODE.address)
    right = compute_outputs(FUNCTION, task, order.terms) == answer.outputs
    return Finding.RIGHT if right else Finding.WRONG


def test_a21_planted_signature_over_outputs__replayed_frames_an_honest_node() -> None:
    honest = planted_answer(cast.right_outputs(FUNCTION, JOB_A, INDEX))
    assert planted_judge(JOB_A.tasks[INDEX - 1], honest, JOB_A) is Finding.RIGHT
    assert planted_judge(JOB_B.tasks[INDEX - 1], honest, JOB_B) is Finding.WRONG
    assert planted_judge(JOB_A.tasks[INDEX], honest, JOB_A) is Finding.WRONG


def relabelled(answer: Answer, task: Task) -> Answer:
    """The same outputs and signature, dressed as an answer to another task."""
    return replace(
        answer,
        job=task.job,
        index=task.index,
        task_id=task.task_id,
        share_hash=task.share_hash,
    )


@pytest.mark.parametrize(
    "task", [JOB_B.tasks[INDEX - 1], JOB_A.tasks[INDEX]], ids=["another job", "another index"]
)
def test_a21_signed_answer__replayed_for_another_task__is_refused(task: Task) -> None:
    honest = cast.right_answer(JOB_A, INDEX)
    with pytest.raises(WrongAnswer):
        check_signed_answer(honest, task, NODE.address, cast.DOMAIN)
    with pytest.raises(BadSignature):
        check_signed_answer(relabelled(honest, task), task, NODE.address, cast.DOMAIN)


def test_a21_commitment__of_one_task__is_not_opened_by_the_answer_to_another() -> None:
    commitment = cast.commitment_to(cast.right_answer(JOB_A, INDEX), NODE)
    with pytest.raises(WrongAnswer):
        check_opens(cast.right_answer(JOB_B, INDEX), NODE.address, commitment, cast.DOMAIN)


# --- A22 ---------------------------------------------------------------------------------------


def test_a22_planted_judge_that_trusts_the_device__convicts_an_honest_node() -> None:
    answer = planted_answer(cast.right_outputs(FUNCTION, JOB_A, INDEX))
    other = replace(JOB_A.tasks[INDEX - 1], share=JOB_B.tasks[INDEX - 1].share)
    assert planted_judge(other, answer, JOB_A) is Finding.WRONG


def test_a22_another_share_than_the_posted_one__does_not_open_the_leaf() -> None:
    other = replace(JOB_A.tasks[INDEX - 1], share=JOB_B.tasks[INDEX - 1].share)
    with pytest.raises(BranchMismatch):
        judge(JOB_A, other, cast.right_answer(JOB_A, INDEX))


def judge(order: Order, task: Task, answer: Answer, kind: ChargeKind = ChargeKind.WRONG) -> Finding:
    """A judge's whole part: check the evidence, then compute again."""
    case = case_against(order, task.index, kind)
    check_evidence(case, task, answer, terms=order.terms, domain=cast.DOMAIN)
    heard = hear_answer(answer, task, case, cast.DOMAIN)
    if not isinstance(heard, HeardAnswer):
        return Finding.NONE
    return find(task, heard.answer, function=FUNCTION, terms=order.terms)


def case_against(order: Order, index: int, kind: ChargeKind) -> SawCase:
    """The charge of an honest node, which committed to what it answered."""
    commitment = cast.commitment_to(cast.right_answer(order, index), cast.NODES[index - 1])
    return cast.case_of(order, index, kind, commitment=commitment)


HONEST_ANSWERS = tuple(
    cast.right_answer(order, index) for order in (JOB_A, JOB_B) for index in range(1, 7)
)
ALL_TASKS = JOB_A.tasks + JOB_B.tasks


@st.composite
def shown_tasks(draw: st.DrawFn) -> Task:
    """Anything that a device may show as T_j: true parts put together anew, or changed bytes."""
    parts = {
        name: getattr(draw(st.sampled_from(ALL_TASKS)), name)
        for name in ("job", "index", "function_hash", "share", "branch")
    }
    task = Task(**parts) if draw(st.booleans()) else draw(st.sampled_from(ALL_TASKS))
    share = bytearray(task.share)
    if draw(st.booleans()):
        share[draw(st.integers(0, len(share) - 1))] ^= draw(st.integers(1, 255))
    return replace(task, share=bytes(share))


@st.composite
def shown_answers(draw: st.DrawFn) -> Answer:
    """Anything with an honest node's signature in it that a device may show as R_j."""
    answer = draw(st.sampled_from(HONEST_ANSWERS))
    if draw(st.booleans()):
        answer = relabelled(answer, draw(st.sampled_from(ALL_TASKS)))
    if draw(st.booleans()):
        answer = replace(answer, outputs=draw(st.sampled_from(HONEST_ANSWERS)).outputs)
    if draw(st.booleans()):
        answer = replace(answer, salt=draw(st.binary(min_size=32, max_size=32)))
    return answer


@given(
    order=st.sampled_from([JOB_A, JOB_B]),
    task=shown_tasks(),
    answer=shown_answers(),
    kind=st.sampled_from([ChargeKind.WRONG, ChargeKind.SILENT]),
)
def test_a22_whatever_a_device_shows__an_honest_node_is_never_found_wrong(
    order: Order, task: Task, answer: Answer, kind: ChargeKind
) -> None:
    try:
        finding = judge(order, task, answer, kind)
    except (PeerFault, RefusedInput):
        return
    assert finding is Finding.RIGHT


def test_a22_what_a_device_shows_in_due_form__is_found_right() -> None:
    for order in (JOB_A, JOB_B):
        for task in order.tasks:
            assert judge(order, task, cast.right_answer(order, task.index)) is Finding.RIGHT


# --- A24 ---------------------------------------------------------------------------------------

TWO = replace(cast.WISH, threshold=2, errors=2)


@pytest.mark.parametrize("wish", [cast.WISH, TWO], ids=["e = 1", "e = 2"])
def test_a24_every_subset_of_at_most_e_absent__still_gives_the_result(wish: cast.Wish) -> None:
    order, result = cast.job_of(FUNCTION, wish)
    m, e = order.terms.node_count, order.terms.errors
    answers = {j: cast.right_answer(order, j) for j in range(1, m + 1)}
    challenge = cast.seeded("challenge").elements(4)
    for absent in chain.from_iterable(combinations(answers, s) for s in range(e + 1)):
        there = [answer for j, answer in answers.items() if j not in absent]
        assert decode_answers(order, there, challenge) == FoundResultValid(result, (), absent)


def test_a24_planted_interpolation_of_all_answers__falls_to_one_liar_and_points_at_another() -> (
    None
):
    order, result = cast.job_of(FUNCTION)
    honest = [cast.right_outputs(FUNCTION, order, j) for j in range(1, 7)]
    planted = [cast.lie_about_values(honest[0], order, 1), *honest[1:]]
    half = len(honest[0]) // 2
    assert recover_secret(range(1, 7), [o[:half] for o in honest], 2) == result
    with pytest.raises(PeerFault) as caught:  # the points contradict each other: bottom, in eq. 9
        recover_secret(range(1, 7), [o[:half] for o in planted], 2)
    assert str(caught.value.who) not in {"share 1", "None"}


# --- A25 ---------------------------------------------------------------------------------------


@given(index=st.integers(1, 6), name=st.text(max_size=5))
def test_a25_one_share__fits_every_input(index: int, name: str) -> None:
    """For any other x there are coefficients that give node j the very same share (t = 1)."""
    order = JOB_A
    shared, weight = split_share(order.tasks[index - 1].share, 2, 2)
    draw = cast.seeded(f"another input {name}")
    other, alpha = draw.elements(4), draw.nonzero_element()
    inverse = FIELD.inverse(index)
    secrets = SharingSecrets(
        alpha=alpha,
        coefficients=FIELD.scale(FIELD.subtract(shared, other), inverse),
        gammas=FIELD.scale(FIELD.subtract(FIELD.pack([weight]), FIELD.pack([alpha])), inverse),
    )
    tasks, _ = share_inputs(
        other,
        job=order.job,
        function_hash=order.terms.function_hash,
        node_count=6,
        threshold=1,
        secrets=secrets,
    )
    assert tasks[index - 1].share == order.tasks[index - 1].share
    assert tasks[index % 6].share != order.tasks[index % 6].share


def test_a25_two_shares__are_the_input_so_judges_see_at_most_t_tasks() -> None:
    shares = [split_share(task.share, 2, 2)[0] for task in JOB_A.tasks]
    batch = recover_secret(range(1, 7), shares, 1)
    for pair in combinations(range(1, 7), 2):
        assert recover_secret(pair, [shares[j - 1] for j in pair], 1) == batch
    for wish in (cast.WISH, TWO):  # charges, and so tasks that judges see, are at most e <= t
        assert cast.order_of(FUNCTION, wish=wish).terms.errors <= wish.threshold


# --- A28 ---------------------------------------------------------------------------------------

OTHER_CHAIN = SettlementDomain(cast.CHAIN_ID + 1, cast.SETTLEMENT)
OTHER_CONTRACT = SettlementDomain(cast.CHAIN_ID, parse_address("0x" + "5f" * 20))
ELSEWHERE = pytest.mark.parametrize(
    "elsewhere", [OTHER_CHAIN, OTHER_CONTRACT], ids=["another chain", "another contract"]
)


def every_digest(domain: SettlementDomain) -> dict[str, Hash32]:
    """What is signed in the job, in one domain."""
    job, index = JOB_A.job, ShareIndex(INDEX)
    terms, node, server = JOB_A.terms, NODE.address, cast.JUDGE_ADDRESSES[0]
    charge = (job, index, JOB_A.root, node, int(ChargeKind.WRONG))
    return {
        "acceptance": domain.acceptance(
            job, index, JOB_A.root, terms.hash, terms.stake, terms.accept_by
        ),
        "served": domain.served(*charge),
        "verdict": domain.verdict(*charge, int(Finding.WRONG)),
        "result": domain.result(
            job, TaskId(bytes(32)), index, node, Hash32(bytes(32)), Hash32(bytes(32)), bytes(32)
        ),
        "read request": domain.read_request(job, index, node, server, terms.collect_by),
    }


@ELSEWHERE
def test_a28_every_signed_payload__counts_nowhere_else(elsewhere: SettlementDomain) -> None:
    here, there = every_digest(cast.DOMAIN), every_digest(elsewhere)
    for name, digest in here.items():
        signature = NODE.sign(digest)
        check_signature(digest, signature, NODE.address)
        assert recover(there[name], signature) != NODE.address
    assert not set(here.values()) & set(there.values())
    assert len(set(here.values())) == len(here)


@ELSEWHERE
def test_a28_answer_and_commitment__count_nowhere_else(elsewhere: SettlementDomain) -> None:
    answer, task = cast.right_answer(JOB_A, INDEX), JOB_A.tasks[INDEX - 1]
    commitment = cast.commitment_to(answer, NODE)
    check_signed_answer(answer, task, NODE.address, cast.DOMAIN)
    check_opens(answer, NODE.address, commitment, cast.DOMAIN)
    with pytest.raises(BadSignature):
        check_signed_answer(answer, task, NODE.address, elsewhere)
    with pytest.raises(WrongAnswer):
        check_opens(answer, NODE.address, commitment, elsewhere)


@ELSEWHERE
def test_a28_job_with_the_same_payer_and_nonce__is_another_job(elsewhere: SettlementDomain) -> None:
    there: JobId = compute_job_id(
        elsewhere.chain_id, elsewhere.contract, cast.PAYER.address, JOB_A.nonce
    )
    assert there != JOB_A.job
