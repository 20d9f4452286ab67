"""What a receipt shows beside its checks: answers, who did what, and the way of the money.

Plain values with names that people read; amounts in the token's smallest unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Image:
    """A grey image.

    Attributes:
        rows: brightness of each pixel, 0 (dark) .. 255, all rows of one length.
    """

    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Answer:
    """One input of a matter and what became of it.

    Attributes:
        seen: the answer put together from the nodes' shares.
        plain: what the plain model says of the same input.
        truth: what is so, where that is known.
        image: the input, when it is an image.
        veiled: the same as one node got it.
    """

    seen: str
    plain: str
    truth: str = ""
    image: Image | None = None
    veiled: Image | None = None


@dataclass(frozen=True)
class Place:
    """One index of a matter: a node, and how it ended.

    Attributes:
        node: its name.
        deeds: what happened, in order.
        end: the phase it ended in.
        is_guilty: whether it was convicted.
        notice: who lost what by that end, or may yet; whatever has one is never hidden.
    """

    index: int
    node: str
    deeds: tuple[str, ...]
    end: str
    is_guilty: bool = False
    notice: str = ""


@dataclass(frozen=True)
class Link:
    """Tokens that went from somewhere to somebody; `amount` >= 0."""

    source: str
    target: str
    amount: int


@dataclass(frozen=True)
class MatterShown:
    """One of whatever was under way."""

    name: str
    summary: str
    answers: tuple[Answer, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass
class Exhibits:
    """Everything that is shown.

    Attributes:
        matters: in the order in which they are shown.
        called: what their system calls them.
        links: the way of the money.
    """

    matters: list[MatterShown] = field(default_factory=list)
    called: str = "matters"
    links: list[Link] = field(default_factory=list)

    def add_matter(self, called: str, matter: MatterShown) -> None:
        """Show one more of what its system calls so, in the plural."""
        self.called = called
        self.matters.append(matter)

    def add_links(self, links: Sequence[Link]) -> None:
        """Add tokens to the flows of the same ends."""
        total = {(link.source, link.target): link.amount for link in self.links}
        for link in links:
            ends = (link.source, link.target)
            total[ends] = total.get(ends, 0) + link.amount
        self.links = [Link(*ends, amount) for ends, amount in total.items() if amount]
