"""Print how the phases of an outsourced job follow one another, from the table of the protocol.

    python tools/print_moves.py            # three diagrams in Mermaid's language
    python tools/print_moves.py --write    # into docs/outsourcing.md, between its markers
    python tools/print_moves.py --check    # exit 1 when the document shows another table

Events that tell something without ending a phase are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from edgemark.systems.outsourcing.phases import DevicePhase, JudgePhase, NodePhase
from edgemark.systems.outsourcing.protocol import MOVES

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "outsourcing.md"
PARTIES: dict[str, type[Enum]] = {"device": DevicePhase, "node": NodePhase, "judge": JudgePhase}


def draw(phases: type[Enum], moves: Mapping[tuple[Enum, type], Enum]) -> str:
    """One party's phases as a state diagram; parallel moves share an arrow."""
    arrows: dict[tuple[Enum, Enum], list[str]] = {}
    for (before, event), after in moves.items():
        if isinstance(before, phases) and after is not before:
            arrows.setdefault((before, after), []).append(event.__name__)
    first, *_ = phases
    left = {before for before, _ in arrows}
    lines = ["stateDiagram-v2", f"    [*] --> {first.value}"]
    lines += [
        f"    {before.value} --> {after.value}: {', '.join(names)}"
        for (before, after), names in arrows.items()
    ]
    lines += [f"    {phase.value} --> [*]" for phase in phases if phase not in left]
    return "\n".join(lines)


def draw_all() -> dict[str, str]:
    """A fenced diagram for each party."""
    return {name: f"```mermaid\n{draw(phases, MOVES)}\n```\n" for name, phases in PARTIES.items()}


def insert(text: str, diagrams: Mapping[str, str]) -> str:
    """A document with each diagram between `<!-- moves: NAME -->` and `<!-- end -->`.

    Raises:
        ValueError: a marker is missing.
    """
    for name, diagram in diagrams.items():
        begin, end = f"<!-- moves: {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"no place for the diagram of the {name}")
        text = before + begin + diagram + end + after
    return text


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="into docs/outsourcing.md")
    action.add_argument("--check", action="store_true", help="compare with docs/outsourcing.md")
    chosen = parser.parse_args(arguments)
    if not (chosen.write or chosen.check):
        for name, diagram in draw_all().items():
            print(f"{name}\n\n{diagram}")
        return 0
    text = DOCUMENT.read_text()
    fresh = insert(text, draw_all())
    if chosen.write:
        DOCUMENT.write_text(fresh)
    elif fresh != text:
        print("docs/outsourcing.md shows another table; run tools/print_moves.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
