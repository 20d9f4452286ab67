"""ONNX graphs whose outputs are polynomials of one input: reading the file.

Source: ONNX operator specification and IR (onnx.ai/onnx), opsets 9 to 27 of the standard domain and
1 to 5 of ai.onnx.ml; where a form changed within these, the form decides, not the number. A row is
run alone, as a batch of one, and only what leads to the output: of a classifier with two outputs,
the label, for its probabilities are no polynomials. External data, subgraphs, functions, sparse and
quantised tensors are refused; no size that a file declares is allocated before it agrees with the
bytes that are there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgemark.crypto.polynomial import MAX_INPUTS, MAX_OUTPUTS
from edgemark.errors import RefusedInput
from edgemark.models.compiling import TracedModel
from edgemark.models.exact import ModelTooLarge
from edgemark.models.onnx.learned import DOMAIN, MOST_VERSION
from edgemark.models.onnx.run import GraphRun
from edgemark.models.onnx.tensors import (
    NotOutsourcable,
    Ruling,
    name_type,
    read_tensor,
)
from edgemark.models.signature import (
    Bound,
    Decision,
    Label,
    Signature,
    name_outputs,
    number_names,
    spread_bounds,
)
from edgemark.models.traced import Precision, Tracer
from edgemark.words import count

LEAST_OPSET, MOST_OPSET = 9, 27
MAX_NODES_OF_GRAPH = 1000
STANDARD = frozenset({"", "ai.onnx"})


def load_onnx() -> Any:
    """The package onnx.

    Raises:
        RefusedInput: it is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - an extra
        import onnx.numpy_helper  # noqa: PLC0415
    except ImportError as error:
        raise RefusedInput(
            "onnx is missing", who="ONNX models", remedy='Run `pip install "onnx>=1.22"`.'
        ) from error
    return onnx


@dataclass(frozen=True, slots=True)
class _Input:
    """The one input of a graph."""

    name: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def trace_onnx(
    raw: bytes, who: str, bounds: Sequence[Bound], labels: Sequence[Label] = ()
) -> TracedModel:
    """Run a graph on symbols.

    Args:
        raw: the file.
        who: what it is called in errors.
        bounds: largest magnitude of each input, or its least and largest value; one for all.
        labels: of a classifier, one for each output; or two for one output, whose sign decides;
            instead of those in the file, when it has some.

    Raises:
        NotOutsourcable: an operator, type or shape that is not taken, by node.
        ModelTooLarge: a declared size, the degree or the work is above its limit.
        RefusedInput: not ONNX, onnx is not installed, or the bounds are missing.
    """
    onnx = load_onnx()
    model = _parse(onnx, raw, who)
    graph = model.graph
    _check_model(model, who)
    found = _find_input(onnx, graph, who, len(bounds))
    each, centres = _spread_bounds(bounds, found, who)
    run = GraphRun(onnx, Tracer(_find_precision(onnx, graph)))
    for tensor in graph.initializer:
        run.store(tensor.name, read_tensor(onnx, tensor, who))
    run.store_input(found.name, each, centres, found.shape)
    wanted = _find_output(onnx, graph, who)
    needed = _list_ancestors(graph, wanted.name)
    for number, node in enumerate(graph.node):
        if number in needed:
            run.play(node, number)
    if _is_label(onnx, wanted):
        ruling = _without_mirror(run.read_label(wanted.name))
        outputs = list(ruling.scores)
        decision, labels = ruling.decision, labels or ruling.labels
        names = name_outputs(decision, tuple(labels), len(outputs))
    else:
        outputs = run.read_output(wanted.name)
        decision = _decision_of(len(outputs), len(labels))
        count = len(outputs)
        names = (wanted.name,) if count == 1 else number_names(wanted.name, count)
    if len(outputs) > MAX_OUTPUTS:
        raise ModelTooLarge("has too many outputs", who=who, had=len(outputs), needed=MAX_OUTPUTS)
    inputs = number_names(found.name, found.count)
    signature = Signature(inputs, False, each, names, decision, tuple(labels), centres)
    source = f"ONNX graph {graph.name[:64]!r}"
    return TracedModel(source, signature, run.tracer.precision, tuple(outputs))


