"""Make the documentation's page of figures from the committed results.

python -m benchmarks.table [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.command import RESULTS, ROOT
from benchmarks.findings import Findings, read_findings, show_ratio

PAGE = ROOT / "docs" / "benchmarks.md"
SUFFIX = "_ratios.csv"
HEAD = """# Benchmarks

Every figure is a ratio to a peer that was measured in the same run on the same machine; above 1,
ours is faster. In brackets: from the worst to the best pairing of the quartiles. `make bench`
measures anew, `python -m benchmarks.table` makes this page from the results in
`benchmarks/results`.
"""


def find_results(folder: Path) -> list[str]:
    """Names of the benchmarks that have results, in order."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


def make_page(folder: Path) -> str:
    """The whole page."""
    sections = ["\n".join(_section(read_findings(folder, name))) for name in find_results(folder)]
    return "\n".join([HEAD, *sections])


def _section(findings: Findings) -> Iterator[str]:
    label, _, _ = findings.name.partition("_")
    yield f"## P{int(label[1:])}: {findings.title}\n"
    yield "| what | ours | peer | ratio | noise | target | met |"
    yield "|---|---|---|---|---|---|---|"
    for each in findings.ratios:
        met = {True: "yes", False: "**no**", None: ""}[each.is_met]
        yield (
            f"| {each.what} | {each.ours} | {each.peer} | {show_ratio(each.value)} "
            f"| {show_ratio(each.low)} to {show_ratio(each.high)} | {each.target} | {met} |"
        )
    yield ""
    for note in findings.notes:
        yield f"- {note}"
    if findings.notes:
        yield ""
    machine = ", ".join(f"{fact} {value}" for fact, value in findings.machine.items())
    yield f"Measured on: {machine}.\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or with `--check` say whether it is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    page = make_page(RESULTS)
    if not options.check:
        PAGE.write_text(page)
        return 0
    if PAGE.read_text() == page:
        return 0
    sys.stdout.write("docs/benchmarks.md is not what the results say: python -m benchmarks.table\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
