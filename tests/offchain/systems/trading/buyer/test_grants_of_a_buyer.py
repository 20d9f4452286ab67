"""What commands wish of a buyer that holds their home: read strictly, refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.parties_cast import CHANNEL, SELLER_OPENING
from tests.offchain.systems.trading.work.work_cast import make_batch, make_dense

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.buyer.granting import (
    BEGIN,
    CLOSE,
    ORDER,
    REDUCE,
    TOP_UP,
    facts_of_openings,
    facts_of_order,
    grants_of,
)
from edgemark.systems.trading.buyer.orders.ordering import ALL, Lot, Wanted, draft_lot
from edgemark.systems.trading.buyer.orders.shelf import Shelf
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Opening
from edgemark.systems.trading.station.accords.asking import AMEND, RENEW, facts_of_controller
from edgemark.untrusted.fields import Fields

FUNCTION = make_dense()
WANTED = Wanted.polynomial(FUNCTION, make_batch(FUNCTION, 6), 3)
OTHER = ChannelId(Hash32(bytes([7]) * 32))
OPENINGS = facts_of_openings({CHANNEL: SELLER_OPENING})


class Noting:
    """A buyer that notes what it was asked for."""

    def __init__(self, home: Path) -> None:
        self.shelf = Shelf(home)
        self.did: list[Any] = []

    @property
    def agreeing(self) -> Any:
        return self

    def reduce(self, channel: ChannelId, amount: Tokens) -> Tokens:
        self.did.append((channel, amount))
        return Tokens(100 - amount)

    def amend(self, channel: ChannelId, controller: Address) -> int:
        self.did.append((channel, controller))
        return 1

    def renew(self, channel: ChannelId) -> Address:
        self.did.append(channel)
        return Address("0x" + "0c" * 20)

    def begin(self, openings: Mapping[ChannelId, Opening]) -> None:
        self.did.extend(openings.items())

    def order(self, channel: ChannelId, wanted: Wanted, *, sample: int, out: str) -> Lot:
        self.did.append((channel, wanted, sample, out))
        return draft_lot(wanted, channel, 5, cores=1, sample=sample, out=out, asked_at_us=0)

    def top_up(self, channel: ChannelId, amount: Tokens) -> Tokens:
        self.did.append((channel, amount))
        return Tokens(100 + amount)

    def stop(self, channel: ChannelId) -> None:
        self.did.append(channel)


@pytest.fixture
def buyer(tmp_path: Path) -> Noting:
    return Noting(tmp_path)


def wish(buyer: Noting, kind: str, facts: dict[str, Any]) -> Any:
    return grants_of(buyer)[kind](Fields(facts, f"wish, {kind}"))


def test_openings__are_handed_over_as_they_were_signed(buyer: Noting) -> None:
    both = {CHANNEL: SELLER_OPENING, OTHER: Opening(Timestamp(7), bytes(65))}
    told = wish(buyer, BEGIN, facts_of_openings(both))
    assert told == {"channels": [CHANNEL.hex(), OTHER.hex()]}
    assert buyer.did == list(both.items())


@pytest.mark.parametrize(
    "wanted", [WANTED, Wanted.program(Hash32(b"\x07" * 32), b"data", 1000)], ids=["F", "program"]
)
def test_work__is_read_back_from_its_digests(buyer: Noting, wanted: Wanted) -> None:
    buyer.shelf.keep(wanted)
    facts = facts_of_order(CHANNEL, wanted, ALL, "/out.json")
    assert wish(buyer, ORDER, facts) == {"first": 5, "orders": len(wanted.pieces)}
    assert buyer.did == [(CHANNEL, wanted, ALL, "/out.json")]


def test_top_up_and_close__are_granted(buyer: Noting) -> None:
    assert wish(buyer, TOP_UP, {"channel": CHANNEL.hex(), "amount": 7}) == {"deposit": 107}
    assert wish(buyer, CLOSE, {"channel": CHANNEL.hex()}) == {"channel": CHANNEL.hex()}
    assert buyer.did == [(CHANNEL, 7), CHANNEL]
    assert wish(buyer, TOP_UP, {"channel": CHANNEL.hex(), "amount": 1}) == {"deposit": 101}


def test_deposit_back_and_the_next_controller__are_granted(buyer: Noting) -> None:
    channel, account = CHANNEL.hex(), Address("0x" + "0b" * 20)
    assert wish(buyer, REDUCE, {"channel": channel, "amount": 7}) == {"deposit": 93}
    assert wish(buyer, AMEND, facts_of_controller(CHANNEL, account)) == {"epoch": 1}
    assert wish(buyer, RENEW, {"channel": channel}) == {"key": "0x" + "0c" * 20}
    assert buyer.did.pop() == CHANNEL
    assert [(each, str(what).lower()) for each, what in buyer.did] == [
        (CHANNEL, "7"),
        (CHANNEL, account),
    ]


HOSTILE: dict[str, tuple[str, dict[str, Any]]] = {
    "no channel": (CLOSE, {}),
    "a channel that is none": (CLOSE, {"channel": "ab"}),
    "a field too many": (CLOSE, {"channel": CHANNEL.hex(), "more": 1}),
    "nothing to add": (TOP_UP, {"channel": CHANNEL.hex(), "amount": 0}),
    "less than nothing": (TOP_UP, {"channel": CHANNEL.hex(), "amount": -5}),
    "an amount that is none": (TOP_UP, {"channel": CHANNEL.hex(), "amount": "7"}),
    "deposit back that is no amount": (REDUCE, {"channel": CHANNEL.hex(), "amount": "7"}),
    "deposit back of no channel": (REDUCE, {"amount": 7}),
    "a controller that is none": (AMEND, {"channel": CHANNEL.hex(), "controller": "0x0b"}),
    "a controller and more": (
        AMEND,
        {"channel": CHANNEL.hex(), "controller": "0x" + "0b" * 20, "key": ""},
    ),
    "a signature that is short": (
        BEGIN,
        {"openings": [{"channel": CHANNEL.hex(), "valid_until": 1, "signature": "ab"}]},
    ),
    "a signature that is none": (
        BEGIN,
        {"openings": [{"channel": CHANNEL.hex(), "valid_until": 1, "signature": "zz" * 65}]},
    ),
    "work of no kind": (ORDER, {**facts_of_order(CHANNEL, WANTED, ALL, ""), "kind": "code"}),
    "no pieces": (
        ORDER,
        {**facts_of_order(CHANNEL, WANTED, ALL, ""), "pieces": [], "most": [], "output_bytes": []},
    ),
    "more bounds than pieces": (
        ORDER,
        {**facts_of_order(CHANNEL, WANTED, ALL, ""), "most": [1, 2, 3, 4]},
    ),
    "pieces beyond number": (
        ORDER,
        {**facts_of_order(CHANNEL, WANTED, ALL, ""), "pieces": ["00" * 32] * 1000},
    ),
    "bytes that are not there": (
        ORDER,
        {**facts_of_order(CHANNEL, WANTED, ALL, ""), "pieces": ["00" * 32] * 3},
    ),
    "openings and more": (BEGIN, {**OPENINGS, "more": 1}),
    "an opening and more": (BEGIN, {"openings": [{**OPENINGS["openings"][0], "more": 1}]}),
    "one opening twice": (BEGIN, {"openings": OPENINGS["openings"] * 2}),
    "openings beyond number": (BEGIN, {"openings": OPENINGS["openings"] * 33}),
    "work and more": (ORDER, {**facts_of_order(CHANNEL, WANTED, ALL, ""), "more": 1}),
    "a top-up and more": (TOP_UP, {"channel": CHANNEL.hex(), "amount": 7, "more": 1}),
    "deposit back and more": (REDUCE, {"channel": CHANNEL.hex(), "amount": 7, "more": 1}),
    "more sizes than pieces": (
        ORDER,
        {**facts_of_order(CHANNEL, WANTED, ALL, ""), "output_bytes": [1, 2, 3, 4]},
    ),
    "a sample below nothing": (ORDER, {**facts_of_order(CHANNEL, WANTED, -1, "")}),
}


@pytest.mark.parametrize(("kind", "facts"), HOSTILE.values(), ids=HOSTILE)
def test_a_wish_that_is_none__is_refused_by_name_and_nothing_is_done(
    buyer: Noting, kind: str, facts: dict[str, Any]
) -> None:
    buyer.shelf.keep(WANTED)
    with pytest.raises(EdgemarkError):
        wish(buyer, kind, facts)
    assert buyer.did == []
