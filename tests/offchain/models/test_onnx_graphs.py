"""ONNX graphs: those of polynomials answer as onnxruntime does, all others are refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tests.offchain.models.plain_models import find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import compile_model
from edgemark.models.exact import ModelTooLarge
from edgemark.models.onnx import graph as onnx_graph
from edgemark.models.onnx import run as onnx_run
from edgemark.models.onnx import tensors as onnx_tensors
from edgemark.models.onnx.graph import trace_onnx
from edgemark.models.onnx.tensors import NotOutsourcable
from edgemark.models.signature import Decision

node = helper.make_node
RANDOM = np.random.default_rng(7)


def graph_of(
    nodes: Sequence[Any],
    constants: dict[str, Any] | None = None,
    *,
    shape: Sequence[Any] = ("N", 3),
    kind: int = TensorProto.FLOAT,
    opset: int | None = 18,
) -> Any:
    """A model from input x to the last node's output y."""
    tensors = [
        numpy_helper.from_array(np.asarray(a), name) for name, a in (constants or {}).items()
    ]
    graph = helper.make_graph(
        list(nodes),
        "drawn",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_tensor_value_info("y", kind, None)],
        tensors,
    )
    sets = [] if opset is None else [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=sets or None, ir_version=9)
    if opset is None:
        del model.opset_import[:]
    return model


