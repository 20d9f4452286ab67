"""What every representation of a function offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic, Evaluator
from edgemark.crypto.polynomial.header import Header, MalformedFunction
from edgemark.identifiers import Hash32

Monomial: TypeAlias = tuple[int, ...]
"""Variables from 0, ascending, each as often as its exponent says: x_0^2 x_3 is (0, 0, 3)."""


class Polynomial(ABC):
    """A polynomial function F: F_q^k -> F_q^n, immutable.

    Args:
        header: its numbers.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._evaluators: dict[tuple[str, int], Evaluator] = {}

    @property
    def header(self) -> Header:
        """All numbers of the function."""
        return self._header

    @property
    def inputs(self) -> int:
        """k, number of variables."""
        return self._header.inputs

    @property
    def outputs(self) -> int:
        """n, number of outputs."""
        return self._header.outputs

    @property
    def degree(self) -> int:
        """d, total degree: what decides how many nodes are needed."""
        return self._header.degree

    @property
    def term_count(self) -> int:
        """Multiplications that one input costs, the same for everybody: see `Header.term_count`."""
        return self._header.term_count

    @property
    @abstractmethod
    def product_count(self) -> int:
        """Multiplications that one input costs, counted exactly; at most `term_count`.

        One for each coefficient, with the value of its monomial. A sparse function first builds
        its monomials: one for each factor, and the powers of each variable once, by repeated
        multiplication up to its largest exponent.
        """

    @abstractmethod
    def to_bytes(self) -> bytes:
        """The canonical bytes; equal functions of one kind have equal bytes."""

    @abstractmethod
    def _prepare(self, arithmetic: Arithmetic) -> Evaluator:
        """Make the function ready for one implementation of the field."""

    @cached_property
    def hash(self) -> Hash32:
        """H(F) = SHA-256 of the canonical bytes."""
        return hash_long(self.to_bytes())

    def evaluate(self, batch: bytes, arithmetic: Arithmetic | None = None) -> bytes:
        """F of every input of a batch.

        Args:
            batch: packed B x k elements, one input after the other.
            arithmetic: an implementation of F_q; the active kernel when not given.

        Returns:
            Packed B x n outputs, one input's after the other's.

        Raises:
            WrongLength: no whole number of inputs.
            NotAnElement: an element is q or more.
        """
        arithmetic = arithmetic or kernel.active()
        field = (arithmetic.name, arithmetic.modulus)
        evaluator = self._evaluators.get(field)
        if evaluator is None:
            evaluator = self._evaluators[field] = self._prepare(arithmetic)
        return evaluator.evaluate(batch)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.hash == other.hash

    def __hash__(self) -> int:
        return int.from_bytes(self.hash[:8], "big")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(inputs={self.inputs}, outputs={self.outputs}, "
            f"degree={self.degree}, terms={self.term_count})"
        )


def check_terms(terms: Mapping[Monomial, Sequence[int]], inputs: int, outputs: int) -> None:
    """Check the monomials and the number of coefficients of a function given as a mapping.

    Raises:
        MalformedFunction: a variable is not there or out of order, or coefficients are missing.
    """
    for monomial, coefficients in terms.items():
        if list(monomial) != sorted(monomial) or any(not 0 <= i < inputs for i in monomial):
            raise MalformedFunction(
                "is no monomial",
                who="function",
                had=str(monomial[:24]),
                needed=f"ascending variables 0..{inputs - 1}",
            )
        if len(coefficients) != outputs:
            raise MalformedFunction(
                "has the wrong number of coefficients",
                who=f"monomial {monomial[:24]}",
                had=len(coefficients),
                needed=outputs,
            )


def check_elements(coefficients: bytes) -> None:
    """Check that every coefficient is an element.

    Raises:
        NotAnElement: one is q or more.
    """
    kernel.active().check(coefficients, who="coefficients")
