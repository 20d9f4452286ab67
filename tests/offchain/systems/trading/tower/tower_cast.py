"""A tower of the tests beside one channel: what its seller hands in, what the chain shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.offchain.systems.trading.channel_cast import (
    CHAIN_ID,
    ESCROW,
    KEYS,
    LIMITS,
    draft_voucher,
    key_of,
    open_one,
)

from edgemark.identifiers import NO_HASH, Address, Timestamp, Tokens
from edgemark.loop.machine import Tick
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.towers.records import Cover
from edgemark.systems.trading.contract.towers.statements import TowersDomain
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.messages import BroughtState
from edgemark.systems.trading.tower.taking import TowerView, observe_as_tower
from edgemark.systems.trading.tower.watch import TowerMachine, Watch

DOMAIN = EscrowDomain(CHAIN_ID, ESCROW)
TOWERS = TowersDomain(CHAIN_ID, Address("0x" + "70" * 20))
TOWER, RIVAL = key_of("tower"), key_of("rival")
MARGIN, CLAIM_S = 50, 500
NO_COVER = Cover(Tokens(0), Tokens(0), Timestamp(0))


def countersign(channel: Channel, amount: int, index: int = 1, payer: str = "") -> Countersigned:
    """A voucher with both signatures."""
    voucher = draft_voucher(amount, index)
    digest = DOMAIN.voucher(channel.id, voucher)
    signed = KEYS["seller's key"].sign(digest), KEYS[payer or "payer's key"].sign(digest)
    return Countersigned(voucher, *signed)


def delegate(channel: Channel, number: int, tower: Address = TOWER.address) -> bytes:
    """The seller's word for who watches."""
    return KEYS["seller's key"].sign(DOMAIN.delegation(channel.id, tower, number))


def bring(channel: Channel, amount: int, number: int = 1, index: int = 1) -> BroughtState:
    """What a seller hands in."""
    signed, delegated = countersign(channel, amount, index), delegate(channel, number)
    return BroughtState(channel.terms, signed, number, delegated, NO_HASH)


def held_of(channel: Channel, amount: int, number: int = 1, receipt: bytes = b"") -> on.HeldState:
    """The same as it is held, its signatures checked."""
    state = bring(channel, amount, number)
    keys = channel.signers.payer_key, channel.signers.seller_key
    return on.HeldState(state.voucher, *keys, number, state.delegation, receipt)


def stored_of(channel: Channel) -> StoredChannel:
    """What the chain shows of a channel of the plain model."""
    return StoredChannel(
        channel.phase,
        channel.is_amended,
        channel.number,
        channel.deadline,
        Tokens(channel.locked),
        Tokens(channel.paid),
        Tokens(channel.shown),
        channel.is_answered,
        channel.tower,
        channel.agreements,
        channel.signers,
    )


@dataclass
class Keeper:
    """A tower's memory of one channel, moved as its loop would move it."""

    channel: Channel
    cover: Cover = NO_COVER
    watch: Watch = Watch()  # noqa: RUF009 - frozen

    def promise(self, amount: int, cover: int = 600) -> None:
        """Take the channel up."""
        terms = self.channel.terms
        expiry = terms.lock_expiry(LIMITS.exit_grace)
        until = Timestamp(expiry + CLAIM_S)
        promise = on.Promise(self.channel.id, terms, expiry, until, Tokens(cover), MARGIN)
        money = Tokens(self.channel.deposit), Tokens(self.channel.paid)
        held = held_of(self.channel, amount)
        self.step(on.HeardPromise(promise, self.channel.signers, *money, held))

    def see(self) -> None:
        """One look at the chain."""
        for event in observe_as_tower(self.watch, TowerView(stored_of(self.channel), self.cover)):
            self.step(event)

    def cover_now(self) -> None:
        """The cover stands on chain."""
        promise = self.watch.known
        self.cover = Cover(promise.cover, Tokens(0), promise.lock_expiry)
        self.see()

    def hand(self, amount: int, number: int = 1) -> None:
        """A newer state, with its receipt."""
        self.step(on.HeardState(held_of(self.channel, amount, number, b"r" * 65)))

    def reach(self, now: int) -> None:
        """Time passes."""
        self.step(Tick(now))

    def step(self, event: object) -> None:
        machine = TowerMachine()
        if not isinstance(event, Tick):
            assert machine.decode_event(machine.encode_event(event)) == event
        self.watch, _ = machine.step(self.watch, event)
        assert all(self.watch.laws().values()), self.watch.laws()
        (state,) = machine.condense(self.watch)
        assert replace(machine.decode_event(machine.encode_event(state)), over=self.watch.over) == (
            self.watch
        )

    @property
    def owed(self) -> tuple[on.TowerEffect, ...]:
        return self.watch.owed()


def open_and_watch(amount: int = 600, receipt: bool = True) -> Keeper:
    """A channel that is covered, with a receipt for this amount."""
    keeper = Keeper(open_one())
    keeper.promise(amount)
    keeper.cover_now()
    if receipt:
        keeper.hand(amount)
    return keeper
