"""The journal of submissions: what is in it after any end, whose it is, and how long it gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import Overloaded, RefusedInput, Unrecoverable
from edgemark.ledger.fabric.client import submissions as module
from edgemark.ledger.fabric.client.calls import Call
from edgemark.ledger.fabric.client.keeping.records import Kept
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.faults import SubmissionDiffers
from edgemark.ledger.fabric.wire.codes import Code

IDENTITY = b"an identity"
CALL = Call("mychannel", "code", (b"put", b"k", b"1"))


def _kept(name: str, number: int = 0) -> Kept:
    return Kept(
        name=name,
        channel=CALL.channel,
        digest=CALL.digest,
        transaction_id=f"{number:064x}",
        envelope=b"envelope %d" % number,
    )


def _decided(kept: Kept, code: Code) -> Kept:
    return replace(kept, code=code, block=3)


CODES = st.sampled_from([code for code in Code if code is not Code.NOT_VALIDATED])
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | CODES), max_size=12)


@given(steps=STEPS)
def test_opened_again_at_any_time__is_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Code | None]]
) -> None:
    folder, model = tmp_path_factory.mktemp("submissions"), dict[str, Kept]()
    for number, (name, code) in enumerate(steps):
        with Submissions.open(folder, IDENTITY) as opened:
            if code is None:
                model[name] = _kept(name, number)
            elif name in model:
                model[name] = _decided(model[name], code)
            else:
                continue
            opened.append(model[name])
    with Submissions.open(folder, IDENTITY) as opened:
        for name, kept in model.items():
            found = opened.find(name)
            assert found is not None
            told = (found.transaction_id, found.code, found.block)
            assert told == (kept.transaction_id, kept.code, kept.block)
            assert found.envelope == (kept.envelope if kept.is_open else b"")
        assert {each.name for each in opened.open_ones()} == {
            name for name, kept in model.items() if kept.is_open
        }


def test_a_second_process__is_refused(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY), pytest.raises(RefusedInput, match="is in use"):
        Submissions.open(tmp_path, IDENTITY)


def test_other_identities__have_files_of_their_own(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as first, Submissions.open(tmp_path, b"x") as other:
        first.append(_kept("a"))
        assert other.find("a") is None


def test_the_file_of_another__is_not_taken_over(tmp_path: Path) -> None:
    Submissions.open(tmp_path, IDENTITY).close()
    Submissions.open(tmp_path, b"x").close()
    ours, others = sorted(tmp_path.glob("*.journal"))
    others.write_bytes(ours.read_bytes())
    with pytest.raises(Unrecoverable, match="another identity"):
        for identity in (IDENTITY, b"x"):
            Submissions.open(tmp_path, identity).close()


def test_a_record_cut_short__was_never_sent_and_is_gone(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened:
        opened.append(_kept("a"))
        opened.append(_kept("b"))
    path = next(tmp_path.glob("*.journal"))
    path.write_bytes(path.read_bytes()[:-5])
    with Submissions.open(tmp_path, IDENTITY) as opened:
        assert [each.name for each in opened.open_ones()] == ["a"]


def test_a_flipped_byte__is_damage(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened:
        opened.append(_kept("a"))
        opened.append(_kept("b"))
    path = next(tmp_path.glob("*.journal"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Unrecoverable):
        Submissions.open(tmp_path, IDENTITY)


def test_a_name__is_one_calls_and_one_callers(tmp_path: Path) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened:
        digest = CALL.digest
        assert opened.take("a", digest) is None
        with pytest.raises(RefusedInput, match="is under way"):
            opened.take("a", digest)
        opened.append(_kept("a"))
        opened.give_back("a")
        with pytest.raises(SubmissionDiffers):
            opened.take("a", replace(CALL, arguments=(b"put", b"k", b"2")).digest)
        found = opened.take("a", digest)
        assert found is not None
        assert found.is_open


@pytest.mark.parametrize("name", ["", "x" * 129])
def test_no_name__is_refused(tmp_path: Path, name: str) -> None:
    with Submissions.open(tmp_path, IDENTITY) as opened, pytest.raises(RefusedInput):
        opened.take(name, CALL.digest)


def test_too_many_open_ones__are_refused_until_some_are_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OPEN_SUBMISSIONS", 2)
    with Submissions.open(tmp_path, IDENTITY) as opened:
        for name in ("a", "b"):
            opened.append(_kept(name))
        with pytest.raises(Overloaded, match="edgemark ledger finish"):
            opened.take("c", CALL.digest)
        assert opened.take("a", CALL.digest) is not None
        opened.append(_decided(_kept("a"), Code.VALID))
        opened.give_back("a")
        assert opened.take("c", CALL.digest) is None


def test_calls_that_differ_in_anything__have_other_digests() -> None:
    others = [
        replace(CALL, channel="other"),
        replace(CALL, chaincode="other"),
        replace(CALL, arguments=(b"put", b"k1")),
        replace(CALL, arguments=(b"put", b"k", b"1", b"")),
        replace(CALL, organisations=("Org1MSP",)),
    ]
    assert len({each.digest for each in (CALL, *others)}) == len(others) + 1
