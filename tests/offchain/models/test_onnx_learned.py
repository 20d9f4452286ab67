"""scikit-learn models, exported by skl2onnx as it does by itself, answer as onnxruntime does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVR
from tests.offchain.models.plain_models import find_excess, run_in_field

from edgemark.errors import RefusedInput
from edgemark.models.compiling import CompiledModel, compile_model
from edgemark.models.exact import ModelTooLarge
from edgemark.models.onnx import graph as onnx_graph
from edgemark.models.onnx import learned as onnx_learned
from edgemark.models.onnx.graph import trace_onnx
from edgemark.models.onnx.tensors import NotOutsourcable
from edgemark.models.signature import Decision
from edgemark.models.spread import SaysNothing

RANDOM = np.random.default_rng(11)
ROWS = RANDOM.normal(size=(80, 3)).astype(np.float32)
ASKED = RANDOM.uniform(-2, 2, size=(60, 3)).astype(np.float32)
NUMBERS = ROWS[:, 0] * ROWS[:, 1] + 0.1 * RANDOM.normal(size=80)
TWO = np.array(["no", "yes"])[(NUMBERS > 0).astype(int)]
THREE = np.digitize(NUMBERS, [-0.3, 0.3])
WHOLE = (NUMBERS > 0).astype(int)
NAMED = np.array(["low", "middle", "high"])[THREE]
NETWORK: dict[str, Any] = {
    "hidden_layer_sizes": (4,),
    "activation": "identity",
    "solver": "lbfgs",
    "random_state": 1,
}
SQUARES = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge())
SCALED = make_pipeline(MinMaxScaler(), MaxAbsScaler(), PolynomialFeatures(3, include_bias=False))

REGRESSIONS: dict[str, Any] = {
    "linear": LinearRegression().fit(ROWS, NUMBERS),
    "linear, two targets": LinearRegression().fit(ROWS, np.stack([NUMBERS, NUMBERS**2], axis=1)),
    "linear support vectors": LinearSVR().fit(ROWS, NUMBERS),
    "squares": SQUARES.fit(ROWS, NUMBERS),
    "cubes": make_pipeline(SCALED, Ridge()).fit(ROWS, NUMBERS),
    "poly": SVR(kernel="poly", degree=2, coef0=1.0).fit(ROWS, NUMBERS),
    "poly, nu": NuSVR(kernel="poly", degree=3).fit(ROWS, NUMBERS),
    "linear kernel": SVR(kernel="linear").fit(ROWS, NUMBERS),
    "projections": make_pipeline(PCA(2), PolynomialFeatures(2), Ridge()).fit(ROWS, NUMBERS),
    "latent": PLSRegression(2).fit(ROWS, NUMBERS),
    "robust": make_pipeline(RobustScaler(), BayesianRidge()).fit(ROWS, NUMBERS),
    "selection": make_pipeline(SelectKBest(k=2), HuberRegressor()).fit(ROWS, NUMBERS),
    "nothing missing": make_pipeline(SimpleImputer(), SGDRegressor()).fit(ROWS, NUMBERS),
    "network": MLPRegressor(**NETWORK).fit(ROWS, NUMBERS),
}
CLASSIFIERS: dict[str, tuple[Any, Decision]] = {
    "logistic, two": (LogisticRegression().fit(ROWS, TWO), Decision.SIGN),
    "logistic, three": (LogisticRegression().fit(ROWS, THREE), Decision.LARGEST),
    "ridge, two": (RidgeClassifier().fit(ROWS, TWO), Decision.SIGN),
    "ridge, three": (RidgeClassifier().fit(ROWS, THREE), Decision.LARGEST),
    "linear support vectors": (LinearSVC().fit(ROWS, TWO), Decision.SIGN),
    "poly, two": (SVC(kernel="poly", degree=2, coef0=1.0).fit(ROWS, TWO), Decision.PAIRWISE),
    "poly, three": (SVC(kernel="poly", degree=2).fit(ROWS, THREE), Decision.PAIRWISE),
    "linear kernel, three": (SVC(kernel="linear").fit(ROWS, THREE), Decision.PAIRWISE),
    "discriminant, three": (LinearDiscriminantAnalysis().fit(ROWS, NAMED), Decision.LARGEST),
    "normal, two": (GaussianNB().fit(ROWS, WHOLE), Decision.LARGEST),
    "normal, three": (GaussianNB().fit(ROWS, NAMED), Decision.LARGEST),
    "quadratic, two": (QuadraticDiscriminantAnalysis().fit(ROWS, WHOLE), Decision.LARGEST),
    "quadratic, three": (QuadraticDiscriminantAnalysis().fit(ROWS, NAMED), Decision.LARGEST),
    "stochastic, two": (SGDClassifier(random_state=1).fit(ROWS, TWO), Decision.SIGN),
    "stochastic, three": (SGDClassifier(random_state=1).fit(ROWS, NAMED), Decision.LARGEST),
    "perceptron, three": (Perceptron().fit(ROWS, THREE), Decision.LARGEST),
    "against the rest, sigmoids": (
        OneVsRestClassifier(LogisticRegression()).fit(ROWS, THREE),
        Decision.LARGEST,
    ),
    "against the rest": (OneVsRestClassifier(LinearSVC()).fit(ROWS, THREE), Decision.LARGEST),
    "network, two": (MLPClassifier(**NETWORK).fit(ROWS, WHOLE), Decision.SIGN),
    "network, three": (MLPClassifier(**NETWORK).fit(ROWS, NAMED), Decision.LARGEST),
    "nothing missing": (
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(ROWS, THREE),
        Decision.LARGEST,
    ),
}


def export(model: Any, **options: Any) -> bytes:
    """The file that a user has, with nothing set but what a test is about."""
    raw: bytes = to_onnx(model, ROWS[:1], **options).SerializeToString()
    return raw


def run_plainly(raw: bytes) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of the shapes that skl2onnx declares
    found: list[Any] = onnxruntime.InferenceSession(raw, options).run(None, {"X": ASKED})
    return found


EXPORTED = {name: export(model) for name, (model, _) in CLASSIFIERS.items()}


def compiled_of(raw: bytes, *labels: str) -> CompiledModel:
    return compile_model(trace_onnx(raw, "model.onnx", [2.0], labels))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_exported_regression__answers_as_onnxruntime_within_the_bound(name: str) -> None:
    raw = export(REGRESSIONS[name])
    compiled = compiled_of(raw)
    assert find_excess(compiled, ASKED.tolist(), run_plainly(raw)[0]) <= 0
    assert max(compiled.plan.error_bounds) < 0.01


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_exported_classifier__gives_the_labels_of_onnxruntime_and_of_the_model(name: str) -> None:
    (model, decision), raw = CLASSIFIERS[name], EXPORTED[name]
    compiled = compiled_of(raw)
    signature = compiled.plan.signature
    assert (signature.decision, list(signature.labels)) == (decision, model.classes_.tolist())
    answers = run_in_field(compiled, ASKED.tolist())
    assert all(answer.is_sure for answer in answers)
    labels = [answer.label for answer in answers]
    assert labels == run_plainly(raw)[0].reshape(-1).tolist() == model.predict(ASKED).tolist()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_exported_classifier__beside_its_borders_and_far_out__is_never_sure_and_wrong(
    name: str,
) -> None:
    raw = EXPORTED[name]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(raw, options)
    for bound in (2.0, 12.0):
        try:
            compiled = compile_model(trace_onnx(raw, "model.onnx", [bound]))
        except SaysNothing:
            assert bound > 2.0  # where sigmoids are flat in float32
            continue
        ends = RANDOM.uniform(-bound, bound, size=(8, 3))
        rows = np.concatenate([walk(session, *pair) for pair in zip(ends, ends[::-1], strict=True)])
        plain = session.run(None, {"X": rows})[0].reshape(-1).tolist()
        answers = run_in_field(compiled, rows.astype(float).tolist())
        assert all(a.label == said for a, said in zip(answers, plain, strict=True) if a.is_sure)
        assert any(answer.is_sure for answer in answers)


def walk(session: Any, low: Any, high: Any) -> Any:
    """Rows between two, ever nearer to where the label changes first."""
    shares, walked = np.linspace(0.0, 1.0, 18), []
    for _ in range(6):
        rows = (low + shares[:, None] * (high - low)).astype(np.float32)
        labels = session.run(None, {"X": rows})[0].reshape(-1)
        changes = np.flatnonzero(labels != labels[0])
        at = int(changes[0]) if len(changes) else 1
        walked += [rows[at - 1], rows[at]]
        shares = np.linspace(shares[at - 1], shares[at], 18)
    return np.array(walked)


def test_scores_of_a_classifier__can_be_had_alone() -> None:
    model, _ = CLASSIFIERS["logistic, three"]
    raw = export(model, options={id(model): {"raw_scores": True, "zipmap": False}})
    only = onnx_graph.load_onnx().load_from_string(raw)
    del only.graph.output[0]
    compiled = compiled_of(only.SerializeToString())
    assert compiled.plan.signature.decision is Decision.VALUES
    assert find_excess(compiled, ASKED.tolist(), run_plainly(raw)[1]) <= 0


def test_labels_that_the_user_gives__take_the_place_of_those_in_the_file() -> None:
    raw = EXPORTED["logistic, two"]
    assert compiled_of(raw, "bad", "good").plan.signature.labels == ("bad", "good")
    with pytest.raises(RefusedInput, match="labels do not fit"):
        compiled_of(raw, "one", "two", "three")


def learned(operator: str, *shown: str, version: int = 3, **attributes: Any) -> bytes:
    """A file of one operator on three inputs, of whose outputs these are shown."""
    written = ["label", "scores"] if "Classifier" in operator else ["scores"]
    kinds = {"label": TensorProto.INT64, "scores": TensorProto.FLOAT}
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], written, domain="ai.onnx.ml", **attributes)],
        "drawn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info(name, kinds[name], None) for name in shown or ["scores"]],
    )
    sets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=9)
    raw: bytes = model.SerializeToString()
    return raw


LINE = {"coefficients": [1.0, 2.0, 3.0], "intercepts": [4.0]}
PAIR = {"coefficients": [1.0] * 6, "classlabels_ints": [7, 8]}
POLY = {
    "kernel_type": "POLY",
    "kernel_params": [1.0, 0.0, 2.0],
    "support_vectors": [1.0] * 6,
    "coefficients": [1.0, -1.0],
    "rho": [0.5],
}
MACHINE = {**POLY, "vectors_per_class": [1, 1], "classlabels_ints": [0, 1]}

REFUSED: dict[str, tuple[bytes, str]] = {
    "kernel": (export(SVR().fit(ROWS, NUMBERS)), "(ai.onnx.ml.SVMRegressor)"),
    "kernel of a classifier": (export(SVC().fit(ROWS, THREE)), "had RBF, degree 3; needed POLY"),
    "fractional degree": (
        learned("SVMRegressor", n_supports=2, **{**POLY, "kernel_params": [1.0, 0.0, 2.5]}),
        "kernel is no polynomial; had POLY, degree 2.5",
    ),
    "transform": (
        learned("LinearRegressor", post_transform="PROBIT", **LINE),
        "ends in something that is no polynomial; had post_transform PROBIT; needed NONE",
    ),
    "transform that changes the order": (
        learned("LinearClassifier", "label", "scores", post_transform="SOFTMAX_ZERO", **PAIR),
        "post_transform SOFTMAX_ZERO",
    ),
    "probabilities": (
        learned("LinearClassifier", "scores", post_transform="LOGISTIC", **PAIR),
        "(ai.onnx.ml.LinearClassifier): gives what no polynomial does; had scores after LOGISTIC",
    ),
    "probabilities of Platt": (
        learned("SVMClassifier", "label", "scores", prob_a=[1.0], prob_b=[0.0], **MACHINE),
        "attribute that is not taken; had prob_a, prob_b",
    ),
    "outliers": (learned("SVMRegressor", n_supports=2, one_class=1, **POLY), "one_class 1"),
    "no support vectors": (learned("SVMRegressor", **POLY), "0 support vectors"),
    "no vectors of a class": (
        learned("SVMClassifier", "label", **{**MACHINE, "vectors_per_class": [2]}),
        "1 classes with support vectors, 2 labels",
    ),
    "no labels": (learned("LinearClassifier", "label", coefficients=[1.0] * 6), "has no labels"),
    "labels of two kinds": (
        learned("LinearClassifier", "label", classlabels_strings=["a", "b"], **PAIR),
        "has no labels",
    ),
    "numbers missing": (
        learned("LinearRegressor", coefficients=[1.0, 2.0]),
        "wrong number of numbers; had 2; needed 3",
    ),
    "numbers that are none": (
        learned("Scaler", offset=[float("nan")] * 3, scale=[1.0] * 3),
        "not finite",
    ),
    "a number that is replaced": (
        learned("Imputer", imputed_value_floats=[1.0], replaced_value_float=0.0),
        "replaces a number; had 0.0; needed NaN alone",
    ),
    "attribute missing": (learned("Scaler", offset=[0.0]), "operands do not fit"),
    "another operator": (learned("Binarizer", threshold=0.5), "(ai.onnx.ml.Binarizer)"),
    "newer version": (learned("LinearRegressor", version=9, **LINE), "had 9; needed 5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_learned_operator_that_is_not_taken__is_refused_with_the_reason(name: str) -> None:
    raw, words = REFUSED[name]
    with pytest.raises(RefusedInput) as caught:
        compiled_of(raw)
    assert words in str(caught.value)


def test_label_that_something_is_computed_with__is_refused() -> None:
    model = onnx_graph.load_onnx().load_from_string(learned("LinearClassifier", "label", **PAIR))
    model.graph.node.append(helper.make_node("Neg", ["label"], ["negative"]))
    model.graph.output[0].name = "negative"
    with pytest.raises(NotOutsourcable, match=r"\(Neg\): computes with a label"):
        compiled_of(model.SerializeToString())
    model.graph.output[0].name = "x"
    with pytest.raises(NotOutsourcable, match="is no label of a classifier"):
        compiled_of(model.SerializeToString())


def test_more_numbers_than_any_model_has__are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_learned, "MAX_TENSOR_ITEMS", 2)
    with pytest.raises(ModelTooLarge, match="too many numbers; had 3"):
        compiled_of(learned("LinearRegressor", **LINE))


def test_more_pairs_of_classes_than_a_job_has_outputs__are_refused() -> None:
    classes = 200
    machine = {**POLY, "vectors_per_class": [1] * classes, "classlabels_ints": list(range(classes))}
    with pytest.raises(ModelTooLarge, match="too many pairs of classes; had 200 classes"):
        compiled_of(learned("SVMClassifier", "label", **machine))


@given(st.sampled_from(sorted(CLASSIFIERS)), st.integers(0, 10_000), st.integers(0, 255))
def test_exported_classifier_with_a_changed_byte__is_read_or_refused(
    name: str, at: int, value: int
) -> None:
    raw = bytearray(EXPORTED[name])
    raw[at % len(raw)] = value
    try:
        compiled_of(bytes(raw))
    except RefusedInput:
        return
