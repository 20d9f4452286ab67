"""Replays transcripts: text files in which each line happens, or must hold.

A system names its parties, and what its lines say; of every system these are understood:

    # COMMENT                    the first line is the title
    after FILE                   all that is in that transcript happened before
    PARTY looks                  takes what the chain shows
    PARTY EVENT ARGUMENT..       an event happens to it
    PARTY refuses EVENT ..       it cannot happen now
    PARTY is PHASE               its phase
    PARTY owes EFFECT; ..        exactly these effects, in this order; `nothing` for none
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from edgemark.loop.machine import IllegalMove


class Mismatch(AssertionError):
    """A line of a transcript does not hold."""


def require(holds: bool, had: object) -> None:
    """Let a line hold.

    Raises:
        Mismatch: it does not; says what there was.
    """
    if not holds:
        raise Mismatch(f"had {had}")


class Scene(ABC):
    """Everybody in a transcript.

    Attributes:
        parties: the state of each, by the name that the lines give it.
    """

    parties: dict[str, Any]

    @abstractmethod
    def play(self, line: str) -> None:
        """Let one line happen, or check it; of a party by `play_party`."""

    @abstractmethod
    def observe(self, party: str) -> Sequence[object]:
        """What the chain shows that it has not heard yet."""

    @abstractmethod
    def event(self, party: str, name: str, words: list[str]) -> object:
        """An event from its arguments."""

    @abstractmethod
    def step(self, state: Any, event: object) -> Any:
        """The state after an event.

        Raises:
            IllegalMove: it cannot happen now.
        """

    @abstractmethod
    def render(self, effect: Any) -> str:
        """An effect as a transcript writes it."""

    def play_party(self, line: str) -> None:
        """Play a line that begins with a party."""
        party, *words = line.split()
        state = self.parties[party]
        match words:
            case ["looks"]:
                for event in self.observe(party):
                    self.parties[party] = self.step(self.parties[party], event)
            case ["is", phase]:
                require(state.phase.value == phase, state.phase.value)
            case ["owes", *_]:
                owed = [self.render(effect) for effect in state.owed()]
                require(owed == expand(line.partition(" owes ")[2]), "; ".join(owed))
            case ["refuses", name, *arguments]:
                try:
                    self.step(state, self.event(party, name, arguments))
                except IllegalMove:
                    return
                raise Mismatch(f"{name} was taken")
            case [name, *arguments]:
                self.parties[party] = self.step(state, self.event(party, name, arguments))
            case _:
                raise Mismatch("is no line of a transcript")


def expand(effects: str) -> list[str]:
    """The effects of a line; `SendOffer 1..6` stands for six."""
    found: list[str] = []
    for effect in effects.split("; "):
        head, _, last = effect.rpartition(" ")
        first, dots, end = last.partition("..")
        if dots:
            found += [f"{head} {j}" for j in range(int(first), int(end) + 1)]
        elif effect != "nothing":
            found.append(effect)
    return found


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a transcript that are no comments, with their numbers."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        said = line.partition("#")[0].strip()
        if said:
            yield number, said


S = TypeVar("S", bound=Scene)


def replay(path: Path, scene: S) -> S:
    """Play a transcript to its end.

    Raises:
        Mismatch: a line does not hold; says which.
    """
    for number, line in lines_of(path):
        first, _, rest = line.partition(" ")
        if first == "after":
            replay(path.with_name(rest), scene)
            continue
        try:
            scene.play(line)
        except Exception as fault:
            raise Mismatch(f"{path.name}:{number}: {line}: {fault!r}") from fault
    return scene
