"""Jobs at the limits, played to the end in memory, and what their parties wrote down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import DeviceSide
from tests.offchain.systems.outsourcing.simulation.simulated_judges import JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import NodeSide
from tests.offchain.systems.outsourcing.simulation.simulation import World

from edgemark.crypto.polynomial import Polynomial, SparsePolynomial
from edgemark.systems.outsourcing.protocol.events import Order


@cache
def wide_function(inputs: int, outputs: int) -> Polynomial:
    """Cheap to compute and as wide as wanted: two monomials of degree 1 in every output."""
    draw = cast.seeded("wide")
    rows: dict[tuple[int, ...], list[int]] = {
        (place,): [draw.nonzero_element() for _ in range(outputs)] for place in {0, inputs - 1}
    }
    return SparsePolynomial.from_terms(inputs, outputs, rows)


@dataclass(frozen=True)
class Size:
    """Of a job over `wide_function`."""

    inputs: int
    outputs: int
    batch: int
    threshold: int
    errors: int

    def order(self) -> tuple[Order, Polynomial, bytes]:
        """The job, its function and its inputs."""
        function = wide_function(self.inputs, self.outputs)
        wish = replace(cast.WISH, threshold=self.threshold, errors=self.errors)
        inputs = cast.seeded("large").elements(self.batch * self.inputs)
        return cast.order_of(function, inputs, wish=wish), function, inputs


@dataclass(frozen=True)
class Played:
    """A job that is over.

    Attributes:
        result: right one.
    """

    world: World
    device: DeviceSide
    result: bytes

    def records(self) -> list[bytes]:
        """Every record of every party."""
        sides: Sequence[Any] = self.world.sides
        return [each for side in sides for each in side.journal if isinstance(each, bytes)]


def play(size: Size, kinds: Sequence[type[NodeSide]]) -> Played:
    """From the posting to the last payment; nodes of these kinds, then honest ones."""
    order, function, inputs = size.order()
    world = World(1, order, function)
    device = DeviceSide(world)
    count = order.terms.node_count
    for index, kind in enumerate([*kinds, *[NodeSide] * (count - len(kinds))], start=1):
        kind(world, index)
    for key in cast.JUDGES:
        JudgeSide(world, key)
    world.run()
    return Played(world, device, function.evaluate(inputs))
