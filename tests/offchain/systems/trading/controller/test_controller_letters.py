"""A58: letters of strangers and of parties that say what they may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.controller.controller_ground import house
from tests.offchain.systems.trading.controller.controller_lives import (
    controller,
    desk_of,
    me,
    pairs,
)
from tests.offchain.systems.trading.controller.trading_pairs import TradingPairs
from tests.waiting import wait_until

from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Kind, Role
from edgemark.systems.trading.protocol.messages import Countersigned, Settlement, Taken

__all__ = ["controller", "house", "pairs"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(6)]


THIEF = key_of("a thief")


def hostile(pairs: TradingPairs, channel: ChannelId, other: ChannelId) -> list[bytes]:
    """Letters of a channel with one credential, each of them refused."""
    good = pairs.draft(channel, 2, 200)
    both = Countersigned(good.proposal.voucher, good.proposal.signature, good.payer_signature)
    letter = pairs.letter(channel, Role.SELLER, good)
    settlements: list[Settlement] = [
        pairs.draft(channel, 1, 100 + 1),  # an index that has another voucher
        pairs.draft(channel, 1, 99),
        pairs.draft(channel, 2, 99),  # an amount that falls
        pairs.draft(channel, 2, 10**6),  # above the deposit
        pairs.draft(channel, 2, 200, controller=THIEF.address),
        pairs.draft(channel, 2, 200, epoch=1),
        pairs.draft(channel, 2, 200, template_hash=pairs.templates.initiation.version_id),
        replace(good, payer_signature=THIEF.sign(bytes(32))),
        pairs.draft(other, 2, 200),  # of another channel
    ]
    return [
        *(pairs.letter(channel, Role.SELLER, each) for each in settlements),
        b"",
        b"\0" * 64,
        letter[:-1],
        letter + b"\0",
        b"\xff" * (60 * 2**10),
        letter[:40] + b"\x01" + letter[41:],
        pairs.letter(other, Role.SELLER, good),  # says that it is about another
        pairs.letter(channel, Role.BUYER, good),  # a buyer has no such word
        pairs.sign_letter(THIEF, channel, good),
        pairs.sign_letter(THIEF, channel, Taken(Kind.CREDENTIAL, 1)),
        pairs.letter(channel, Role.BUYER, both)[:-70],  # for the seller, and cut short
    ]


def test_a58_hostile_letters__are_refused_one_by_one_and_the_channel_goes_on(
    pairs: TradingPairs, controller: Controller
) -> None:
    channel, other = pairs.open_many(me(controller), 2)
    pairs.join(channel, other)
    pairs.settle(channel, 1, 100)
    wait_until("credential", pairs.has_all(channel, 1))
    wait_until("its desk", lambda: desk_of(controller, other))
    before = desk_of(controller, channel)
    for number, raw in enumerate(hostile(pairs, channel, other)):
        had = controller.letters_refused
        pairs.send_raw(channel, Role.SELLER, raw)
        wait_until(f"refusal {number}", lambda had=had: controller.letters_refused > had)  # type: ignore[misc]
    assert desk_of(controller, channel).issued.settlement == before.issued.settlement
    assert desk_of(controller, channel).due is None
    for index in (2**63, 0, 7):  # receipts of what nobody issued
        pairs.say(channel, Role.BUYER, Taken(Kind.CREDENTIAL, index))
    pairs.settle(channel, 2, 200)
    wait_until("credential", pairs.has_all(channel, 1, 2))
    assert desk_of(controller, channel).issued.settlement == pairs.settled[channel]
    assert (desk_of(controller, other).issued, pairs.indices(other, Role.SELLER)) == (None, [])
