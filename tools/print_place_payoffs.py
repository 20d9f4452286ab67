"""Print what it costs to keep others out of the places of a controller, and out of its floors.

    python -m tools.print_place_payoffs            # the tables
    python -m tools.print_place_payoffs --write    # into docs/trading.md, between its markers
    python -m tools.print_place_payoffs --check    # exit 1 when the document shows others

Places, sessions and floors are as many as settings and code say; the gas is that of gas.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.drawn_pages import run

from edgemark.amounts import Amount
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.systems.trading.contract.market.places import compute_interest
from edgemark.systems.trading.contract.records import MAX_CHANNELS
from edgemark.systems.trading.controller.channels import floors
from edgemark.systems.trading.controller.channels.places import PROVEN_S, compute_hold
from edgemark.systems.trading.settings import ControllerSettings
from edgemark.transport.limits import BrokerLimits

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "trading.md"
GAS = ROOT / "contracts" / "gas.json"
PER_YEAR, DAY_S = 0.05, 86_400
LOCKED = (1, 10, 100, 1000)  # MTC, by a channel that is to be kept out
ALL = 10**9 * TOKEN_UNIT


def draw_places() -> str:
    """What others lock that keep a channel out, by what that locks."""
    sessions = (BrokerLimits().most_sessions - 1) // 2 + 1  # the hub has one, a channel two
    places = ControllerSettings().max_channels
    lines = [
        f"| a channel locks | for one of the places, first for {PROVEN_S} s | for all sessions, "
        f"{sessions} channels | for all {places:,} places | which costs a day |",
        "|---|---|---|---|---|",
    ]
    for amount in LOCKED:
        holds = [compute_hold(amount * TOKEN_UNIT, many) for many in (1, sessions, places)]
        told = " | ".join(f"above {tell(each)}" for each in holds)
        lines.append(
            f"| {tell(amount * TOKEN_UNIT)} | {told} | {cost(holds[1])}, {cost(holds[2])} |"
        )
    return "\n".join(lines) + "\n"


def draw_floors() -> str:
    """What others lock so that no channel with a bond is taken in."""
    gas = json.loads(GAS.read_text())["gas"]["ChannelEscrow.open"][f"{MAX_CHANNELS} channels"]
    each = gas["prague"] // MAX_CHANNELS
    lines = [
        "| to keep out a bond of | floors are held | with bonds of, in all | and openings for |",
        "|---|---|---|---|",
    ]
    for bond in (TOKEN_UNIT // 10, TOKEN_UNIT, 10 * TOKEN_UNIT, 100 * TOKEN_UNIT, ALL):
        taken, bonds = floors.compute_hold(bond, floors.MOST_FLOORS)
        what = "anything" if bond == ALL else str(Amount(Tokens(bond)))
        told = f"{taken:,} | {tell(bonds)} | {taken * each / 10**9:.1f} billion gas"
        lines.append(f"| {what} | {told} |")
    return "\n".join(lines) + "\n"


def tell(amount: int) -> str:
    """An amount in whole MTC: what is beyond them is one unit a place."""
    return str(Amount(Tokens(amount // TOKEN_UNIT * TOKEN_UNIT)))


def cost(amount: int) -> str:
    """Of a day, at 5 % a year."""
    return f"{compute_interest(amount, DAY_S, PER_YEAR) / TOKEN_UNIT:.2f} MTC"


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit status."""
    drawn = {"places": draw_places(), "floors": draw_floors()}
    return run(__doc__ or "", DOCUMENT, drawn, "place_payoffs", arguments)


if __name__ == "__main__":
    sys.exit(main())
