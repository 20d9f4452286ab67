"""Print the rooms of a package and which of them import which: the house as it stands.

    python -m tools.print_rooms                                  # the rooms of edgemark
    python -m tools.print_rooms outsourcing                      # those of a system
    python -m tools.print_rooms party.evm                        # those of any package
    python -m tools.print_rooms --mermaid party                  # a diagram in Mermaid's language
    python -m tools.print_rooms --sources ../other/offchain      # of another checkout

A *room* is what stands next below the package, a folder or a file; an *arrow* goes from a room to
one that its files import. An arrow that is part of a circle is marked: what stands on one another
cannot be understood apart (`tests/architecture/arrows.py` says where circles are refused).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.arrows import PACKAGE, Module, read_modules, room_of

SOURCES = Path(__file__).resolve().parent.parent / "offchain"


@dataclass(frozen=True)
class Rooms:
    """Files by room, imports by arrow, and the arrows among them that lie on a circle."""

    files: Counter[str]
    arrows: Counter[tuple[str, str]]

    @property
    def circular(self) -> frozenset[tuple[str, str]]:
        """Arrows whose end leads back to their beginning."""
        return frozenset(
            (begin, end) for begin, end in self.arrows if begin in self._reached_from(end)
        )

    def _reached_from(self, room: str) -> set[str]:
        reached, ahead = {room}, [room]
        while ahead:
            at = ahead.pop()
            found = {end for begin, end in self.arrows if begin == at} - reached
            reached |= found
            ahead += found
        return reached


def count_rooms(modules: dict[str, Module], package: str) -> Rooms:
    """The rooms below a package; a statement that imports three names is one import."""
    files: Counter[str] = Counter()
    arrows: Counter[tuple[str, str]] = Counter()
    for module in modules.values():
        room = room_of(module.name, package)
        if not room:
            continue
        files[room] += 1
        met = {(room_of(target, package), line) for target, line in module.imports}
        arrows.update((room, target) for target, _ in met if target not in {"", room})
    known = files.keys()
    return Rooms(files, Counter({arrow: n for arrow, n in arrows.items() if arrow[1] in known}))


def name_package(asked: str, modules: Collection[str]) -> str:
    """The package that somebody means by its name, the end of its path or the name of a system.

    Args:
        asked: as `edgemark.systems.trading`, `systems/trading` or `trading`.
        modules: that there are, by their whole names.
    """
    bare = asked.removesuffix("/").replace("/", ".").removeprefix("offchain.")
    for package in (bare, f"{PACKAGE}.{bare}", f"{PACKAGE}.systems.{bare}"):
        if any(room_of(name, package) for name in modules):
            return package
    return bare


def tell(rooms: Rooms) -> str:
    """A line a room: its files and the rooms that it imports, those on a circle with an `!`."""
    circular = rooms.circular
    width = max(map(len, rooms.files))
    lines = []
    for room in sorted(rooms.files):
        ends = sorted(end for begin, end in rooms.arrows if begin == room)
        told = (f"{end}!" if (room, end) in circular else end for end in ends)
        lines.append(f"{room:{width}} {rooms.files[room]:4}  {' '.join(told)}".rstrip())
    lines.append(
        f"{len(rooms.files)} rooms, {rooms.files.total()} files, {len(rooms.arrows)} arrows,"
        f" {len(circular)} of them on a circle"
    )
    return "\n".join(lines)


def draw(rooms: Rooms) -> str:
    """The rooms as a flowchart; an arrow tells how many statements import along it."""
    lines = ["flowchart TD"]
    lines += [f"    {room}[{room} {count}]" for room, count in sorted(rooms.files.items())]
    lines += [
        f"    {begin} -->|{count}| {end}" for (begin, end), count in sorted(rooms.arrows.items())
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("package", nargs="?", default=PACKAGE, help=f"whose rooms ({PACKAGE})")
    parser.add_argument("--mermaid", action="store_true", help="print a diagram")
    parser.add_argument("--sources", type=Path, default=SOURCES, help="folder of the package")
    asked = parser.parse_args(arguments)
    modules = read_modules(asked.sources)
    rooms = count_rooms(modules, name_package(asked.package, modules))
    if not rooms.files:
        parser.error(
            f"{asked.package}: no room below it in {asked.sources};"
            f" a package is named as {PACKAGE}.party, party/evm or outsourcing"
        )
    print(draw(rooms) if asked.mermaid else tell(rooms))
    return 0


if __name__ == "__main__":
    sys.exit(main())
