"""Shares made away from any chain: written, read back, bound to one job, decoded by their owner."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.field.field import FIELD
from edgemark.errors import RefusedInput
from edgemark.identifiers import ShareIndex
from edgemark.systems.outsourcing.offline.exported_answers import (
    AnswersRefused,
    ExportedAnswers,
    decode_exported,
)
from edgemark.systems.outsourcing.offline.sharing import (
    SECRET_FORM,
    Announcement,
    OwnerSecret,
    Sharing,
    SharingRefused,
    assemble,
    make_sharing,
)
from edgemark.systems.outsourcing.offline.sharing_files import (
    read_secret,
    read_sharing,
    write_sharing,
)
from edgemark.systems.outsourcing.protocol.events import FoundResultUndecided, FoundResultValid
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.steps.compute import check_task
from edgemark.systems.outsourcing.steps.decode import decode_answers
from edgemark.untrusted.canonical_json import encode
from edgemark.untrusted.checksum import with_checksum

FUNCTION = cast.dense_function()
BATCH = cast.small_batch()
CHALLENGE = cast.seeded("challenge").elements(2 * FUNCTION.outputs)


def make(name: str = "sharing", **changes: int) -> Sharing:
    numbers = {"threshold": 1, "errors": 1, **changes}
    return make_sharing(FUNCTION, BATCH, randomness=cast.seeded(name), **numbers)


SHARING = make()
ORDER = cast.order_over(SHARING)


def export(answers: Sequence[Answer]) -> ExportedAnswers:
    return cast.export_answers(ORDER, answers)


def right(*indices: int) -> list[Answer]:
    return [cast.right_answer(ORDER, j) for j in indices]


# --- a job over it ---


def test_order__of_a_sharing__has_the_tasks_that_the_nodes_check() -> None:
    for task in ORDER.tasks:
        check_task(task, ORDER.terms, ORDER.root)
    assert len(ORDER.tasks) == ORDER.terms.node_count == 6


def test_order__of_a_sharing__is_decoded_like_any_other() -> None:
    answers = [*right(1, 2, 3, 4, 5), cast.wrong_answer(ORDER, 6)]
    found = decode_answers(ORDER, answers, CHALLENGE)
    assert isinstance(found, FoundResultValid)
    assert (found.result, found.liars) == (FUNCTION.evaluate(BATCH), (6,))


def test_order__of_the_same_sharing__is_the_same_job_so_that_masks_serve_once() -> None:
    other_nodes = cast.order_over(SHARING, nodes=cast.NODE_ADDRESSES[::-1])
    assert other_nodes.job == ORDER.job
    assert cast.order_over(make("another")).job != ORDER.job


@pytest.mark.parametrize("change", [{"threshold": 2, "errors": 1}, {"threshold": 2, "errors": 2}])
def test_order__with_other_numbers_than_the_sharing__is_refused(change: dict[str, int]) -> None:
    with pytest.raises(SharingRefused, match="made for another"):
        cast.order_over(make(**change))


def test_order__for_another_function__is_refused() -> None:
    with pytest.raises(SharingRefused, match="made for another function"):
        SHARING.check_fits(cast.dense_function(name="another"), 1, 1)


def test_make__of_inputs_of_the_wrong_length__is_refused() -> None:
    for batch in (b"", BATCH[:-17], FIELD.pack([1])):
        with pytest.raises(RefusedInput):
            make_sharing(FUNCTION, batch, threshold=1, errors=1, randomness=cast.seeded("x"))


# --- files ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sharing(tmp_path / "sharing", SHARING)
    return tmp_path / "sharing"


def test_folder__read_back__is_the_same_sharing(folder: Path) -> None:
    assert read_sharing(folder) == SHARING
    assert read_secret(folder / "secret.json") == SHARING.secret


def test_folder__shares_and_secret__are_for_their_owner_only(folder: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("[!.]*")}
    assert modes.pop("public.json") == 0o644
    assert len(modes) == 7
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_folder__public_file_and_each_share__hold_nothing_else_of_the_secrets(
    folder: Path,
) -> None:
    public = (folder / "public.json").read_text()
    secrets = [SHARING.secret.job_secret.hex(), FIELD.pack([SHARING.secret.alpha]).hex()]
    for hidden in (*secrets, *(share.hex() for share in SHARING.shares), BATCH.hex()):
        assert hidden not in public
    for j in range(1, 7):
        text = (folder / f"share-{j:02}.json").read_text()
        assert [k for k in range(1, 7) if SHARING.shares[k - 1].hex() in text] == [j]
        assert not any(hidden in text for hidden in secrets)


def test_folder__that_holds_something__is_not_written_into(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RefusedInput, match="not empty"):
        write_sharing(folder, make("second"))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def change(path: Path, **facts: Any) -> None:
    path.write_bytes(encode({**json.loads(path.read_bytes()), **facts}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "share-03.json").unlink(), "shares are missing"),
        (lambda f: (f / "public.json").unlink(), "is missing"),
        (lambda f: (f / "secret.json").unlink(), "is missing"),
        (lambda f: (f / "share-07.json").write_bytes((f / "share-01.json").read_bytes()), "twice"),
        (lambda f: change(f / "share-01.json", index=0), "is not a share index"),
        (lambda f: change(f / "share-01.json", index=7), "is not a share index"),
        (lambda f: change(f / "share-01.json", index=2), "is not the announced share"),
        (lambda f: change(f / "share-01.json", share="00" * 85), "is not the announced share"),
        (lambda f: change(f / "share-01.json", version=2), "cannot be read"),
        (lambda f: change(f / "public.json", degree=3), "m is out of range"),
        (lambda f: change(f / "public.json", function_hash="00" * 32), "public.json: is not what"),
        (lambda f: change(f / "secret.json", alpha="00" * 17), "changed since it was written"),
        (lambda f: change(f / "secret.json", job_secret="01" * 32), "changed since it was"),
        (lambda f: change(f / "secret.json", weights="00" * 102), "changed since it was written"),
        (lambda f: write_as_version_1(f, weights=bytes(102)), "does not fit the shares"),
        (lambda f: (f / "public.json").write_bytes(b"[" * 10_000), "cannot be read"),
        (lambda f: (f / "share-02.json").write_bytes(b" "), "cannot be read"),
    ],
)
def test_folder__spoilt__is_refused_and_says_why(
    folder: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(folder)
    with pytest.raises(SharingRefused, match=words) as refused:
        read_sharing(folder)
    assert SHARING.secret.job_secret.hex() not in str(refused.value)
    assert all(share.hex() not in str(refused.value) for share in SHARING.shares)


def write_as_version_1(folder: Path, **parts: bytes) -> None:
    """The secret, as it was written before it had a checksum."""
    secret = replace(SHARING.secret, **parts)
    (folder / "secret.json").write_bytes(SECRET_FORM.write(secret.facts(), 1))


def test_secret__of_version_1__is_read(folder: Path) -> None:
    write_as_version_1(folder)
    assert b"checksum" not in (folder / "secret.json").read_bytes()
    assert read_sharing(folder) == SHARING


@given(st.data())
def test_f9_secret__of_which_one_letter_changed__is_refused(data: st.DataObject) -> None:
    """Before, one digit of a weight made an honest node look like a liar."""
    raw = bytearray(SHARING.secret.to_json())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SharingRefused):
        OwnerSecret.from_json(bytes(raw))


def test_folder__with_a_share_of_another_sharing__is_refused(folder: Path) -> None:
    (folder / "share-01.json").write_bytes(make("second").share_json(1))
    with pytest.raises(SharingRefused, match="belongs to another sharing"):
        read_sharing(folder)


def test_secret__of_another_sharing__is_refused() -> None:
    shares = [SHARING.share_json(j) for j in range(1, 7)]
    with pytest.raises(SharingRefused, match="the secret belongs to another sharing"):
        assemble(SHARING.announcement.to_json(), shares, make("second").secret.to_json())


def test_sharing__printed__shows_no_secret() -> None:
    shown = f"{SHARING!r} {SHARING.secret!r} {export(right(1))!r}"
    assert str(SHARING.secret.alpha) not in shown
    assert repr(SHARING.secret.job_secret) not in shown
    assert all(repr(share) not in shown for share in SHARING.shares)


def test_public_file__in_other_words__is_refused() -> None:
    raw = SHARING.announcement.to_json()
    assert Announcement.from_json(raw) == SHARING.announcement
    for other in (raw.rstrip(), raw.replace(b":", b": ", 1), raw + b"\n"):
        with pytest.raises(SharingRefused):
            Announcement.from_json(other)
    assert OwnerSecret.from_json(SHARING.secret.to_json()) == SHARING.secret


# --- the owner decodes ---


def test_decode__with_all_answers__gives_the_result_and_names_the_liar() -> None:
    answers = [*right(1, 2, 3), cast.wrong_answer(ORDER, 4), *right(5, 6)]
    exported = ExportedAnswers.from_bytes(export(answers).to_bytes())
    found, refused = decode_exported(exported, SHARING.secret, CHALLENGE)
    assert isinstance(found, FoundResultValid)
    assert (found.result, found.liars, refused) == (FUNCTION.evaluate(BATCH), (4,), {})


def test_decode__with_one_silent_node__gives_the_result_and_names_it() -> None:
    found, _ = decode_exported(export(right(1, 2, 3, 4, 5)), SHARING.secret, CHALLENGE)
    assert isinstance(found, FoundResultValid)
    assert (found.result, found.silent) == (FUNCTION.evaluate(BATCH), (6,))


def test_decode__with_too_few_answers__is_undecided() -> None:
    found, _ = decode_exported(export(right(1, 2, 3)), SHARING.secret, CHALLENGE)
    assert isinstance(found, FoundResultUndecided)


def test_decode__of_an_answer_that_its_node_never_signed__does_not_count_it() -> None:
    forged = replace(cast.right_answer(ORDER, 2), signature=cast.OUTSIDER.sign(b"x" * 32))
    found, refused = decode_exported(
        export([*right(1), forged, *right(3, 4, 5, 6)]), SHARING.secret, CHALLENGE
    )
    assert isinstance(found, FoundResultValid)
    assert found.silent == (ShareIndex(2),)
    assert list(refused) == [2]


def test_decode__of_answers_to_another_job__is_refused_and_calls_no_node_silent() -> None:
    """Before, all nodes were silent of whom another secret.json was taken to read the answers."""
    other = replace(export(right(1, 2, 3, 4, 5, 6)), job=cast.order_over(make("another")).job)
    with pytest.raises(AnswersRefused, match="fit no task of this sharing; had 6 answers, each"):
        decode_exported(other, SHARING.secret, CHALLENGE)
    with pytest.raises(AnswersRefused, match="fit no task of this sharing"):
        decode_exported(export(right(1, 2, 3, 4, 5, 6)), make("another").secret, CHALLENGE)


def test_decode__of_another_number_of_nodes__is_refused() -> None:
    fewer = replace(export(right(1)), nodes=ORDER.nodes[:5])
    with pytest.raises(AnswersRefused):
        decode_exported(fewer, SHARING.secret, CHALLENGE)


def test_answers_file__in_other_words_or_order__is_refused() -> None:
    raw = export(right(1, 2)).to_bytes()
    end = raw.index(b"\n") + 1
    facts, outputs = json.loads(raw[:end]), raw[end:]
    listed = facts["answers"]
    longer = [{**listed[0], "outputs": listed[0]["outputs"] + 17}, *listed[1:]]
    shifted = [longer[0], {**listed[1], "outputs": listed[1]["outputs"] - 17}]
    others = [
        encode({**facts, "answers": answers}) + outputs
        for answers in (listed[::-1], listed[:1] * 2, listed[:1], longer)
    ]
    huge = encode({**facts, "answers": [{**listed[0], "outputs": 2**40}]}) + outputs
    cut = (b"", b"{}", b"[]", b"[" * 10_000, raw[:end], raw[:-1], raw + b"\n", raw[: end - 1])
    spaced = raw[:end].replace(b":", b": ") + outputs
    for other in (*others, *cut, huge, spaced):
        with pytest.raises(AnswersRefused):
            ExportedAnswers.from_bytes(other)
    facts.pop("checksum")
    moved = encode(with_checksum({**facts, "answers": shifted})) + outputs
    with pytest.raises(AnswersRefused, match="lacks a part; needed checksum"):
        ExportedAnswers.from_bytes(encode({**facts, "answers": shifted}) + outputs)
    found = ExportedAnswers.from_bytes(moved)  # on purpose: then each answer speaks for itself
    with pytest.raises(AnswersRefused, match="fit no task"):
        decode_exported(found, SHARING.secret, CHALLENGE)


def test_f9_answers_file__of_which_an_output_changed__blames_no_node() -> None:
    """Before, the damage made an honest node look silent."""
    raw = bytearray(export(right(1, 2, 3, 4, 5, 6)).to_bytes())
    raw[-1] ^= 1
    with pytest.raises(AnswersRefused, match="answers, outputs: was changed since it was written"):
        ExportedAnswers.from_bytes(bytes(raw))


def test_answers_file__of_before_it_had_a_checksum__is_read() -> None:
    exported = export(right(1, 2))
    outputs = b"".join(each for _, each, _, _ in exported.answers)
    line = json.loads(exported.to_bytes()[: -len(outputs)])
    for name in ("checksum", "outputs_hash"):
        del line[name]
    assert ExportedAnswers.from_bytes(encode({**line, "version": 2}) + outputs) == exported


def test_branches__of_a_bound_sharing__differ_from_job_to_job() -> None:
    other = cast.order_over(SHARING, payer=cast.OUTSIDER.address)
    assert other.root != ORDER.root
    assert other.tasks[0].branch != ORDER.tasks[0].branch