def run_plainly(model: Any, rows: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": rows})[0]


def normal(*shape: int, kind: str = "float32") -> Any:
    return RANDOM.normal(size=shape).astype(kind)


GRAPHS: dict[str, Any] = {
    "one layer": graph_of(
        [node("Gemm", ["x", "w", "b"], ["y"])], {"w": normal(3, 2), "b": normal(2)}
    ),
    "gemm with everything": graph_of(
        [node("Gemm", ["x", "w", "b"], ["y"], transB=1, alpha=0.5, beta=-2.0)],
        {"w": normal(2, 3), "b": normal(1, 2)},
    ),
    "two layers with squares": graph_of(
        [
            node("MatMul", ["x", "w"], ["h"]),
            node("Add", ["h", "b"], ["a"]),
            node("Mul", ["a", "a"], ["s"]),
            node("Gemm", ["s", "v"], ["y"]),
        ],
        {"w": normal(3, 4), "b": normal(4), "v": normal(4, 2)},
    ),
    "cube": graph_of([node("Pow", ["x", "p"], ["y"])], {"p": np.float32(3)}),
    "power by a whole number": graph_of([node("Pow", ["x", "p"], ["y"])], {"p": np.int64(2)}),
    "standardised": graph_of(
        [
            node("Sub", ["x", "mean"], ["c"]),
            node("Div", ["c", "scale"], ["z"]),
            node("Neg", ["z"], ["n"]),
            node("Sum", ["n", "z", "x"], ["y"]),
        ],
        {"mean": normal(3), "scale": np.float32([3.0, 0.7, 1.1])},
    ),
    "shapes": graph_of(
        [
            node("Flatten", ["x"], ["f"]),
            node("Reshape", ["f", "to"], ["r"]),
            node("Unsqueeze", ["r", "axis"], ["u"]),
            node("Squeeze", ["u", "axis"], ["q"]),
            node("Flatten", ["q"], ["g"]),
            node("Identity", ["g"], ["i"]),
            node("Dropout", ["i"], ["d"]),
            node("Cast", ["d"], ["k"], to=TensorProto.FLOAT),
            node("MatMul", ["k", "w"], ["y"]),
        ],
        {"to": np.int64([0, 2, -1]), "axis": np.int64([1]), "w": normal(8, 2)},
        shape=["N", 1, 2, 4],
    ),
    "folded constants": graph_of(
        [
            node("Constant", [], ["two"], value_float=2.0),
            node("Mul", ["two", "w"], ["v"]),
            node("Mul", ["x", "v"], ["y"]),
        ],
        {"w": normal(3)},
    ),
    "products along a row": graph_of(
        [
            node("Shape", ["x"], ["shape"]),
            node("ConstantOfShape", ["shape"], ["zeros"]),
            node("Concat", ["x", "zeros", "x"], ["wide"], axis=1),
            node("Add", ["wide", "w"], ["shifted"]),
            node("ReduceProd", ["shifted", "along"], ["y"], keepdims=0),
        ],
        {"w": np.float32([0, 1, 0, 2, 0.5, 1, 0, 0, 1]), "along": np.int64([-1])},
    ),
    "doubles": graph_of(
        [node("Gemm", ["x", "w"], ["h"]), node("Mul", ["h", "h"], ["y"])],
        {"w": normal(3, 2, kind="float64")},
        kind=TensorProto.DOUBLE,
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graph__answers_as_onnxruntime_within_the_bound(name: str) -> None:
    model = GRAPHS[name]
    traced = trace_onnx(model.SerializeToString(), "net.onnx", [2.0])
    compiled = compile_model(traced)
    k = len(traced.signature.inputs)
    shape = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim][1:]
    rows = RANDOM.uniform(-2, 2, size=(25, k))
    plain = run_plainly(model, rows.astype(traced.precision.value).reshape(25, *shape))
    assert find_excess(compiled, rows.tolist(), plain) <= 0
    assert max(compiled.plan.error_bounds) < 0.01


@given(
    hidden=st.integers(1, 4),
    bound=st.sampled_from([0.5, 1.0, 30.0]),
    data=st.data(),
)
def test_any_network_with_a_square_activation__is_within_the_bound(
    hidden: int, bound: float, data: st.DataObject
) -> None:
    numbers = st.floats(-3, 3, width=32, allow_subnormal=False)

    def draw(*shape: int) -> Any:
        count = int(np.prod(shape))
        flat = data.draw(st.lists(numbers, min_size=count, max_size=count))
        return np.array(flat, dtype=np.float32).reshape(shape)

    model = graph_of(
        [
            node("Gemm", ["x", "w", "b"], ["h"]),
            node("Mul", ["h", "h"], ["s"]),
            node("Gemm", ["s", "v", "c"], ["y"]),
        ],
        {"w": draw(3, hidden), "b": draw(hidden), "v": draw(hidden, 2), "c": draw(2)},
    )
    rows = np.array(data.draw(st.lists(st.tuples(*[st.floats(-bound, bound)] * 3), min_size=1)))
    try:
        compiled = compile_model(trace_onnx(model.SerializeToString(), "net.onnx", [bound]))
    except RefusedInput as refused:
        assert "depend on its inputs" in str(refused) or "rounds to zero" in str(refused)
        return
    plain = run_plainly(model, rows.astype(np.float32))
    assert find_excess(compiled, rows.tolist(), plain) <= 0


def test_labels__make_a_classifier_of_scores() -> None:
    raw = GRAPHS["one layer"].SerializeToString()
    compiled = compile_model(trace_onnx(raw, "net.onnx", [1.0], ["no", "yes"]))
    rows = RANDOM.uniform(-1, 1, size=(20, 3))
    plain = run_plainly(GRAPHS["one layer"], rows.astype(np.float32)).argmax(axis=1)
    labels = [answer.label for answer in run_in_field(compiled, rows.tolist())]
    assert labels == [["no", "yes"][i] for i in plain]
    single = graph_of([node("MatMul", ["x", "w"], ["y"])], {"w": normal(3, 1)})
    traced = trace_onnx(single.SerializeToString(), "net.onnx", [1.0], ["no", "yes"])
    assert traced.signature.decision is Decision.SIGN
    with pytest.raises(RefusedInput, match="labels do not fit"):
        trace_onnx(raw, "net.onnx", [1.0], ["a", "b", "c"])


@pytest.mark.parametrize(
    "operator", ["Relu", "Sigmoid", "Tanh", "Softmax", "MaxPool", "Conv", "Abs", "TopK"]
)
def test_operator_that_is_no_polynomial__is_refused_by_name_and_node(operator: str) -> None:
    model = graph_of([node(operator, ["x"], ["y"], name="act_1")])
    with pytest.raises(NotOutsourcable) as caught:
        trace_onnx(model.SerializeToString(), "net.onnx", [1.0])
    assert caught.value.who == f"node act_1 ({operator})"
    assert "Gemm" in str(caught.value.needed)


def test_model_of_another_domain__is_refused_by_its_operator() -> None:
    model = graph_of([node("Gelu", ["x"], ["y"], domain="com.microsoft")])
    with pytest.raises(NotOutsourcable, match=r"com\.microsoft\.Gelu"):
        trace_onnx(model.SerializeToString(), "net.onnx", [1.0])


def external() -> Any:
    model = graph_of([node("Mul", ["x", "w"], ["y"])], {"w": normal(3)})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return model


def declaring(dims: Sequence[int]) -> Any:
    model = graph_of([node("Mul", ["x", "w"], ["y"])], {"w": normal(3)})
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)
    return model


def with_subgraph() -> Any:
    inner = helper.make_graph([], "inner", [], [helper.make_tensor_value_info("z", 1, None)])
    return graph_of([node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])


def with_two_outputs() -> Any:
    model = graph_of([node("Identity", ["x"], ["y"])])
    model.graph.output.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, None))
    return model


