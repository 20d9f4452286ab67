"""Measure the gas of every state-changing function and compare it with the committed file.

    python -m tools.measure_gas            # measure and compare; exit 1 when something is worse
    python -m tools.measure_gas --write    # measure, then write contracts/gas.json and docs/gas.md

The scenario is the same to the byte in every run (`gas_lab.py`), under the rules of each of
`HARDFORKS`. More than `TOLERANCE_PERCENT` above the file fails; as much below is told.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.gas_lab import open_lab
from tools.gas_market import LARGEST, SMALL, Size
from tools.gas_scenario import run

from edgemark.cli.catalogue import CONTRACTS
from edgemark.ledger.evm.contract.interface import load_interface

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "contracts" / "gas.json"
PAGE = ROOT / "docs" / "gas.md"
HARDFORKS = ("prague", "osaka")
TOLERANCE_PERCENT = 2
REMEDY = "If that is meant: `make gas` writes contracts/gas.json and docs/gas.md anew."
STEP = (
    "Add a step to tools/gas_of_NAME.py of its system, or to tools/gas_scenario.py where it has "
    "none; then `make gas`."
)

Gas = dict[str, dict[str, dict[str, int]]]
"""By "Contract.function", by case, by hard fork."""

HEAD = f"""# Gas

What each state-changing function of the contracts uses, measured on Anvil by one scenario that is
the same to the byte in every run, under the rules of {" and ".join(HARDFORKS)}. A test fails when a
figure grows by more than {TOLERANCE_PERCENT} %. "First" finds empty storage, "again" does not; m is
the number of nodes of a job, e how many may be charged. The acceptances of an honest job come in
one call of its device. `make gas` measures anew.
"""


@dataclass(frozen=True)
class Difference:
    """One figure that is no longer what the file says.

    Attributes:
        place: function, case and hard fork.
        had, found: gas; None where there is none.
    """

    place: str
    had: int | None
    found: int | None

    @property
    def is_failure(self) -> bool:
        """Whether it is more than an improvement."""
        return self.had is None or self.found is None or self.found > self.had

    def __str__(self) -> str:
        if self.had is None:
            return f"{self.place}: not in the file, uses {self.found}"
        if self.found is None:
            return f"{self.place}: in the file, not measured"
        return f"{self.place}: {self.had} -> {self.found} ({self.found / self.had - 1:+.1%})"


def measure(hardforks: Sequence[str] = HARDFORKS) -> Gas:
    """Run the scenario under each of the hard forks."""
    gas: Gas = {}
    for hardfork in hardforks:
        with (
            tempfile.TemporaryDirectory() as folder,
            open_lab(Path(folder) / "chain", hardfork) as lab,
        ):
            run(lab)
        for function, cases in lab.gas.items():
            for case, used in cases.items():
                gas.setdefault(function, {}).setdefault(case, {})[hardfork] = used
    return gas


def compare(had: Gas, found: Gas) -> list[Difference]:
    """Everything that differs by more than the tolerance, and every figure without its like."""
    before, now = dict(_figures(had)), dict(_figures(found))
    differences = []
    for place in {**before, **now}:
        old, new = before.get(place), now.get(place)
        is_near = (
            old is not None and new is not None and 100 * abs(new - old) <= TOLERANCE_PERCENT * old
        )
        if not is_near:
            differences.append(Difference(place, old, new))
    return differences


def find_unmeasured(gas: Gas) -> list[str]:
    """State-changing functions of the deployed contracts that no row tells of."""
    return [
        f"{name}.{entry['name']}"
        for name in CONTRACTS
        for entry in load_interface(name).abi
        if entry["type"] == "function"
        and entry["stateMutability"] in ("nonpayable", "payable")
        and f"{name}.{entry['name']}" not in gas
    ]


def load(path: Path = FILE) -> Gas:
    """Read the committed file; an absent one is empty."""
    if not path.exists():
        return {}
    gas: Gas = json.loads(path.read_text())["gas"]
    return gas


def save(gas: Gas, path: Path = FILE) -> None:
    """Write the file."""
    facts = {"unit": "gas of one transaction", "tolerance_percent": TOLERANCE_PERCENT, "gas": gas}
    path.write_text(json.dumps(facts, indent=2) + "\n")


def honest_job(gas: Gas, size: Size, hardfork: str) -> int:
    """Gas of everybody together in one honest job: post, accept, commit, approve.

    The payer brings all acceptances in one call and approves in one; each node commits.
    """
    steps = (
        ("post", "first", 1),
        ("accept", "all in one call", 1),
        ("commit", "", size.nodes),
        ("approve", "all", 1),
    )
    return sum(
        times * gas[f"JobSettlement.{step}"][", ".join(filter(None, (size.label, case)))][hardfork]
        for step, case, times in steps
    )


def make_page(gas: Gas) -> str:
    """The tables for the documentation."""
    lines = [
        HEAD,
        f"| one honest job | {' | '.join(HARDFORKS)} |",
        "|---|" + "---:|" * len(HARDFORKS),
    ]
    for size in (SMALL, LARGEST):
        figures = " | ".join(f"{honest_job(gas, size, hardfork):,}" for hardfork in HARDFORKS)
        lines.append(f"| {size.nodes} nodes: post, accept, commit, approve | {figures} |")
    lines += ["", f"| function | case | {' | '.join(HARDFORKS)} |"]
    lines.append("|---|---|" + "---:|" * len(HARDFORKS))
    for function, cases in sorted(gas.items(), key=lambda row: _order(row[0])):
        for case, used in cases.items():
            figures = " | ".join(f"{used[hardfork]:,}" for hardfork in HARDFORKS)
            lines.append(f"| `{function}` | {case} | {figures} |")
    return "\n".join(lines) + "\n"


def _order(function: str) -> tuple[int, bool]:
    """Contracts in the order of deployment, constructors first."""
    name, _, member = function.partition(".")
    return CONTRACTS.index(name), member != "constructor"


def _figures(gas: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Iterator[tuple[str, int]]:
    for function, cases in gas.items():
        for case, used in cases.items():
            for hardfork, figure in used.items():
                label = f"{function} ({case}), {hardfork}" if case else f"{function}, {hardfork}"
                yield label, figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare or write; exit status 1 when something is worse or missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the file and the page")
    options = parser.parse_args(arguments)
    found = measure()
    unmeasured = find_unmeasured(found)
    for function in unmeasured:
        print(f"{function}: no step calls it. {STEP}")
    differences = compare(load(), found)
    for difference in differences:
        print(difference)
    if options.write:
        save(found)
        PAGE.write_text(make_page(found))
        return 1 if unmeasured else 0
    failed = bool(unmeasured) or any(each.is_failure for each in differences)
    print(REMEDY if failed else f"{sum(map(len, found.values()))} cases, none worse")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
