"""Begin a new system: its rooms, a small protocol, one contract, a demonstration, tests.

    python -m tools.new_system NAME

What is written is whole and passes its tests; it is there to be changed. Of what is general two
lines are edited: the catalogue of contracts and the list of systems on the command line. The
sources stand in `tools/scaffold`, where the system is called `sketch`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.names_of_systems import check_name

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tools" / "scaffold"
SUFFIX = ".txt"  # of a source: no linter, compiler or test takes it for one of the checkout's own
WORD = "sketch"
CATALOGUE, COMMANDS = "offchain/edgemark/cli/catalogue.py", "offchain/edgemark/cli/systems.py"
LINES = {  # in each of these files, the line that goes behind the last of its list
    CATALOGUE: ("PLACES = (", '    "edgemark.systems.sketch.station.contracts:SketchContracts",'),
    COMMANDS: ("SYSTEMS = (", '    "sketch",'),
}
NEXT = (
    "Next: `make contracts gas`, then `make test SYSTEM={name}`; `edgemark demo {name}` plays it."
)


def check_new(name: str, root: Path) -> None:
    """Check that a system of this name can be written.

    Raises:
        SystemExit: it cannot; says why.
    """
    targets = targets_of(name)
    sources = [text for each in targets.values() for text in (str(each), each.read_text())]
    check_name(name, root, sources)
    taken = [each for each in targets if (root / each).exists()]
    if taken:
        sys.exit(f"nothing is written over: {', '.join(map(str, taken))}")


def rename(text: str, name: str) -> str:
    """A text about the scaffold's system, about this one."""
    for case in (str.lower, str.capitalize, str.upper):
        text = text.replace(case(WORD), case(name))
    return text


def targets_of(name: str) -> dict[Path, Path]:
    """Every file that is written, from the root, with its source."""
    return {
        Path(rename(str(source.relative_to(SOURCES)).removesuffix(SUFFIX), name)): source
        for source in sorted(SOURCES.rglob(f"*{SUFFIX}"))
    }


def add_line(text: str, opening: str, line: str) -> str:
    """The text with a line behind the last of the list that begins with `opening`.

    Raises:
        SystemExit: there is no such list.
    """
    start = text.find(f"\n{opening}")
    end = text.find("\n)\n", start)
    if start < 0 or end < 0:
        sys.exit(f"{opening} ...) is not where it was")
    return f"{text[:end]}\n{line}{text[end:]}"


def write(name: str, root: Path = ROOT) -> list[Path]:
    """Write the system into a checkout; answers its files, from the root.

    Raises:
        SystemExit: as `check_new`; nothing is written then.
    """
    check_new(name, root)
    edited = {
        place: add_line((root / place).read_text(), opening, rename(line, name))
        for place, (opening, line) in LINES.items()
    }
    targets = targets_of(name)
    for target, source in targets.items():
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        (root / target).write_text(rename(source.read_text(), name))
    for place, text in edited.items():
        (root / place).write_text(text)
    python = [str(root / target) for target in targets if target.suffix == ".py"]
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", *python], cwd=root, check=True
    )
    return list(targets)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one, and say what comes next."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="one word, as its folders will be called")
    name = parser.parse_args(arguments).name
    for path in write(name):
        print(path)
    print(NEXT.format(name=name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
