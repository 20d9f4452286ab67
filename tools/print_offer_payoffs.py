"""Print what it costs to fill a category of the offer book, and what one seller pays to get in.

    python -m tools.print_offer_payoffs            # the table
    python -m tools.print_offer_payoffs --write    # into docs/trading.md, between its markers
    python -m tools.print_offer_payoffs --check    # exit 1 when the document shows another one

The deposit is the least one of a deployment, for a day, at 5 % a year; the gas is that of gas.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.drawn_pages import run

from edgemark.amounts import Amount
from edgemark.identifiers import Tokens
from edgemark.systems.trading.contract.market.places import compute_hold, compute_interest
from edgemark.systems.trading.contract.market.records import MAX_PLACES
from edgemark.systems.trading.station.contracts import DEFAULT_OFFER_LIMITS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "trading.md"
GAS = ROOT / "contracts" / "gas.json"
PER_YEAR = 0.05
TIMES = (1, 2, 10, 100)  # the least deposit, as what one seller is ready to lock


def draw() -> str:
    """What a spammer holds, by what one seller is ready to lock."""
    least, day = DEFAULT_OFFER_LIMITS.min_deposit, DEFAULT_OFFER_LIMITS.min_seconds
    lines = [
        "| a seller is ready to lock | a spammer that keeps it out locks | which costs it a day |",
        "|---|---|---|",
    ]
    for times in TIMES:
        hold = compute_hold(times * least, least)
        interest = Tokens(round(compute_interest(hold, day, PER_YEAR)))
        shown = f"{float(interest) / 10**18:.1f} MTC"
        lines.append(f"| {Amount(times * least)} | {tell(hold)} | {shown} |")
    gas = json.loads(GAS.read_text())["gas"]["OfferBook.post"]["first"]["prague"]
    lines += ["", f"And {MAX_PLACES * gas:,} gas, for {MAX_PLACES} offers."]
    return "\n".join(lines) + "\n"


def tell(amount: int) -> str:
    """An amount in whole MTC: what is beyond them is one unit a place."""
    return str(Amount(Tokens(amount // 10**18 * 10**18)))


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    return run(__doc__ or "", DOCUMENT, {"cost": draw()}, "offer_payoffs", arguments)


if __name__ == "__main__":
    sys.exit(main())
