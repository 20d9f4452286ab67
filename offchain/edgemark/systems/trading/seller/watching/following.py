"""Keeps a seller's guards in step with its sales, and its sales with what towers answer for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, Tokens, parse_address
from edgemark.ledger.evm.sending.intent import Call
from edgemark.party.wishes.granting import Grant
from edgemark.systems.trading.contract.escrow import BroughtResponse
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.guard import Guard
from edgemark.systems.trading.seller.watching.watching import Watching
from edgemark.systems.trading.settings import SellerSettings
from edgemark.untrusted.fields import Fields

WATCH, DISMISS = "watch", "dismiss"  # wishes of commands
MAX_TOLD = 64  # channels of a status, which buyers read
_LIVE = (SellerPhase.SERVING, SellerPhase.STOPPED)
_CLOSABLE = (*_LIVE, SellerPhase.CLAIMING)
_OPEN = (*_LIVE, SellerPhase.CLAIMING, SellerPhase.WINDOW)


def is_worth_a_tower(sale: Sale, taken: SellerSettings) -> bool:
    """Whether it is time to pay a retainer: whoever opens a channel for gas has none paid.

    What is signed and not paid has come half way to the limit that the seller keeps by itself, so
    its next vouchers would go to the chain without a tower; and the payer has signed for as much as
    a retainer may cost, which the deposit holds. So no payer makes a seller pay out more than it
    has from that payer.

    One that is to end has less to come than a tower costs, and may end before it answers.

    Args:
        sale: that is open.
        taken: the seller's settings.
    """
    if sale.phase is not SellerPhase.SERVING or sale.reason is not Reason.NONE:
        return False
    is_near = 2 * sale.unpaid >= sale.decided.checkpoint_above
    return is_near and sale.worth(sale.signed) >= taken.max_retainer


def left_to_answer(sales: Iterable[Sale]) -> Mapping[ChannelId, int]:
    """Of each channel that a payer may still close the seconds in which that is answered."""
    open_ = (sale for sale in sales if sale.agreement is not None and sale.phase in _CLOSABLE)
    return {sale.known.channel: sale.known.terms.window for sale in open_}


class WatchedSales:
    """For one seller; `follow` belongs to one thread.

    Args:
        watching: the guards.
        taken: what the seller decided: which tower, and how much it leaves off the chain.
        tell: takes what a sale has to hear.
    """

    def __init__(
        self,
        watching: Watching,
        taken: SellerSettings,
        tell: Callable[[bytes, Sequence[object]], None],
    ) -> None:
        self._watching, self._taken, self._tell = watching, taken, tell

    def follow(self, sales: Mapping[bytes, Sale]) -> None:
        """Let towers be asked, states be handed over, and each sale know who answers for it."""
        for key, sale in sales.items():
            if sale.agreement is None or sale.phase not in _OPEN:
                continue
            channel, guards = sale.known.channel, self._watching
            if self._taken.tower and guards.guard(channel) is None:
                self._hire(sale)
            guards.note_signed(channel, sale.shown)
            limit = self._limit(sale)
            if sale.phase in _LIVE and limit != sale.answered:
                self._tell(key, [on.FoundAnswered(limit)])

    def _hire(self, sale: Sale) -> None:
        if is_worth_a_tower(sale, self._taken) and self._watching.has_time(sale.service_ends):
            tower = parse_address(self._taken.tower)
            self._watching.watch_first(sale.known.terms, tower)

    def _limit(self, sale: Sale) -> Tokens:
        """What a tower answers for, less what one interval may add before it has a receipt.

        Where more than that was signed since its newest receipt, it is late with the next, and
        nothing is left to it: it answers for no more than it signed.
        """
        channel, cap = sale.known.channel, sale.known.conditions.cap
        if self._watching.without_receipt(channel, Tokens(sale.worth(sale.signed))) > cap:
            return Tokens(0)
        left = max(0, self._watching.answered(channel) - cap)
        return Tokens(min(left, self._taken.answered_above))

    def is_watched(self, channel: ChannelId) -> bool:
        """Whether a tower has the word of the account's key for a channel, or may soon."""
        guard = self._watching.guard(channel)
        return bool(self._taken.tower) or (guard is not None and guard.number > 0)

    def draft_response(self, sale: Sale) -> Call:
        """What is signed, shown in a window; where a tower was dismissed, with the newest word.

        The first tower has no older one to be held off: it shows its delegation itself, and where
        it sleeps the penalty is the seller's.

        Raises:
            LookupError: nothing is signed, so none is owed.
        """
        signed = sale.voucher
        if signed is None:
            raise LookupError("a sale owes to show what it does not have")
        terms, given = sale.known.terms, self._watching.delegated(sale.known.channel)
        shown = BroughtResponse(terms, signed.voucher, signed.payer_signature)
        is_by_account = sale.in_force.seller_key == self._watching.station.address
        if given is not None and given.number > 1 and is_by_account:  # which signs delegations
            shown = replace(
                shown,
                tower=given.tower,
                number=given.number,
                delegation_signature=given.signature,
            )
        return self._watching.station.escrow.respond([shown])

    def describe(self, sales: Mapping[bytes, Sale]) -> dict[str, object]:
        """Of open channels who watches, or why nobody does; of the first that are told."""
        told: dict[str, object] = {}
        for sale in sales.values():
            if sale.agreement is not None and sale.phase in _OPEN and len(told) < MAX_TOLD:
                channel = sale.known.channel
                told[channel.hex()] = self._why(channel).name.lower()
        return told

    def _why(self, channel: ChannelId) -> Unwatched:
        why = self._watching.why(channel)
        is_later = why is Unwatched.NOBODY_ASKED and bool(self._taken.tower)
        return Unwatched.LITTLE_OWED if is_later else why

    def grants(self, sale_of: Callable[[ChannelId], Sale | None]) -> Mapping[str, Grant]:
        """What commands may ask: `edgemark trading watch|dismiss`."""

        def watch(facts: Fields) -> Mapping[str, object]:
            channel = parse_channel_id(facts.text("channel"))
            tower = facts.text("tower")
            if tower:
                sale = sale_of(channel)
                if sale is None or sale.agreement is None:
                    raise _unknown(channel)
                self._watching.watch(sale.known.terms, parse_address(tower, who="tower"))
                self._watching.note_signed(channel, sale.shown)
            return describe_guard(channel, self._watching.guard(channel))

        def dismiss(facts: Fields) -> Mapping[str, object]:
            channel = parse_channel_id(facts.text("channel"))
            return describe_guard(channel, self._watching.dismiss(channel))

        return {WATCH: watch, DISMISS: dismiss}


def describe_guard(channel: ChannelId, guard: Guard | None) -> dict[str, object]:
    """Who watches a channel, up to which amount, smallest units; or why nobody does."""
    given = guard.receipt if guard else None
    why = guard.why.name.lower() if guard else "nobody_asked"
    return {
        "channel": channel.hex(),
        "tower": None if guard is None or guard.tower == NOBODY else guard.tower,
        "watches": why == "watched",
        "why_not": None if why == "watched" else why,
        "number": guard.number if guard else 0,
        "covered": int(guard.cover) if guard else 0,
        "receipt": None if given is None else int(given.signed.receipt.amount),
        "receipt_until": None if given is None else given.signed.receipt.until,
    }


def _unknown(channel: ChannelId) -> RefusedInput:
    return RefusedInput("is not known here", who=f"channel {channel.hex()}")
