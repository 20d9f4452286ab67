"""Print what everybody gains by every end of a channel, against the honest end.

    python -m tools.print_channel_payoffs            # the tables
    python -m tools.print_channel_payoffs --write    # into docs/trading.md, between its markers
    python -m tools.print_channel_payoffs --check    # exit 1 when the document shows other tables

The channel: a deposit of 100, a bond of 10, 20 paid by checkpoints, 60 owed in all.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.channel_payoffs import (
    PEOPLE,
    Coalition,
    Money,
    compute_gain,
    every_coalition,
    find_best,
    list_deeds,
)
from tools.drawn_pages import run

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "trading.md"
MONEY = Money(deposit=100, bond=10, paid=20, owed=60)
SHOWN = ("payer", "seller", "tower", "dismissed")  # a stranger never has anything


def draw_roles() -> str:
    """What each role has more than at the honest end, by each end of a channel."""
    lines = [f"| end | {' | '.join(SHOWN)} |", "|---|" + "---|" * len(SHOWN)]
    everybody = frozenset(PEOPLE)
    seen = set[str]()
    for watched in (True, False):
        for deed in list_deeds(Coalition(everybody, watched), MONEY):
            if deed.name in seen or deed.name.endswith("and again"):
                continue  # an honest answer last: as if it came alone
            seen.add(deed.name)
            gains = [
                compute_gain(Coalition(frozenset({role}), watched), deed, MONEY) for role in SHOWN
            ]
            cells = " | ".join(f"{gain:+d}" if gain else "0" for gain in gains)
            lines.append(f"| {deed.name} | {cells} |")
    return "\n".join(lines) + "\n"


def draw_coalitions() -> str:
    """Every coalition that gains more than any part of it, and by what."""
    lines = ["| coalition | somebody honest watches | gains | how |", "|---|---|---|---|"]
    best = {who: find_best(who, MONEY) for who in every_coalition()}
    for who, (gain, deed) in best.items():
        parts = [
            best[other][0]
            for other in best
            if other.is_watched == who.is_watched and other.members < who.members
        ]
        if gain > max((0, *parts)):
            watched = "yes" if who.is_watched else "no"
            lines.append(f"| {who} | {watched} | {gain:+d} | {deed.name} |")
    kept = [gain for who, (gain, _) in best.items() if who.is_watched]
    lines += [
        "",
        f"Of {len(kept)} coalitions against which somebody honest watches, "
        f"{sum(gain <= 0 for gain in kept)} gain nothing by any end.",
    ]
    return "\n".join(lines) + "\n"


def draw_all() -> dict[str, str]:
    """Both tables by name."""
    return {"roles": draw_roles(), "coalitions": draw_coalitions()}


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    return run(__doc__ or "", DOCUMENT, draw_all(), "channel_payoffs", arguments)


if __name__ == "__main__":
    sys.exit(main())
