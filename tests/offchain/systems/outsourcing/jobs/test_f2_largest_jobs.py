"""Row F2: the largest job at each limit is played to its end; all that is kept of it is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.largest_jobs import Played, Size, play, wide_function
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    LyingNode,
    MuteNode,
    NodeSide,
    ShyNode,
    SilentNode,
)

from edgemark.crypto.polynomial import parse_polynomial
from edgemark.errors import RefusedInput
from edgemark.identifiers import ShareIndex
from edgemark.journal.journal import Journal, JournalWriteFailed
from edgemark.loop.archive import Archive
from edgemark.loop.machine import Tick
from edgemark.loop.replay import encode_record, replay_records
from edgemark.systems.outsourcing import limits
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.evidence.bundle import Bundle, Case
from edgemark.systems.outsourcing.evidence.retrial import Outcome, retry_bundle
from edgemark.systems.outsourcing.offline.exported_answers import ExportedAnswers, decode_exported
from edgemark.systems.outsourcing.offline.sharing import make_sharing
from edgemark.systems.outsourcing.offline.sharing_files import read_sharing, write_sharing
from edgemark.systems.outsourcing.protocol.events import FoundResultValid
from edgemark.systems.outsourcing.protocol.machine import RECORDS
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

pytestmark = pytest.mark.lasts(8)

LARGEST_SHARE_AND_ANSWER = Size(inputs=64, outputs=64, batch=4096, threshold=1, errors=1)
IN_FULL = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
AT_LIMITS: list[tuple[Size, list[type[NodeSide]]]] = [  # of m; of one node's values; of k; of n
    (Size(16, 16, 4096, 15, 15), [LyingNode] * 7 + [MuteNode] * 4 + [SilentNode] * 4),
    (Size(64, 64, 4096, 3, 3), [LyingNode, SilentNode, ShyNode]),
    (Size(2000, 10, 131, 3, 3), [LyingNode, MuteNode]),
    (Size(16, 1024, 64, 15, 15), [LyingNode] * 15),
]
if not IN_FULL:
    AT_LIMITS = [(replace(size, batch=size.batch // 128), kinds) for size, kinds in AT_LIMITS[:2]]
LIAR = ShareIndex(1)


def check_ended(played: Played, kinds: Sequence[type[NodeSide]]) -> None:
    """The right result, nobody honest harmed, nobody else paid."""
    state = played.device.state
    assert state.phase is DevicePhase.SETTLED
    assert state.result == played.result
    good = (IndexPhase.PAID, IndexPhase.ANSWERED)
    for phase, kind in zip(state.indices, kinds, strict=False):
        assert (phase in good) == (kind in (NodeSide, ShyNode))
    assert all(phase is IndexPhase.PAID for phase in state.indices[len(kinds) :])
    assert all(side.state.is_finished for side in played.world.sides)
    assert max(map(len, played.records())) <= limits.MAX_RECORD_BYTES


@pytest.fixture(scope="module")
def largest() -> Played:
    played = play(LARGEST_SHARE_AND_ANSWER, [LyingNode])
    terms = played.world.order.terms
    assert terms.share_bytes == limits.MAX_SHARE_BYTES
    check_ended(played, [LyingNode])
    return played


@pytest.mark.parametrize(("size", "kinds"), AT_LIMITS, ids=lambda each: str(each)[:70])
def test_f2_largest_job_with_most_misdeeds__every_index_ends_as_it_should(
    size: Size, kinds: list[type[NodeSide]]
) -> None:
    played = play(size, kinds)
    errors = played.world.order.terms.errors
    assert errors in (3, limits.MAX_ERRORS)
    assert len(played.device.state.indices) == 4 * errors + 1
    check_ended(played, kinds)


def test_f2_largest_records__survive_journal_replay_and_archive(
    largest: Played, tmp_path: Path
) -> None:
    world = largest.world
    judged: Any = next(iter(world.judges.values())).cases[int(LIAR)]
    for name, side in (("device", largest.device), ("node", world.nodes[1]), ("judge", judged)):
        events = [e if isinstance(e, Tick) else RECORDS.decode(e) for e in side.journal]
        written = [encode_record(side.machine, b"job", event) for event in events]
        with Journal.open(tmp_path / name) as journal:
            for record in written:
                journal.append(record)
        with Journal.open(tmp_path / name) as journal:
            states = replay_records(side.machine, journal.records(), who=name)
            Archive(tmp_path / "archive").put(name.encode(), journal.records())
        assert states[b"job"] == side.state
        assert Archive(tmp_path / "archive").find(name.encode()) == written


def test_f2_largest_record__on_a_disk_that_fills_within_it__is_not_there_at_all(
    largest: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [each for each in largest.world.nodes[1].journal if isinstance(each, bytes)]
    record = max(records, key=len)
    write, written = os.pwrite, 0

    def fill(handle: int, part: bytes, place: int) -> int:
        nonlocal written
        written += len(part)
        if written > len(record) // 2:
            raise OSError(28, "No space left on device")
        return write(handle, part, place)

    with Journal.open(tmp_path / "j") as journal:
        journal.append(b"before")
        monkeypatch.setattr(os, "pwrite", fill)
        with pytest.raises(JournalWriteFailed):
            journal.append(record)
        monkeypatch.undo()
        assert list(journal.records()) == [b"before"]
        journal.append(record)
    size = (tmp_path / "j").stat().st_size
    for cut in (1, len(record) // 2, len(record) - 1):
        os.truncate(tmp_path / "j", size - cut)
        with Journal.open(tmp_path / "j") as journal:
            assert list(journal.records()) == [b"before"]
            journal.append(record)
    with Journal.open(tmp_path / "j") as journal:
        assert list(journal.records()) == [b"before", record]


def test_f2_largest_evidence__is_exported_read_and_tried_again(largest: Played) -> None:
    world, order = largest.world, largest.world.order
    bundle = Bundle(
        chain_id=cast.CHAIN_ID,
        settlement=cast.SETTLEMENT,
        job=order.job,
        root=order.root,
        terms=order.terms,
        judges=cast.JUDGE_ADDRESSES,
        threshold=3,
        function=world.function.to_bytes(),
        cases=(case_of(largest),),
    )
    raw = bundle.to_json()
    assert len(raw) <= limits.MAX_BUNDLE_BYTES
    again = Bundle.from_json(raw)
    assert again == bundle
    trial = retry_bundle(again, parse_polynomial(again.function))
    assert [each.name for each in trial.receipt.checks if not each.passed] == []
    assert (trial.outcome, trial.findings) == (Outcome.AGREES, {int(LIAR): Finding.WRONG})


def case_of(played: Played) -> Case:
    """The liar's case, with the signatures that the model of the chain does without."""
    world, order = played.world, played.world.order
    terms, node = order.terms, world.nodes[int(LIAR)]
    view = world.view()
    assert view is not None
    acceptance = cast.DOMAIN.acceptance(
        order.job, LIAR, order.root, terms.hash, terms.stake, terms.accept_by
    )

    def sign(finding: Finding) -> tuple[bytes, ...]:
        charge = cast.case_of(order, int(LIAR), ChargeKind.WRONG)
        signed = (cast.sign_opinion(j, charge, finding) for j in cast.JUDGES[:3])
        return tuple(opinion.signature for opinion in signed)

    return Case(
        index=LIAR,
        node=order.nodes[0],
        kind=ChargeKind.WRONG,
        task=order.tasks[0],
        answers=(node.state.answer,),
        commitment=world.chain.commitment(order.job, int(LIAR)),
        acceptance=node.key.sign(acceptance),
        valid_until=terms.accept_by,
        end=IndexPhase.CONVICTED,
        finding=Finding.WRONG,
        served=sign(Finding.NONE),
        verdict=sign(Finding.WRONG),
    )


