"""Towers with their bonds beside an escrow, and every way in which a channel that they watch ends.

What is signed, `edgemark.systems.trading.contract.towers` computes, not the contracts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.trading.escrow_world import ALLOWED_SECONDS, WEALTH, EscrowWorld, address
from tests.contracts.trading.evidence_world import EvidenceWorld, register
from tests.contracts.world import refused, sign, signer_of
from tests.offchain.systems.trading.channel_cast import signer

from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import Said, Signers
from edgemark.systems.trading.contract.towers.liability import compute_due
from edgemark.systems.trading.contract.towers.records import Cover, Receipt, Watching
from edgemark.systems.trading.contract.towers.statements import TowersDomain

WATCHTOWER = 49  # role
OWN_KEYS = ("payer's key", "seller's key")  # of the terms
PAYERS_NEXT = ("payer's next key", "seller's key")
SELLERS_NEXT = ("payer's key", "seller's next key")
CLAIMING = Watching(3000)
STAKED = 2003  # what a tower has bonded
OWED, PAID = 600, 200  # of a channel's deposit
LONGEST = 730 * 86_400
# How a channel ends below what is owed without its seller's word, and by its word.
LOST = ("the payer's window", "with a voucher", "a stranger's window", "unclosed", "lapsed", "late")
BY_SELLER = ("the seller's window", "together", "claimed", "late after the seller")


@dataclass
class TowerWorld:
    """The deployed contracts; a tower and a rival, both registered, neither bonded."""

    trade: EvidenceWorld
    towers: Any
    domain: TowersDomain = field(init=False)

    def __post_init__(self) -> None:
        self.domain = TowersDomain(self.escrow.domain.chain_id, address(self.towers))

    @property
    def escrow(self) -> EscrowWorld:
        return self.trade.escrow

    @property
    def tower(self) -> Any:
        return self.escrow.people["tower"]

    @property
    def outsider(self) -> Any:
        return self.escrow.people["outsider"]

    def bond(self, amount: int = STAKED, role: str = "tower") -> int:
        """Bond a tower; the second at which it did."""
        self.towers.bond(amount, sender=self.escrow.people[role])
        return self.escrow.now()

    def open(self, paid: int = PAID, **changes: Any) -> Channel:
        """A channel of which the seller was paid a part."""
        channel = self.escrow.open(**changes)
        return self.pay(channel, paid) if paid else channel

    def pay(self, channel: Channel, amount: int) -> Channel:
        """A checkpoint, by a stranger."""
        at, said = self.escrow.now() + 1, self.said("outsider")
        return self.call(
            channel,
            "outsider",
            "checkpoint",
            (amount,),
            lambda: moves.checkpoint(channel, amount, at, said),
        )

    def cover(
        self, channel: Channel, amount: int = 500, until: int | None = None, role: str = "tower"
    ) -> int:
        """Set a part of a bond aside, until the channel's lock expires; that second."""
        until = channel.lock_expiry if until is None else until
        self.towers.cover([(channel.id, amount, until)], sender=self.escrow.people[role])
        return until

    def watch(self, channel: Channel, amount: int = 500) -> int:
        """Bond and cover."""
        self.bond()
        return self.cover(channel, amount)

    def receipt(
        self,
        channel: Channel,
        amount: int = OWED,
        until: int | None = None,
        keys: tuple[str, str] = OWN_KEYS,
        role: str = "tower",
        by: str = "",
    ) -> tuple[Any, ...]:
        """What `claim` takes: signed by the tower, for two of `KEYS`: payer's and seller's."""
        until = Timestamp(channel.lock_expiry if until is None else until)
        said = Receipt(channel.id, Tokens(amount), *map(signer, keys), until)
        signed = sign(self.escrow.people[by or role], self.domain.receipt(said))
        return (self.escrow.who(role), channel.terms.as_abi(), amount, until, signed)

    def claim(self, said: tuple[Any, ...]) -> int:
        """Claim, by a stranger; what the seller was paid."""
        receipt = self.towers.claim(said, sender=self.outsider)
        (log,) = receipt.decode_logs(self.towers.SellerCompensated)
        return int(log.due)

    def cover_of(self, channel: Channel, role: str = "tower") -> Cover:
        """What is set aside for a channel."""
        found = self.towers.coverOf(self.escrow.people[role], channel.id)
        return Cover(Tokens(found[0]), Tokens(found[1]), Timestamp(found[2]))

    def due(self, channel: Channel, amount: int = OWED, until: int | None = None) -> int:
        """What the plain twin says that a seller can claim now."""
        until = Timestamp(channel.lock_expiry if until is None else until)
        said = Receipt(channel.id, Tokens(amount), *channel.signers.keys, until)
        now = self.escrow.now() + 1
        return compute_due(channel, said, self.cover_of(channel), CLAIMING, now)

    # What both parties agree on behind a tower's back.

    def put_in_force(
        self, channel: Channel, keys: tuple[str, str], had: tuple[str, str] = OWN_KEYS
    ) -> Channel:
        """Other keys of both, at what is paid; `had`: those that sign it."""
        now, at, until = channel.signers, self.escrow.now() + 1, self.escrow.until()
        signers = Signers(*map(signer, keys), now.controller, now.epoch)
        number, paid = channel.agreements, channel.paid
        said = Said(self.escrow.who("outsider"), *map(signer, had))
        self.escrow.books = {}
        item = self.escrow.amendment(
            channel, number, paid, signers, until, payer=had[0], seller=had[1]
        )

        def expected() -> Channel:
            return moves.amend(channel, number, paid, signers, at, until, said)

        after = self.escrow.agree(channel, "outsider", "amend", item, expected, at)
        assert after is not channel, "amend was refused"
        return after

    def reduce_by(self, channel: Channel, amount: int) -> Channel:
        """A smaller deposit."""
        at, until, said = self.escrow.now() + 1, self.escrow.until(), self.said("outsider")
        number = channel.agreements
        return self.call(
            channel,
            "outsider",
            "reduce",
            (number, amount, until),
            lambda: moves.reduce(channel, number, amount, at, until, said),
        )

    # How a channel ends; each step is held to the model of its money.

    def said(self, role: str) -> Said:
        """With both signatures."""
        return Said(self.escrow.who(role), *map(signer, OWN_KEYS))

    def call(
        self,
        channel: Channel,
        role: str,
        function: str,
        said: tuple[Any, ...],
        expected: Callable[[], Channel],
        at: int | None = None,
    ) -> Channel:
        """A call of the escrow at a second; the channel after it."""
        self.escrow.books = {}
        item = self.escrow.item_of(channel, function, said)
        at = self.escrow.now() + 1 if at is None else at
        after = self.escrow.agree(channel, role, function, item, expected, at)
        assert after is not channel, f"{function} was refused"
        return after

    def end(self, channel: Channel, how: str) -> Channel:
        """One of `LOST` and `BY_SELLER`; the channel afterwards."""
        terms, at = channel.terms, self.escrow.now() + 1
        if how == "unclosed":
            return self.end_unclosed(channel, terms.close_by + 1)
        if how == "lapsed":
            return self.end_unclosed(channel, channel.lock_expiry + 1)
        if how == "together":
            amount, until = PAID, self.escrow.until()
            return self.call(
                channel,
                "outsider",
                "closeTogether",
                (amount, until),
                lambda: ends.close_together(channel, amount, at, until, self.said("outsider")),
            )
        if how == "claimed":
            return self.close(channel, "seller", PAID)
        closer = {"a stranger's window": "outsider"}.get(
            how, "seller" if "seller" in how else "payer"
        )
        closing = self.close(channel, closer, 300 if how == "with a voucher" else None)
        if how.startswith("late"):
            return self.end_unclosed(closing, closing.lock_expiry + 1)
        return self.settle(closing)

    def close(self, channel: Channel, role: str, amount: int | None = None) -> Channel:
        """With a voucher or without; by a stranger once service is over."""
        who, at = self.escrow.who(role), self.escrow.now() + 1
        if amount is not None:
            return self.call(
                channel,
                role,
                "close",
                (amount,),
                lambda: ends.close(channel, amount, at, self.said(role)),
            )
        at = channel.terms.expires_at + 1 if role == "outsider" else at
        return self.call(
            channel, role, "closeBare", (), lambda: ends.close_bare(channel, at, who), at
        )

    def settle(self, channel: Channel) -> Channel:
        """After the window."""
        at = channel.deadline + 1
        return self.call(channel, "outsider", "settle", (), lambda: ends.settle(channel, at), at)

    def end_unclosed(self, channel: Channel, at: int) -> Channel:
        """What nobody closed, or ended before the lock expired."""
        return self.call(
            channel, "outsider", "endUnclosed", (), lambda: ends.end_unclosed(channel, at), at
        )


