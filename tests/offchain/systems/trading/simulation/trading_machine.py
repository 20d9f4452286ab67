"""Whatever happens to a channel and its parties: letters lost, repeated, late, forged; deaths;
chain and broker away, blocks that stop; hostile messages with good signatures; a cheating payer.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.offchain.systems.trading.channel_cast import PEOPLE
from tests.offchain.systems.trading.parties_cast import (
    AFTER_FREE,
    BY_DAY,
    BY_NIGHT,
    BY_TIME,
    CHANNEL,
    CONTROLLER,
    DOMAIN,
    METERED,
    NEXT,
    PAYER_KEY,
    SELLER_KEY,
    TERMS,
    THIEF,
    THIRD,
    letter_of,
    sign_voucher,
)
from tests.offchain.systems.trading.simulation.trading_world import World

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.buyer.checking import draft_reducing
from edgemark.systems.trading.contract.records import Said, Voucher
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Closing
from edgemark.systems.trading.protocol.agreement import Readings, Reason
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Proposal,
    Request,
    Settlement,
    Stop,
)

PLACES = st.integers(0, 59)
WHO = st.sampled_from(("seller", "buyer", "controller", "next"))
SHORT = st.sampled_from((1, 2, 5, 10, 16, 25))


class TradeMachine(RuleBasedStateMachine):
    """One channel, honest parties, and everything that is not.

    Attributes:
        worlds: makes the world; a planted copy has another.
        seen: what happened in any run, if somebody wants to know.
    """

    worlds: ClassVar[type[World]] = World
    seen: ClassVar[set[str]] = set()

    @initialize(
        pricing=st.sampled_from((METERED, METERED, BY_TIME, BY_DAY, BY_NIGHT, AFTER_FREE)),
        rounds=st.sampled_from((0, 2, 9, 16, 30)),
    )
    def begin(self, pricing: Any, rounds: int) -> None:
        self.world = self.worlds(pricing)
        self.cheated = False
        for number in range(rounds):
            self.world.order(3 + number % 5)
            self.world.act()
            self.world.pass_time(6)

    # --- what is usual -------------------------------------------------------------------------

    @rule(units=st.sampled_from((1, 4, 9, 20, 30)))
    def order(self, units: int) -> None:
        self.world.order(units)

    @rule(who=WHO, place=PLACES)
    def perform(self, who: str, place: int) -> None:
        self.do_one(who, place, dies=False)

    @rule(units=st.sampled_from((0, 4, 9)))
    def act(self, units: int) -> None:
        if units:
            self.world.order(units)
        self.world.act()
        self.world.pass_time(3)

    @rule(seconds=SHORT)
    def act_for_an_interval(self, seconds: int) -> None:
        for _ in range(3):
            self.act(4)
        self.wait(seconds)

    @rule(seconds=SHORT)
    def wait(self, seconds: int) -> None:
        if self.is_late():  # whoever watches does what cannot wait
            self.world.come_back()
            self.world.look()
            self.defend()
        self.world.pass_time(seconds)

    @rule()
    def wait_for_the_end_of_service(self) -> None:
        for _ in range(3):
            self.wait(150)

    def is_late(self) -> bool:
        channel, clock = self.world.chain.channel, self.world.chain.clock
        return channel is not None and (channel.phase.is_closing or clock > TERMS.expires_at - 300)

    def defend(self) -> None:
        for effect in self.world.seller.owed():
            if type(effect).__name__.startswith("Submit"):
                self.world.seller.perform(effect)

    @rule()
    def top_up(self) -> None:
        self.world.buyer.tell(on.AskedTopUp(Tokens(self.world.buyer.state.deposit + 200)))

    @rule(who=st.sampled_from(("seller", "buyer")))
    @precondition(lambda self: len(self.world.history) > 80)
    def stop(self, who: str) -> None:
        at_ = Timestamp(self.world.chain.block)
        getattr(self.world, who).tell(on.AskedStop(at_))

    @rule(who=st.sampled_from(("seller", "buyer")), next_=st.sampled_from((NEXT, NEXT, THIRD)))
    def name_another_controller(self, who: str, next_: Any) -> None:
        event = accord.AskedController(next_.address, Timestamp(self.world.chain.block))
        if self.world.next.state.phase.value == "unknown":
            getattr(self.world, who).tell(event)

    @rule(who=st.sampled_from(("seller", "buyer")), rounds=st.sampled_from((0, 1, 5)))
    @precondition(lambda self: len(self.world.history) > 20)
    def change_key(self, who: str, rounds: int) -> None:
        actor = getattr(self.world, who)
        actor.tell(accord.AskedKey(actor.other_key))
        for _ in range(rounds):
            self.act(4)

    @rule(part=st.sampled_from((0, 1, 2, 3)), rounds=st.sampled_from((0, 1, 5)))
    @precondition(lambda self: len(self.world.history) > 20)
    def have_deposit_back(self, part: int, rounds: int) -> None:
        """Some of what is left of it; where that is needed, the seller does not sign."""
        state = self.world.buyer.state
        signed = max(state.signed.amount, state.paid)
        wanted = signed + (state.deposit - signed) * part // 4
        with suppress(EdgemarkError):
            self.world.buyer.tell(draft_reducing(state, wanted, self.world.chain.head))
        for _ in range(rounds):
            self.act(4)

    @rule(waiting=st.sampled_from((0, 20, 100)))
    def queue(self, waiting: int) -> None:
        self.world.controller.tell(at.FoundQueue(waiting, 1))

    # --- what goes wrong -----------------------------------------------------------------------

    @rule(place=PLACES)
    def deliver(self, place: int) -> None:
        self.world.deliver(place)

    @rule(place=PLACES)
    def deliver_and_repeat(self, place: int) -> None:
        self.world.deliver(place, again=True)

    @rule(place=PLACES)
    def lose(self, place: int) -> None:
        self.world.lose(place)

    @rule(place=st.integers(0, 10**4), to=st.sampled_from(Role))
    def replay(self, place: int, to: Role) -> None:
        """A letter of any time, to anybody: also back to who wrote it."""
        if self.world.history:
            _, raw = self.world.history[place % len(self.world.history)]
            self.world.bring(to, raw)

    @rule(place=st.integers(0, 10**4), at_=st.integers(0, 10**4), to=st.sampled_from(Role))
    def forge(self, place: int, at_: int, to: Role) -> None:
        """A byte of a letter is another one: nobody notes anything of it."""
        if self.world.history:
            _, raw = self.world.history[place % len(self.world.history)]
            at_ %= len(raw)
            forged = raw[:at_] + bytes([raw[at_] ^ 1]) + raw[at_ + 1 :]
            before = [actor.state for actor in self.world.actors]
            self.world.bring(to, forged)
            assert [actor.state for actor in self.world.actors] == before

    @rule(who=WHO, place=PLACES)
    def die_while_acting(self, who: str, place: int) -> None:
        """What it did is done; what came of it was not written down."""
        self.do_one(who, place, dies=True)

    def do_one(self, who: str, place: int, *, dies: bool) -> None:
        actor = getattr(self.world, who)
        if owed := actor.owed():
            effect = owed[place % len(owed)]
            actor.perform(effect, dies=dies)

    @rule(who=WHO)
    def die(self, who: str) -> None:
        getattr(self.world, who).die()

    @rule(who=WHO)
    def condense(self, who: str) -> None:
        actor = getattr(self.world, who)
        if actor.journal:
            actor.condense()
            actor.die()

    @rule(what=st.sampled_from(("chain", "broker", "blocks")))
    def go_away(self, what: str) -> None:
        if self.is_late():
            return
        if what == "broker":
            self.world.broker_away = True
            for actor in (self.world.seller, self.world.buyer):
                actor.tell(on.FoundBrokerAway())
        elif what == "chain":
            self.world.chain.is_away = True
        else:
            self.world.chain.has_stopped = True

    @rule()
    def come_back(self) -> None:
        self.world.come_back()

    # --- who means ill, with good signatures ---------------------------------------------------

    @rule(more=st.sampled_from((1, 50, 5000, -1)), index=st.sampled_from((0, 1, 2**63)))
    @precondition(lambda self: len(self.world.history) > 40)
    def overcharge(self, more: int, index: int) -> None:
        """A seller's bill of another fee, also with another index: nobody signs it."""
        state = self.world.buyer.state
        fee, signed = max(1, more), state.signed
        amount = max(0, signed.amount + more)
        template, signers = TERMS.settlement_template, state.in_force
        number = signed.index + 1 + index
        voucher = Voucher(number, Tokens(amount), template, signers.controller, signers.epoch)
        start = max(signed.end, state.opened_at)
        shown = signed.registers or self.world.pricing.zero
        readings = Readings(Timestamp(start), Timestamp(start + 1), shown, shown)
        until, signature = Timestamp(start + 10**6), sign_voucher(voucher, SELLER_KEY)
        bill = Proposal(voucher, readings, Tokens(fee), until, False, signature)
        self.world.bring(Role.BUYER, letter_of(bill, Role.SELLER))
        assert self.world.buyer.state.proposed != bill

    @rule(more=st.sampled_from((-7, 7, 900)), index=st.sampled_from((0, 1, 2**63)))
    def sign_what_nobody_proposed(self, more: int, index: int) -> None:
        """A payer's voucher with another amount, or (2^63, 0): the seller's claim never falls."""
        state = self.world.seller.state
        amount = max(0, state.claimed + more) if index < 2 else 0
        signers, number = state.in_force, state.last_index + index
        template = TERMS.settlement_template
        voucher = Voucher(number, Tokens(amount), template, signers.controller, signers.epoch)
        both = (sign_voucher(voucher, SELLER_KEY), sign_voucher(voucher, PAYER_KEY))
        before = state.signed
        self.world.bring(Role.SELLER, letter_of(Countersigned(voucher, *both), Role.BUYER))
        assert self.world.seller.state.signed == before

    @rule(more=st.sampled_from((0, 1, 500)), step=st.sampled_from((0, 0, 1)))
    def have_two_issued(self, more: int, step: int) -> None:
        """Both parties sign another voucher of an index: there is no second credential of it."""
        desk = self.world.controller.state
        if desk.issued is None:
            return
        proposal = desk.issued.settlement.proposal
        amount = Tokens(min(proposal.voucher.amount + more, desk.deposit))
        voucher = replace(proposal.voucher, amount=amount, index=proposal.voucher.index + step)
        told = replace(proposal, voucher=voucher, signature=sign_voucher(voucher, SELLER_KEY))
        if step:
            told = replace(told, signature=sign_voucher(voucher, THIEF))
        settlement = Settlement(told, sign_voucher(voucher, PAYER_KEY))
        self.world.bring(Role.CONTROLLER, letter_of(settlement, Role.SELLER))

    @rule(number=st.sampled_from((0, 1, 5, 10**6)), units=st.sampled_from((0, 50, 2**64 - 1)))
    def ask_for_too_much(self, number: int, units: int) -> None:
        request = Request(number, units, b"hostile")
        is_free = self.world.pricing.counts_time  # whatever is asked for
        if (units and not is_free) or number > 5:
            before = self.world.seller.state.works
            self.world.bring(Role.SELLER, letter_of(request, Role.BUYER))
            assert self.world.seller.state.works == before

    @rule(number=st.sampled_from((0, 1, 10**6)))
    def answer_dearer_than_asked(self, number: int) -> None:
        answer = Answer(number, (2**63,), b"")
        before = self.world.buyer.state.units_came
        self.world.bring(Role.BUYER, letter_of(answer, Role.SELLER))
        assert self.world.buyer.state.units_came == before

    @rule(amount=st.sampled_from((0, 1)))
    def ask_for_an_end_below(self, amount: int) -> None:
        state = self.world.seller.state
        if max(state.signed, state.paid) <= amount:
            return
        digest = DOMAIN.closing(CHANNEL, Tokens(amount), TERMS.close_by)
        closing = Closing(Tokens(amount), TERMS.close_by, PAYER_KEY.sign(digest))
        self.world.bring(Role.SELLER, letter_of(closing, Role.BUYER))
        assert self.world.seller.state.closing_back != closing

    @rule(message=st.sampled_from((Stop(Reason.EXPIRED), Request(1, 1, b""))))
    def write_as_a_stranger(self, message: Any) -> None:
        before = [actor.state for actor in self.world.actors]
        for role in Role:
            for key in (THIEF, CONTROLLER):
                self.world.bring(role, letter_of(message, Role.BUYER, key))
        assert [actor.state for actor in self.world.actors] == before

    @rule(part=st.sampled_from((0, 1, 2)))
    @precondition(lambda self: len(self.world.history) > 40)
    def close_with_an_older_voucher(self, part: int) -> None:
        """The payer, behind its own machine's back, at less than it signed (A53)."""
        channel, chain = self.world.chain.channel, self.world.chain
        if channel is None or chain.channel.phase.name != "OPEN" or self.is_late():
            return
        self.world.come_back()
        amount = self.world.seller.state.signed * part // 3
        try:
            chain.close(amount, Said(PEOPLE["payer"]))
        except EdgemarkError:
            return
        self.cheated = True
        self.seen.add("cheated")

    # --- what must always hold -----------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.finish()
        self.seen.update(self.world.performed)
        self.world.check_end(payer_cheated=self.cheated)
        for state in (self.world.seller.state, self.world.buyer.state):
            self.seen.add(state.reason.name)
            self.seen.add(state.ending.name if state.ending is not None else "never opened")
