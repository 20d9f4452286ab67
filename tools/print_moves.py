"""Print how the phases of an outsourced job follow one another, from the table of the protocol.

    python -m tools.print_moves            # three diagrams in Mermaid's language
    python -m tools.print_moves --write    # into docs/outsourcing.md, between its markers
    python -m tools.print_moves --check    # exit 1 when the document shows another table

Events that tell something without ending a phase are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from tools.drawn_pages import run

from edgemark.loop.moves import Kind
from edgemark.systems.outsourcing.protocol.life import LIFE
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, JudgePhase, NodePhase

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "outsourcing.md"
PARTIES: dict[str, type[Enum]] = {"device": DevicePhase, "node": NodePhase, "judge": JudgePhase}


def name_of(kind: Kind) -> str:
    """An event's type, or the time that is over."""
    return f"{kind.value} is over" if isinstance(kind, Enum) else kind.__name__


def draw(phases: type[Enum], moves: Iterable[tuple[Enum, Kind, Enum]]) -> str:
    """One party's phases as a state diagram; parallel moves share an arrow."""
    arrows: dict[tuple[Enum, Enum], list[str]] = {}
    for before, kind, after in moves:
        if isinstance(before, phases) and after is not before:
            arrows.setdefault((before, after), []).append(name_of(kind))
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
    return {name: f"```mermaid\n{draw(phases, LIFE)}\n```\n" for name, phases in PARTIES.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    return run(__doc__ or "", DOCUMENT, draw_all(), "moves", arguments)


if __name__ == "__main__":
    sys.exit(main())
