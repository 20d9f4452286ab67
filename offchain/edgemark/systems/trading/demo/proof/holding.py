"""What the parties of a channel have on their disks, read while others may be at work there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgemark.identifiers import NO_TIME, Address, Tokens
from edgemark.loop.replay import look_up
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.watching.by_hand import find_guard
from edgemark.systems.trading.station.deals import DealBook
from edgemark.systems.trading.tower.messages import SignedReceipt

SELLER = "seller"  # its journal


@dataclass(frozen=True)
class Till:
    """A seller's home, as its user looks into it.

    Attributes:
        home: its folder.
        deals: that it keeps there.
    """

    home: Path
    deals: DealBook

    def sale(self, channel: ChannelId) -> Sale:
        """What it remembers of a channel."""
        return look_up(self.home, SELLER, PartyMachine(Sale), channel) or Sale()

    def owed(self, channel: ChannelId) -> Tokens:
        """The largest amount that both signed."""
        return self.sale(channel).signed

    def settled(self, channel: ChannelId) -> int:
        """Index of the newest voucher that both signed; 0: there is none."""
        voucher = self.sale(channel).voucher
        return 0 if voucher is None else voucher.voucher.index

    def is_overdrawn(self, channel: ChannelId) -> bool:
        """Whether it takes no work, as the deposit does not cover what is asked for."""
        return self.sale(channel).overdrawn_since != NO_TIME

    def receipt_of(self, channel: ChannelId, tower: Address) -> SignedReceipt | None:
        """The newest that a tower gave for a channel, and this home keeps."""
        guard = find_guard(self.home, channel)
        kept = [] if guard is None else [each for each in guard.receipts if each.tower == tower]
        return kept[-1].signed if kept else None

    def initiation(self, channel: ChannelId) -> str:
        """The credential with which a channel began."""
        return self.deals.get(channel).token

    def settlements(self, channel: ChannelId) -> list[KeptSettlement]:
        """The settlement credentials that it keeps, by their indices."""
        return KeptCredentials(self.home).settlements(channel)
