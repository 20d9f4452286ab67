"""The next controller, as the user of a party asks for it: checked, then wanted by its machine.

Either party asks, and the other takes it when its policy, or its own user, names the same. While
the word of the other is missing the party waits for `patience_s`; then it ends the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, parse_address
from edgemark.party.wishes.granting import Grant
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.accords.events import AskedController
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.station.station import TradingStation
from edgemark.untrusted.fields import Fields

AMEND = "trading.amend"  # of the wish that both parties grant


class NotAmended(RefusedInput):
    """A controller that a channel does not get, as its own party can tell."""


def check_controller(station: TradingStation, side: Side, controller: Address) -> None:
    """Check that an account can issue next for a channel that goes on.

    Raises:
        NotAmended: the channel ends, or the account issues already, signs, or has no standing.
        LedgerUnavailable: the chain does not say.
    """
    now, who = side.in_force, f"controller {controller}"
    if side.reason:
        needed, had = "a channel that goes on", f"it ends: {side.reason.name.lower()}"
        raise NotAmended("comes too late", who=who, had=had, needed=needed)
    if controller == now.controller:
        raise NotAmended("issues for the channel now", who=who, needed="another account")
    terms = side.known.terms
    if controller in {*now.keys, terms.payer, terms.seller}:
        raise NotAmended("is a party of the channel", who=who, needed="an account beside both")
    if not station.controllers.is_in_standing(controller):
        raise NotAmended(
            "is in no good standing",
            who=who,
            needed="a bonded controller",
            remedy="See `edgemark doctor`; the next one bonds by `edgemark controller run`.",
        )


def ask_controller(
    station: TradingStation, side: Side, controller: Address, tell: Callable[..., Any]
) -> int:
    """Want another controller; the epoch in which it will issue. Durable when it returns.

    Args:
        station: of the party.
        side: its present state.
        controller: the next one.
        tell: lets an event happen in a channel.

    Raises:
        NotAmended, LedgerUnavailable: as `check_controller`.
        IllegalMove: the channel is not in a phase for it.
    """
    check_controller(station, side, controller)
    at = Timestamp(station.head().block)
    tell(side.known.channel, AskedController(controller, at))
    return side.in_force.epoch + 1


def facts_of_controller(channel: ChannelId, controller: Address) -> dict[str, Any]:
    """Of a wish for it."""
    return {"channel": channel.hex(), "controller": str(controller)}


def amending_grant(
    station: TradingStation, find: Callable[[ChannelId], Side], tell: Callable[..., Any]
) -> Grant:
    """What a party that runs does for such a wish.

    Args:
        station: of the party.
        find: the state of a channel; raises of one that is not known.
        tell: lets an event happen in a channel.
    """

    def grant(wish: Fields) -> Mapping[str, object]:
        channel = parse_channel_id(wish.text("channel"))
        controller = parse_address(wish.text("controller"), who=f"{wish.who}, controller")
        wish.finish()
        return {"epoch": ask_controller(station, find(channel), controller, tell)}

    return grant
