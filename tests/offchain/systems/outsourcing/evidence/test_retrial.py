"""Evidence bundles tried again: sound ones agree, and nothing in them can be changed unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing.cast import OUTSIDER, dense_function, sign_answer
from tests.offchain.systems.outsourcing.court import Court, open_court

from edgemark.crypto.polynomial import parse_polynomial
from edgemark.errors import RefusedInput
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.evidence.bundle import Bundle, MalformedBundle
from edgemark.systems.outsourcing.evidence.exporting import NotCharged, make_case
from edgemark.systems.outsourcing.evidence.retrial import Outcome, Retrial, retry_bundle
from edgemark.systems.outsourcing.limits import MAX_BUNDLE_BYTES
from edgemark.systems.outsourcing.protocol.events import Order
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.story.story import JobStory

pytestmark = pytest.mark.chain
NAMES = {
    "kind": ("wrong", "silent"),
    "end": ("convicted", "refuted", "answered", "void", "lapsed", "paid"),
    "finding": ("none", "right", "wrong", "missing"),
}
SOMEBODY = OUTSIDER.address


@dataclass(frozen=True)
class Tried:
    """A case that was really tried on a chain, and what a party holds of it."""

    bundle: Bundle
    story: JobStory


def bundle_of(
    court: Court, order: Order, index: int, answers: tuple[Answer, ...] | None = None
) -> Tried:
    """The bundle of one charged index; with the node's own answer unless others are given."""
    story = court.read(order)
    held = (court.answers[order.job][index],) if answers is None else answers
    case = make_case(story, index, order.tasks[index - 1], held)
    bundle = Bundle(
        chain_id=story.chain_id,
        settlement=story.settlement,
        job=story.job,
        root=story.root,
        terms=story.terms,
        judges=story.judges,
        threshold=story.threshold,
        function=dense_function().to_bytes(),
        cases=(case,),
    )
    return Tried(bundle, story)


def judge_wrong(court: Court, index: int, finding: Finding, liars: tuple[int, ...] = ()) -> Tried:
    """A charge as wrong and this verdict."""
    order = court.start("tried", liars=liars)
    court.charge(order, wrong=index)
    court.serve(order, index)
    court.rule(order, index, finding)
    return bundle_of(court, order, index)


def judge_silent(
    court: Court, index: int, finding: Finding, *, lie: bool = False, holds: bool = True
) -> Tried:
    """A charge as silent and this verdict."""
    order = court.start("tried", liars=[index] if lie else [])
    court.charge(order, silent=index)
    court.serve(order, index)
    court.rule(order, index, finding)
    return bundle_of(court, order, index, None if holds else ())


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    with open_court(tmp_path_factory.mktemp("court")) as opened:
        yield opened


@pytest.fixture(scope="module")
def convicted(court: Court) -> Tried:
    return judge_wrong(court, 3, Finding.WRONG, liars=(3,))


@pytest.fixture(scope="module")
def answered(court: Court) -> Tried:
    return judge_silent(court, 2, Finding.RIGHT)


def retry(tried: Tried, *, offline: bool = False) -> Retrial:
    """Through the file format, as a stranger does it."""
    bundle = Bundle.from_json(tried.bundle.to_json())
    assert bundle == tried.bundle
    function = parse_polynomial(bundle.function)
    return retry_bundle(bundle, function, None if offline else tried.story)


def failed(trial: Retrial) -> list[str]:
    return [check.name for check in trial.receipt.checks if not check.passed]


# --- verdicts ---


@pytest.mark.parametrize("offline", [False, True])
def test_retry__of_a_rightly_convicted_liar__agrees(convicted: Tried, offline: bool) -> None:
    trial = retry(convicted, offline=offline)
    assert failed(trial) == []
    assert (trial.outcome, trial.findings) == (Outcome.AGREES, {3: Finding.WRONG})
    assert len(trial.not_checked) == (1 if offline else 0)


@pytest.mark.parametrize("offline", [False, True])
def test_retry__of_a_right_answer_to_a_silent_charge__agrees(
    answered: Tried, offline: bool
) -> None:
    trial = retry(answered, offline=offline)
    assert (failed(trial), trial.findings) == ([], {2: Finding.RIGHT})


def test_retry__of_a_refuted_charge__agrees(court: Court) -> None:
    trial = retry(judge_wrong(court, 5, Finding.RIGHT))
    assert (failed(trial), trial.findings) == ([], {5: Finding.RIGHT})


