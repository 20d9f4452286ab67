"""Compute nodes of `simulation.World`: honest ones, liars and silent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulation import Side, View, World
from tests.stage.memory.worlds import STEP_S

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import NO_TIME, Hash32, ShareIndex, Timestamp
from edgemark.loop.machine import TryAgain
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.judge.case import PASSING_MARGIN_DIVISOR, JudgeCase
from edgemark.systems.outsourcing.node.observing import observe_as_node
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import (
    SALT_BYTES,
    Answer,
    Offer,
    Task,
)
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.steps.accept import compute_waiting, sign_acceptance
from edgemark.systems.outsourcing.steps.compute import check_function, check_task, compute_outputs

_SHOWS_ANSWER = (NodePhase.SERVING, NodePhase.ANSWERING, NodePhase.ENDED)


class NodeSide(Side[NodeTask]):
    """An honest compute node at one index."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(NodeTask, world.draw_lag())
        self.world, self.index = world, ShareIndex(index)
        self.key: SecretKey = cast.NODES[index - 1]
        self.drawn = 0
        world.nodes[index] = self
        world.settle_in(self)

    def observe(self, view: View) -> Sequence[object]:
        return observe_as_node(self.state, view.job, view.indices[self.index - 1], view.time)

    # --- what others ask -----------------------------------------------------------------------

    def hear_offer(self, raw: bytes) -> bytes:
        """What the node says to it."""
        offer, view = Offer.from_wire(raw), self.world.view(self.lag)
        if view is None or view.job.terms_hash != offer.terms.hash:
            raise TryAgain("job is not there yet")
        if self.state.phase is NodePhase.UNKNOWN:
            check_function(self.world.function, offer.terms)
            heard = on.HeardOffer(
                offer.job,
                offer.index,
                offer.terms,
                view.job.root,
                offer.nodes,
                cast.JUDGE_ADDRESSES,
                self.choose_waiting(),
            )
            self.hear(heard)
        return self.say_taken()

    def choose_waiting(self) -> Timestamp:
        """Until when it leaves its acceptance to the device."""
        return compute_waiting(self.world.now, self.world.order.terms.accept_by)

    def say_taken(self) -> bytes:
        """With its acceptance, as long as it is left to the device."""
        if not self.state.leaves_bringing:
            return TAKEN
        return sign_acceptance(self.state.known, self.key, cast.DOMAIN).to_wire()

    def hear_task(self, raw: bytes) -> None:
        task = Task.from_wire(raw)
        if self.state.offer is None:
            raise TryAgain("no offer yet")
        if self.state.task is None:
            check_task(task, self.state.known.terms, self.state.known.root)
            self.hear(self._heard(task))

    def show_answer(self) -> bytes:
        """R_j, once it is committed to."""
        if self.state.answer is None or self.state.phase not in _SHOWS_ANSWER:
            raise TryAgain("not ready")
        return self.state.answer.to_wire()

    # --- effects -------------------------------------------------------------------------------

    def perform(self, effect: Any) -> Sequence[object]:  # noqa: PLR0911
        send, chain, me = self.world.send, self.world.chain, self.key.address
        match effect:
            case do.SubmitAcceptance():
                return send(chain.accept, {int(self.index): me})
            case do.ComputeAnswer():
                return [on.FoundAnswer(self.compute())]
            case do.SubmitCommitment():
                return send(chain.commit, self.index, self.commitment(), caller=me)
            case do.FetchTask():
                return [self._heard(self._fetch_task())]
            case do.SendAnswer(judge):
                self.world.judges[judge].hear_answer(self._answer().to_wire())
                return [on.HeardAnswerTaken(judge)]
            case do.SubmitCancel():
                return send(chain.cancel_unstarted)
            case do.SubmitCollect(_, indices):
                return send(chain.collect, indices)
            case do.SubmitVoid():
                return send(chain.void_charge, self.index)
            case do.SubmitLapse():
                return send(chain.lapse_charge, self.index)
            case _:
                raise TypeError(effect)

    def compute(self) -> Answer:
        """c_j, b_j and the signature."""
        task = self.state.task
        if task is None:
            raise LookupError("nothing to compute")
        outputs = compute_outputs(self.world.function, task, self.state.known.terms)
        return cast.sign_answer(task, outputs, self.key, salt=self.state.salt)

    def _heard(self, task: Task) -> on.HeardTask:
        """With a salt that no other run and no other node has."""
        self.drawn += 1
        return on.HeardTask(task, self.draw_salt(f"{self.drawn}"))

    def draw_salt(self, name: str) -> bytes:
        """Another one for every name, node and run."""
        return cast.seeded(f"salt {name} of {self.index} in {self.world.seed}").octets(SALT_BYTES)

    def commitment(self) -> bytes:
        """What goes on chain."""
        return cast.commitment_to(self._answer(), self.key)

    def _answer(self) -> Answer:
        if self.state.answer is None:
            raise LookupError("no answer")
        return self.state.answer

    def _fetch_task(self) -> Task:
        for judge in self.world.judges.values():
            task = judge.case(self.index).state.task
            if task is not None:
                check_task(task, self.state.known.terms, self.state.known.root)
                return task
        raise TryAgain("no judge gave the task")


