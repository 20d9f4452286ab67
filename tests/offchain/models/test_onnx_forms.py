"""Every operator in every form that the opsets 9 to 27 have, against onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.offchain.models.plain_models import find_excess

from edgemark.errors import RefusedInput
from edgemark.models.compiling import compile_model
from edgemark.models.onnx.graph import LEAST_OPSET, MOST_OPSET, load_onnx, trace_onnx
from edgemark.models.onnx.learned import DOMAIN
from edgemark.models.onnx.run import GraphRun
from edgemark.models.traced import Precision, Tracer

node = helper.make_node
RANDOM = np.random.default_rng(21)
W = RANDOM.normal(size=(3, 2)).astype(np.float32)
MOST_RUN = 22  # newest opset that the onnxruntime of these tests runs of every operator
NOT_TAKEN = {
    ("Constant", "sparse_value"): "sparse tensors are refused",
    (
        "SVMClassifier",
        "prob_a",
    ): "probabilities are no polynomials, and with them the label changes",
    ("SVMClassifier", "prob_b"): "as above",
    ("Imputer", "imputed_value_int64s"): "rows are floats",
    ("Imputer", "replaced_value_int64"): "rows are floats",
}


def known_operators() -> dict[str, frozenset[str]]:
    run = GraphRun(load_onnx(), Tracer(Precision.SINGLE))
    return {name: attributes for name, (_, attributes) in run._operators.items()}


def forms_of(domain: str, name: str) -> list[Any]:
    """The schemas of an operator that hold in one of the opsets that are read."""
    found = [
        schema
        for schema in onnx.defs.get_all_schemas_with_history()
        if (schema.domain, schema.name) == (domain, name)
    ]
    found.sort(key=lambda schema: schema.since_version)
    least, most = (LEAST_OPSET, MOST_OPSET) if not domain else (1, 5)
    ends = [schema.since_version for schema in found[1:]] + [most + 1]
    return [
        schema
        for schema, end in zip(found, ends, strict=True)
        if end > least and schema.since_version <= most
    ]


@pytest.mark.parametrize("full", sorted(known_operators()))
def test_operator__takes_every_attribute_that_any_of_its_forms_has(full: str) -> None:
    name = full.removeprefix(f"{DOMAIN}.")
    forms = forms_of(DOMAIN if name != full else "", name)
    assert forms
    known = known_operators()[full]
    for schema in forms:
        left = set(schema.attributes) - known
        assert all((name, attribute) in NOT_TAKEN for attribute in left), schema.since_version


def graph_of(
    nodes: Sequence[Any],
    constants: dict[str, Any],
    opset: int | None,
    learned: int | None = None,
    kind: int = TensorProto.FLOAT,
    shape: Sequence[Any] | None = ("N", 3),
) -> bytes:
    tensors = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(
        list(nodes),
        "form",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        tensors,
    )
    sets = [helper.make_opsetid("", opset)] if opset else []
    sets += [helper.make_opsetid(DOMAIN, learned)] if learned else []
    raw: bytes = helper.make_model(graph, opset_imports=sets, ir_version=6).SerializeToString()
    return raw


def with_weights(*nodes: Any) -> list[Any]:
    """x W, then what is tried of h, which ends in y."""
    return [node("MatMul", ["x", "w"], ["h"]), *nodes]


ONE = np.int64([1])
LATER = range(13, MOST_RUN + 1)
FORMS: dict[str, tuple[Sequence[Any], dict[str, Any], Sequence[int]]] = {
    "Squeeze, Unsqueeze by attribute": (
        with_weights(
            node("Unsqueeze", ["h"], ["u"], axes=[0]), node("Squeeze", ["u"], ["y"], axes=[0])
        ),
        {"w": W},
        [9, 11, 12],
    ),
    "Squeeze, Unsqueeze by operand": (
        with_weights(node("Unsqueeze", ["h", "a"], ["u"]), node("Squeeze", ["u", "a"], ["y"])),
        {"w": W, "a": ONE},
        LATER,
    ),
    "Squeeze of all": (with_weights(node("Squeeze", ["h"], ["y"])), {"w": W[:, :1]}, [9, 13, 21]),
    "Dropout with a ratio": (
        with_weights(node("Dropout", ["h"], ["y"], ratio=0.25)),
        {"w": W},
        [9, 10, 11],
    ),
    "Dropout with a seed": (
        with_weights(node("Dropout", ["h"], ["y"], seed=3)),
        {"w": W},
        [12, 13],
    ),
    "Dropout with operands": (
        with_weights(node("Dropout", ["h", "ratio", "training"], ["y"])),
        {"w": W, "ratio": np.float32(0.5), "training": np.bool_(False)},
        [12, 13, 22],
    ),
    "ReduceSum by attribute": (
        with_weights(node("ReduceSum", ["h"], ["y"], axes=[1], keepdims=0)),
        {"w": W},
        [9, 11, 12],
    ),
    "ReduceSum by operand": (
        with_weights(node("ReduceSum", ["h", "a"], ["y"])),
        {"w": W, "a": ONE},
        [13, 18, 21],
    ),
    "ReduceSum of nothing": (
        with_weights(node("ReduceSum", ["h"], ["y"], noop_with_empty_axes=1)),
        {"w": W},
        [13, 21],
    ),
    "ReduceProd, ReduceMean, ReduceSumSquare by attribute": (
        with_weights(
            node("ReduceProd", ["h"], ["p"], axes=[1]),
            node("ReduceMean", ["h"], ["m"], axes=[-1]),
            node("ReduceSumSquare", ["h"], ["s"], axes=[1]),
            node("Concat", ["p", "m", "s"], ["y"], axis=1),
        ),
        {"w": W},
        [11, 13, 17],
    ),
    "ReduceProd, ReduceMean, ReduceSumSquare by operand": (
        with_weights(
            node("ReduceProd", ["h", "a"], ["p"]),
            node("ReduceMean", ["h", "a"], ["m"]),
            node("ReduceSumSquare", ["h", "a"], ["s"]),
            node("Concat", ["p", "m", "s"], ["y"], axis=1),
        ),
        {"w": W, "a": ONE},
        [18, 20],
    ),
    "Reduce of constants": (
        [node("ReduceSum", ["w"], ["s"], keepdims=0), node("Mul", ["x", "s"], ["y"])],
        {"w": W},
        [9, 13, 21],
    ),
    "Slice by attribute": (
        with_weights(node("Slice", ["h"], ["y"], starts=[1], ends=[2], axes=[1])),
        {"w": W},
        [9],
    ),
    "Slice by operand": (
        with_weights(node("Slice", ["h", "s", "e", "a", "t"], ["y"])),
        {"w": W, "s": np.int64([-1]), "e": np.int64([-9]), "a": ONE, "t": np.int64([-1])},
        [10, 11, 13, 21],
    ),
    "Gather, Transpose": (
        with_weights(
            node("Transpose", ["w"], ["v"], perm=[1, 0]),
            node("Transpose", ["v"], ["u"]),
            node("Gather", ["h", "i"], ["g"], axis=1),
            node("MatMul", ["g", "k"], ["y"]),
        ),
        {"w": W, "i": np.int64([1, 0, 1]), "k": RANDOM.normal(size=(3, 2)).astype(np.float32)},
        [9, 11, 13, 21],
    ),
    "shapes that are computed": (
        with_weights(
            node("Shape", ["h"], ["s"]),
            node("Gather", ["s", "i"], ["n"]),
            node("Cast", ["n"], ["m"], to=TensorProto.INT64),
            node("Concat", ["rest", "m"], ["to"], axis=0),
            node("Reshape", ["h", "to"], ["y"]),
        ),
        {"w": W, "i": ONE, "rest": np.int64([-1])},
        [9, 13, 21],
    ),
    "Shape in part": (
        with_weights(
            node("Shape", ["h"], ["m"], start=1, end=2),
            node("Concat", ["rest", "m"], ["to"], axis=0),
            node("Reshape", ["h", "to"], ["y"]),
        ),
        {"w": W, "rest": np.int64([-1])},
        [15, 19, 21],
    ),
    "Constant of every kind": (
        with_weights(
            node("Constant", [], ["to"], value_ints=[-1, 2]),
            node("Reshape", ["h", "to"], ["r"]),
            node("Constant", [], ["i"], value_int=1),
            node("Constant", [], ["f"], value_floats=[2.5, -1.0]),
            node("Gather", ["f", "i"], ["g"]),
            node("Mul", ["r", "f"], ["m"]),
            node("Add", ["m", "g"], ["y"]),
        ),
        {"w": W},
        [12, 13, 21],
    ),
    "halves, cast": (
        [node("Cast", ["half"], ["w"], to=TensorProto.FLOAT), node("MatMul", ["x", "w"], ["y"])],
        {"half": W.astype(np.float16)},
        [9, 13, 19, 21],
    ),
    "functions of constants": (
        [
            node("Log", ["c"], ["l"]),
            node("Exp", ["c"], ["e"]),
            node("Sqrt", ["c"], ["s"]),
            node("Reciprocal", ["c"], ["r"]),
            node("Pow", ["c", "p"], ["q"]),
            node("Sum", ["l", "e", "s", "r", "q"], ["a"]),
            node("Mean", ["a", "x"], ["b"]),
            node("Div", ["b", "e"], ["y"]),
        ],
        {"c": np.float32([0.3, 2.0, 5.5]), "p": np.float32(-0.5)},
        [9, 13, 21],
    ),
    "Pow by a whole number": (
        [node("Pow", ["x", "p"], ["y"])],
        {"p": np.int64(3)},
        [12, 13, 15],
    ),
    "Gemm without an offset": ([node("Gemm", ["x", "w"], ["y"])], {"w": W}, [11, 13]),
    "Flatten from the back": (
        with_weights(node("Flatten", ["h"], ["y"], axis=-1)),
        {"w": W},
        [11, 21],
    ),
}


def compare(raw: bytes, bounds: Sequence[float] = (2.0,)) -> None:
    compiled = compile_model(trace_onnx(raw, "m.onnx", bounds))
    session = onnxruntime.InferenceSession(raw)
    kind = np.float64 if "double" in session.get_inputs()[0].type else np.float32
    rows = RANDOM.uniform(-2, 2, size=(9, 3)).astype(kind)
    plain = [np.asarray(session.run(None, {"x": row[None]})[0]).reshape(-1) for row in rows]
    assert find_excess(compiled, rows.astype(float).tolist(), np.array(plain)) <= 0
    assert max(compiled.plan.error_bounds) < 0.01


@pytest.mark.parametrize("name", FORMS)
def test_form_of_any_opset__answers_as_onnxruntime(name: str) -> None:
    nodes, constants, opsets = FORMS[name]
    for opset in opsets:
        compare(graph_of(nodes, constants, opset))


LINE: dict[str, Any] = {"coefficients": W.T.reshape(-1).tolist(), "targets": 2}


@pytest.mark.parametrize("learned", [1, 2, 3])
def test_file_of_ai_onnx_ml_alone__needs_no_other_set(learned: int) -> None:
    regressor = node("LinearRegressor", ["x"], ["y"], domain=DOMAIN, intercepts=[1.0, 2.0], **LINE)
    compare(graph_of([regressor], {}, None, learned))
    mixed = graph_of([regressor, node("Neg", ["y"], ["z"])], {}, None, learned)
    with pytest.raises(RefusedInput, match=r"had none, and operators of it: Neg; needed 9\.\.27"):
        trace_onnx(mixed, "m.onnx", [2.0])


@pytest.mark.parametrize("shape", [None, ("N", "k"), ("N", 3), (1, 3)])
def test_row_of_open_width__has_as_many_numbers_as_there_are_bounds(shape: Any) -> None:
    compare(graph_of([node("MatMul", ["x", "w"], ["y"])], {"w": W}, 13, shape=shape), [2.0] * 3)


def test_imputer__leaves_a_row_with_nothing_missing() -> None:
    for learned in (1, 3):
        attributes = {"imputed_value_floats": [9.0, 8.0, 7.0], "replaced_value_float": float("nan")}
        imputer = node("Imputer", ["x"], ["i"], domain=DOMAIN, **attributes)
        compare(graph_of([imputer, node("MatMul", ["i", "w"], ["y"])], {"w": W}, 13, learned))


def test_doubles_far_from_zero__are_right_by_their_range() -> None:
    shift = np.array([1.7e9, 1.7e9, 1.7e9])
    nodes = [
        node("Sub", ["x", "m"], ["c"]),
        node("Mul", ["c", "c"], ["s"]),
        node("MatMul", ["s", "w"], ["y"]),
    ]
    raw = graph_of(nodes, {"m": shift, "w": W.astype(float)}, 13, kind=TensorProto.DOUBLE)
    compiled = compile_model(trace_onnx(raw, "m.onnx", [(1.7e9, 1.7e9 + 100)]))
    rows = shift + RANDOM.uniform(0, 100, size=(20, 3))
    plain = onnxruntime.InferenceSession(raw).run(None, {"x": rows})[0]
    assert find_excess(compiled, rows.tolist(), plain) <= 0
    assert max(compiled.plan.error_bounds) < 0.01
