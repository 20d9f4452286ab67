"""What the user of a party asks for by an amendment: checked, then wanted by its machine.

Either party asks for the next controller, and the other takes it when its policy, or its own user,
names the same. While the word of the other is missing the party waits for `patience_s`; then it
ends the channel. To another key of a party the other consents by itself; the old one signs until it
is on chain, and nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, Address, Timestamp, format_time, parse_address
from edgemark.party.wishes.granting import Grant
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.accords.events import AskedController, AskedKey
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.station.accords.keys import HomeKeys
from edgemark.systems.trading.station.station import TradingStation
from edgemark.untrusted.fields import Fields

AMEND, RENEW = "trading.amend", "trading.renew"  # of the wishes that both parties grant


class NotAmended(RefusedInput):
    """What a channel does not get, as its own party can tell."""


def check_controller(station: TradingStation, side: Side, controller: Address) -> None:
    """Check that an account can issue next for a channel that goes on.

    Raises:
        NotAmended: the channel ends, or the account issues already, signs, or has no standing.
        LedgerUnavailable: the chain does not say.
    """
    now, who = side.in_force, f"controller {controller}"
    _check_goes_on(side, who)
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


def check_renewable(side: Side) -> None:
    """Check that a party may ask for another key; raises `NotAmended`."""
    who = f"channel {side.known.channel.hex()}"
    _check_goes_on(side, who)
    if side.next_key != NOBODY:
        raise NotAmended("waits for another key already", who=who, had=side.next_key)


def _check_goes_on(side: Side, who: str) -> None:
    """After `expires_at` the chain takes no amendment, and so late none is asked for."""
    if side.reason:
        had = f"it ends: {side.reason.name.lower()}"
        needed = f"a channel that goes on, by {format_time(side.service_ends)}"
        raise NotAmended("comes too late", who=who, had=had, needed=needed)


def ask_key(station: TradingStation, side: Side, tell: Callable[..., Any]) -> Address:
    """Want to sign with a key that is made now, and kept before anybody hears of it; its address.

    Raises:
        NotAmended: the channel ends, or another key is wanted already.
        IllegalMove: the channel is not in a phase for it.
    """
    check_renewable(side)
    key = HomeKeys.of_station(station).make()
    tell(side.known.channel, AskedKey(key))
    return key


def facts_of_controller(channel: ChannelId, controller: Address) -> dict[str, Any]:
    """Of a wish for it."""
    return {"channel": channel.hex(), "controller": str(controller)}


def grants_of_seller(
    station: TradingStation,
    find: Callable[[ChannelId], Side],
    tell: Callable[..., Any],
    is_watched: Callable[[ChannelId], bool],
) -> Mapping[str, Grant]:
    """What a seller that runs does for such wishes.

    Args:
        station: of the party.
        find: the state of a channel; raises of one that is not known.
        tell: lets an event happen in a channel.
        is_watched: whether a tower counts on the account's key for a channel.
    """

    def amend(wish: Fields) -> Mapping[str, object]:
        channel = parse_channel_id(wish.text("channel"))
        controller = parse_address(wish.text("controller"), who=f"{wish.who}, controller")
        wish.finish()
        return {"epoch": ask_controller(station, find(channel), controller, tell)}

    def renew(wish: Fields) -> Mapping[str, object]:
        channel = parse_channel_id(wish.text("channel"))
        wish.finish()
        if is_watched(channel):
            raise NotAmended(
                "is watched by a tower, which has the word of the account's key",
                who=f"channel {channel.hex()}",
                needed="a channel that no tower watches",
                remedy="Keep the key, or end the channel.",
            )
        return {"key": str(ask_key(station, find(channel), tell))}

    return {AMEND: amend, RENEW: renew}
