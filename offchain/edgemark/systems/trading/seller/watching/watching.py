"""The seller's side of towers: retainers moved, states handed over, receipts kept, losses claimed.

| step                         | effect or call                                             |
|------------------------------|------------------------------------------------------------|
| a tower is to watch          | `watch` -> `MoveRetainer`: once a channel and tower, when  |
|                              | there is a voucher                                         |
| the payer signed more        | `note_signed` -> `HandState`, with the delegation's number |
| the receipt is on this disk  | `answered`: up to what the sale may leave off the chain    |
| the channel ended below it   | `ClaimCover`                                               |

It runs beside the sales of a seller, in the same home, with a journal of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from edgemark.amounts import Amount
from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import NO_HASH, NOBODY, Address, Timestamp, Tokens
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.loop.machine import IllegalMove, Tick, TryAgain
from edgemark.party.agenda import Agenda
from edgemark.party.loop import PartyLoop
from edgemark.party.rounds import Rounds
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.contract.towers.events import SellerCompensated
from edgemark.systems.trading.contract.towers.liability import compute_due
from edgemark.systems.trading.contract.towers.records import Cover
from edgemark.systems.trading.contract.towers.statements import TowersDomain
from edgemark.systems.trading.contract.towers.watchtowers import ReceiptClaim
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.watching import events as on
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.guard import Guard, GuardMachine, GuardPhase
from edgemark.systems.trading.seller.watching.retaining import (
    TowerUnsuitable,
    draft_retainer,
    is_in_vain,
    unsuitable,
)
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.messages import (
    MAX_RECEIPT_BYTES,
    STATES,
    BroughtState,
    SignedReceipt,
)
from edgemark.transport.faults import PeerRefused, PeerUnreachable, from_peer

NAME = "watching"  # of its journal


class NotWatched(RefusedInput):
    """There is no tower to dismiss."""


class NotSeenYet(TryAgain):
    """A node shows less of the chain than was seen before; a later look shows more."""


class ReceiptWrong(PeerFault):
    """What a tower gave is no receipt for what it was handed."""


@dataclass(frozen=True)
class Delegated:
    """Who watches for the seller, as a response in a window says it."""

    tower: Address
    number: int
    signature: bytes


class Watching(PartyLoop[TradingStation]):
    """The guards of one seller's channels.

    Args:
        station: of the seller.
        most_retainer: smallest units, that it pays a tower for one channel.
        is_alone: nobody else keeps the station's transactions on.
    """

    def __init__(
        self, station: TradingStation, most_retainer: Tokens, *, is_alone: bool = False
    ) -> None:
        self._most_retainer, self._is_alone = most_retainer, is_alone
        super().__init__(station, GuardMachine(), NAME, look=self._look)
        self.agenda = Agenda(station.follow(), lambda event: getattr(event, "channel", None))
        self._rounds: Rounds[Guard, StoredChannel] = Rounds(
            self, views_of=self._views_of, observe=_observe, hear=lambda _: None
        )

    def start(self) -> None:
        """As any loop; transactions are kept on by the sales beside it."""
        if self._is_alone:
            super().start()
            return
        self.runtime.start()
        self.runtime.ask(b"", Tick(0))
        if self._watcher is not None:
            self._watcher.start()

    # --- for the sales, and for commands ---------------------------------------------------------

    def watch(self, terms: Terms, tower: Address) -> Guard:
        """Let a tower watch a channel, instead of the one that does; the same again: nothing.

        Raises:
            IllegalMove: the channel ended, or has no more numbers.
        """
        channel = self.station.escrow.id_of(terms)
        guard = self.guard(channel)
        if guard is not None and guard.phase is not GuardPhase.UNKNOWN and guard.tower == tower:
            return guard
        asked: Guard = self.runtime.ask(channel, ask_for(self.station, terms, tower))
        return asked

    def watch_first(self, terms: Terms, tower: Address) -> None:
        """Let a tower watch a channel for which none was asked ever, dismissed ones included."""
        channel = self.station.escrow.id_of(terms)
        asked = on.AskedFirstWatch(ask_for(self.station, terms, tower))
        with suppress(IllegalMove):  # who asks by hand was there before
            self.runtime.ask(channel, asked)

    def has_time(self, ends: Timestamp) -> bool:
        """Whether a tower that is asked now may answer by then: by a retainer and by a cover.

        Args:
            ends: last second for which it is wanted.
        """
        try:
            now = self.station.clock()
        except LedgerUnavailable:
            return False
        return now + 2 * self.station.bringing_s() < ends

    def dismiss(self, channel: ChannelId) -> Guard:
        """Let nobody watch any more; what was given a receipt for stays answered for.

        Raises:
            NotWatched: nobody is to, or the channel ended.
        """
        guard = self.guard(channel)
        if guard is None or guard.tower == NOBODY:
            raise NotWatched(
                "is watched by nobody",
                who=f"channel {channel.hex()}",
                had=guard.why.name.lower() if guard else "nobody_asked",
                needed="a channel that a tower watches, or is to",
            )
        dismissed: Guard = self.runtime.ask(channel, on.AskedDismissal())
        return dismissed

    def note_signed(self, channel: ChannelId, voucher: Countersigned | None) -> None:
        """The newest voucher that is on the seller's disk; of a channel that nobody watches: no."""
        guard = self.guard(channel)
        if (
            voucher is None
            or guard is None
            or guard.phase in (GuardPhase.UNKNOWN, GuardPhase.ENDED)
        ):
            return
        if guard.voucher is None or voucher.voucher.amount > guard.voucher.voucher.amount:
            self.tell(channel, [on.HeardSigned(voucher)])

    def answered(self, channel: ChannelId) -> Tokens:
        """Up to which difference to the chain a tower answers; 0: nobody watches."""
        guard = self.guard(channel)
        return guard.answered if guard else Tokens(0)

    def without_receipt(self, channel: ChannelId, signed: Tokens) -> Tokens:
        """How much of what the payer signed is in no receipt of the tower that watches."""
        guard = self.guard(channel)
        given = guard.receipt if guard else None
        return Tokens(max(0, signed - given.signed.receipt.amount) if given else signed)

    def why(self, channel: ChannelId) -> Unwatched:
        """Why nobody does."""
        guard = self.guard(channel)
        return guard.why if guard else Unwatched.NOBODY_ASKED

    def delegated(self, channel: ChannelId) -> Delegated | None:
        """The newest delegation; of a dismissal the seller's own; None where no tower ever was.

        A response with it leaves a dismissed tower nothing.
        """
        guard = self.guard(channel)
        if guard is None or not guard.number:
            return None
        tower = self.station.address if guard.tower == NOBODY else guard.tower
        return Delegated(tower, guard.number, self._delegate(channel, tower, guard.number))

    def guard(self, channel: ChannelId) -> Guard | None:
        """What is remembered of a channel; None when nobody ever was to watch it."""
        guard: Guard | None = self.runtime.state(channel)
        return guard

    def _delegate(self, channel: ChannelId, tower: Address, number: int) -> bytes:
        digest = self.station.escrow.domain.delegation(channel, tower, number)
        return self.station.keys.account.sign(digest)

    # --- effects -------------------------------------------------------------------------------

    def perform(self, state: Guard, effect: on.GuardEffect) -> Sequence[on.GuardEvent]:
        """Carry out one effect; of one that fails the guard knows why nobody watches."""
        try:
            match effect:
                case on.MoveRetainer(tower):
                    return [self._move_retainer(state, tower)]
                case on.HandState():
                    return [self._hand(state)]
                case on.ClaimCover(tower):
                    return [self._claim(state, tower)]
                case _:
                    assert_never(effect)
        except (TowerUnsuitable, PeerFault) as error:
            if isinstance(error, PeerRefused) and is_in_vain(self.station, state, error):
                return [on.FoundRetainerOld(state.tower)]
            self._note(state, error)
            raise

    def _note(self, state: Guard, error: EdgemarkError) -> None:
        why, channel = _why(error), state.known.channel
        present = self.guard(channel)
        if why is not state.why and present is not None and present.number == state.number:
            self.log.debug("tower does not watch", channel=channel, error=error)
            self.tell(channel, [on.FoundUnwatched(why)])

    def _move_retainer(self, state: Guard, tower: Address) -> on.FoundRetained:
        """Once: a transaction with a key is sent once, whoever asks again."""
        spent = state.spent.count(tower)
        call = draft_retainer(self.station, state.known, self._most_retainer, spent)
        if call is None:
            return on.FoundRetained(tower, NO_HASH)
        return on.FoundRetained(tower, self.station.submit(call).tx_hash)

    def _hand(self, state: Guard) -> on.FoundReceipt:
        asked, voucher = state.known, state.voucher
        if voucher is None:
            raise LookupError("a guard owes to hand over what it does not have")
        tower, number = state.tower, state.number
        delegated = self._delegate(asked.channel, tower, number)
        brought = BroughtState(asked.terms, voucher, number, delegated, state.retainer)
        raw = self.station.ask(tower, STATES, brought.to_wire(), most=MAX_RECEIPT_BYTES)
        with from_peer(tower):
            signed = SignedReceipt.from_wire(raw)
        escrow, towers = self.station.escrow.domain, self.station.towers.domain
        check_receipt(asked, signed, voucher, escrow, towers)
        cover = self.station.towers.cover_of(tower, asked.channel, block="confirmed")
        counts = cover.amount if cover.until >= asked.lock_expiry else Tokens(0)
        found = on.FoundReceipt(on.KeptReceipt(tower, signed), number, counts)
        if not counts:
            self.tell(asked.channel, [found])
            raise unsuitable(Unwatched.NO_COVER, "covers nothing on chain", tower, "a cover")
        return found

    def _claim(self, state: Guard, tower: Address) -> on.FoundCompensated:
        """Have a tower pay what it owes, if it owes anything."""
        said = draft_claim(self.station, state, tower, self.agenda.block)
        if said is None:
            return on.FoundCompensated(tower, Tokens(0))
        receipt = self.station.submit(self.station.towers.claim(said))
        paid = [
            event.due
            for event in receipt_events(receipt, self.station.towers.contract)
            if isinstance(event, SellerCompensated)
        ]
        return on.FoundCompensated(tower, Tokens(sum(paid)))

    # --- chain ---------------------------------------------------------------------------------

    def _look(self) -> None:
        self._rounds.look()

    def _views_of(self, guards: Sequence[Guard], block: int) -> list[StoredChannel]:
        return self.station.escrow.channels([each.known.terms for each in guards], block=block)


