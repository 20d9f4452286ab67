"""What every benchmark stands on: turns, files, ratios, the page; and that each of them runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.command import ROOT, main
from benchmarks.findings import Findings, Ratio, read_findings
from benchmarks.measuring import Timing, measure_in_turn

from benchmarks import table

pytestmark = pytest.mark.lasts(30)

NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("p[0-9][0-9]_*.py"))
QUICK_LIMIT_S = 120


def test_measure_in_turn__takes_turns() -> None:
    calls: list[str] = []
    timings = measure_in_turn(
        {"ours": lambda: calls.append("ours"), "peer": lambda: calls.append("peer")},
        rounds=3,
        least_sample_s=0,
    )
    assert calls == ["ours", "peer"] + ["ours", "peer"] * 3
    assert {name: taken.samples for name, taken in timings.items()} == {"ours": 3, "peer": 3}


def test_measure_in_turn__repeats_what_is_too_short_for_the_clock() -> None:
    count = 0

    def tiny() -> None:
        nonlocal count
        count += 1

    taken = measure_in_turn({"tiny": tiny}, rounds=2, least_sample_s=0.002)["tiny"]
    assert count > 100
    assert 0 < taken.low_s <= taken.median_s <= taken.high_s < 0.002


def filled(folder: Path) -> Findings:
    findings = Findings("p99_made_up", "made up", "k", {"processor": "none, of course"})
    findings.add(200, {"ours": Timing(0.5, 0.25, 1.0, 7), "peer": Timing(2.0, 1.0, 4.0, 7)})
    findings.compare("k = 200", 200, "ours", "peer", ">= 3")
    findings.notes.append("a note: with a colon")
    findings.write(folder)
    return findings


def test_compare__divides_the_peer_by_ours_and_pairs_the_quartiles(tmp_path: Path) -> None:
    (ratio,) = filled(tmp_path).ratios
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((4.0, 1.0, 16.0))


@pytest.mark.parametrize(
    ("target", "met"),
    [(">= 4", True), (">= 4.1", False), ("<= 4", True), ("< 4", False), ("", None)],
)
def test_ratio__says_whether_its_target_is_met(target: str, met: bool | None) -> None:
    assert Ratio("", "", "", 4.0, 3.0, 5.0, target).is_met is met


def test_findings__come_back_from_their_files(tmp_path: Path) -> None:
    findings = filled(tmp_path)
    assert read_findings(tmp_path, "p99_made_up") == findings


def test_page__has_every_ratio_with_noise_target_and_machine(tmp_path: Path) -> None:
    filled(tmp_path)
    page = table.make_page(tmp_path)
    assert "## P99: made up" in page
    assert "| k = 200 | ours | peer | 4.00 | 1.00 to 16.00 | >= 3 | yes |" in page
    assert "- a note: with a colon" in page
    assert "processor none, of course" in page


def test_main__writes_both_files_and_the_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(findings: Findings, scale: object) -> None:
        findings.points, findings.ratios = (made := filled(tmp_path / "made")).points, made.ratios

    arguments = ["--quick", "--out", str(tmp_path)]
    assert main("p99_made_up", "made up", "k", measure, arguments=arguments) == 0
    assert "4.00x (1.00 to 16.00), target >= 3: met" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {
        "p99_made_up_points.csv",
        "p99_made_up_ratios.csv",
        "p99_made_up.svg",
    }


def test_page__is_what_the_committed_results_say() -> None:
    assert table.PAGE.read_text() == table.make_page(table.RESULTS)


@pytest.mark.parametrize("name", NAMES)
def test_benchmark__runs_and_leaves_its_files(name: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=QUICK_LIMIT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = read_findings(tmp_path, name)
    assert found.ratios
    assert len({point.series for point in found.points}) > 1, "no peer in the run"
    assert (tmp_path / f"{name}.svg").stat().st_size > 1000
