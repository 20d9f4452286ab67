"""Model and plan files: whatever is code is refused unopened, whatever is wrong by its field."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import RefusedInput
from edgemark.models.compiling import CompiledModel, compile_model
from edgemark.models.description import (
    ModelDescription,
    description_from_json,
    description_to_json,
)
from edgemark.models.formats import BadModelFile, Form, ModelIsCode, recognise
from edgemark.models.plan import plan_from_json, plan_to_json
from edgemark.models.signature import Decision, Signature
from edgemark.models.steps import Linear
from edgemark.models.traced import Precision

SIGNATURE = Signature(("age", "bmi"), True, (9.0, 4.0), ("a", "b"), Decision.LARGEST, ("x", "y"))
MODEL = ModelDescription(
    "by hand", Precision.DOUBLE, SIGNATURE, (Linear(((1.0, 0.5), (-1.0, 2.0)), (0.0, 1.0)),)
)


def compiled() -> CompiledModel:
    return compile_model(MODEL.trace())


CODE = {
    "model.pkl": b"(anything",
    "model.joblib": b"x",
    "model.pt": b"PK\x03\x04",
    "model.npy": b"\x93NUMPY",
    "model.keras": b"",
    "model.bin": pickle.dumps([1], protocol=4),
    "model.json": pickle.dumps([1], protocol=2),
    "model.onnx": b"PK\x03\x04zip",
    "model": b"\x89HDF\r\n\x1a\n",
    "model.gz": b"\x1f\x8b\x08",
}


@pytest.mark.parametrize("name", CODE)
def test_file_that_can_hold_a_program__is_refused_by_name(name: str) -> None:
    with pytest.raises(ModelIsCode, match="is not opened") as caught:
        recognise(name, CODE[name])
    assert caught.value.who == name
    assert "save_model" in str(caught.value)


def test_json_and_onnx__are_known_by_their_first_byte() -> None:
    assert recognise("m.json", b' \n{"format"') is Form.JSON
    assert recognise("m", b"\x08\x09") is Form.ONNX
    for head in (b"", b"[1]", b"hello", b"\x0a\x0a"):
        with pytest.raises(RefusedInput, match="is no model file"):
            recognise("m.txt", head)


def change(raw: bytes, **changes: Any) -> bytes:
    value = json.loads(raw)
    del value["checksum"]  # as who changes one on purpose does
    for name, new in changes.items():
        if new is None:
            del value[name]
        else:
            value[name] = new
    return json.dumps(value).encode()


BAD_MODELS: dict[str, dict[str, Any]] = {
    "lacks a field; needed steps": {"steps": None},
    "has fields that nobody knows": {"extra": 1},
    "had edgemark-model 2": {"version": 2},
    "had other 1": {"format": "other"},
    "knows no such precision": {"precision": "float16"},
    "knows no such decision": {"decision": "guess"},
    "knows no such step": {"steps": [{"step": "exec"}]},
    "wrong number of bounds": {"bounds": [1.0]},
    "is no bound": {"bounds": [1.0, -1.0]},
    "inputs share a name; had age": {"inputs": ["age", "age"]},
    "is no name": {"inputs": ["age", ""]},
    "labels do not fit the outputs": {"labels": ["x"]},
    "number of outputs out of range": {"outputs": []},
    "has a field of another type": {"is_named": 1},
    "had str; needed a number": {"bounds": ["1", "2"]},
    "had dict; needed strings or numbers": {"labels": [{}, []]},
    "wrong number of weights": {
        "steps": [{"step": "linear", "weights": [[1.0]], "offsets": [0.0]}]
    },
    "number of outputs differs": {
        "steps": [{"step": "linear", "weights": [[1.0, 2.0]], "offsets": [0.0]}]
    },
    "names a variable that is not there": {"steps": [{"step": "monomials", "variables": [[7]]}]},
    "raises the degree too far": {"steps": [{"step": "monomials", "variables": [[0] * 20]}] * 2},
    "divides by zero": {"steps": [{"step": "standardise", "means": [0, 0], "scales": [1.0, 0.0]}]},
    "has too many items": {"steps": [{"step": "rescale", "factors": [], "offsets": []}] * 17},
    "degree out of range": {
        "steps": [
            {
                "step": "kernel",
                "vectors": [[1.0, 1.0]],
                "gamma": 1.0,
                "constant": 0.0,
                "degree": 21,
                "weights": [[1.0]],
                "offsets": [0.0],
            }
        ]
    },
}


def test_f9_model_file_that_says_a_thing_twice__is_refused() -> None:
    raw = description_to_json(MODEL).decode().replace("{", '{"precision": "other",', 1)
    with pytest.raises(RefusedInput, match="field 'precision' twice in one object"):
        description_from_json(raw.encode(), "m.json")


@pytest.mark.parametrize("words", BAD_MODELS)
def test_model_file_with_a_wrong_field__is_refused_by_the_field(words: str) -> None:
    raw = change(description_to_json(MODEL), **BAD_MODELS[words])
    with pytest.raises(RefusedInput) as caught:
        description_from_json(raw, "m.json").trace()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"\xff", b'{"a": NaN}', b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
    ids=["empty", "cut", "list", "not UTF-8", "not a number", "deep", "long"],
)
def test_file_that_is_no_json_object__is_refused(raw: bytes) -> None:
    with pytest.raises(BadModelFile, match="JSON"):
        description_from_json(raw, "m.json")
    with pytest.raises(BadModelFile, match="JSON"):
        plan_from_json(raw, "p.json")


def test_number_that_is_infinite_in_json__is_refused() -> None:
    raw = change(description_to_json(MODEL)).replace(b"0.5", b"1e999")
    with pytest.raises(BadModelFile, match="infinite"):
        description_from_json(raw, "m.json")


def test_plan__comes_back_from_its_file() -> None:
    plan = compiled().plan
    assert plan_from_json(plan_to_json(plan, "m.function"), "p") == (plan, "m.function")


MODEL_OF_BEFORE = (
    b'{"format":"edgemark-model","version":1,"source":"by hand","precision":"float64","inputs":'
    b'["age","bmi"],"is_named":true,"bounds":[9.0,4.0],"outputs":["a","b"],"decision":"largest",'
    b'"labels":["x","y"],"steps":[{"step":"linear","weights":[[1.0,0.5],[-1.0,2.0]],'
    b'"offsets":[0.0,1.0]}]}'
)
PLAN_OF_BEFORE = (
    b'{"format": "edgemark-plan", "version": 1, "source": "by hand", "function": {'
    b'"file": "m.function", "hash":'
    b'"151f24fb1300c2486ef1083143020386e8d86aefbcad45cc3a0b9cf80826628a"}, "inputs":'
    b'["age", "bmi"], "is_named": true, "bounds": [9.0, 4.0], "outputs": ["a", "b"], "decision":'
    b'"largest", "labels": ["x", "y"], "precision": "float64", "fraction_bits": 61, "degree": 1,'
    b'"input_exponents": [4, 2], "encoded_input_bounds": ["1297036692682702848",'
    b'"2305843009213693952"], "encoded_output_bounds": ["58486031814536298407767510652335161344",'
    b'"95704415696513942849074108340184809472"], "field_errors": [1.2251484549086202e-15,'
    b'2.0036056147532126e-15], "plain_errors": [4.884986193331999e-15, 7.993613770906906e-15]}'
)


def test_files_of_before_there_were_ranges__still_open_and_mean_the_same() -> None:
    assert description_from_json(MODEL_OF_BEFORE, "m") == MODEL
    plan, function = plan_from_json(PLAN_OF_BEFORE, "p")
    assert (plan, function) == (compiled().plan, "m.function")
    assert plan.signature.tell_range(0) == "|x| <= 9.0"


BAD_PLANS: dict[str, dict[str, Any]] = {
    "names a file elsewhere": {"function": {"file": "../f", "hash": "00" * 32}},
    "is not hexadecimal": {"function": {"file": "f", "hash": "zz"}},
    "could wrap": {"encoded_output_bounds": [str(2**128), "1"]},
    "has no whole number": {"encoded_input_bounds": ["1", "-1"]},
    "has lists of different lengths": {"plain_errors": [0.0]},
    "has an exponent out of range": {"input_exponents": [0, 10**9]},
    "is out of range": {"fraction_bits": 65},
    "had edgemark-plan 9": {"version": 9},
}


@pytest.mark.parametrize("words", BAD_PLANS)
def test_plan_with_a_wrong_field__is_refused_by_the_field(words: str) -> None:
    raw = change(plan_to_json(compiled().plan, "f"), **BAD_PLANS[words])
    with pytest.raises(RefusedInput) as caught:
        plan_from_json(raw, "p.json")
    assert words in str(caught.value)


@given(
    at=st.integers(0, 5000),
    new=st.sampled_from([b"", b"0", b"-", b'"', b"[", b"9e9", b"null", b"true"]),
)
def test_plan_with_a_changed_byte__is_read_or_refused(at: int, new: bytes) -> None:
    raw = plan_to_json(compiled().plan, "f")
    at %= len(raw)
    try:
        plan_from_json(raw[:at] + new + raw[at + 1 :], "p.json")
    except RefusedInput:
        return


def test_row_outside_its_bound__is_refused_without_showing_it() -> None:
    plan = compiled().plan
    plan.encode([[9.0, -4.0]])
    with pytest.raises(RefusedInput) as caught:
        plan.encode([[1.0, 1.0], [1.0, 4.25]])
    assert "row 2, column bmi" in str(caught.value)
    assert "|x| <= 4.0" in str(caught.value)
    assert "4.25" not in str(caught.value)


@pytest.mark.parametrize("row", [[1.0], [1.0, 1.0, 1.0]])
def test_row_of_the_wrong_length__is_refused(row: list[float]) -> None:
    with pytest.raises(RefusedInput, match=r"row 1: has the wrong length"):
        compiled().plan.encode([row])


def test_model_that_would_wrap__is_refused_with_the_numbers() -> None:
    wide = Signature(("x",), False, (2.0**50,), ("y",))
    steps = (Linear(((2.0**80,),), (0.0,)),)
    with pytest.raises(
        RefusedInput, match=r"could wrap; had a bound of 1\d\d bits.*needed at most"
    ):
        compile_model(ModelDescription("wide", Precision.DOUBLE, wide, steps).trace(), 30)


def test_a31_canary__a_pickle_in_any_disguise_never_runs(tmp_path: Path) -> None:
    from edgemark.models.files import read_compiled, read_model

    canary = tmp_path / "ran"
    for number, name in enumerate(["m.pkl", "m.json", "m.onnx", "m.bin", "m.function"]):
        for protocol in range(6):
            path = tmp_path / f"{number}{protocol}{name}"
            path.write_bytes(pickle.dumps(_Canary(str(canary)), protocol=protocol))
            for read in (read_model, read_compiled):
                with pytest.raises(RefusedInput):
                    read(path)
    assert not canary.exists()
    pickle.loads(pickle.dumps(_Canary(str(canary))))
    assert canary.exists()  # the canary does sing when it is opened


class _Canary:
    """A pickle that makes a file when it is opened."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)
