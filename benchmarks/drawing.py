"""Plots of what a benchmark found, in the axes of the paper's figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from benchmarks.findings import Findings

matplotlib.rcParams["svg.hashsalt"] = "edgemark"  # the same data give the same file


def draw(findings: Findings, folder: Path, *, logarithmic: bool = True) -> Path:
    """Draw every series against the axis, with its quartiles, as `NAME.svg`."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for series in dict.fromkeys(point.series for point in findings.points):
        points = sorted(
            (p for p in findings.points if p.series == series), key=lambda point: point.at
        )
        places = [point.at for point in points]
        axes.plot(places, [point.value for point in points], marker="o", label=series)
        axes.fill_between(
            places, [point.low for point in points], [point.high for point in points], alpha=0.2
        )
    axes.set_title(findings.title)
    axes.set_xlabel(findings.axis)
    axes.set_ylabel(" / ".join(dict.fromkeys(point.unit for point in findings.points)))
    if logarithmic:
        axes.set_yscale("log")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{findings.name}.svg"
    figure.savefig(path, metadata={"Date": None})
    return path
