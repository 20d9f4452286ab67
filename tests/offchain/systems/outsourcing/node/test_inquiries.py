"""An inquiry is answered by the rules for an offer, costs a bounded look, and leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import EdgemarkError, LedgerUnavailable, Overloaded, RefusedInput
from edgemark.identifiers import Hash32, Tokens
from edgemark.party.settings import PartySettings
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.node.accepting import Accepting
from edgemark.systems.outsourcing.node.admission import (
    NodeBusy,
    OfferDeclined,
    OfferOver,
    OfferRefused,
    TaskTooLarge,
    check_function_room,
)
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.settings import NodeSettings, OutsourcingSettings
from edgemark.systems.outsourcing.steps.inquire import Inquiry, Readiness
from edgemark.transport.serving.routes import Request

ORDER = cast.small_order()
TERMS, MUCH = ORDER.terms, 2**50
OFFERED = NodeTask(phase=NodePhase.OFFERED, offer=cast.offer_to(ORDER, 1))
PEER = "127.0.0.1"


class Ground:
    """What stands beneath one node; counts what the chain is asked."""

    def __init__(self, **changed: Any) -> None:
        self.asked = 0
        self.is_active, self.free = True, int(TERMS.stake) * 2
        self.functions_here = frozenset[bytes]()
        self.disk, self.tasks, self.now = MUCH, list[NodeTask](), int(TERMS.accept_by) - 5
        self.fails: EdgemarkError | None = None
        self.node_settings, self.bounds = NodeSettings(), OutsourcingSettings()
        self.slowness = 1e-9
        for name, value in changed.items():
            setattr(self, name, value)

    def _say(self, what: Any) -> Any:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return what

    def station(self) -> Any:
        return SimpleNamespace(
            deployment=cast.DEPLOYMENT,
            address=cast.NODE_ADDRESSES[0],
            functions=SimpleNamespace(  # without make_free: nothing may go for an inquiry
                count_free=lambda: self.disk, holds=lambda it: it in self.functions_here
            ),
            clock=lambda: self.now,
            chain=SimpleNamespace(confirmed=lambda: 100),
            accounts=SimpleNamespace(free_balance=lambda *_, **__: self._say(self.free)),
            registry=SimpleNamespace(is_active=lambda _: self._say(self.is_active)),
            settings=Settings(Path(), (self.node_settings,)),
            bounds=self.bounds,
            paces=PartySettings(),
            block_s=lambda: 1,
            seeing_s=lambda: 3.0,
        )

    def node(self) -> Any:
        """A node without loop and journal: whoever wants to write into one of them fails."""
        node: Any = ComputeNode.__new__(ComputeNode)
        speed: Any = SimpleNamespace(fastest=self.slowness, of=lambda _: self.slowness)
        node.station = self.station()
        node.chain_time = SimpleNamespace(read=lambda: self.now)
        node._accepting = Accepting(node.station, lambda: self.tasks, speed, TurnBook())
        return node


def ask(node: Any, terms: Terms | None = TERMS) -> Readiness:
    """One inquiry at the node's own face."""
    request = Request("POST", "/v1/inquiries", {}, Inquiry(terms).to_wire(), PEER)
    return Readiness.from_wire(node._answer_inquiry(request).body)


def test_a_node_that_would_accept__says_what_it_takes() -> None:
    said = ask(Ground(node_settings=NodeSettings(min_fee=7)).node())
    assert said == Readiness(Tokens(7), 256, 256, 3600, 600, 512 * 2**20, has_function=False)
    here = Ground(functions_here=frozenset({TERMS.function_hash}))
    assert ask(here.node()).has_function
    assert not ask(here.node(), None).has_function


def test_without_terms__the_chain_is_not_asked_and_nothing_is_refused() -> None:
    ground = Ground(fails=LedgerUnavailable("gone"), tasks=[OFFERED])
    assert ask(ground.node(), None).free_places == 255
    assert ground.asked == 0


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"node_settings": NodeSettings(min_fee=1004)}, OfferDeclined, "fee too low"),
        ({"is_active": False}, OfferRefused, "takes no new work"),
        ({"free": int(TERMS.stake) - 1}, OfferRefused, "does not cover the stake"),
        ({"tasks": [OFFERED, OFFERED]}, NodeBusy, "tokens in other jobs"),
        (
            {"tasks": [OFFERED], "bounds": OutsourcingSettings(max_open_jobs=1)},
            NodeBusy,
            "as many jobs as it takes",
        ),
        ({"now": int(TERMS.accept_by) + 1}, OfferOver, "offer is over"),
        ({"node_settings": NodeSettings(max_accept_s=4)}, OfferRefused, "may not start"),
        ({"slowness": 10.0}, TaskTooLarge, "cannot compute the task in its time"),
        ({"disk": 2**26}, NodeBusy, "nearly full"),
        ({"fails": LedgerUnavailable("no chain")}, LedgerUnavailable, "no chain"),
    ],
)
def test_a_node_that_would_not__says_why_as_of_an_offer(
    changed: dict[str, Any], kind: type[EdgemarkError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        ask(Ground(**changed).node())


def test_terms_that_cannot_be__are_refused_before_anything_is_looked_at() -> None:
    ground = Ground()
    with pytest.raises(RefusedInput, match="out of order"):
        ask(ground.node(), replace(TERMS, compute_by=TERMS.accept_by))
    assert ground.asked == 0


def test_f4_inquiries__however_many__ask_the_chain_once() -> None:
    """A stranger's question must not use up what a node may ask its chain, nor what others may."""
    ground = Ground()
    node = ground.node()
    for number in range(500):
        ask(node, replace(TERMS, batch=1 + number % 2, share_bytes=17 * (2 * (1 + number % 2) + 1)))
    assert ground.asked == 2  # its standing and its balance


def test_f4_inquiries__while_the_chain_says_nothing__are_told_to_ask_again() -> None:
    ground = Ground(fails=LedgerUnavailable("no chain"))
    node = ground.node()
    with pytest.raises(LedgerUnavailable):
        ask(node)
    for _ in range(9):
        with pytest.raises(Overloaded):
            ask(node)
    assert ground.asked == 1


def test_an_inquiry__reserves_nothing() -> None:
    """A node with one stake left says yes to everybody; the offers decide."""
    ground = Ground(free=int(TERMS.stake), bounds=OutsourcingSettings(max_open_jobs=1))
    node = ground.node()
    assert [ask(node).free_places for _ in range(3)] == [1, 1, 1]
    assert ground.tasks == []


def test_a_function_that_is_not_here__needs_room_beside_those_of_open_tasks() -> None:
    length = TERMS.function_bytes
    check_function_room(TERMS, [], length, length, who="node")
    check_function_room(TERMS, [OFFERED], length, length, who="node")  # it is the same one
    other = replace(TERMS, function_hash=Hash32(bytes(32)))
    with pytest.raises(NodeBusy, match="no room for the function"):
        check_function_room(other, [OFFERED], 2 * length - 1, length, who="node")
    with pytest.raises(NodeBusy, match="no disk for the function"):
        check_function_room(TERMS, [], length, length - 1, who="node")
