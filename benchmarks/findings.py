"""What a benchmark found: points that were measured, and ratios between them with their targets.

Two files hold it, `pNN_points.csv` and `pNN_ratios.csv`; both begin with the machine as comments.
The documentation's table is made from them, so no figure is typed by hand.
"""

from __future__ import annotations

import csv
import operator
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

from benchmarks.measuring import Timing

COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Point:
    """One figure of one subject at one place of the horizontal axis.

    Attributes:
        series: the line of the plot, such as "kernel (portable)".
        at: value on the horizontal axis, such as k = 200.
        value: median.
        low, high: quartiles.
        unit: of value, low and high.
        samples: behind them.
    """

    series: str
    at: float
    value: float
    low: float
    high: float
    unit: str
    samples: int


@dataclass(frozen=True)
class Ratio:
    """Ours against a peer of the same run.

    Attributes:
        what: what was done, and at which size.
        ours, peer: series that were compared.
        value: peer's median divided by ours: above 1, ours is faster.
        low, high: worst and best pairing of the quartiles.
        target: such as ">= 4"; empty where there is none.
    """

    what: str
    ours: str
    peer: str
    value: float
    low: float
    high: float
    target: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if not self.target:
            return None
        sign, bound = self.target.split()
        return bool(COMPARE[sign](self.value, float(bound)))


def show_ratio(value: float) -> str:
    """For people: two decimals, or two digits where those would be zeros."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


@dataclass
class Findings:
    """All that one run of one benchmark found.

    Attributes:
        name: file name of the benchmark without suffix, such as "p01_dense_quadratic".
        title: one line for people.
        axis: name of the horizontal axis, with its unit.
        machine: what it ran on.
        notes: lines for the table's reader.
    """

    name: str
    title: str
    axis: str
    machine: dict[str, str]
    points: list[Point] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, at: float, timings: dict[str, Timing]) -> None:
        """Keep what `measure_in_turn` gave at one place of the axis, in seconds."""
        for series, taken in timings.items():
            self.points.append(
                Point(series, at, taken.median_s, taken.low_s, taken.high_s, "s", taken.samples)
            )

    def point(self, series: str, at: float) -> Point:
        """The point of a series at one place."""
        return next(p for p in self.points if (p.series, p.at) == (series, at))

    def compare(self, what: str, at: float, ours: str, peer: str, target: str = "") -> Ratio:
        """Add the ratio of two series at one place; see `Ratio`."""
        mine, other = self.point(ours, at), self.point(peer, at)
        ratio = Ratio(
            what,
            ours,
            peer,
            other.value / mine.value,
            other.low / mine.high,
            other.high / mine.low,
            target,
        )
        self.ratios.append(ratio)
        return ratio

    def write(self, folder: Path) -> list[Path]:
        """Write both files."""
        folder.mkdir(parents=True, exist_ok=True)
        return [
            self._write(folder / f"{self.name}_points.csv", Point, self.points),
            self._write(folder / f"{self.name}_ratios.csv", Ratio, self.ratios),
        ]

    def _write(self, path: Path, kind: type, rows: Iterable[Point] | Iterable[Ratio]) -> Path:
        with path.open("w", newline="") as file:
            for fact, value in {"title": self.title, "axis": self.axis, **self.machine}.items():
                file.write(f"# {fact}: {value}\n")
            for note in self.notes:
                file.write(f"# note: {note}\n")
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([each.name for each in fields(kind)])
            for row in rows:
                writer.writerow(
                    f"{cell:.6g}" if isinstance(cell, float) else cell for cell in astuple(row)
                )
        return path


def read_findings(folder: Path, name: str) -> Findings:
    """Read back what `Findings.write` wrote."""
    facts, notes, points = _read(folder / f"{name}_points.csv")
    _, _, ratios = _read(folder / f"{name}_ratios.csv")
    return Findings(
        name,
        facts.pop("title"),
        facts.pop("axis"),
        facts,
        [
            Point(series, float(at), float(value), float(low), float(high), unit, int(samples))
            for series, at, value, low, high, unit, samples in points
        ],
        [
            Ratio(what, ours, peer, float(value), float(low), float(high), target)
            for what, ours, peer, value, low, high, target in ratios
        ],
        notes,
    )


def _read(path: Path) -> tuple[dict[str, str], list[str], list[list[str]]]:
    facts: dict[str, str] = {}
    notes: list[str] = []
    lines = path.read_text().splitlines()
    comments = [line[2:] for line in lines if line.startswith("# ")]
    for comment in comments:
        name, _, value = comment.partition(": ")
        if name == "note":
            notes.append(value)
        else:
            facts[name] = value
    rows = list(csv.reader(lines[len(comments) :]))
    return facts, notes, rows[1:]
