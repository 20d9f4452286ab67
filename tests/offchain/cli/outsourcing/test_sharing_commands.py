"""`outsourcing share`, `decode` and the ways to misuse `submit --sharing`; no chain is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.files import write_whole
from edgemark.systems.outsourcing.offline.sharing_files import read_sharing

FUNCTION = cast.dense_function()
INPUTS = [[2, 5], [-4, 7]]
PACKED = FIELD.pack([value % Q for row in INPUTS for value in row])
NOWHERE = ("--chain-url", "http://127.0.0.1:9")


def run(tmp_path: Path, *words: str | Path) -> Finished:
    """A command of somebody without a chain."""
    return edgemark_here("outsourcing", *words, "--home", tmp_path / "home", *NOWHERE)


@pytest.fixture
def asking(tmp_path: Path) -> list[str | Path]:
    """Words that name function and input."""
    (tmp_path / "f.function").write_bytes(FUNCTION.to_bytes())
    (tmp_path / "inputs.json").write_text(json.dumps(INPUTS))
    return ["--function", tmp_path / "f.function", "--input", tmp_path / "inputs.json"]


def rows(packed: bytes) -> list[list[int]]:
    values = [to_signed(value) for value in FIELD.unpack(packed)]
    return [values[i : i + FUNCTION.outputs] for i in range(0, len(values), FUNCTION.outputs)]


def test_share_and_decode__without_a_chain__give_the_result(
    tmp_path: Path, asking: list[str | Path]
) -> None:
    folder = tmp_path / "sharing"
    done = run(tmp_path, "share", *asking, "--out", folder, "--json")
    assert done.status == Exit.DONE, done.error
    assert (done.value["nodes"], done.value["inputs"]) == (6, 2)
    assert sorted(done.value["files"]) == sorted(path.name for path in folder.glob("[!.]*"))
    order = cast.order_over(read_sharing(folder))
    answers = [cast.right_answer(order, j) for j in range(1, 6)] + [cast.wrong_answer(order, 6)]
    exported = cast.export_answers(order, answers)
    path = tmp_path / "shared.answers"
    write_whole(path, exported.to_bytes())
    decoded = run(tmp_path, "decode", path, "--secret", folder / "secret.json", "--json")
    assert decoded.status == Exit.DONE, decoded.error
    assert decoded.value["liars"] == [6]
    assert decoded.value["result"] == rows(FUNCTION.evaluate(PACKED))
    write_whole(path, replace(exported, answers=exported.answers[:3]).to_bytes())
    undecided = run(tmp_path, "decode", path, "--secret", folder / "secret.json", "--json")
    assert undecided.status == Exit.CHECK_FAILED
    assert undecided.value["result"] is None


def test_share__into_a_folder_that_is_used__is_refused(
    tmp_path: Path, asking: list[str | Path]
) -> None:
    run(tmp_path, "share", *asking, "--out", tmp_path / "sharing")
    again = run(tmp_path, "share", *asking, "--out", tmp_path / "sharing")
    assert again.status == Exit.REFUSED_INPUT
    assert "masks serve once" in again.complaint


def test_submit__with_an_input_and_a_sharing_or_neither__is_refused(
    tmp_path: Path, asking: list[str | Path]
) -> None:
    run(tmp_path, "share", *asking, "--out", tmp_path / "sharing")
    nodes = [word for node in cast.NODE_ADDRESSES for word in ("--node", node)]
    both = run(tmp_path, "submit", *asking, "--sharing", tmp_path / "sharing", *nodes)
    neither = run(tmp_path, "submit", *asking[:2], *nodes)
    for done in (both, neither):
        assert done.status == Exit.REFUSED_INPUT
        assert "--input and --sharing" in done.complaint


def test_submit__of_a_sharing_for_another_function__is_refused_before_any_chain(
    tmp_path: Path, asking: list[str | Path]
) -> None:
    run(tmp_path, "share", *asking, "--out", tmp_path / "sharing")
    (tmp_path / "f.function").write_bytes(cast.dense_function(name="another").to_bytes())
    nodes = [word for node in cast.NODE_ADDRESSES for word in ("--node", node)]
    done = run(tmp_path, "submit", *asking[:2], "--sharing", tmp_path / "sharing", *nodes)
    assert done.status == Exit.REFUSED_INPUT
    assert "made for another function" in done.complaint


def test_decode__with_a_file_that_holds_no_answers__is_refused(
    tmp_path: Path, asking: list[str | Path]
) -> None:
    run(tmp_path, "share", *asking, "--out", tmp_path / "sharing")
    secret = tmp_path / "sharing" / "secret.json"
    done = run(tmp_path, "decode", tmp_path / "inputs.json", "--secret", secret)
    assert done.status == Exit.REFUSED_INPUT
    assert "format edgemark-answers, version 3" in done.complaint
