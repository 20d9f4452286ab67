"""What a seller can bring to the chain by hand: of a channel of its home, the newest voucher.

A seller that runs does it by its lane, and ends a channel by its machine: service stops, the last
bill is made, then it claims. Where none runs, the command sends what is signed; a close with a
voucher is final at once, so what was served and not billed yet is lost with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.rehearsed_lane import NOWHERE
from edgemark.loop.replay import look_up
from edgemark.party.evm.joining import send_as_asked
from edgemark.party.evm.opening import check_can_serve, describe_server
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import ServerSettings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.events import AmountPaid, ChannelEnded
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.sending import call_of_seller
from edgemark.systems.trading.station.sending import as_one
from edgemark.systems.trading.station.station import TradingStation

NAME = "seller"  # of its journal
CLAIM = "claim"  # of the wish that a seller grants


def open_seller_station(settings: Settings) -> TradingStation:
    """Keys, chain and contracts of a seller, which is registered nowhere.

    Raises:
        RefusedInput: no port is set.
        JournalInUse, CannotListen: as `check_can_serve`.
        NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
    """
    server = settings.of(ServerSettings)
    describe_server(server, settings.of(RegistrationSettings))  # before anything is opened
    check_can_serve(settings)
    return TradingStation.open(settings)


class NothingToClaim(RefusedInput):
    """All that is signed is paid."""


class ChannelNotOpen(RefusedInput):
    """A channel in which nothing can be claimed any more."""


@dataclass(frozen=True)
class Claimed:
    """What was brought to the chain.

    Attributes:
        channel: of which.
        amount: all that its seller was owed.
        is_end: the channel is over.
        is_passed_over: the escrow did nothing in it: it is not open, or as much is paid.
    """

    channel: ChannelId
    amount: Tokens
    is_end: bool
    is_passed_over: bool = False


def find_sale(home: Path, channel: ChannelId) -> Sale:
    """What the seller of a home remembers of a channel, whether it runs or not.

    Raises:
        RefusedInput: nothing.
        Unrecoverable: its journal is damaged.
    """
    sale: Sale | None = look_up(home, NAME, PartyMachine(Sale), channel)
    if sale is None or sale.agreement is None:
        raise RefusedInput(
            "is not known here",
            who=f"channel {channel.hex()}",
            needed="a channel that the seller of this home serves, or served",
            remedy="Use the home of its seller; `edgemark trading channels` lists its channels.",
        )
    return sale


def draft_claim(station: TradingStation, sale: Sale, *, is_end: bool) -> tuple[Call, Tokens]:
    """The call that claims, and the amount; raises `NothingToClaim`."""
    amount, channel = Tokens(sale.due), sale.known.channel
    if sale.voucher is None or (amount <= sale.paid and not is_end):
        raise NothingToClaim(
            "has nothing signed that is not paid",
            who=f"channel {channel.hex()}",
            had=Amount(sale.paid),
            needed="a voucher above it",
        )
    effect = do.SubmitClaim(amount) if is_end else do.SubmitCheckpoint(amount)
    return call_of_seller(station.escrow, sale, effect), amount


def check_open(channel: ChannelId, phase: ChannelPhase) -> None:
    """Check that a channel may be claimed in.

    Args:
        channel: which.
        phase: of it on chain.

    Raises:
        ChannelNotOpen: it is closing, or has ended, or never was there.
    """
    if phase is ChannelPhase.OPEN:
        return
    remedy = f"`edgemark trading explain {channel.hex()}` tells what became of it."
    if phase.is_closing:
        remedy = "`edgemark seller run` shows what is signed in its window, and settles."
    raise ChannelNotOpen(
        "takes no claim any more",
        who=f"channel {channel.hex()}",
        had=phase,
        needed=ChannelPhase.OPEN,
        remedy=remedy,
    )


def draft_claims(
    station: TradingStation, channels: Sequence[ChannelId], *, is_end: bool
) -> tuple[Call, list[Claimed]]:
    """The one call that claims in all these channels, and what it brings in each.

    Raises:
        NothingToClaim: all is paid in one of them.
        ChannelNotOpen: the only one is not open on chain.
        RefusedInput: one is none of this home, or they are more than the escrow takes together.
    """
    sales = [find_sale(station.home, channel) for channel in channels]
    if len(channels) == 1:  # of several the escrow passes over it
        check_open(channels[0], station.escrow.phases(channels, block="latest")[0])
    calls, claimed = [], []
    for channel, sale in zip(channels, sales, strict=True):
        call, amount = draft_claim(station, sale, is_end=is_end)
        calls.append(call)
        claimed.append(Claimed(channel, amount, is_end))
    return as_one(calls), claimed


def claim(station: TradingStation, channels: Sequence[ChannelId], *, is_end: bool) -> list[Claimed]:
    """Bring what is signed to the chain, and wait until it is final; no seller runs here.

    All in one transaction: what the escrow refuses of one, it refuses of all; of several it passes
    over what ended meanwhile, or is paid, and says so by having no event of it.

    Raises:
        NothingToClaim, ChannelNotOpen, RefusedInput: as `draft_claims`, or the escrow refuses it.
    """
    call, claimed = draft_claims(station, channels, is_end=is_end)
    receipt = send_as_asked(station, call, "See `edgemark trading channels`.")
    if receipt.block_hash == NOWHERE and not receipt.logs:
        return claimed  # what a node cannot simulate says nothing
    return read_claimed(claimed, receipt_events(receipt, station.escrow.contract))


def read_claimed(claimed: Sequence[Claimed], events: Sequence[ChainEvent]) -> list[Claimed]:
    """What became of claims by what the escrow says: of several it passes over what it cannot do.

    Args:
        claimed: that were sent together.
        events: of the escrow in that transaction.
    """
    paid = {each.channel: each.paid for each in events if isinstance(each, AmountPaid)}
    ended = {each.channel: each.amount for each in events if isinstance(each, ChannelEnded)}

    def read(each: Claimed) -> Claimed:
        amount = (ended if each.is_end else paid).get(each.channel)
        if amount is None:
            return replace(each, is_passed_over=True)
        return replace(each, amount=amount)

    return [read(each) for each in claimed]
