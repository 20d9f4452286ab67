"""The way of the money as a drawing: ribbons from where tokens were held to who has them now.

Every ribbon is as thick as its amount, so what goes in on the left is as high as what comes out on
the right; ends with little get at least a hair's breadth and their exact amount beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from edgemark.receipt.exhibits import Link
from edgemark.words import printable

WIDTH, BAR = 760, 14
LEFT, RIGHT = 210, 550  # where the two columns of bars stand
FULL = 260  # height of all amounts together
SLOT, GAP = 38, 6  # room for the two lines of words beside a bar, and between two bars
LEAST = 1.5  # a thinner ribbon would not be seen
MOST_NAME = 26  # small letters that fit beside a bar; of others half as many do
NARROW = frozenset(" 0123456789'.,-")
Show = Callable[[int], str]
COLOURS = 6  # classes flow-0 .. flow-5 of the style sheet


@dataclass
class _Bar:
    """One end: its place, and how much of its height is taken by ribbons so far."""

    name: str
    amount: int
    top: float
    height: float
    used: float = 0.0

    def take(self, part: float) -> float:
        """The upper edge of the next ribbon of this thickness."""
        top = self.top + self.used
        self.used += part
        return top


def draw_flow(links: Sequence[Link], show: Show) -> str:
    """An SVG of all links; empty when there are none.

    Args:
        links: amounts >= 0; ends of one name are one bar.
        show: writes an amount for people.
    """
    links = [link for link in links if link.amount > 0]
    if not links:
        return ""
    whole = sum(link.amount for link in links)
    sources = _stack([(link.source, link.amount) for link in links], whole)
    targets = _stack([(link.target, link.amount) for link in links], whole)
    height = SLOT / 2 + max(bar.top + bar.height for bar in (*sources.values(), *targets.values()))
    parts = [
        f'<svg class="flow" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        ' aria-label="Ribbons from deposits, stakes and bonds to those who have the tokens now;'
        ' the table below says the same.">'
    ]
    colours = {name: number % COLOURS for number, name in enumerate(sources)}
    order = {name: number for number, name in enumerate(targets)}
    for link in sorted(links, key=lambda one: (colours[one.source], order[one.target])):
        parts.append(_ribbon(link, whole, sources, targets, colours[link.source], show))
    parts += [_bar(bar, LEFT, f"flow-{colours[bar.name]}", show) for bar in sources.values()]
    parts += [_bar(bar, RIGHT, "flow-end", show) for bar in targets.values()]
    return "".join([*parts, "</svg>"])


def _stack(ends: Sequence[tuple[str, int]], whole: int) -> dict[str, _Bar]:
    amounts: dict[str, int] = {}
    thickness: dict[str, float] = {}
    for name, amount in ends:
        amounts[name] = amounts.get(name, 0) + amount
        thickness[name] = thickness.get(name, 0.0) + _thickness(amount, whole)
    top, bars = float(GAP), {}
    for name, amount in amounts.items():
        slot = max(thickness[name], SLOT)
        bars[name] = _Bar(name, amount, top + (slot - thickness[name]) / 2, thickness[name])
        top += slot + GAP
    return bars


def _thickness(amount: int, whole: int) -> float:
    return max(LEAST, FULL * amount / whole)


def _ribbon(
    link: Link,
    whole: int,
    sources: dict[str, _Bar],
    targets: dict[str, _Bar],
    colour: int,
    show: Show,
) -> str:
    part = _thickness(link.amount, whole)
    start, end = sources[link.source].take(part), targets[link.target].take(part)
    x0, x1, middle = LEFT + BAR, RIGHT, (LEFT + BAR + RIGHT) / 2
    path = (
        f"M{x0} {start:.1f}C{middle} {start:.1f} {middle} {end:.1f} {x1} {end:.1f}"
        f"V{end + part:.1f}C{middle} {end + part:.1f} {middle} {start + part:.1f}"
        f" {x0} {start + part:.1f}Z"
    )
    words = escape(printable(f"{link.source} to {link.target}: {show(link.amount)} MTC"))
    return f'<path class="ribbon flow-{colour}" d="{path}"><title>{words}</title></path>'


def _bar(bar: _Bar, x: int, style: str, show: Show) -> str:
    middle = bar.top + bar.height / 2
    is_left = x == LEFT
    at, anchor = (x - 8, "end") if is_left else (x + BAR + 8, "start")
    return (
        f'<rect class="{style}" x="{x}" y="{bar.top:.1f}" width="{BAR}" height="{bar.height:.1f}"'
        f' rx="2"/><text x="{at}" y="{middle - 2:.1f}" text-anchor="{anchor}">'
        f'{_shorten(bar.name)}<tspan class="amount" x="{at}" dy="1.25em">{show(bar.amount)} MTC'
        "</tspan></text>"
    )


def _shorten(name: str) -> str:
    """What fits; the title of the ribbon and the table below have all of it."""
    text = printable(name)
    widths = accumulate(1 if letter.islower() or letter in NARROW else 2 for letter in text)
    fits = sum(width <= MOST_NAME for width in widths)
    return escape(text if fits == len(text) else f"{text[:fits]}…")
