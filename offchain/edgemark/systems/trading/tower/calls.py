"""What a tower sends, effect by effect, and what it reads of its channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from edgemark.identifiers import NOBODY, Address
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.escrow import BroughtResponse, BroughtVoucher
from edgemark.systems.trading.contract.towers.watchtowers import Covering
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.taking import TowerView
from edgemark.systems.trading.tower.watch import Watch


def call_of(station: TradingStation, watch: Watch, effect: on.TowerEffect) -> Call:
    """The call by which a tower carries out an effect."""
    escrow, towers, promise = station.escrow, station.towers, watch.known
    match effect:
        case on.SubmitCover():
            return towers.cover([Covering(promise.channel, promise.cover, promise.lock_expiry)])
        case on.SubmitUncover():
            return towers.uncover(station.address, [promise.channel])
        case do.SubmitCheckpoint():
            signed = watch.newest.voucher
            signatures = (signed.payer_signature, signed.seller_signature)
            return escrow.checkpoint([BroughtVoucher(promise.terms, signed.voucher, *signatures)])
        case do.SubmitResponse():
            return escrow.respond([draft_response(watch, station.address)])
        case do.SubmitSettle():
            return escrow.settle([promise.terms])
        case do.SubmitEndUnclosed():
            return escrow.end_unclosed([promise.terms])
        case _:
            assert_never(effect)


def draft_response(watch: Watch, me: Address) -> BroughtResponse:
    """What is held, with the delegation where no newer one was shown."""
    held, shown = watch.newest, watch.newest.voucher
    delegated = (me, held.number, held.delegation) if watch.delegates else (NOBODY, 0, b"")
    return BroughtResponse(watch.known.terms, shown.voucher, shown.payer_signature, *delegated)


def read_views(station: TradingStation, watches: Sequence[Watch], block: int) -> list[TowerView]:
    """What a block has of channels, and of what is set aside for them."""
    stored = station.escrow.channels([each.known.terms for each in watches], block=block)
    covers = [
        station.towers.cover_of(station.address, each.known.channel, block=block)
        for each in watches
    ]
    return [TowerView(*each) for each in zip(stored, covers, strict=True)]