class LyingNode(NodeSide):
    """Answers c_j plus something of its own, with the b_j that fits it."""

    def compute(self) -> Answer:
        honest = super().compute()
        order = self.world.order
        shift = cast.seeded(f"lie {self.index}").elements(order.terms.batch * order.terms.outputs)
        lie = cast.lie_about_values(honest.outputs, order, self.index, shift)
        return cast.sign_answer(order.tasks[self.index - 1], lie, self.key, salt=self.state.salt)


class OwnWayNode(NodeSide):
    """Honest, and leaves its acceptance to nobody: it has to let the settlement lock more first."""

    def choose_waiting(self) -> Timestamp:
        return NO_TIME


class TrustingNode(NodeSide):
    """Planted: leaves its acceptance to the device, and brings it never."""

    def choose_waiting(self) -> Timestamp:
        return self.world.order.terms.accept_by


class CrookedNode(NodeSide):
    """Says what is no acceptance of the job, and brings a right one when its wait is over."""

    def say_taken(self) -> bytes:
        offer = replace(self.state.known, root=Hash32(bytes(32)))
        return sign_acceptance(offer, self.key, cast.DOMAIN).to_wire()


class PennilessNode(NodeSide):
    """Leaves an acceptance to the device and takes its tokens away, for as long as it is left."""

    def hear_offer(self, raw: bytes) -> bytes:
        said = super().hear_offer(raw)
        self.world.chain.free[self.key.address] = 0
        return said

    def perform(self, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.SubmitAcceptance):
            self.world.chain.free[self.key.address] = cast.WEALTH
        return super().perform(effect)


class SilentNode(NodeSide):
    """Accepts, then does nothing at all."""

    def perform(self, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.SubmitAcceptance):
            return super().perform(effect)
        raise TryAgain("does nothing")


class MuteNode(NodeSide):
    """Commits, then gives nobody its answer."""

    def show_answer(self) -> bytes:
        raise TryAgain("says nothing")

    def perform(self, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.SendAnswer):
            raise TryAgain("says nothing")
        return super().perform(effect)


class ShyNode(NodeSide):
    """Honest, but the device cannot reach it; judges can."""

    def show_answer(self) -> bytes:
        raise TryAgain("out of reach")


class SplittingNode(MuteNode):
    """Shows the device nothing, two judges the right answer and the others a lie, both signed."""

    def perform(self, effect: Any) -> Sequence[object]:
        if not isinstance(effect, do.SendAnswer):
            return super().perform(effect)
        judge = effect.judge
        answer = self._answer()
        if judge in cast.JUDGE_ADDRESSES[2:]:
            lie = cast.lie_about_values(answer.outputs, self.world.order, self.index)
            task, salt = self.world.order.tasks[self.index - 1], self.state.salt
            answer = cast.sign_answer(task, lie, self.key, salt=salt)
        self.world.judges[judge].hear_answer(answer.to_wire())
        return [on.HeardAnswerTaken(judge)]


class LastMomentNode(LyingNode):
    """Shows the device nothing, and two judges a lie when no others can be told any more."""

    def show_answer(self) -> bytes:
        raise TryAgain("says nothing")

    def perform(self, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.SendAnswer):
            deadline = self._last_moment(self.world.judges[effect.judge].case(self.index).state)
            is_last_moment = self.world.now <= deadline < self.world.now + STEP_S
            if effect.judge in cast.JUDGE_ADDRESSES[2:] or not is_last_moment:
                raise TryAgain("not this one, not now")
        return super().perform(effect)

    def _last_moment(self, case: JudgeCase) -> int:
        if case.answer_by is None or case.verdict_by is None:
            return 0
        return case.answer_by + (case.verdict_by - case.answer_by) // PASSING_MARGIN_DIVISOR
