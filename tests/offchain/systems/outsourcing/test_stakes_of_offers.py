"""Offers that come together at one node: each has its stake, and leave to lock it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.anchoring.accounts import Allowance
from edgemark.identifiers import Timestamp, Tokens
from edgemark.ledger.intent import Call
from edgemark.machine import TryAgain
from edgemark.systems.outsourcing import effects as do
from edgemark.systems.outsourcing.admission import NodeBusy, OfferRefused, check_stakes
from edgemark.systems.outsourcing.parties.node import NodeTask
from edgemark.systems.outsourcing.phases import NodePhase
from edgemark.systems.outsourcing.worker import ComputeNode

ORDER = cast.small_order()
STAKE = int(ORDER.terms.stake)
OFFERED = NodeTask(phase=NodePhase.OFFERED, offer=cast.offer_to(ORDER, 1))
OFFER: Any = SimpleNamespace(terms=ORDER.terms)


class Anchor:
    """Keeps one allowance; an acceptance locks a stake of it, or is refused."""

    def __init__(self, free: int) -> None:
        self.free, self.allowed, self.sent = free, 0, 0

    def free_balance(self, *_: object, **__: object) -> int:
        return self.free

    def locker_allowance(self, *_: object) -> Allowance:
        return Allowance(Tokens(self.allowed), Timestamp(2**40 - 1))

    def allow_locker(self, _: object, amount: int, __: int) -> int:
        return amount

    def send_many(self, calls: Sequence[int], **_: object) -> None:
        self.sent += len(calls)
        self.allowed = calls[-1]

    def accept(self, _: object) -> None:
        if self.allowed < STAKE:
            raise TryAgain("accept is refused for the moment", had="AllowanceTooLow")
        self.allowed -= STAKE
        self.free -= STAKE


def make_node(anchor: Anchor, offered: int, deposit: int = 0) -> Any:
    """A node that took so many offers, none of whose acceptances is on chain."""
    node: Any = ComputeNode.__new__(ComputeNode)
    node.station = SimpleNamespace(
        address=cast.NODE_ADDRESSES[0],
        allowing=threading.RLock(),
        lockers=["settlement"],
        chain=SimpleNamespace(block=lambda _: SimpleNamespace(timestamp=1_000)),
        accounts=anchor,
        lane=anchor,
        settings=SimpleNamespace(deposit=deposit),
        submit=anchor.accept,
        registry=SimpleNamespace(is_active=lambda _: True),
        settlement=SimpleNamespace(
            domain=cast.DOMAIN,
            accept=lambda *_: Call(Any, "accept"),  # type: ignore[arg-type]
        ),
        keys=SimpleNamespace(account=cast.key_of_role("node 1")),
    )
    node.runtime = SimpleNamespace(
        states=lambda: (
            dict.fromkeys((bytes([number]) for number in range(offered)), OFFERED)
            | {b"over": NodeTask(), b"done": NodeTask(phase=NodePhase.ENDED, offer=OFFERED.offer)}
        )
    )
    return node


def test_offers_together__are_all_accepted_under_one_allowance() -> None:
    anchor = Anchor(free=6 * STAKE)
    node = make_node(anchor, offered=3)
    node._allow_stakes()
    for left in (2, 1, 0):
        anchor.accept(None)
        assert anchor.allowed == left * STAKE
    assert anchor.sent == 1


def test_an_acceptance__gives_leave_again_where_it_was_used_up() -> None:
    """As it was, leave was given when an offer came, and an acceptance without it never went."""
    anchor = Anchor(free=6 * STAKE)
    node = make_node(anchor, offered=2)
    with pytest.raises(TryAgain):
        anchor.accept(None)
    for _ in range(2):
        assert node.perform(OFFERED, do.SubmitAcceptance()) == []
        anchor.allowed = 0  # replaced or used up by others meanwhile
    assert anchor.free == 4 * STAKE


def test_leave_to_lock__is_of_the_deposit_at_once() -> None:
    anchor = Anchor(free=9 * STAKE)
    node = make_node(anchor, offered=1, deposit=8 * STAKE)
    for _ in range(5):
        node.perform(OFFERED, do.SubmitAcceptance())
    assert (anchor.sent, anchor.allowed) == (1, 3 * STAKE)


def test_an_offer__beside_others_that_take_the_balance__is_put_off() -> None:
    for offered in (0, 1, 2):
        make_node(Anchor(3 * STAKE), offered)._check_stake(OFFER)
    with pytest.raises(NodeBusy, match="tokens in other jobs"):
        make_node(Anchor(3 * STAKE), offered=3)._check_stake(OFFER)
    with pytest.raises(NodeBusy):
        check_stakes(STAKE, STAKE, 2 * STAKE - 1, who="node")
    with pytest.raises(OfferRefused, match="does not cover the stake"):
        make_node(Anchor(STAKE - 1), offered=0)._check_stake(OFFER)


def test_the_handler_of_an_offer__sends_nothing() -> None:
    anchor = Anchor(3 * STAKE)
    make_node(anchor, offered=1)._check_stake(OFFER)
    assert anchor.sent == 0
