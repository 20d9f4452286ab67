"""Numbers that a person gives to a command: digits 0-9 and one point, as amounts are written.

click's own types take whatever Python does: `1_0`, `nan`, digits of any script.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import click
from click.types import FloatParamType, IntParamType

from edgemark.amounts import is_number, is_whole

NUMBER = "number"  # as it stands behind an option's name, in capitals
MOST_SHOWN = 40  # characters of what was given
ENDLESS = 10**12  # a bound above it is met by nobody, and not shown where there is no room


class _Plain(click.ParamType, ABC):
    kind: ClassVar[str]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number.

        Raises:
            BadParameter: it is none, or out of range; with the option's name.
        """
        if isinstance(value, str) and not self._is_one(value):
            self.fail(f"{value[:MOST_SHOWN]!r} is no {self.kind}: digits 0-9.", param, ctx)
        return super().convert(value, param, ctx)

    @abstractmethod
    def _is_one(self, text: str) -> bool:
        """Whether it is written as such a number."""


class _Bounded(_Plain, ABC):
    """A number within bounds, which the help shows in one place: behind the option's name.

    Args:
        least: first number that is taken.
        most: last one; None for no end.
    """

    def __init__(self, least: float, most: float | None = None) -> None:
        self.least = least
        self.most = most

    @property
    def bounds(self) -> str:
        """In words: `0 .. 60`, or `>= 1`."""
        least = _digits(self.least)
        return f">= {least}" if self.most is None else f"{least} .. {_digits(self.most)}"

    def get_metavar(self, param: click.Parameter) -> str | None:
        """What stands behind an option's name: `0..60`. An argument has a name of its own."""
        if isinstance(param, click.Argument):
            return None
        is_endless = self.most is None or self.most > ENDLESS
        most = "" if self.most is None or is_endless else _digits(self.most)
        return f"{_digits(self.least)}..{most}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number.

        Raises:
            BadParameter: it is none, or beyond the bounds; with the option's name.
        """
        number = super().convert(value, param, ctx)
        if number < self.least or (self.most is not None and number > self.most):
            self.fail(f"{_digits(number)} is not in the range {self.bounds}.", param, ctx)
        return number


def _digits(number: float) -> str:
    """A number as a person would type it."""
    return f"{number:.15g}" if isinstance(number, float) else str(number)


class Whole(_Plain, IntParamType):
    """Any whole number."""

    name = NUMBER
    kind = "whole number"

    def _is_one(self, text: str) -> bool:
        return is_whole(text)


class Real(_Plain, FloatParamType):
    """Any finite number with a point."""

    name = NUMBER
    kind = "number"

    def _is_one(self, text: str) -> bool:
        return is_number(text) and math.isfinite(float(text))


class WholeRange(_Bounded, Whole):
    """A whole number within bounds."""


class RealRange(_Bounded, Real):
    """A number with a point within bounds."""
