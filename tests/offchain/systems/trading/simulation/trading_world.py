"""Everything around one channel: its parties, the letters under way, and what must always hold."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CHANNEL,
    CONDITIONS,
    CONTROLLER,
    DOMAIN,
    METERED,
    NEXT,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
)
from tests.offchain.systems.trading.simulation.trading_actors import BrokerAway
from tests.offchain.systems.trading.simulation.trading_chain import Chain
from tests.offchain.systems.trading.simulation.trading_parties import (
    Buyer,
    Controller,
    Seller,
)

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.identifiers import Address, Timestamp
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import ChannelEnding, Voucher
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.ceasing import compute_skew_s
from edgemark.systems.trading.protocol.agreement import Pricing, Registers, plus
from edgemark.systems.trading.protocol.letters import Kind, Letter, Role
from edgemark.systems.trading.protocol.messages import (
    Countersigned,
    Credential,
    Proposal,
    Request,
    Taken,
)
from edgemark.systems.trading.templates.readings import split_seconds

MAX_FLIGHT = 60  # letters under way; of more the oldest is lost
MAX_ROUNDS = 200


@lru_cache
def signer_of(voucher: Countersigned) -> Address:
    """Who signed it as its payer."""
    return recover(DOMAIN.voucher(CHANNEL, voucher.voucher), voucher.payer_signature)


class World:
    """One channel, from before it is opened.

    Attributes:
        flight: letters under way, with whom they are for.
        history: every letter that was ever sent, and whom it was for.
        signed: largest amount that the payer's key signed, wherever that is.
        acknowledged: largest amount that the seller said it has on its disk.
        due: what the seller could bring to the chain the last time that it could.
        stopped_at: when the buyer stopped, or knew that service had; 0 before.
        performed: names of all effects that were carried out.
        issuances: voucher and credential by index and epoch of every credential that left.
    """

    seller_of = Seller
    buyer_of = Buyer
    controller_of = Controller

    def __init__(self, pricing: Pricing = METERED) -> None:
        self.chain, self.pricing = Chain(), pricing
        self.broker_away = False
        self.flight: list[tuple[Role, bytes]] = []
        self.history: list[tuple[Role, bytes]] = []
        self.signed = self.acknowledged = self.issued = self.due = self.stopped_at = 0
        self.issuances: dict[tuple[int, int], tuple[Voucher, bytes]] = {}
        self.kept: dict[tuple[Role, int], Credential] = {}
        self.answers: dict[int, Any] = {}
        self.performed: set[str] = set()
        self.seller = self.seller_of(self, SELLER_KEY)
        self.buyer = self.buyer_of(self, PAYER_KEY)
        self.controller = self.controller_of(self, CONTROLLER)
        self.next = self.controller_of(self, NEXT)
        self.actors = (self.seller, self.buyer, self.controller, self.next)
        self.seller.tell(on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING))
        self.buyer.tell(on.AskedBuy(AGREEMENT, POLICY, SELLER_OPENING))

    # --- letters -------------------------------------------------------------------------------

    def post(self, raw: bytes, to: Role) -> None:
        """A letter leaves; what it says is out for good."""
        if self.broker_away:
            raise BrokerAway("is away", who="broker")
        self.note_sent(raw)
        self.flight.append((to, raw))
        self.history.append((to, raw))
        del self.flight[:-MAX_FLIGHT]

    def note_sent(self, raw: bytes) -> None:
        letter = Letter.from_wire(raw)
        if letter.kind is Kind.VOUCHER:
            voucher = Countersigned.from_wire(letter.message).voucher
            signed = self.buyer.state.signed
            assert voucher.amount <= signed.amount, "a voucher is out that its buyer forgot"
        if letter.kind is Kind.CREDENTIAL:
            told = Credential.from_wire(letter.message)
            place, digests = (told.index, told.voucher.epoch), (told.voucher, told.content)
            had = self.issuances.setdefault(place, digests)
            assert had == digests, "two credentials of one index and epoch"
        if letter.kind is Kind.TAKEN and letter.signature == self.sellers_signature(letter):
            taken = Taken.from_wire(letter.message)
            if taken.kind == Kind.VOUCHER:
                self.acknowledged = max(self.acknowledged, self.seller.state.signed)

    def sellers_signature(self, letter: Letter) -> bytes:
        return self.seller.key.sign(letter.digest(DOMAIN))

    def note_signed(self, proposal: Proposal) -> None:
        """The buyer is about to sign: within strategy, cap and deposit (rule 2 of the buyer)."""
        given = min(self.pricing.price(proposal.readings), CONDITIONS.cap)
        state = self.buyer.state
        assert 0 < proposal.fee <= given
        assert proposal.voucher.amount <= state.deposit
        assert proposal.voucher.amount == state.signed.amount + proposal.fee, "billed twice"
        assert self.chain.clock - self.chain.block <= POLICY.stale_after_s, "blocks had stopped"
        assert proposal.voucher.amount <= self.find_due(), "more than is due"
        self.signed = max(self.signed, proposal.voucher.amount)

    def find_due(self) -> int:
        """All that was served by now; by time up to the stop, and until no order is open after it.

        As the buyer sees it, whose seller's clock may be ahead.
        """
        used: Registers = self.seller.state.used or self.pricing.zero
        if self.pricing.counts_time:
            state, until = self.buyer.state, self.chain.block
            if state.reason and not state.requests:
                until = max(self.stopped_at or until, state.worked_until)
            strategy = self.pricing.agreed.strategy
            used = tuple(
                split_seconds(START, until + compute_skew_s(CONDITIONS.interval_s), strategy)
            )
        return self.pricing.agreed.tariff.compute_owed(used)

    def deliver(self, at: int, *, again: bool = False) -> None:
        if self.broker_away or not self.flight:
            return
        at %= len(self.flight)
        to, raw = self.flight[at] if again else self.flight.pop(at)
        self.bring(to, raw)

    def bring(self, to: Role, raw: bytes) -> None:
        for actor in self.actors:
            if actor.role is to:
                actor.hear(raw)

    def lose(self, at: int) -> None:
        if self.flight:
            self.flight.pop(at % len(self.flight))

    # --- what the user does --------------------------------------------------------------------

    def order(self, units: int) -> bool:
        number = self.buyer.state.last_number + 1
        return self.buyer.tell(on.AskedRequest(Request(number, units, b"%d" % number)))

    def meter(self, request: Request) -> Registers:
        """What the work of a request lets the seller's meter show."""
        registers = self.pricing.zero
        if self.pricing.counts_time:
            return registers
        place = len(registers) - 1 if self.chain.block >= START + 100 else 0
        return tuple(request.most * (each == place) for each in range(len(registers)))

    # --- rounds --------------------------------------------------------------------------------

    def look(self) -> None:
        for actor in self.actors:
            actor.look()
        if self.buyer.state.reason and not self.stopped_at:
            self.stopped_at = self.chain.block

    def act(self) -> None:
        """Everybody looks, carries out what is owed, once, and every letter comes."""
        self.look()
        done: set[Any] = set()
        while owed := [(a, e) for a in self.actors for e in a.owed() if (a, e) not in done]:
            for actor, effect in owed:
                if effect in actor.owed():
                    actor.perform(effect)
            done.update(owed)
            while self.flight and not self.broker_away:
                self.deliver(0)

    def pass_time(self, seconds: int) -> None:
        """Who watches looks before anything passes, if it can."""
        self.chain.wait(seconds)
        self.look()

    def come_back(self) -> None:
        """Broker and chain are there again."""
        if self.broker_away:
            self.broker_away = False
            for actor in (self.seller, self.buyer):
                actor.tell(on.FoundBrokerBack(Timestamp(self.chain.block)))
        self.chain.go_on()

    def finish(self) -> None:
        """Let it all come to an end: everybody is there, and time passes."""
        self.come_back()
        for number in range(MAX_ROUNDS):
            self.act()
            self.check()
            if all(self.is_over(actor) for actor in self.actors):
                return
            self.pass_time(3 if number < 25 else 45)
        raise AssertionError([actor.state.phase for actor in self.actors])

    @staticmethod
    def is_over(actor: Any) -> bool:
        return actor.state.is_finished or actor.state.phase.value == "unknown"

    # --- what must always hold -----------------------------------------------------------------

    def check(self) -> None:
        """Between any two steps."""
        sale, purchase = self.seller.state, self.buyer.state
        if not purchase.is_lost:
            is_kept = purchase.signed.amount >= self.signed
            assert is_kept or self.signed_in_flight(), "forgot a voucher"
        assert sale.signed >= self.acknowledged, "an acknowledged voucher is lost"
        assert sale.signed <= self.signed, "a voucher that nobody signed"
        if sale.opened_at:
            self.check_risk()
        channel = self.chain.channel
        is_open = channel is not None and channel.end is None
        if channel and is_open and self.chain.block <= (channel.deadline or self.chain.block):
            self.due = min(sale.signed, sale.deposit)
        if channel is not None and is_open:
            self.check_claim(channel)
        assert sum(work.answer.units for work in sale.works if work.answer) <= sum(sale.used)
        assert len(self.issuances) <= max((i for i, _ in self.issuances), default=0)

    def check_claim(self, channel: Channel) -> None:
        """Whatever both agreed on beside vouchers, the seller can claim what is signed (T23)."""
        sale = self.seller.state
        assert sale.claimed <= channel.deposit, "deposit went back that the seller counts on"
        voucher, claim = sale.voucher, channel.paid
        if voucher is not None and signer_of(voucher) == channel.signers.payer_key:
            claim = max(claim, voucher.voucher.amount)
        assert claim >= sale.signed, "what an old key signed is not paid"

    def signed_in_flight(self) -> bool:
        """The buyer died between signing and writing down: that signature never left."""
        return all(
            Countersigned.from_wire(Letter.from_wire(raw).message).voucher.amount
            <= self.buyer.state.signed.amount
            for _, raw in self.history
            if raw[0] == Kind.VOUCHER
        )

    def check_risk(self) -> None:
        """What is served and not signed for is at most an interval's cap and the credit."""
        sale, pricing = self.seller.state, self.pricing
        begun = sale.begun
        before = begun.registers or pricing.zero
        if pricing.counts_time:  # time that passes costs something, up to the cap
            open_fee = 0
        else:
            shown = pricing.read(begun.end, self.chain.block, before, sale.used, sale.opened_at)
            open_fee = pricing.price(replace(shown, after=plus(sale.used, pricing.zero)))
        unsigned = sale.claimed - sale.billed.amount
        assert unsigned <= CONDITIONS.cap
        assert open_fee <= CONDITIONS.cap
        assert open_fee + unsigned <= CONDITIONS.cap + CONDITIONS.credit, (
            "the seller risks too much"
        )

    def check_end(self, *, payer_cheated: bool = False) -> None:
        """Everybody ended, with a reason that is true, and has its due (T27, T8)."""
        sale, purchase, channel = self.seller.state, self.buyer.state, self.chain.channel
        for state in (sale, purchase):
            assert state.is_finished and state.reason
            assert (state.ending is None) == (channel is None)
        if channel is None or channel.end is None:
            return
        end = channel.end
        assert sale.ending is purchase.ending is end.ending
        assert end.amount <= max(self.signed, channel.paid), "paid more than was signed"
        if end.ending is not ChannelEnding.LAPSED:
            assert end.amount >= self.due, "paid less than is signed"
        assert end.division.penalty == 0 or payer_cheated, "an honest party lost a bond"
