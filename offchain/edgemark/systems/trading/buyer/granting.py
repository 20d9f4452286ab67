"""What commands may ask of the buyer that holds their home, as wishes: see `party.wishes`.

| wish            | facts                                      | answered with             |
|-----------------|--------------------------------------------|---------------------------|
| `trading.begin` | of each: channel, valid_until, signature   | channels, of kept deals   |
| `trading.order` | channel, work by its digests, sample, out  | number of the first order |
| `trading.topup` | channel, amount                            | deposit in all            |
| `trading.close` | channel                                    | channel                   |
| `trading.reduce`| channel, amount that goes back             | deposit that is left      |
| `trading.amend` | channel, the next controller               | its epoch                 |
| `trading.renew` | channel                                    | address of the new key    |

Bytes are no part of a wish: the command puts them on the shelf before it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens, parse_address, parse_hash32
from edgemark.party.wishes.granting import Grant
from edgemark.systems.trading.buyer.agreeing import Agreeing
from edgemark.systems.trading.buyer.orders.ordering import Lot, Wanted
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.buyer.purchase import MAX_REQUESTS
from edgemark.systems.trading.contract.records import MAX_CHANNELS
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.agreement import Opening
from edgemark.systems.trading.protocol.messages import SIGNATURE_BYTES
from edgemark.systems.trading.station.accords.asking import AMEND, RENEW
from edgemark.systems.trading.work.messages import OrderKind
from edgemark.untrusted.fields import Fields

BEGIN, ORDER, TOP_UP, CLOSE = "trading.begin", "trading.order", "trading.topup", "trading.close"
REDUCE = "trading.reduce"


class Granting(Protocol):
    """Who grants: a `Buyer`."""

    shelf: Shelf
    agreeing: Agreeing

    def begin(self, openings: Mapping[ChannelId, Opening]) -> None:
        """Take the terms of deals of this home."""

    def order(self, channel: ChannelId, wanted: Wanted, *, sample: int, out: str) -> Lot:
        """Order work."""

    def top_up(self, channel: ChannelId, amount: Tokens) -> Tokens:
        """Add to a deposit."""

    def stop(self, channel: ChannelId) -> None:
        """Ask for nothing more."""


def grants_of(buyer: Granting) -> Mapping[str, Grant]:
    """What a buyer grants, by kind."""
    kinds: dict[str, Callable[[Granting, Fields], Mapping[str, object]]] = {
        BEGIN: _begin,
        ORDER: _order,
        TOP_UP: _top_up,
        CLOSE: _close,
        REDUCE: _reduce,
        AMEND: _amend,
        RENEW: _renew,
    }

    def grant(act: Callable[[Granting, Fields], Mapping[str, object]]) -> Grant:
        return lambda wish: act(buyer, wish)

    return {kind: grant(act) for kind, act in kinds.items()}


def facts_of_openings(openings: Mapping[ChannelId, Opening]) -> dict[str, Any]:
    """Of a wish to begin."""
    return {
        "openings": [
            {
                "channel": channel.hex(),
                "valid_until": int(opening.valid_until),
                "signature": opening.signature.hex(),
            }
            for channel, opening in openings.items()
        ]
    }


def facts_of_order(channel: ChannelId, wanted: Wanted, sample: int, out: str) -> dict[str, Any]:
    """Of a wish to order what is on the shelf."""
    return {
        "channel": channel.hex(),
        "kind": wanted.kind.name.lower(),
        "what": wanted.what.hex(),
        "function": hash_long(wanted.function).hex() if wanted.function else "",
        "pieces": [hash_long(piece).hex() for piece in wanted.pieces],
        "most": list(wanted.most),
        "output_bytes": list(wanted.output_bytes),
        "sample": sample,
        "out": out,
    }


def _begin(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    told = wish.parts("openings", MAX_CHANNELS)
    wish.finish()
    openings = dict(map(_opening, told))
    if len(openings) != len(told):
        raise RefusedInput("names a channel twice", who=wish.who, needed="each once")
    buyer.begin(openings)
    return {"channels": [channel.hex() for channel in openings]}


def _opening(told: Fields) -> tuple[ChannelId, Opening]:
    channel, until = _channel(told), Timestamp(told.whole("valid_until"))
    signature = _octets(told, "signature", SIGNATURE_BYTES)
    told.finish()
    return channel, Opening(until, signature)


def _order(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    channel, sample, out = _channel(wish), wish.whole("sample"), wish.text("out")
    kinds = {each.name.lower(): each for each in OrderKind}
    named, what, function = wish.text("kind"), wish.text("what"), wish.text("function")
    pieces = wish.texts("pieces", MAX_REQUESTS)
    most, sizes = wish.wholes("most", MAX_REQUESTS), wish.wholes("output_bytes", MAX_REQUESTS)
    wish.finish()
    if named not in kinds or not len(pieces) == len(most) == len(sizes) >= 1 or sample < 0:
        raise RefusedInput("is no order", who=wish.who, had=named[:40], needed=", ".join(kinds))
    part = buyer.shelf.part
    wanted = Wanted(
        kinds[named],
        parse_hash32(what, who=f"{wish.who}, what"),
        part(parse_hash32(function, who=f"{wish.who}, function")) if function else b"",
        tuple(part(parse_hash32(each, who=f"{wish.who}, pieces")) for each in pieces),
        most,
        sizes,
    )
    try:
        lot = buyer.order(channel, wanted, sample=sample, out=out)
    except MalformedMessage as error:
        raise RefusedInput(error.what, who=wish.who, had=error.had) from error
    return {"first": lot.first, "orders": len(lot.orders)}


def _top_up(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    channel, amount = _channel(wish), wish.whole("amount")
    wish.finish()
    if amount < 1:
        raise RefusedInput("adds nothing", who=wish.who, had=amount, needed=">= 1")
    return {"deposit": int(buyer.top_up(channel, Tokens(amount)))}


def _reduce(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    channel, amount = _channel(wish), Tokens(wish.whole("amount"))
    wish.finish()
    return {"deposit": int(buyer.agreeing.reduce(channel, amount))}


def _amend(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    channel = _channel(wish)
    controller = parse_address(wish.text("controller"), who=f"{wish.who}, controller")
    wish.finish()
    return {"epoch": buyer.agreeing.amend(channel, controller)}


def _renew(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    channel = _channel(wish)
    wish.finish()
    return {"key": str(buyer.agreeing.renew(channel))}


def _close(buyer: Granting, wish: Fields) -> Mapping[str, object]:
    channel = _channel(wish)
    wish.finish()
    buyer.stop(channel)
    return {"channel": channel.hex()}


def _channel(wish: Fields) -> ChannelId:
    return parse_channel_id(wish.text("channel"))


def _octets(wish: Fields, name: str, length: int) -> bytes:
    text = wish.text(name)
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != length:
        needed = f"{2 * length} hexadecimal digits"
        raise RefusedInput("is no signature", who=f"{wish.who}, {name}", needed=needed)
    return raw
