"""Print what every coalition gains by every end of an index, against the honest end.

    python -m tools.print_payoffs            # the tables
    python -m tools.print_payoffs --write    # into docs/outsourcing.md, between its markers
    python -m tools.print_payoffs --check    # exit 1 when the document shows other tables

The job is the smallest one (t = e = 1, d = 2, m = 6) with n = 4 judges, S = m f / e and g = f / 4.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.drawn_pages import run
from tools.payoffs import (
    UNCHARGED,
    Coalition,
    Deed,
    count_indices,
    every_coalition,
    find_best,
    is_part_of,
)

from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.systems.outsourcing.contract.amounts import compute_ending
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms, compute_least_stake

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "outsourcing.md"
JUDGES = 4
FEE = 1200  # whatever stands below a fraction of it divides it
TERMS = Terms(
    function_hash=Hash32(bytes(32)),
    function_bytes=1,
    term_count=1,
    inputs=1,
    outputs=1,
    degree=2,
    threshold=1,
    errors=1,
    node_count=6,
    batch=1,
    share_bytes=34,
    job_key=b"",
    fee=Tokens(FEE),
    stake=Tokens(compute_least_stake(FEE, 6, 1)),
    judge_fee=Tokens(FEE // 4),
    accept_by=Timestamp(0),
    compute_by=Timestamp(0),
    collect_by=Timestamp(0),
)


def in_fees(amount: int) -> str:
    """A gain as a multiple of f."""
    return f"{amount / FEE:+.2f} f" if amount else "0"


def draw_roles() -> str:
    """What each role has more than at the honest end, by each end of an index."""
    lines = ["| end | payer | node that worked | judges | pool |", "|---|---|---|---|---|"]
    for end in (phase for phase in IndexPhase if phase.is_end):
        ending = compute_ending(end, TERMS)
        paid = ending.deposit + ending.stake
        is_over = end is IndexPhase.RELEASED  # no work, no result
        cells = (
            paid.payer - (0 if end in UNCHARGED else TERMS.bond) - (TERMS.fee if is_over else 0),
            paid.node - TERMS.stake - (0 if is_over else TERMS.fee),
            paid.judges,
            paid.pool,
        )
        lines.append(f"| {end.name.capitalize()} | {' | '.join(map(in_fees, cells))} |")
    return "\n".join(lines) + "\n"


def draw_coalitions() -> str:
    """Every coalition that gains more than any part of it, and by what."""
    lines = [
        "| coalition | gains at an index | how | indices of a job |",
        "|---|---|---|---|",
    ]
    best = {who: find_best(who, TERMS, JUDGES) for who in every_coalition()}
    for who, (gain, deed) in best.items():
        parts = [other for other in best if other != who and is_part_of(other, who)]
        if gain > max((best[part][0] for part in parts), default=0):
            count = count_indices(deed, TERMS)
            lines.append(f"| {who} | {in_fees(gain)} | {_tell(who, deed)} | {count} |")
    idle = sum(gain <= 0 for gain, _ in best.values())
    lines += [
        "",
        f"Of {len(best)} coalitions {idle} gain nothing by any end, among them all "
        f"{sum(who.is_within_bounds for who in best)} within the bounds; the others gain no more "
        "than one of these that is a part of them.",
    ]
    return "\n".join(lines) + "\n"


def _tell(who: Coalition, deed: Deed) -> str:
    whose = "its own node" if deed.is_own else "another's node"
    idle = ", without working" if deed.is_idle and not who.payer else ""
    return f"{deed.end.name.lower()}, {whose}{idle}"


def draw_all() -> dict[str, str]:
    """Both tables by name."""
    return {"roles": draw_roles(), "coalitions": draw_coalitions()}


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    return run(__doc__ or "", DOCUMENT, draw_all(), "payoffs", arguments)


if __name__ == "__main__":
    sys.exit(main())