def test_f2_largest_sharing__is_written_read_and_its_answers_decoded(tmp_path: Path) -> None:
    size = LARGEST_SHARE_AND_ANSWER
    function = wide_function(size.inputs, size.outputs)
    inputs = cast.seeded("apart").elements(size.batch * size.inputs)
    draw = cast.seeded("sharing")
    sharing = make_sharing(function, inputs, threshold=1, errors=1, randomness=draw)
    files = write_sharing(tmp_path / "sharing", sharing)
    assert max(path.stat().st_size for path in files) <= limits.MAX_SHARING_FILE_BYTES
    assert read_sharing(tmp_path / "sharing") == sharing
    order = cast.order_over(sharing, function=function)
    answers = [cast.right_answer(order, j, function) for j in range(1, 6)]
    raw = cast.export_answers(order, answers).to_bytes()
    assert len(raw) <= limits.MAX_ANSWERS_FILE_BYTES
    challenge = draw.elements(size.batch * size.outputs)
    found, refused = decode_exported(ExportedAnswers.from_bytes(raw), sharing.secret, challenge)
    assert isinstance(found, FoundResultValid)
    assert (found.result, refused) == (function.evaluate(inputs), {})


def test_f2_sharing_above_the_limit__is_refused_before_anything_is_written() -> None:
    function = wide_function(64, 65)
    inputs = cast.seeded("too much").elements(4096 * 64)
    with pytest.raises(RefusedInput, match="output values") as refused:
        make_sharing(function, inputs, threshold=1, errors=1, randomness=cast.seeded("never"))
    assert refused.value.remedy
    with pytest.raises(RefusedInput, match="output values"):
        replace(LARGEST_SHARE_AND_ANSWER, outputs=65).order()