def test_retry__of_a_missing_answer__agrees_and_says_what_leaves_no_trace(court: Court) -> None:
    without = retry(judge_silent(court, 4, Finding.MISSING, holds=False))
    assert (failed(without), without.findings) == ([], {4: Finding.MISSING})
    assert "nothing shows that no answer came in time" in without.not_checked[-1]
    late = retry(judge_silent(court, 4, Finding.MISSING))
    assert (failed(late), late.findings) == ([], {4: Finding.RIGHT})
    assert "may have been late" in late.not_checked[-1]


def test_retry__of_a_lie_told_to_the_judges__agrees(court: Court) -> None:
    trial = retry(judge_silent(court, 1, Finding.WRONG, lie=True))
    assert (failed(trial), trial.findings) == ([], {1: Finding.WRONG})


@pytest.mark.parametrize("finding", [Finding.WRONG, Finding.RIGHT])
def test_retry__of_a_false_verdict__contradicts_it_and_nothing_else(
    court: Court, finding: Finding
) -> None:
    liars = () if finding is Finding.WRONG else (6,)
    trial = retry(judge_wrong(court, 6, finding, liars=liars))
    assert trial.outcome is Outcome.CONTRADICTS
    assert failed(trial) == ["index 6: verdict is what re-execution finds"]


def test_retry__of_two_different_signed_answers__is_a_lie_without_computing(court: Court) -> None:
    order = court.start("split", liars=[2])
    court.charge(order, silent=2)
    court.serve(order, 2)
    court.rule(order, 2, Finding.WRONG)
    lie, truth = court.answers[order.job][2], court.answer(order, 2)
    for answers in ((lie, truth), (truth, lie)):
        trial = retry(bundle_of(court, order, 2, answers))
        assert (failed(trial), trial.findings) == ([], {2: Finding.WRONG})


@pytest.mark.parametrize("is_served", [False, True])
def test_retry__of_a_charge_without_verdict__has_nothing_to_compare(
    court: Court, is_served: bool
) -> None:
    order = court.start("no verdict")
    court.charge(order, wrong=1)
    if is_served:
        court.serve(order, 1)
    court.pass_to(order.terms.collect_by + 1000)
    court.claim(order.job)
    trial = retry(bundle_of(court, order, 1))
    assert (failed(trial), trial.outcome) == ([], Outcome.AGREES)
    assert "the judges gave none; here it is right" in trial.not_checked[-1]


def test_retry__of_a_verdict_on_an_answer_that_is_not_here__says_so(court: Court) -> None:
    tried = judge_wrong(court, 2, Finding.WRONG, liars=(2,))
    without = replace(tried.bundle, cases=(replace(tried.bundle.cases[0], answers=()),))
    trial = retry(replace(tried, bundle=without))
    assert trial.outcome is Outcome.UNSOUND
    assert failed(trial) == ["index 2: signed answer is here"]


@pytest.mark.parametrize(
    ("finding", "lie"), [(Finding.RIGHT, False), (Finding.WRONG, True)], ids=["right", "lie"]
)
def test_retry__of_a_device_whose_node_answered_to_the_judges__is_open_and_says_who_has_it(
    court: Court, finding: Finding, lie: bool
) -> None:
    """Before, an honest device's bundle read as one that is not what it says."""
    tried = judge_silent(court, 2, finding, lie=lie)
    of_device = replace(tried.bundle, cases=(replace(tried.bundle.cases[0], answers=()),))
    for offline in (False, True):
        trial = retry(replace(tried, bundle=of_device), offline=offline)
        assert (failed(trial), trial.outcome) == ([], Outcome.OPEN)
        assert trial.lacks == [2]
        assert 2 not in trial.findings
        assert "the charged node and each judge have it" in trial.not_checked[-1]
    assert retry(tried).outcome is Outcome.AGREES


def test_case__of_an_index_that_is_not_charged__is_refused(convicted: Tried, court: Court) -> None:
    order = court.start("honest")
    with pytest.raises(NotCharged):
        bundle_of(court, order, 1)
    assert "1 of the 6 shares" in convicted.bundle.reveals
    assert "any 1 further nodes of the job together know the input" in convicted.bundle.reveals


# --- other chains ---


def test_a28_retry__of_a_bundle_of_another_chain__fails_by_name(convicted: Tried) -> None:
    elsewhere = replace(convicted.story, chain_id=convicted.story.chain_id + 1)
    trial = retry(replace(convicted, story=elsewhere))
    assert failed(trial) == ["chain id as on chain"]
    other = replace(convicted.story, settlement=SOMEBODY)
    assert failed(retry(replace(convicted, story=other))) == ["contract as on chain"]