def _observe(guard: Guard, stored: StoredChannel) -> list[on.GuardEvent]:
    if guard.has_ended or stored.phase is not ChannelPhase.ENDED:
        return []
    return [on.SawGone(stored.paid, stored.locked, stored.deadline)]


def check_receipt(
    asked: on.AskedWatch,
    signed: SignedReceipt,
    handed: Countersigned,
    escrow: EscrowDomain,
    towers: TowersDomain,
) -> None:
    """Check what a tower signed for what it was handed.

    Raises:
        ReceiptWrong: it is of another channel, for less, or ends early.
        BadSignature: another signed it, or it names other keys than signed what was handed in,
            with which it would pay nothing.
    """
    said, amount = signed.receipt, handed.voucher.amount
    is_right = said.channel == asked.channel and said.until >= asked.lock_expiry
    if not is_right or said.amount < amount:
        raise ReceiptWrong(
            "receipt is not for what was handed in",
            who=asked.tower,
            had=f"{Amount(said.amount)} until {said.until}",
            needed=f"{Amount(amount)} until {asked.lock_expiry}",
        )
    digest = escrow.voucher(asked.channel, handed.voucher)
    check_signature(digest, handed.payer_signature, said.payer_key)
    check_signature(digest, handed.seller_signature, said.seller_key)
    signed.check(towers, asked.tower)


