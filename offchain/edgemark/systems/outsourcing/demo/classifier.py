"""A quadratic classifier of handwritten digits, and the same as a polynomial over F_q.

Ridge regression on all monomials of degree <= 2 of the 64 pixels, one output a digit; the digit is
the largest output. Trained here, at the start, on the training part of scikit-learn's bundled
digits (1,797 images of 8 x 8 pixels, 0..16); nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

from edgemark.crypto.fixed_point import CompiledPolynomial, FixedPoint, compile_polynomial
from edgemark.errors import RefusedInput

PIXELS = 64
DIGITS = 10
DEGREE = 2
PIXEL_MAX = 16
HELD_OUT = 0.25  # part of the images that training never sees
SPLIT_SEED = 1  # which images those are
RIDGE = 1e5  # the best of 1e2 .. 1e6 by 5-fold cross-validation on the training part
FRACTION_BITS = 24  # scale 2^24: no prediction differs (2^16 suffices; the field has room)


@dataclass(frozen=True)
class Classifier:
    """The plain classifier.

    Attributes:
        weights: array (1 + 64 + 64*65/2, 10), rows in the order of `monomials()`.
        images: held-out images, array (count, 64) of 0..16.
        labels: their digits.
    """

    weights: Any
    images: Any
    labels: Any

    def predict(self, images: Any) -> list[int]:
        """The digits that plain floating-point evaluation sees; images of shape (count, 64)."""
        return [int(digit) for digit in (features(images) @ self.weights).argmax(axis=1)]

    def accuracy(self) -> float:
        """Part of the held-out images that are recognised."""
        predicted = self.predict(self.images)
        hits = sum(int(a) == int(b) for a, b in zip(predicted, self.labels, strict=True))
        return hits / len(predicted)

    def compile(self) -> CompiledPolynomial:
        """F: F_q^64 -> F_q^10 in fixed point, with its overflow plan."""
        terms = {
            monomial: [float(weight) for weight in row]
            for monomial, row in zip(monomials(), self.weights, strict=True)
        }
        return compile_polynomial(
            terms, DIGITS, DEGREE, FixedPoint(FRACTION_BITS), [float(PIXEL_MAX)] * PIXELS
        )


def monomials() -> list[tuple[int, ...]]:
    """All monomials of degree <= 2, constant first, as tuples of variable indices."""
    singles = range(PIXELS)
    return [(), *((i,) for i in singles), *combinations_with_replacement(singles, 2)]


def features(images: Any) -> Any:
    """Values of `monomials()` for images of shape (count, 64)."""
    import numpy as np  # noqa: PLC0415 - an extra of the demo, not of the package

    images = np.asarray(images, dtype=float)
    upper = np.triu_indices(PIXELS)
    squares = images[:, upper[0]] * images[:, upper[1]]
    return np.hstack([np.ones((len(images), 1)), images, squares])


def train() -> Classifier:
    """Train on the training part of the digits; about a second.

    Raises:
        RefusedInput: scikit-learn is not installed.
    """
    try:
        import numpy as np  # noqa: PLC0415 - extras of the demo, not of the package
        from sklearn.datasets import load_digits  # noqa: PLC0415
        from sklearn.model_selection import train_test_split  # noqa: PLC0415
        from threadpoolctl import threadpool_limits  # noqa: PLC0415
    except ImportError as error:
        raise RefusedInput(
            "scikit-learn is missing",
            who="demo",
            needed="scikit-learn and numpy",
            remedy="Install edgemark[demo].",
        ) from error
    digits = load_digits()
    known, held, known_labels, held_labels = train_test_split(
        digits.data, digits.target, test_size=HELD_OUT, random_state=SPLIT_SEED
    )
    matrix = features(known)
    targets = np.eye(DIGITS)[known_labels]
    penalty = RIDGE * np.eye(matrix.shape[1])
    with threadpool_limits(limits=1):  # ten servers start meanwhile: spinning threads would wait
        weights = np.linalg.solve(matrix.T @ matrix + penalty, matrix.T @ targets)
    return Classifier(weights=weights, images=held, labels=held_labels)
