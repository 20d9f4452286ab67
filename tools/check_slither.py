"""Let slither read the contracts; every high or medium finding must be explained.

    python tools/check_slither.py

Explanations stand in `contracts/findings.toml`: detector, place and the reason why it is no
weakness. A finding without one fails, and so does an explanation whose finding is gone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SLITHER = ROOT / ".venv-slither" / "bin" / "slither"
EXPLANATIONS = ROOT / "contracts" / "findings.toml"
# Mocks are flawed on purpose; tests and libraries are not deployed by us.
LEFT_OUT = r"node_modules|tests/|contracts/mocks/"
SERIOUS = frozenset({"High", "Medium"})
LIMIT_S = 1200
ANALYSED = "contracts with"


class SlitherBroken(Exception):
    """Slither did not do its work, whatever its exit status says."""


@dataclass(frozen=True, order=True)
class Finding:
    """A serious finding: which detector, and the function or contract it looks at."""

    check: str
    where: str


def read_explanations(text: str) -> dict[Finding, str]:
    """Parse `[[finding]]` tables with `check`, `where` and `reason`.

    Raises:
        SlitherBroken: one is incomplete or stands there twice.
    """
    reasons: dict[Finding, str] = {}
    for entry in tomllib.loads(text).get("finding", []):
        if set(entry) != {"check", "where", "reason"} or not str(entry["reason"]).strip():
            raise SlitherBroken(f"needs check, where and reason: {entry}")
        finding = Finding(entry["check"], entry["where"])
        if finding in reasons:
            raise SlitherBroken(f"explained twice: {finding}")
        reasons[finding] = entry["reason"]
    return reasons


def place_of(detected: Mapping[str, Any]) -> str:
    """`Contract.function(types)` of the first function that a result names, else its contract."""
    elements = detected.get("elements", [])
    for kind in ("function", "contract"):
        for element in elements:
            fields = element.get("type_specific_fields", {})
            if element["type"] == kind and kind == "function":
                return f"{fields['parent']['name']}.{fields['signature']}"
            if element["type"] == kind:
                return str(element["name"])
    return str(elements[0]["name"]) if elements else "?"


def find_serious(report: Mapping[str, Any]) -> Counter[Finding]:
    """The high and medium findings of slither's JSON report, with how often each stands there."""
    detectors = report["results"].get("detectors", [])
    return Counter(
        Finding(item["check"], place_of(item)) for item in detectors if item["impact"] in SERIOUS
    )


def compare(found: Iterable[Finding], explained: Iterable[Finding]) -> list[str]:
    """One line for each finding without a reason and each reason without a finding."""
    have, know = set(found), set(explained)
    lines = [f"not explained: {item.check} in {item.where}" for item in sorted(have - know)]
    return lines + [f"explained, but gone: {i.check} in {i.where}" for i in sorted(know - have)]


def run_slither(command: Sequence[str | Path]) -> tuple[dict[str, Any], str]:
    """Run slither in the checkout; its JSON report and what it printed.

    Raises:
        SlitherBroken: it is missing, failed, or analysed nothing.
    """
    tool = shutil.which(command[0])
    if tool is None:
        raise SlitherBroken(f"{command[0]} is missing: run `make lint`")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        ran = subprocess.run(
            [tool, *command[1:], "--json", report],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        said = ran.stdout + ran.stderr
        if not report.is_file():
            raise SlitherBroken(f"no report:\n{said[-4000:]}")
        loaded: dict[str, Any] = json.loads(report.read_text())
    if not loaded.get("success") or ANALYSED not in said:
        raise SlitherBroken(f"nothing was analysed:\n{said[-4000:]}")
    return loaded, said


def main() -> int:
    """Exit status 0 when every serious finding is explained and every explanation is needed."""
    try:
        explained = read_explanations(EXPLANATIONS.read_text())
        report, said = run_slither(
            [SLITHER, ".", "--filter-paths", LEFT_OUT, "--fail-none", "--disable-color"]
        )
    except SlitherBroken as broken:
        print(broken)
        return 1
    found = find_serious(report)
    print(said.strip().splitlines()[-1])
    for line in (lines := compare(found, explained)):
        print(line)
    if lines:
        print(
            *(
                item["description"]
                for item in report["results"].get("detectors", [])
                if item["impact"] in SERIOUS
            ),
            sep="\n",
        )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
