"""Seller and buyer of one channel as pure machines, with bills that both really sign."""

from __future__ import annotations

from typing import Any

from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    DOMAIN,
    OPENED,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
    agreed_on,
    sign_voucher,
)

from edgemark.identifiers import Timestamp
from edgemark.systems.trading.buyer.checking import check_proposal
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.stopping import hear_stop
from edgemark.systems.trading.protocol.agreement import Agreement, Head, Pricing
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import LIFE, SellerPhase, step
from edgemark.systems.trading.protocol.messages import Countersigned, Proposal, Request, Stop
from edgemark.systems.trading.seller.admission import check_voucher, draft_bill, with_signature
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import Flat

A_SECOND = agreed_on(Flat(), Meter.SECONDS, 1)  # a token for each


def second(at: int) -> Timestamp:
    return Timestamp(START + at)


def head(at: int) -> Head:
    return Head(START + at, START + at)


class Pair:
    """Seller and buyer of one channel, at seconds of their own."""

    def __init__(self, pricing: Pricing = A_SECOND, agreed: Agreement = AGREEMENT) -> None:
        self.pricing = pricing
        self.sale, self.purchase = Sale(), Purchase()
        self.sell(on.AskedSell(agreed, POLICY, SELLER_OPENING), *OPENED)
        self.buy(on.AskedBuy(agreed, POLICY, SELLER_OPENING), *OPENED)

    def sell(self, *events: Any) -> None:
        for event in events:
            self.sale, _ = step(self.sale, event)

    def buy(self, *events: Any) -> None:
        for event in events:
            self.purchase, _ = step(self.purchase, event)

    def wait(self, at: int) -> None:
        self.sale = LIFE.reach_time(self.sale, second(at))
        self.purchase = LIFE.reach_time(self.purchase, second(at))

    def stop(self, at: int, heard: int | None = None) -> None:
        """The buyer stops; its seller hears of it then, or later."""
        self.buy(on.AskedStop(second(at)))
        self.hear_stop(at if heard is None else heard)

    def hear_stop(self, heard: int) -> None:
        said = Stop(self.purchase.reason, self.purchase.said_stop)
        self.sell(hear_stop(said, Role.BUYER, head(heard)))

    def hear_seller_stop(self, heard: int) -> None:
        """The buyer hears since when its seller stopped."""
        said = Stop(self.sale.reason, self.sale.said_stop)
        self.buy(hear_stop(said, Role.SELLER, head(heard)))

    def order(self, content: bytes, number: int = 1) -> None:
        """A request that its seller takes at once."""
        asked = Request(number, 0, content)
        self.buy(on.AskedRequest(asked))
        self.sell(on.HeardRequest(asked))

    def propose(self, at: int) -> on.FoundProposal | on.FoundNothingDue:
        found: Any = draft_bill(self.sale, self.pricing, head(at))
        if isinstance(found, Proposal):
            found = with_signature(found, sign_voucher(found.voucher, SELLER_KEY))
        self.sell(found)
        return found  # type: ignore[no-any-return]

    def sign(self, at: int) -> None:
        """The buyer checks the bill that is out, and its seller hears of the voucher at once."""
        bill = self.sale.proposed
        assert bill is not None
        self.buy(check_proposal(self.purchase, bill, self.pricing, DOMAIN, head(at)))
        signature = sign_voucher(bill.voucher, PAYER_KEY)
        self.buy(on.FoundCountersigned(bill.voucher.index, signature))
        told = Countersigned(bill.voucher, bill.signature, signature)
        heard = check_voucher(self.sale, told, DOMAIN)
        assert heard is not None
        self.sell(heard)

    def settle(self, at: int) -> list[tuple[int, int]]:
        """All bills that are left, each signed at once: their intervals."""
        billed = []
        for _ in range(40):
            if self.sale.phase is not SellerPhase.STOPPED:
                break
            if isinstance(found := self.propose(at), on.FoundProposal):
                shown = found.proposal.readings
                billed.append((shown.start - START, shown.end - START))
                self.sign(at)
        assert self.sale.phase is SellerPhase.CLAIMING
        assert self.sale.signed == self.purchase.signed.amount
        return billed
