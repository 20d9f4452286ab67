"""Devices of `simulation.World`: an honest one, one that leaves, one that slanders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused
from tests.offchain.systems.outsourcing.simulation.simulation import Side, View, World

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import NO_HASH, ShareIndex
from edgemark.loop.machine import TryAgain
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.observing import (
    observe_as_device,
)
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import (
    Acceptance,
    Answer,
    Evidence,
    Offer,
)
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.steps.accept import check_acceptance
from edgemark.systems.outsourcing.steps.charging import Docket
from edgemark.systems.outsourcing.steps.decode import (
    check_opens,
    check_outputs,
    check_signed_answer,
    decode_answers,
    decode_early,
)


class DeviceSide(Side[DeviceJob]):
    """An honest device, which orders the small job."""

    def __init__(self, world: World) -> None:
        super().__init__(DeviceJob, world.draw_lag())
        self.world = world
        self.refused: set[int] = set()
        world.settle_in(self)

    def turn(self, view: View | None, now: int) -> None:
        if self.state.phase is DevicePhase.UNKNOWN:
            with suppress(TryAgain):  # killed right after
                self.hear(on.AskedSubmit(self.world.order))
        super().turn(view, now)

    def observe(self, view: View) -> Sequence[object]:
        return observe_as_device(self.state, view.job, view.indices)

    def perform(self, effect: Any) -> Sequence[object]:  # noqa: PLR0911
        order, world = self.world.order, self.world
        match effect:
            case do.SubmitPosting():
                return self._post()
            case do.SendOffer(index):
                return [self._offer(index)]
            case do.SubmitAcceptances():
                return self._bring()
            case do.SendTask(index):
                world.nodes[index].hear_task(order.tasks[index - 1].to_wire())
                return [on.HeardTaskTaken(index)]
            case do.FetchAnswer(index):
                return [on.HeardAnswer(self._check(index, world.nodes[index].show_answer()))]
            case do.FetchAnswerFromJudges(index):
                return [on.HeardAnswer(self._fetch_from_judges(index))]
            case do.DecodeEarly():
                early = decode_early(world.order, self.state.answers, self._challenge())
                return [found for found in (early,) if found is not None]
            case do.Decode():
                found = self.decode()
                return [replace(found, answered=self.state.answered, chosen=self.state.chosen)]
            case do.SendEvidence(index, judge):
                world.judges[judge].hear_evidence(self._evidence(index))
                return [on.HeardEvidenceTaken(index, judge)]
            case _:
                return self._submit(effect)

    def decode(self) -> on.FoundResultValid | on.FoundResultUndecided:
        """Name the liars."""
        terms = self.world.order.terms
        state = self.state
        docket = Docket(
            open=frozenset(int(index) for index in state.open_indices),
            errors=terms.errors,
            left=state.charges_left,
            is_last=state.is_last_call,
            lot=self.world.draw.randbytes(32),
        )
        return decode_answers(self.world.order, state.answers, self._challenge(), docket)

    def _challenge(self) -> bytes:
        terms = self.world.order.terms
        return cast.seeded("challenge").elements(terms.batch * terms.outputs)

    def _post(self) -> Sequence[object]:
        order, world = self.world.order, self.world
        try:
            world.chain.post(
                world.now,
                order.job,
                payer=cast.PAYER.address,
                root=order.root,
                terms=order.terms,
                nodes=order.nodes,
            )
        except ModelRefused as refused:
            known = refused.error == "JobExists"
            return [] if known else [on.FoundPostingRefused(refused.error)]
        return []

    def _offer(self, index: ShareIndex) -> object:
        order = self.world.order
        offer = Offer(order.job, index, order.terms, order.nodes)
        said = self.world.nodes[index].hear_offer(offer.to_wire())
        if said == TAKEN:
            return on.HeardOfferTaken(index)
        acceptance = Acceptance.from_wire(said)
        check_acceptance(acceptance, order, index, cast.DOMAIN)
        return on.HeardAcceptance(acceptance)

    def _bring(self) -> Sequence[object]:
        order, world = self.world.order, self.world
        signers = {
            int(given.index): order.nodes[given.index - 1] for given in self.state.acceptances
        }
        try:
            world.chain.accept(world.now, order.job, signers)
        except ModelRefused as refused:
            return [on.FoundAcceptancesRefused(refused.error)]
        return []

    def _check(self, index: int, raw: bytes, *, is_owed: bool = True) -> Answer:
        order = self.world.order
        commitment = self.world.chain.commitment(order.job, index)
        try:
            answer = Answer.from_wire(raw)
            node = order.nodes[index - 1]
            check_signed_answer(answer, order.tasks[index - 1], node, cast.DOMAIN)
            check_outputs(answer, order.terms)
            if is_owed or commitment != NO_HASH:
                check_opens(answer, node, commitment, cast.DOMAIN)
        except (PeerFault, RefusedInput) as fault:
            self.refused.add(index)
            raise TryAgain("answer does not verify") from fault
        return answer

    def _fetch_from_judges(self, index: int) -> Answer:
        for judge in self.world.judges.values():
            case = judge.case(index)
            if case.state.answer is not None:
                return self._check(index, case.state.answer.to_wire(), is_owed=False)
        raise TryAgain("no judge has it")

    def _evidence(self, index: int) -> bytes:
        order = self.world.order
        answer = self.state.answer_of(ShareIndex(index)) if index in self.state.wrong else None
        return Evidence(order.terms, order.tasks[index - 1], answer).to_wire()

    def _submit(self, effect: Any) -> Sequence[object]:
        chain, me, send = self.world.chain, cast.PAYER.address, self.world.send
        match effect:
            case do.SubmitApproval(_, indices):
                return send(chain.approve, indices, caller=me)
            case do.SubmitCharge(_, wrong, silent):
                return send(chain.charge, wrong, silent, caller=me)
            case do.SubmitCollect(_, indices):
                return send(chain.collect, indices)
            case do.SubmitCancel():
                return send(chain.cancel_unstarted)
            case do.SubmitLapse(_, index):
                return send(chain.lapse_charge, index)
            case _:
                raise TypeError(effect)


class LeavingDevice(DeviceSide):
    """Hands out all tasks, then never comes back."""

    def turn(self, view: View | None, now: int) -> None:
        super().turn(view, now)
        if len(self.state.delivered) == self.world.order.terms.node_count:
            self.is_gone = True


class VanishingDevice(DeviceSide):
    """Never comes back after it has written so many records."""

    def __init__(self, world: World, records: int) -> None:
        self.records = records
        super().__init__(world)

    def take(self, event: object) -> None:
        if not self.is_gone:
            super().take(event)
        self.is_gone = len(self.journal) >= self.records

    def perform(self, effect: Any) -> Sequence[object]:
        if self.is_gone:
            raise TryAgain("is gone")
        return super().perform(effect)


class HoardingDevice(DeviceSide):
    """Keeps the acceptances that nodes leave to it."""

    def _bring(self) -> Sequence[object]:
        raise TryAgain("keeps them")


class SlanderingDevice(DeviceSide):
    """Decodes as it should, but charges one honest node instead of whoever failed."""

    def __init__(self, world: World, victim: int, kind: ChargeKind) -> None:
        self.victim, self.kind = (ShareIndex(victim),), kind
        super().__init__(world)

    def decode(self) -> on.FoundResultValid | on.FoundResultUndecided:
        found = super().decode()
        result = found.result if isinstance(found, on.FoundResultValid) else b""
        if self.kind is ChargeKind.WRONG:
            return on.FoundResultValid(result, self.victim, ())
        return on.FoundResultValid(result, (), self.victim)
