"""The real doors of a node and of a judge, behind which nothing is written and no chain stands.

Each of them holds what it must to look at a message: a node one job that it accepted, a judge one
charge. Of anything else the chain knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.field.randomness import Randomness
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.judge.bench import Bench
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.holding import CaseRoom
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.events import Order, SawCase
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.phases import JudgePhase, NodePhase
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.transport.serving.routes import Request, Response

NOTHING_CHARGED = ((SimpleNamespace(), (SimpleNamespace(phase=IndexPhase.NONE),)),)


class Memory:
    """States that stay as they are; what was heard is counted."""

    def __init__(self, states: Mapping[bytes, Any]) -> None:
        self._states = states
        self.heard = 0

    def state(self, key: bytes) -> Any:
        """Of one job, or None."""
        return self._states.get(key)

    def state_at_hand(self, key: bytes) -> Any:
        """The same: no job is over."""
        return self._states.get(key)

    def is_archived(self, _: bytes) -> bool:
        """None is."""
        return False

    def states(self) -> Mapping[bytes, Any]:
        """All of them."""
        return self._states

    def ask(self, _: bytes, __: object) -> None:
        """An event that a door let in."""
        self.heard += 1


def make_node(order: Order, index: int) -> Any:
    """The node at this index, which accepted and waits for its task."""
    node: Any = ComputeNode.__new__(ComputeNode)
    offer = cast.offer_to(order, index)
    state = NodeTask(phase=NodePhase.ACCEPTED, offer=offer)
    node.runtime = Memory({key_of(offer.job, offer.index): state})
    node._randomness = Randomness()
    return node


def make_judge(case: SawCase, order: Order) -> Any:
    """A judge that saw this charge and has no evidence of it yet."""
    judge: Any = Judge.__new__(Judge)
    state = JudgeCase(me=case.judges[-1], phase=JudgePhase.FILED, case=case)
    judge.runtime = Memory({key_of(case.job, case.index): state})
    judge.looks, judge._jobs = SimpleNamespace(check=lambda _: None), {}
    judge._room = CaseRoom(lambda: [], Payers(), 512, lambda *_: None)
    judge.station = SimpleNamespace(
        chain=SimpleNamespace(confirmed=lambda: 1),
        functions=SimpleNamespace(using=lambda _: nullcontext(cast.dense_function().header)),
        settlement=SimpleNamespace(
            domain=cast.DOMAIN,
            job=lambda _: SimpleNamespace(terms_hash=order.terms.hash, payer=cast.PAYER.address),
            views=lambda *_, **__: NOTHING_CHARGED,
        ),
    )
    judge._bench = Bench(judge.station, lambda _: None)
    return judge


def knock(door: Callable[[Request], Response], message: Any) -> bytes:
    """Hand a message in by the path of its job and index, where a path has to name them."""
    about = getattr(message, "task", message)
    params = {"job": about.job.hex(), "index": str(about.index)}
    return door(Request("POST", "/", params, message.to_wire(), "127.0.0.1")).body