def draft_claim(
    station: TradingStation, guard: Guard, tower: Address, block: int | str = "confirmed"
) -> ReceiptClaim | None:
    """What brings a seller what a tower owes it; None: it owes nothing, as the chain stands then.

    Channel and cover are read at one block, and what is not owed there is written off for good.

    Args:
        station: of the seller.
        guard: of the channel.
        tower: that gave a receipt.
        block: number, "latest" or "confirmed".

    Raises:
        NotSeenYet: a node shows less than was seen before: the channel not ended, or less set
            aside than there was, and by nothing that was paid.
    """
    asked, now = guard.known, station.clock()
    at = station.chain.confirmed() if block == "confirmed" else block
    stored = station.escrow.channel(asked.terms, block=at)
    if guard.has_ended and stored.phase is not ChannelPhase.ENDED:
        raise NotSeenYet("has not ended on this node", who=f"channel {asked.channel.hex()}")
    channel = Channel(
        asked.channel,
        asked.terms,
        station.decided.limits,
        stored.phase,
        stored.locked,
        stored.paid,
        stored.signers,
        deadline=stored.deadline,
    )
    cover = station.towers.cover_of(tower, asked.channel, block=at)
    set_aside = guard.cover if tower == asked.tower else Tokens(0)
    had = Cover(Tokens(max(0, set_aside - cover.paid)), cover.paid, asked.lock_expiry)
    for kept in guard.receipts:
        said, rules = kept.signed.receipt, station.decided.watching
        if kept.tower != tower:
            continue
        if compute_due(channel, said, cover, rules, now):
            return ReceiptClaim(tower, asked.terms, said, kept.signed.signature)
        if guard.has_ended and compute_due(channel, said, had, rules, now):
            raise NotSeenYet(
                "covers less on this node than was seen before",
                who=f"tower {tower}",
                had=Amount(cover.amount),
                needed=Amount(had.amount),
            )
    return None


def ask_for(station: TradingStation, terms: Terms, tower: Address) -> on.AskedWatch:
    """What a tower is asked for: to watch until the lock expires."""
    decided = station.decided
    expiry = terms.lock_expiry(decided.limits.exit_grace)
    claimed_by = Timestamp(expiry + decided.watching.claim_seconds)
    return on.AskedWatch(station.escrow.id_of(terms), terms, expiry, claimed_by, tower)


def _why(error: EdgemarkError) -> Unwatched:
    match error:
        case TowerUnsuitable():
            return error.why
        case PeerUnreachable():
            return Unwatched.UNREACHABLE
        case PeerRefused() if error.retry_after_s:
            return Unwatched.AWAITED
        case PeerRefused() | RefusedInput():
            return Unwatched.REFUSED
        case _:
            return Unwatched.RECEIPT_WRONG