def with_sparse() -> Any:
    model = graph_of([node("Identity", ["x"], ["y"])])
    model.graph.sparse_initializer.add().dims.extend([1 << 40])
    return model


BAD: dict[str, tuple[Any, str]] = {
    "external data": (external(), "keeps its data in another file"),
    "bomb": (declaring([1 << 20, 1 << 20]), "is too large; had 1099511627776"),
    "other data than its shape": (declaring([5]), "12 bytes; needed 20"),
    "negative size": (declaring([-3]), "negative size"),
    "subgraph": (with_subgraph(), "(If)"),
    "two outputs": (with_two_outputs(), "several outputs"),
    "sparse": (with_sparse(), "has sparse initializers"),
    "old opset": (graph_of([node("Identity", ["x"], ["y"])], opset=8), "another operator set"),
    "whole numbers": (
        graph_of([node("Identity", ["x"], ["y"])], kind=TensorProto.INT64),
        "had INT64; needed FLOAT or DOUBLE",
    ),
    "fixed batch": (graph_of([node("Identity", ["x"], ["y"])], shape=[8, 3]), "another shape"),
    "open shape": (graph_of([node("Identity", ["x"], ["y"])], shape=["N", "k"]), "another shape"),
    "no such value": (graph_of([node("Add", ["x", "gone"], ["y"])]), "nobody computes"),
    "shapes that do not fit": (
        graph_of([node("Add", ["x", "w"], ["y"])], {"w": normal(4)}),
        "operands do not fit",
    ),
    "matrices that do not fit": (
        graph_of([node("MatMul", ["x", "w"], ["y"])], {"w": normal(4, 2)}),
        "shapes do not fit; had [1, 3] and [4, 2]",
    ),
    "missing operand": (graph_of([node("Mul", ["x"], ["y"])]), "operands do not fit"),
    "fractional power": (
        graph_of([node("Pow", ["x", "p"], ["y"])], {"p": np.float32(0.5)}),
        "had 0.5; needed a whole number 0..20",
    ),
    "power of an input": (graph_of([node("Pow", ["p", "x"], ["y"])], {"p": normal(1)}), "exponent"),
    "division by an input": (
        graph_of([node("Div", ["p", "x"], ["y"])], {"p": normal(3)}),
        "constant",
    ),
    "division by zero": (
        graph_of([node("Div", ["x", "p"], ["y"])], {"p": np.float32(0)}),
        "divides by zero",
    ),
    "cast to whole numbers": (
        graph_of([node("Cast", ["x"], ["y"], to=TensorProto.INT64)]),
        "casts to another type",
    ),
    "not finite": (
        graph_of([node("Mul", ["x", "w"], ["y"])], {"w": np.float32(np.inf)}),
        "not finite",
    ),
    "degree": (
        graph_of(
            [node("Pow", ["x", "p"], ["h"]), node("Mul", ["h", "x"], ["y"])], {"p": np.float32(20)}
        ),
        "raises the degree too far; had 21; needed <= 20",
    ),
    "unknown attribute": (graph_of([node("Add", ["x", "x"], ["y"], axis=1)]), "attribute"),
    "fills without end": (
        graph_of([node("ConstantOfShape", ["n"], ["y"])], {"n": np.int64([1 << 40])}),
        "fills too much",
    ),
    "joins numbers of two kinds": (
        graph_of([node("Concat", ["x", "n"], ["y"], axis=0)], {"n": np.int64([1])}),
        "joins too much",
    ),
    "product along everything": (
        graph_of([node("ReduceProd", ["x"], ["y"])]),
        "(ReduceProd): mixes the rows of a batch; had axes [0, 1]; needed axes from 1 on",
    ),
    "exponential of an input": (
        graph_of([node("Exp", ["x"], ["y"])]),
        "(Exp): is computed of an input; needed a constant",
    ),
    "logarithm of a negative": (
        graph_of(
            [node("Log", ["c"], ["d"]), node("Mul", ["x", "d"], ["y"])], {"c": np.float32(-1)}
        ),
        "(Log): has no value there",
    ),
    "place of the largest": (
        graph_of([node("ArgMax", ["x"], ["y"])]),
        "(ArgMax): is no label of a row; had the largest of [1, 3] along axis 0",
    ),
    "whole numbers that are computed with": (
        graph_of([node("Add", ["x", "n"], ["y"])], {"n": np.int64(1)}),
        "(Add): needs floats; had int64",
    ),
    "halves that are not cast": (
        graph_of([node("Add", ["x", "n"], ["y"])], {"n": np.float16(1)}),
        "(Add): needs floats; had float16",
    ),
    "a sigmoid between": (
        graph_of([node("Sigmoid", ["x"], ["h"]), node("Add", ["h", "h"], ["y"])]),
        "(Add): computes with what is no polynomial; had scores after LOGISTIC",
    ),
    "no version of its operators": (
        graph_of([node("Neg", ["x"], ["y"])], opset=None),
        "had none, and operators of it: Neg; needed 9..27",
    ),
    "columns for rows": (
        graph_of([node("Gemm", ["w", "x"], ["y"], transB=1)], {"w": normal(2, 3)}),
        "is no row",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_graph_that_is_not_taken__is_refused_with_the_place(name: str) -> None:
    model, words = BAD[name]
    with pytest.raises(RefusedInput) as caught:
        trace_onnx(model.SerializeToString(), "net.onnx", [1.0])
    assert words in str(caught.value)


@pytest.mark.parametrize("bounds", [[], [1.0, 2.0], [1.0] * 4])
def test_graph_without_bounds_for_its_inputs__is_refused(bounds: list[float]) -> None:
    with pytest.raises(RefusedInput, match=r"needed 1 or 3\. Give --bound"):
        trace_onnx(GRAPHS["one layer"].SerializeToString(), "net.onnx", bounds)


def test_broadcast_that_would_blow_up__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_run, "MAX_TENSOR_ITEMS", 8)
    model = graph_of([node("Add", ["x", "w"], ["y"])], {"w": normal(3, 1)})
    with pytest.raises(ModelTooLarge, match="result is too large; had 9"):
        trace_onnx(model.SerializeToString(), "net.onnx", [1.0])


@given(st.binary(max_size=80))
def test_any_bytes__are_refused_by_a_readable_error(tail: bytes) -> None:
    with pytest.raises(RefusedInput):
        trace_onnx(b"\x08" + tail, "net.onnx", [1.0])


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_graph_with_a_changed_byte__is_read_or_refused(at: int, value: int) -> None:
    raw = bytearray(GRAPHS["two layers with squares"].SerializeToString())
    raw[at % len(raw)] = value
    try:
        compile_model(trace_onnx(bytes(raw), "net.onnx", [1.0]))
    except RefusedInput:
        return


def test_graph_with_a_name_that_is_no_text__is_refused() -> None:
    raw = GRAPHS["gemm with everything"].SerializeToString().replace(b"alpha", b"alph\xff")
    with pytest.raises(RefusedInput, match="name that is no text"):
        trace_onnx(raw, "net.onnx", [1.0])


def test_without_onnx__the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(RefusedInput, match=r"onnx is missing.*pip install \"onnx"):
        onnx_graph.load_onnx()


def test_limits__are_those_of_a_job() -> None:
    assert onnx_tensors.MAX_TENSOR_ITEMS >= 2000 * 100
    assert onnx.defs.onnx_opset_version() == onnx_graph.MOST_OPSET
