"""Print how the phases of a matter follow one another, from the table of each protocol.

    python -m tools.print_moves            # a diagram in Mermaid's language for each party
    python -m tools.print_moves --write    # into the pages below docs/, between their markers
    python -m tools.print_moves --check    # exit 1 when a page shows another table

Events that tell something without ending a phase are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tools.drawn_pages import run

from edgemark.loop.moves import Kind, Moves
from edgemark.systems.outsourcing.protocol import life as jobs
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, JudgePhase, NodePhase
from edgemark.systems.trading.protocol import life as channels
from edgemark.systems.trading.tower import watch as towers

DOCS = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True)
class Page:
    """A page with the diagrams of one system.

    Attributes:
        name: of the file.
        life: the table.
        parties: phases of each.
    """

    name: str
    life: Moves
    parties: Mapping[str, type[Enum]]


PAGES = (
    Page(
        "outsourcing.md",
        jobs.LIFE,
        {"device": DevicePhase, "node": NodePhase, "judge": JudgePhase},
    ),
    Page(
        "trading.md",
        channels.LIFE,
        {
            "seller": channels.SellerPhase,
            "buyer": channels.BuyerPhase,
            "controller": channels.ControllerPhase,
        },
    ),
    Page("trading.md", towers.LIFE, {"tower": towers.TowerPhase}),
)


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


def draw_all(page: Page) -> dict[str, str]:
    """A fenced diagram for each party of a page."""
    return {
        name: f"```mermaid\n{draw(phases, page.life)}\n```\n"
        for name, phases in page.parties.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    return max(
        run(__doc__ or "", DOCS / page.name, draw_all(page), "moves", arguments) for page in PAGES
    )


if __name__ == "__main__":
    sys.exit(main())
