"""`edgemark outsourcing compile` as a user types it; it needs no chain."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.stage.command_line import edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.models.files import read_compiled, save_model

WINE = load_wine(as_frame=True)
SUBMIT = ("outsourcing", "submit", "--node", "0x" + "11" * 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wine")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(WINE.data, WINE.target)
    save_model(model, folder / "wine.model.json", np.abs(WINE.data).max().tolist())
    WINE.data.head(3).to_csv(folder / "wine.csv", index=False)
    net = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["h"]), helper.make_node("Mul", ["h", "h"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 13])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(np.arange(26, dtype=np.float32).reshape(13, 2), "w")],
    )
    opset = [helper.make_opsetid("", 18)]
    raw = helper.make_model(net, opset_imports=opset, ir_version=9).SerializeToString()
    (folder / "net.onnx").write_bytes(raw)
    return folder


def test_compile__writes_function_and_plan_and_prints_both_accounts(folder: Path) -> None:
    done = edgemark_here("outsourcing", "compile", folder / "wine.model.json")
    assert done.status == Exit.DONE
    for words in ("StandardScaler > LogisticRegression", "Overflow plan", "limit (q-1)/2"):
        assert words in done.out
    for words in ("error bound", "m = 5", "bytes to each node", "measured here"):
        assert words in done.out
    compiled = read_compiled(folder / "wine.plan.json")
    assert compiled.function.degree == 1
    assert compiled.plan.signature.inputs == tuple(WINE.data.columns)


def test_compile__as_json__has_every_number(folder: Path) -> None:
    words = (
        "--threshold",
        "2",
        "--errors",
        "1",
        "--batch",
        "50",
        "--fraction-bits",
        "20",
        "--json",
    )
    output = folder / "other"
    done = edgemark_here(
        "outsourcing", "compile", folder / "wine.model.json", "--output", output, *words
    )
    facts = done.value
    assert facts["function"] == f"{output}.function"
    assert facts["fraction_bits"] == 20
    assert facts["output_bits"] == 40
    assert int(facts["largest_output"]) < int(facts["limit"])
    assert facts["cost"]["nodes"] == 7
    assert facts["cost"]["share_bytes"] == 17 * (50 * 13 + 1)
    for name in ("error_bounds", "of_these_the_field", "of_these_the_plain_model"):
        assert set(facts[name]) == set(facts["outputs"])


def test_compile__onnx__takes_bounds_from_numbers_or_a_table(folder: Path) -> None:
    model = folder / "net.onnx"
    refused = edgemark_here("outsourcing", "compile", model)
    assert refused.status == Exit.REFUSED_INPUT
    assert "needed 1 or 13" in refused.complaint
    one = edgemark_here("outsourcing", "compile", model, "--bound", "2000", "--json")
    assert set(one.value["inputs"].values()) == {2000.0}
    ranges = edgemark_here("outsourcing", "compile", model, "--bound", "-10:2000", "--json")
    assert ranges.value["inputs"]["x_12"] == pytest.approx([-10.0, 2000.0])
    wrong = edgemark_here("outsourcing", "compile", model, "--bound", "1:2:3")
    assert "neither a number nor LOW:HIGH" in wrong.complaint
    table = ("--bounds-from", folder / "wine.csv", "--margin", "2")
    each = edgemark_here(
        "outsourcing", "compile", model, *table, "--label", "a", "--label", "b", "--json"
    )
    assert each.value["inputs"]["x_0"] == 2 * WINE.data.head(3)["alcohol"].max()
    assert each.value["labels"] == ["a", "b"]
    both = edgemark_here("outsourcing", "compile", model, *table, "--bound", "1")
    assert "bounds are given twice" in both.complaint


def test_compile__a_pickle__is_refused_by_name_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"weights": [1.0]}))
    done = edgemark_here("outsourcing", "compile", path, "--json")
    assert done.status == Exit.REFUSED_INPUT
    assert done.value["error"] == "ModelIsCode"
    assert "save_model" in done.complaint
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--bound", "3"), "declares its bounds"),
        (("--fraction-bits", "65"), "fraction bits"),
        (("--fraction-bits", "64"), "could wrap"),
        (("--errors", "2"), "e is out of range"),
        (("--bounds-from", "wine.csv", "--margin", "0"), "margin"),
    ],
)
def test_compile__numbers_out_of_range__are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.chdir(folder)
    done = edgemark_here("outsourcing", "compile", "wine.model.json", *words)
    assert done.status == Exit.REFUSED_INPUT
    assert complaint in done.complaint


def test_submit__tables_that_do_not_fit__are_refused_before_any_chain_is_asked(
    folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    model = ("--model", folder / "wine.model.json", "--input", table, "--home", tmp_path)
    for text, complaint in {
        "alcohol\n1\n": "had no column malic_acid",
        (folder / "wine.csv")
        .read_text()
        .replace("127.0", ""): "row 1, column magnesium: is missing",
        (folder / "wine.csv").read_text().replace("127.0", "9e9"): "outside the declared bounds",
    }.items():
        table.write_text(text)
        done = edgemark_here(*SUBMIT, *model)
        assert done.status == Exit.REFUSED_INPUT
        assert complaint in done.complaint


def test_submit__model_and_function__have_to_be_one_of_them(folder: Path, tmp_path: Path) -> None:
    table = ("--input", folder / "wine.csv", "--home", tmp_path)
    for words in ((), ("--model", folder / "net.onnx", "--function", folder / "net.onnx")):
        done = edgemark_here(*SUBMIT, *table, *words)
        assert "name one of them" in done.complaint
    done = edgemark_here(*SUBMIT, *table, "--model", folder / "net.onnx")
    assert "has to be compiled first" in done.complaint
    done = edgemark_here(*SUBMIT, *table, "--model", folder / "wine.csv")
    assert "is no model file" in done.complaint


def test_submit__plan_of_another_function__is_refused(folder: Path, tmp_path: Path) -> None:
    edgemark_here("outsourcing", "compile", folder / "net.onnx", "--bound", "2000")
    edgemark_here("outsourcing", "compile", folder / "wine.model.json")
    plan = json.loads((folder / "wine.plan.json").read_text())
    plan["function"]["file"] = "net.function"
    del plan["checksum"]
    (folder / "mixed.plan.json").write_text(json.dumps(plan))
    files = ("--model", folder / "mixed.plan.json", "--input", folder / "wine.csv")
    done = edgemark_here(*SUBMIT, *files, "--home", tmp_path)
    assert done.status == Exit.REFUSED_INPUT
    assert "net.function: is not the function that its plan was written with" in done.complaint


def test_submit__where_to_write_answers__is_checked_before_anything_is_paid(
    folder: Path, tmp_path: Path
) -> None:
    files = ("--model", folder / "wine.model.json", "--input", folder / "wine.csv")
    words = ("--output", tmp_path / "nowhere" / "a.csv", "--home", tmp_path)
    done = edgemark_here(*SUBMIT, *files, *words)
    assert "folder is not there" in done.complaint