def _parse(onnx: Any, raw: bytes, who: str) -> Any:
    """Bytes to a message; protobuf refuses nesting beyond 100 levels."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(raw)
    except DecodeError as error:
        raise RefusedInput("is not ONNX", who=who, had=str(error)[:200]) from error
    return model


def _check_names(graph: Any, who: str) -> None:
    """What stands for a text is one: protobuf hands over the bare bytes where it is not."""
    named = [*graph.node, *graph.initializer, *graph.input, *graph.output]
    texts = [each.name for each in named]
    for node in graph.node:
        texts += [node.op_type, node.domain, *node.input, *node.output]
        texts += [attribute.name for attribute in node.attribute]
    broken = [text for text in texts if not isinstance(text, str)]
    if broken:
        raise RefusedInput("holds a name that is no text", who=who, had=repr(broken[0][:40]))


def _check_model(model: Any, who: str) -> None:
    graph = model.graph
    _check_names(graph, who)
    versions = {entry.version for entry in model.opset_import if entry.domain in STANDARD}
    uses = [node.op_type for node in graph.node if node.domain in STANDARD]
    if not versions and not uses:
        versions = {MOST_OPSET}  # only operators of ai.onnx.ml
    if not versions or not LEAST_OPSET <= min(versions) <= max(versions) <= MOST_OPSET:
        raise NotOutsourcable(
            "has another operator set",
            who=who,
            had=sorted(versions) or f"none, and operators of it: {', '.join(uses[:3])}",
            needed=f"{LEAST_OPSET}..{MOST_OPSET}",
            remedy="Export it again for an opset between these.",
        )
    learned = {entry.version for entry in model.opset_import if entry.domain == DOMAIN}
    if learned and max(learned) > MOST_VERSION:
        raise NotOutsourcable(
            "has another operator set",
            who=f"{who}, {DOMAIN}",
            had=max(learned),
            needed=MOST_VERSION,
        )
    for what, there in (
        ("functions", model.functions),
        ("sparse initializers", graph.sparse_initializer),
        ("training information", model.training_info),
    ):
        if there:
            raise NotOutsourcable(f"has {what}", who=who, had=len(there), needed="none")
    if len(graph.node) > MAX_NODES_OF_GRAPH:
        raise ModelTooLarge(
            "has too many nodes", who=who, had=len(graph.node), needed=MAX_NODES_OF_GRAPH
        )


def _find_input(onnx: Any, graph: Any, who: str, bounds: int) -> _Input:
    """The one input; a row whose width is open has as many numbers as there are bounds."""
    stored = {tensor.name for tensor in graph.initializer}
    free = [value for value in graph.input if value.name not in stored]
    if len(free) != 1:
        raise NotOutsourcable(
            "has several inputs or none", who=who, had=[v.name for v in free][:8], needed="one"
        )
    tensor = free[0].type.tensor_type
    where = f"{who}, input {free[0].name}"
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    if tensor.elem_type not in floats:
        had = name_type(onnx, tensor.elem_type)
        raise NotOutsourcable("has another type", who=where, had=had, needed="FLOAT or DOUBLE")
    sizes = [int(size.dim_value) for size in tensor.shape.dim]  # 0: symbolic
    if len(sizes) > 1 and sizes[0] == 0:
        sizes[0] = 1
    if bounds > 1 and (not sizes or sizes == [1, 0]):
        sizes = [1, bounds]
    if not sizes or (len(sizes) > 1 and sizes[0] != 1) or any(size < 1 for size in sizes):
        raise NotOutsourcable(
            "has another shape",
            who=where,
            had=sizes,
            needed="[k], or a batch of 1 or any size followed by fixed sizes",
            remedy="Export it with a batch of any size and nothing else open, or bound each input.",
        )
    found = _Input(free[0].name, tuple(sizes))
    if found.count > MAX_INPUTS:
        raise ModelTooLarge("has too many numbers", who=where, had=found.count, needed=MAX_INPUTS)
    return found


def _spread_bounds(
    bounds: Sequence[Bound], found: _Input, who: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Magnitudes and centres."""
    if len(bounds) not in {1, found.count}:
        raise RefusedInput(
            "needs the bounds of its inputs",
            who=who,
            had=count(len(bounds), "bound"),
            needed=f"1 or {found.count}",
            remedy="Give --bound once for all inputs or once for each, or --bounds-from CSV.",
        )
    return spread_bounds([*bounds] * found.count if len(bounds) == 1 else bounds, found.count)


def _find_precision(onnx: Any, graph: Any) -> Precision:
    """float32 as soon as anything in the graph is: its roundings are the larger ones."""
    single = onnx.TensorProto.FLOAT
    if any(node.domain == DOMAIN for node in graph.node):
        return Precision.SINGLE  # their numbers are attributes, which are float32
    types = [value.type.tensor_type.elem_type for value in graph.input]
    types += [tensor.data_type for tensor in graph.initializer]
    for node in graph.node:
        for attribute in node.attribute:
            types.append(attribute.t.data_type)
            types += [single] if attribute.name.startswith("value_float") else []
            types += [attribute.i] if node.op_type == "Cast" else []
    return Precision.SINGLE if single in types else Precision.DOUBLE


def _decision_of(outputs: int, labels: int) -> Decision:
    if not labels:
        return Decision.VALUES
    return Decision.SIGN if (outputs, labels) == (1, 2) else Decision.LARGEST


def _is_label(onnx: Any, output: Any) -> bool:
    kinds = (onnx.TensorProto.INT64, onnx.TensorProto.STRING)
    return output.type.tensor_type.elem_type in kinds


def _find_output(onnx: Any, graph: Any, who: str) -> Any:
    """The one output, or the one of several that is a label."""
    outputs = list(graph.output)
    labels = [output for output in outputs if _is_label(onnx, output)]
    found = outputs if len(outputs) == 1 else labels
    if len(found) != 1:
        raise NotOutsourcable(
            "has several outputs or none",
            who=who,
            had=[output.name for output in outputs][:8],
            needed="one, or one of them a classifier's label",
            remedy="Export the scores alone.",
        )
    return found[0]


def _list_ancestors(graph: Any, name: str) -> set[int]:
    """Numbers of the nodes that lead to a value; a value has the last node that writes it."""
    makers = {output: number for number, node in enumerate(graph.node) for output in node.output}
    found: set[int] = set()
    waiting = [name]
    while waiting:
        number = makers.get(waiting.pop())
        if number is not None and number not in found:
            found.add(number)
            waiting += graph.node[number].input
    return found


def _without_mirror(ruling: Ruling) -> Ruling:
    """Two scores of which one is the other's negative are one score, whose sign decides."""
    if ruling.decision is Decision.LARGEST and len(ruling.scores) == 2:
        first, second = ruling.scores
        if first.exact.negated() == second.exact:
            return replace(ruling, scores=(second,), decision=Decision.SIGN)
    return ruling