def test_a28_retry__of_a_bundle_relabelled_for_another_chain__has_no_valid_signature(
    convicted: Tried,
) -> None:
    moved = replace(convicted.bundle, chain_id=convicted.bundle.chain_id + 1)
    names = failed(retry(replace(convicted, bundle=moved), offline=True))
    assert {name.removeprefix("index 3: ") for name in names} >= {
        "node signed terms and root",
        "judges signed served",
        "judges signed their finding",
        "answer was signed by the node for this task",
    }


def test_a21_retry__with_the_answer_to_another_task__fails_by_name(
    convicted: Tried, court: Court
) -> None:
    case = convicted.bundle.cases[0]
    outputs, salt = case.answers[0].outputs, case.answers[0].salt
    domain = court.settlement.domain
    stranger = sign_answer(case.task, outputs, OUTSIDER, domain=domain, salt=salt)
    forged = replace(convicted.bundle, cases=(replace(case, answers=(stranger,)),))
    assert failed(retry(replace(convicted, bundle=forged), offline=True)) == [
        "index 3: answer was signed by the node for this task"
    ]


# --- tampering ---


Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where every number, text and list of a JSON value stands."""
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
        return
    yield path
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))


def changes(value: Any, name: str | int) -> Iterator[Any]:
    """Other values of the same kind."""
    if isinstance(value, list):
        yield [*value[1:]]
        yield [*value, *value[:1]]
    elif isinstance(value, int):
        yield value + 1
        yield max(value - 1, 0) if value else 2
    elif name in NAMES:
        yield from (other for other in NAMES[str(name)] if other != value)
    elif isinstance(value, str) and value.startswith("0x"):
        yield SOMEBODY
    elif isinstance(value, str):
        yield value[:-1] + ("0" if value[-1:] != "0" else "1")
        yield ""
    else:
        yield "00"


def put(value: Any, path: Path, new: Any) -> bytes:
    """The canonical bytes with one leaf replaced."""
    changed = copy.deepcopy(value)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return json.dumps(changed, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def is_seen(raw: bytes, story: JobStory | None) -> bool:
    """Whether a changed bundle is refused, or a check of it fails by name."""
    try:
        bundle = Bundle.from_json(raw)
        function = parse_polynomial(bundle.function)
    except RefusedInput:
        return True
    trial = retry_bundle(bundle, function, story)
    return trial.outcome is not Outcome.AGREES and bool(failed(trial) or trial.lacks)


@pytest.mark.parametrize("name", ["convicted", "answered"])
def test_tampering__with_any_field__is_seen(name: str, request: pytest.FixtureRequest) -> None:
    tried: Tried = request.getfixturevalue(name)
    facts = json.loads(tried.bundle.to_json())
    count = 0
    for path in leaves(facts):
        value: Any = facts
        for key in path:
            value = value[key]
        for new in changes(value, path[-1]):
            if new != value:
                assert is_seen(put(facts, path, new), tried.story), (path, new)
                count += 1
    assert count > 60


def test_tampering__offline_with_anything_that_somebody_signed__is_seen(
    convicted: Tried,
) -> None:
    facts = json.loads(convicted.bundle.to_json())
    for path in leaves(facts):
        value: Any = facts
        for key in path:
            value = value[key]
        for new in changes(value, path[-1]):
            if new != value and path[0] != "judges" and path[-1] != "kind":
                assert is_seen(put(facts, path, new), None), (path, new)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_tampering__with_any_bit_of_the_file__is_seen(
    convicted: Tried, place: float, bit: int
) -> None:
    raw = bytearray(convicted.bundle.to_json())
    raw[int(place * len(raw))] ^= 1 << bit
    assert is_seen(bytes(raw), convicted.story)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"format":"edgemark-evidence","version":2}\n',
        b'{"format":"edgemark-evidence","version":1}\n',
        b"\xff\xfe",
    ],
)
def test_parse__of_what_is_no_bundle__is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBundle):
        Bundle.from_json(raw)


def test_parse__of_spaces_and_repeated_keys__is_refused(convicted: Tried) -> None:
    raw = convicted.bundle.to_json()
    for other in (
        raw.replace(b'"chain_id":', b'"chain_id": '),
        raw.replace(b'{"cases":', b'{"cases":[],"cases":'),
        raw.rstrip(),
        raw.replace(b"abcdef"[:1], b"A", 1),
    ):
        with pytest.raises(MalformedBundle):
            Bundle.from_json(other)


def test_parse__of_a_file_beyond_the_limit__is_refused_unread() -> None:
    with pytest.raises(MalformedBundle, match="too large"):
        Bundle.from_json(bytes(MAX_BUNDLE_BYTES + 1))
