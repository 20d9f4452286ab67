"""Estimators whose last step is linear in what comes before it.

| what                                   | gives                                                 |
|----------------------------------------|-------------------------------------------------------|
| linear regressors and classifiers      | W x + b                                               |
| PLS                                    | W (x - mean) + b                                      |
| networks of the activation "identity"  | linear layers; the label is that of the scores before |
|                                        | the sigmoid or softmax, which keep the order          |
| MultinomialNB, ComplementNB            | W x + b, logarithms of probabilities                  |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgemark.models.estimators.parts import (
    Arrays,
    Layer,
    NotAPolynomial,
    Part,
    decide_by_scores,
    fitted,
    labels_of,
    refuse_option,
)
from edgemark.models.signature import Decision
from edgemark.models.steps import Linear, Rescale, Standardise

REGRESSORS = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "LassoCV",
    "ElasticNet",
    "ElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "Lars",
    "LarsCV",
    "LassoLars",
    "LassoLarsCV",
    "LassoLarsIC",
    "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV",
    "BayesianRidge",
    "ARDRegression",
    "HuberRegressor",
    "TheilSenRegressor",
    "QuantileRegressor",
    "SGDRegressor",
    "PassiveAggressiveRegressor",
    "LinearSVR",
)
CLASSIFIERS = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
    "Perceptron",
    "PassiveAggressiveClassifier",
    "LinearDiscriminantAnalysis",
    "LinearSVC",
)
PROJECTIONS = ("PLSRegression", "PLSCanonical")
NETWORKS = ("MLPRegressor", "MLPClassifier")
COUNTS = ("MultinomialNB", "ComplementNB")


def read_weights(part: Any, arrays: Arrays) -> Linear:
    """Weights and offsets of a linear model."""
    weights = arrays.matrix(fitted(part, "coef_"))
    return Linear(weights, arrays.vector(part.intercept_, len(weights)))


def _read_regressor(part: Any, arrays: Arrays) -> Part:
    return Part((Layer(read_weights(part, arrays)),))


def _read_classifier(part: Any, arrays: Arrays) -> Part:
    fitted(part, "coef_")
    labels = labels_of(part, "_label_binarizer")
    step = read_weights(part, arrays)
    return decide_by_scores(part, [Layer(step)], len(step.weights), labels)


def _read_projection(part: Any, arrays: Arrays) -> Part:
    """The mean is taken off in place, so in the floats of the rows."""
    weights = read_weights(part, arrays)
    means = arrays.vector(part._x_mean)
    centre = Standardise(means, (1.0,) * len(means))
    return Part((Layer(centre, keeps=True), Layer(weights)))


def _read_network(part: Any, arrays: Arrays) -> Part:
    layers = [
        Layer(Linear(arrays.matrix(weights.T), arrays.vector(offsets)))
        for weights, offsets in zip(fitted(part, "coefs_"), part.intercepts_, strict=True)
    ]
    if len(layers) > 1:
        refuse_option(part, "activation", part.activation, wanted="identity")
    last = part.out_activation_
    if type(part).__name__ == "MLPRegressor":
        refuse_option(part, "out_activation_", last, wanted="identity")
        return Part(tuple(layers))
    labels = labels_of(part, "_label_binarizer")
    outputs = int(part.n_outputs_)
    # sigmoid and softmax keep the order of scores, but for what they round: at 1/2 a sigmoid is a
    # quarter as steep as its score, so about as much is lost as by adding 2 and taking it off again
    blur = [Rescale((1.0,) * outputs, (by,) * outputs) for by in (8.0, -8.0)]
    return decide_by_scores(part, [*layers, *map(Layer, blur)], outputs, labels)


def _read_counts(part: Any, arrays: Arrays) -> Part:
    """Logarithms of joint probabilities, up to what is the same for all labels."""
    labels = labels_of(part)
    weights = arrays.matrix(fitted(part, "feature_log_prob_"))
    offsets = arrays.vector(part.class_log_prior_)
    if type(part).__name__ == "ComplementNB":
        offsets = (0.0,) * len(weights)  # the prior counts for a single label only
    if not len(weights) == len(offsets) == len(labels):
        raise NotAPolynomial("has other scores than labels", who=f"estimator {type(part).__name__}")
    return Part((Layer(Linear(weights, offsets)),), Decision.LARGEST, labels)


READERS: dict[str, Callable[[Any, Arrays], Part]] = {
    **dict.fromkeys(REGRESSORS, _read_regressor),
    **dict.fromkeys(CLASSIFIERS, _read_classifier),
    **dict.fromkeys(PROJECTIONS, _read_projection),
    **dict.fromkeys(NETWORKS, _read_network),
    **dict.fromkeys(COUNTS, _read_counts),
}
