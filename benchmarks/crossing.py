"""Where two lines of a plot cross and how steep they are, both axes being logarithmic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from benchmarks.findings import Findings, Point


def points_of(findings: Findings, series: str) -> list[Point]:
    """The points of a series, from left to right."""
    return sorted((p for p in findings.points if p.series == series), key=lambda p: p.at)


def find_crossing(ours: Sequence[Point], peer: Sequence[Point]) -> float | None:
    """Where ours begins to be cheaper than the peer, and stays so as far as both were measured."""
    mine = {point.at: point.value for point in ours}
    gaps = [(each.at, math.log(mine[each.at] / each.value)) for each in peer]
    if gaps[-1][1] >= 0:
        return None
    for (left, above), (right, below) in reversed(list(itertools.pairwise(gaps))):
        if above >= 0:
            part = above / (above - below)
            return math.exp(math.log(left) + part * (math.log(right) - math.log(left)))
    return gaps[0][0]


def find_exponent(points: Sequence[Point]) -> float:
    """The power of the horizontal axis that a line follows, by least squares."""
    xs = [math.log(p.at) for p in points]
    ys = [math.log(p.value) for p in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    rise = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return rise / sum((x - x_mean) ** 2 for x in xs)


def tell_crossings(findings: Findings, ours: str, peers: Sequence[str], axis: str) -> None:
    """Note for each peer from where on ours is cheaper."""
    mine = points_of(findings, ours)
    for peer in peers:
        others = points_of(findings, peer)
        at = find_crossing(mine, others)
        findings.notes.append(
            f"break-even of {ours} and {peer}: " + _tell(at, axis, others[0].at, others[-1].at)
        )


def _tell(at: float | None, axis: str, first: float, last: float) -> str:
    if at is None:
        return f"none up to {axis} = {last:g}"
    return f"below {axis} = {first:g}" if at == first else f"{axis} = {at:.3g}"