def refuse_receipt(
    watch: TowerWorld,
    channel: Any,
    said: tuple[Any, ...],
    keys: tuple[str, str] = OWN_KEYS,
) -> Any:
    """Expect that what is claimed was signed by nobody who is known."""
    tower, _, amount, until, signed = said
    asked = Receipt(channel.id, Tokens(amount), *map(signer, keys), Timestamp(until))
    by = signer_of(watch.domain.receipt(asked), signed)
    values = {"channel": channel.id, "signer": by, "needed": tower}
    return refused(watch.towers.ReceiptNotSigned, **values)


def deploy_towers(project: Any, trade: EvidenceWorld) -> TowerWorld:
    """Watchtowers beside an escrow; two towers with tokens that it may lock."""
    escrow = trade.escrow
    wired = (trade.anchor, trade.registry, escrow.escrow)
    towers = escrow.deployer.deploy(project.Watchtowers, *wired, CLAIMING.claim_seconds)
    escrow.token.approve(trade.anchor, 10 * WEALTH, sender=escrow.deployer)
    until = escrow.now() + ALLOWED_SECONDS
    for role in ("tower", "rival"):
        account = escrow.people[role]
        register(trade, account, WATCHTOWER)
        trade.anchor.deposit(account, WEALTH, sender=escrow.deployer)
        trade.anchor.allowLocker(towers, WEALTH, until, sender=account)
    return TowerWorld(trade, towers)
