"""Seller, buyer and controller of the simulation, with the checks and drafts of their rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, assert_never

from tests.offchain.systems.trading.channel_cast import KEYS, PEOPLE
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CHANNEL,
    CONTROLLERS,
    DOMAIN,
    POLICY,
    SELLER_OPENING,
)
from tests.offchain.systems.trading.simulation.trading_actors import (
    Actor,
    BrokerAway,
    Trader,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.identifiers import Address, Timestamp
from edgemark.systems.trading.buyer.checking import (
    ProposalWrong,
    blame,
    check_answer,
    check_closing_back,
    check_proposal,
    check_reducing_back,
)
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.evidence.records import Claim
from edgemark.systems.trading.controller.checking import check_settlement
from edgemark.systems.trading.controller.desk import Desk, observe_desk
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.checking import check_amending
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.accords.stopping import hear_stop
from edgemark.systems.trading.protocol.agreement import Pricing
from edgemark.systems.trading.protocol.letters import (
    Kind,
    Message,
    Role,
    check_credential,
)
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Credential,
    Overdraft,
    Proposal,
    Refusal,
    Request,
    Settlement,
    Stop,
    Taken,
)
from edgemark.systems.trading.seller.admission import (
    NotServed,
    check_closing,
    check_reducing,
    check_request,
    check_voucher,
    draft_bill,
    is_overdrawn,
    with_signature,
)
from edgemark.systems.trading.seller.sale import Sale


class Seller(Trader):
    """See `edgemark.systems.trading.seller`."""

    role = Role.SELLER
    next_key = KEYS["seller's next key"]
    blank = Sale
    state: Sale

    @property
    def pricing(self) -> Pricing:
        pricing: Pricing = self.world.pricing
        return pricing

    def carry_out(self, effect: do.SellerEffect) -> Sequence[Any]:  # noqa: C901
        state, head, chain = self.state, self.chain.head, self.chain
        match effect:
            case do.Serve(number):
                work = state.work(number)
                assert work is not None
                content = b"done " + work.request.content
                answer = Answer(number, self.world.meter(work.request), content)
                return [on.FoundServed(answer, Timestamp(head.block))]
            case do.SendAnswer(number):
                work = state.work(number)
                assert work is not None and work.answer is not None
                self.send(work.answer, Role.BUYER)
            case do.Propose():
                draft = draft_bill(state, self.pricing, head)
                if not isinstance(draft, Proposal):
                    return [draft]
                signature = self.key.sign(DOMAIN.voucher(CHANNEL, draft.voucher))
                return [with_signature(draft, signature)]
            case do.SendProposal():
                assert state.proposed is not None
                self.send(state.proposed, Role.BUYER)
            case do.SendSettlement():
                self.send(state.unissued[0], Role.CONTROLLER)
            case do.SendOverdraft(deposit):
                left = max(0, state.deposit - state.claimed)
                self.send(Overdraft(deposit, left), Role.BUYER)  # type: ignore[arg-type]
            case do.SubmitCheckpoint(amount):
                chain.checkpoint(amount, self.said_with(self.voucher_signer()))
            case do.SubmitClaim(amount):
                chain.close(amount, self.said_with(self.voucher_signer()))
            case do.SubmitResponse(amount):
                chain.respond(amount, self.voucher_signer())
            case do.SignReducing():
                return [accord.FoundReducing(self.sign_reducing())]
            case _:
                return self.share(effect)
        return []

    def voucher_signer(self) -> Address:
        """Who signed the newest voucher, as the chain would recover it."""
        voucher = self.state.voucher
        assert voucher is not None
        return recover(DOMAIN.voucher(CHANNEL, voucher.voucher), voucher.payer_signature)

    def sign_reducing(self) -> Reducing:
        reducing = self.state.reducing
        assert reducing is not None
        told = (reducing.number, reducing.amount, reducing.valid_until)
        return replace(reducing, signature=self.key.sign(DOMAIN.reduction(CHANNEL, *told)))

    def take(self, role: Role, message: Message) -> None:  # noqa: C901 - one line a kind
        state, head = self.state, self.chain.head
        match message:
            case Reducing():
                self.note(check_reducing(state, message, self.pricing, head))
            case Request():
                self.take_request(message)
            case Countersigned():
                self.note(check_voucher(state, message, DOMAIN))
            case Credential():
                check_credential(message, CHANNEL, self.keys()[role], DOMAIN, CONTROLLERS)
                self.note(on.HeardCredential(message))
            case Stop():
                self.note(hear_stop(message, role, head))
            case Closing():
                self.note(check_closing(state, message, DOMAIN, head))
            case Amending():
                signer, least = state.in_force.payer_key, state.due
                limits = {"least": least, "most": state.deposit}
                self.note(check_amending(state, message, signer, DOMAIN, head, **limits))
            case Taken(Kind.ANSWER, number):
                self.note(on.HeardAnswerTaken(number))
            case Taken(Kind.OVERDRAFT, deposit):
                self.note(on.HeardOverdraftTaken(deposit))  # type: ignore[arg-type]
            case Taken(Kind.STOP):
                self.note(on.HeardStopTaken())

    def take_request(self, request: Request) -> None:
        try:
            self.note(check_request(self.state, request, self.pricing, self.chain.head))
        except NotServed as error:
            overdrawn = is_overdrawn(self.state, error.why, self.chain.head)
            if overdrawn is not None:
                self.tell(overdrawn)
            self.send(Refusal(request.number, error.why), Role.BUYER)


class Buyer(Trader):
    """See `edgemark.systems.trading.buyer`."""

    role = Role.BUYER
    next_key = KEYS["payer's next key"]
    blank = Purchase
    state: Purchase

    def carry_out(self, effect: do.BuyerEffect) -> Sequence[Any]:
        state, chain = self.state, self.chain
        match effect:
            case do.SubmitOpening():
                chain.open(PEOPLE["payer"], PEOPLE["seller"], SELLER_OPENING.valid_until)
            case do.SendRequest(number):
                request = state.request(number)
                assert request is not None
                self.send(request, Role.SELLER)
            case do.KeepAnswer(number):
                answer = next(each for each in state.answers if each.number == number)
                self.world.answers[number] = answer
                return [on.FoundAnswerKept(number)]
            case do.Countersign(index):
                return [on.FoundCountersigned(index, self.countersign(index))]
            case do.SendVoucher():
                assert state.voucher is not None
                self.send(state.voucher, Role.SELLER)
            case do.SubmitTopUp(deposit):
                more = deposit - (chain.channel.deposit if chain.channel else 0)
                chain.top_up(more)
            case do.SubmitReduce():
                assert state.reducing is not None
                told = (state.reducing.number, state.reducing.amount, state.reducing.valid_until)
                signer = recover(DOMAIN.reduction(CHANNEL, *told), state.reducing.signature)
                chain.reduce(*told, self.said_with(signer))
            case do.SubmitClose(amount):
                seller_signer = state.in_force.seller_key
                if amount:
                    chain.close(amount, replace(self.said, seller_signer=seller_signer))
                else:
                    chain.close_bare(PEOPLE["payer"])
            case _:
                return self.share(effect)
        return []

    def countersign(self, index: int) -> bytes:
        proposal = self.state.proposed
        assert proposal is not None and proposal.voucher.index == index
        check_proposal(self.state, proposal, self.world.pricing, DOMAIN, self.chain.head)
        self.world.note_signed(proposal)
        return self.key.sign(DOMAIN.voucher(CHANNEL, proposal.voucher))

    def take(self, role: Role, message: Message) -> None:  # noqa: C901 - one line a kind
        state, head = self.state, self.chain.head
        match message:
            case Answer():
                self.note(check_answer(state, message, head))
            case Proposal():
                try:
                    told = check_proposal(state, message, self.world.pricing, DOMAIN, head)
                except ProposalWrong as error:
                    self.note(blame(error, message, head))
                    raise
                self.note(told)
            case Credential():
                check_credential(message, CHANNEL, self.keys()[role], DOMAIN, CONTROLLERS)
                self.note(on.HeardCredential(message))
            case Overdraft():
                self.note(on.HeardOverdraft(message))
            case Stop():
                self.note(hear_stop(message, role, head))
            case Reducing():
                self.note(check_reducing_back(state, message, DOMAIN, head))
            case Closing():
                self.note(check_closing_back(state, message, DOMAIN, head))
            case Amending():
                signer, most = state.in_force.seller_key, state.due
                limits = {"least": state.paid, "most": most}
                self.note(check_amending(state, message, signer, DOMAIN, head, **limits))
            case Taken(Kind.VOUCHER, index):
                self.note(on.HeardVoucherTaken(index))
            case Taken(Kind.STOP):
                self.note(on.HeardStopTaken())


class Controller(Actor):
    """See `edgemark.systems.trading.controller`."""

    role = Role.CONTROLLER
    blank = Desk
    state: Desk

    def observe(self, view: Any) -> Sequence[Any]:
        return observe_desk(self.state, AGREEMENT, view, self.key.address)

    def carry_out(self, effect: do.ControllerEffect) -> Sequence[Any]:
        match effect:
            case do.Issue():
                assert self.state.due is not None
                return [at.FoundIssued(self.issue(self.state.due))]
            case do.SendCredential(index, to_buyer):
                credential = self.state.credential(index)
                assert credential is not None
                self.send(credential, Role.BUYER if to_buyer else Role.SELLER)
            case do.SubmitEvidence(index):
                if self.chain.is_away:
                    raise BrokerAway("chain")
                self.chain.evidence.append(index)
                return [at.SawEvidence(index)]
            case _:
                assert_never(effect)
        return []

    def issue(self, settlement: Settlement) -> Credential:
        """A credential; two of one voucher differ, as those with the time in them do."""
        self.world.issued += 1
        voucher = settlement.proposal.voucher
        content = b"credential %d" % self.world.issued
        claim = Claim(CHANNEL, voucher, keccak256(content))
        digest = CONTROLLERS.issuance(claim, DOMAIN.voucher(CHANNEL, voucher))
        return Credential(voucher, content, self.key.sign(digest))

    def take(self, role: Role, message: Message) -> None:
        match message:
            case Settlement():
                args = (DOMAIN, self.chain.head, self.key.address, POLICY.stale_after_s)
                self.note(check_settlement(self.state, message, *args))
            case Taken(Kind.CREDENTIAL, index):
                self.note(at.HeardCredentialTaken(index, is_buyer=role is Role.BUYER))
