"""The controller's memory of one channel, and what it owes in each phase.

Rule 1: one credential for an index and epoch, and never two. Which voucher an index has is written
        down before anything is signed for it, what is signed before it leaves, and a higher index
        ends the lower ones; so nothing that a crash forgets was ever out.
Rule 2: it decides no money. A voucher that it refuses is payable all the same.
Rule 3: evidence every N credentials, N within what the template allows, and always of the last;
        of the initiation credential once, when both parties gave their word for it.
Rule 4: who is named again, or takes a channel up again, goes on above the last index it issued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove, NotOwed
from edgemark.loop.moves import TimeOver, Waiting
from edgemark.systems.trading.contract.records import ChannelPhase, Signers, Voucher
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Agreement, OfChannel
from edgemark.systems.trading.protocol.life import ControllerPhase
from edgemark.systems.trading.protocol.messages import Credential, Settlement
from edgemark.systems.trading.protocol.views.view import ChannelView
from edgemark.systems.trading.templates.allowance import adapt_cycles, is_evidence_due

_OVER = (ControllerPhase.CLOSED, ControllerPhase.DISPLACED, ControllerPhase.ENDED)
MAX_OLDER = 16  # credentials that are not the newest and somebody lacks; what is older goes


@dataclass(frozen=True)
class Issued:
    """The newest credential.

    Attributes:
        settlement: that it is of.
        credential: the same again, whoever asks for it again.
        has_buyer, has_seller: who said that it is on its disk.
    """

    settlement: Settlement
    credential: Credential
    has_buyer: bool = False
    has_seller: bool = False

    @property
    def voucher(self) -> Voucher:
        """Inside of it."""
        return self.settlement.proposal.voucher

    @property
    def is_lacked(self) -> bool:
        """Whether somebody may not have it."""
        return not (self.has_buyer and self.has_seller)


@dataclass(frozen=True)
class Desk(OfChannel, Waiting):
    """State of one channel at its controller.

    Attributes:
        agreement: of the channel.
        signers: in force, as long as this controller is named.
        deposit, paid: on chain, confirmed.
        cycles: N at the moment.
        due: the settlement that is to be issued.
        issued: the newest credential; `older`: those before it that somebody lacks.
        evidence: the credential of which evidence is to be recorded.
        evidenced: index of the newest one of which it is.
        is_floor_kept: that of this desk is known without it.
        floor: index of the newest credential of an earlier desk of this channel.
        initiation: both parties' word for evidence of the first credential, until that is on chain;
            `is_initiated`: it is.
    """

    phase: ControllerPhase = ControllerPhase.UNKNOWN
    agreement: Agreement | None = None
    signers: Signers | None = None
    deposit: Tokens = NO_TOKENS
    paid: Tokens = NO_TOKENS
    cycles: int = 1
    due: Settlement | None = None
    issued: Issued | None = None
    older: tuple[Issued, ...] = ()
    evidence: Credential | None = None
    evidenced: int = 0
    floor: int = 0
    is_floor_kept: bool = False
    initiation: at.HeardInitiation | None = None
    is_initiated: bool = False
    blocks_stopped: bool = False

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        is_over = self.phase in (ControllerPhase.ENDED, ControllerPhase.DISPLACED)
        is_recorded = self._evidence_due is None and self.initiation is None
        return is_over and is_recorded and not self._owes_floor

    @property
    def wants_initiation(self) -> bool:
        """Whether it takes the parties' word for evidence of the first credential."""
        is_open = self.phase in (ControllerPhase.ISSUING, ControllerPhase.CLOSED)
        return is_open and self.initiation is None and not self.is_initiated

    @property
    def index(self) -> int:
        """Of the newest credential of this desk."""
        return self.issued.voucher.index if self.issued else 0

    @property
    def last(self) -> int:
        """Of the newest credential of this channel that this controller issued."""
        return max(self.index, self.floor)

    @property
    def locked(self) -> int:
        """What the channel locks now: deposit and bond, less what is paid."""
        return self.deposit + self.known.terms.bond - self.paid

    def times(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """No chain time matters here: the parties end a channel."""
        return ()

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        most = self.agreement.conditions.most_cycles if self.agreement else 1
        return {
            "what is due has a higher index": self.due is None
            or self.due.proposal.voucher.index > self.last,
            "evidence is of what was issued": self.evidence is None
            or self.evidence.index <= self.index,
            "N is what the template allows": 1 <= self.cycles <= most,
            "evidence is not older than the last": self.evidence is None
            or self.evidence.index > self.evidenced,
            "what is recorded is owed no more": not self.is_initiated or self.initiation is None,
        }

    def after(self, event: at.ControllerEvent) -> Desk:  # noqa: C901, PLR0911, PLR0912 - a line each
        """The same with what the event told; the phase is the protocol's business."""
        match event:
            case at.SawNamed():
                return self._named(event)
            case at.HeardSettlement(settlement):
                return self._chosen(settlement)
            case at.FoundIssued(credential):
                return self._issued(credential)
            case at.HeardCredentialTaken(index, is_buyer):
                return self._handed_over(index, is_buyer=is_buyer)
            case at.SawEvidence(index):
                is_it = self.evidence is not None and self.evidence.index <= index
                left = None if is_it else self.evidence
                return replace(self, evidence=left, evidenced=max(self.evidenced, index))
            case at.HeardInitiation() | at.SawInitiation():
                return self._initiated(event)
            case at.FoundQueue(waiting, least):
                most = self.known.conditions.most_cycles
                cycles = adapt_cycles(self.cycles, waiting, least=least, most=most)
                return replace(self, cycles=cycles)
            case at.FoundFloorKept():
                return replace(self, is_floor_kept=True)
            case on.SawMoney(deposit, paid):
                return replace(self, deposit=deposit, paid=paid)
            case on.SawAmended(signers):
                is_same = signers.epoch == self.in_force.epoch
                return replace(self, signers=signers, due=self.due if is_same else None)
            case on.SawBlocksStop() | on.SawBlocksGoOn():
                return replace(self, blocks_stopped=isinstance(event, on.SawBlocksStop))
            case at.SawDismissed() | at.FoundDisplaced() | on.SawClosing() | on.SawEnded():
                return replace(self, due=None)
            case _:
                assert_never(event)

    def _named(self, event: at.SawNamed) -> Desk:
        """Of a new desk, or of one that another controller had taken the place of."""
        return replace(
            self,
            agreement=event.agreement,
            signers=event.signers,
            deposit=event.deposit,
            paid=event.paid,
            cycles=event.agreement.conditions.cycles,
            floor=max(self.floor, event.floor),
            evidenced=max(self.evidenced, event.floor),
        )

    def _initiated(self, event: at.HeardInitiation | at.SawInitiation) -> Desk:
        """Evidence of the first credential is owed once, and then there."""
        if isinstance(event, at.SawInitiation):
            return replace(self, initiation=None, is_initiated=True)
        return self if self.is_initiated else replace(self, initiation=event)

    def _chosen(self, settlement: Settlement) -> Desk:
        """From now on this index has this voucher."""
        if self.due is not None or settlement.proposal.voucher.index <= self.last:
            raise self._stale("voucher of an index that has one")
        return replace(self, due=settlement)

    def _issued(self, credential: Credential) -> Desk:
        if self.due is None or credential.index != self.due.proposal.voucher.index:
            raise self._stale("credential of what is not due")
        issued = Issued(self.due, credential)
        told = replace(self, due=None, issued=issued, older=self.lacked[-MAX_OLDER:])
        is_due = is_evidence_due(told.index, self.evidenced, self.cycles, is_over=False)
        if is_due and self.evidence is None:
            told = replace(told, evidence=credential)
        return told

    def _handed_over(self, index: int, *, is_buyer: bool) -> Desk:
        def hand(each: Issued) -> Issued:
            if each.voucher.index != index:
                return each
            has_buyer = each.has_buyer or is_buyer
            return replace(each, has_buyer=has_buyer, has_seller=each.has_seller or not is_buyer)

        older = tuple(each for each in map(hand, self.older) if each.is_lacked)
        issued = None if self.issued is None else hand(self.issued)
        return replace(self, issued=issued, older=older)

    def _stale(self, what: str) -> IllegalMove:
        return IllegalMove(what, who="desk", had=self.last, needed="a higher index, once")

    @property
    def lacked(self) -> tuple[Issued, ...]:
        """Credentials that somebody may not have, oldest first."""
        newest = () if self.issued is None else (self.issued,)
        return tuple(each for each in (*self.older, *newest) if each.is_lacked)

    def credential(self, index: int) -> Credential | None:
        """The one of this index, while it is here."""
        newest = () if self.issued is None else (self.issued,)
        found = (e.credential for e in (*self.older, *newest) if e.voucher.index == index)
        return next(found, None)

    @property
    def _evidence_due(self) -> int | None:
        """Index of the credential of which evidence is to be recorded."""
        is_over = self.phase in _OVER
        if is_over and is_evidence_due(self.index, self.evidenced, self.cycles, is_over=True):
            return self.index  # the last one stands for all before it
        return None if self.evidence is None else self.evidence.index

    @property
    def _owes_floor(self) -> bool:
        """Whether a later desk of this channel could choose an index of this one again."""
        is_away = self.phase is ControllerPhase.DISPLACED
        return is_away and self.last > 0 and not self.is_floor_kept

    def owed(self) -> tuple[do.ControllerEffect, ...]:
        """Effects that this state still needs."""
        owed: list[do.ControllerEffect] = []
        if self._owes_floor:
            owed.append(do.KeepFloor(self.last))
        if self.due is not None and not self.blocks_stopped:
            owed.append(do.Issue(self.due.proposal.voucher.index))
        is_open = self.phase in (ControllerPhase.ISSUING, ControllerPhase.CLOSED)
        for each in self.lacked if is_open else ():
            if not each.has_buyer:
                owed.append(do.SendCredential(each.voucher.index, to_buyer=True))
            if not each.has_seller:
                owed.append(do.SendCredential(each.voucher.index, to_buyer=False))
        if (index := self._evidence_due) is not None:
            owed.append(do.SubmitEvidence(index))
        if self.initiation is not None:
            owed.append(do.SubmitInitiation())
        return tuple(owed)


def observe_desk(
    desk: Desk, agreement: Agreement, view: ChannelView, me: Address
) -> list[at.ControllerEvent]:
    """What a view of the chain tells a controller that it has not heard yet.

    Args:
        desk: the channel.
        agreement: that the channel was opened with.
        view: what the chain shows of it.
        me: the controller's account.
    """
    is_named = view.signers is not None and view.signers.controller == me
    if desk.phase is ControllerPhase.UNKNOWN:
        if view.phase is not ChannelPhase.OPEN or not is_named or view.signers is None:
            return []
        return [at.SawNamed(agreement, view.signers, view.deposit, view.paid)]
    if is_back(desk, view, me):
        return [at.SawNamed(agreement, view.signers or desk.in_force, view.deposit, view.paid)]
    found: list[at.ControllerEvent] = []
    if desk.phase is ControllerPhase.ISSUING and view.phase is ChannelPhase.OPEN:
        if (view.deposit, view.paid) != (desk.deposit, desk.paid) and is_named:
            found.append(on.SawMoney(view.deposit, view.paid, view.agreements))
        if not is_named:
            found.append(at.SawDismissed())
        elif view.signers not in (None, desk.signers):
            found.append(on.SawAmended(view.signers or desk.in_force))
    if desk.phase is ControllerPhase.ISSUING and view.phase.is_closing:
        found.append(on.SawClosing(view.phase, view.counted, view.deadline))
    is_here = desk.phase in (ControllerPhase.ISSUING, ControllerPhase.CLOSED)
    if view.ending is not None and is_here:
        found.append(on.SawEnded(view.ending, view.amount))
    return found


def is_back(desk: Desk, view: ChannelView, me: Address) -> bool:
    """Whether a controller that was dismissed is named again, in a later epoch."""
    is_open = desk.phase is ControllerPhase.CLOSED and view.phase is ChannelPhase.OPEN
    signers = view.signers
    is_named = signers is not None and signers.controller == me
    return is_open and is_named and (signers or desk.in_force).epoch > desk.in_force.epoch


def credential_of(desk: Desk, index: int) -> Credential:
    """The credential of an effect.

    Raises:
        NotOwed: it gave way to newer ones.
    """
    evidence = desk.evidence
    found = evidence if evidence is not None and evidence.index == index else desk.credential(index)
    if found is None:
        raise NotOwed(f"credential {index} gave way to newer ones")
    return found
