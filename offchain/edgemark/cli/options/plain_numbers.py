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

MOST_SHOWN = 40  # characters of what was given


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


class Whole(_Plain, IntParamType):
    """Any whole number."""

    name = IntParamType.name
    kind = "whole number"

    def _is_one(self, text: str) -> bool:
        return is_whole(text)


class Real(_Plain, FloatParamType):
    """Any finite number with a point."""

    name = FloatParamType.name
    kind = "number"

    def _is_one(self, text: str) -> bool:
        return is_number(text) and math.isfinite(float(text))


class WholeRange(Whole, click.IntRange):
    """A whole number within bounds, as of `click.IntRange`."""

    name = click.IntRange.name


class RealRange(Real, click.FloatRange):
    """A number with a point within bounds, as of `click.FloatRange`."""

    name = click.FloatRange.name
