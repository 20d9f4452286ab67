"""A buyer that cheats on purpose, for the demonstration and the end-to-end tests.

It is a real buyer but for one thing, and only in the channels that the script in its home folder
names (`demo.script`): as soon as the script says so, it closes below what it signed.

| deed    | with which voucher it closes                        | what it hopes for             |
|---------|-----------------------------------------------------|-------------------------------|
| older   | one that both signed, for less                      | what was served since is free |
| highest | one of the highest index and the amount 0, its own  | that the index decides        |
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from edgemark.demo.script import find_deed
from edgemark.identifiers import Tokens
from edgemark.logs import LogSettings, configure_logs
from edgemark.party.running import serve
from edgemark.settings.loading import load_settings
from edgemark.systems.trading.buyer.buyer import Buyer
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.escrow import BroughtVoucher
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.station.station import TradingStation

HIGHEST = 2**64 - 1


class Deed(StrEnum):
    """How a dishonest buyer closes a channel."""

    OLDER = "older"
    HIGHEST = "highest"


class DishonestBuyer(Buyer):
    """A buyer with a script."""

    def look(self) -> None:
        """As an honest buyer, and then the deed, where its time has come."""
        super().look()
        for key, state in self.runtime.states().items():
            deed = find_deed(self.station.home, key)
            if deed is not None and state.phase is BuyerPhase.BUYING:
                self._close(ChannelId(key), state, Deed(deed))

    def _close(self, channel: ChannelId, state: Purchase, deed: Deed) -> None:
        """What is on the way already is not sent again: the lane knows the call."""
        brought = BroughtVoucher(state.known.terms, self._draft(channel, state, deed))
        self.station.submit(self.station.escrow.close([brought]))

    def _draft(self, channel: ChannelId, state: Purchase, deed: Deed) -> Voucher:
        if deed is Deed.OLDER:
            return read_oldest(self.station.home, channel)
        signers = state.in_force
        template = state.known.terms.settlement_template
        return Voucher(HIGHEST, Tokens(0), template, signers.controller, signers.epoch)


def read_oldest(home: Path, channel: ChannelId) -> Voucher:
    """The voucher of the oldest settlement credential that a buyer keeps of a channel.

    Raises:
        LookupError: it keeps none.
    """
    kept = KeptCredentials(home).settlements(channel)
    if not kept:
        raise LookupError("no settlement of this channel is kept")
    return kept[0].said.voucher


def main() -> None:
    """Run a dishonest buyer: `python -m edgemark.systems.trading.demo.dishonest HOME`."""
    settings = load_settings(
        file=None,
        environ={},
        overrides={"home": Path(sys.argv[1])},
        sections=TradingStation.SECTIONS,
    )
    configure_logs(settings.of(LogSettings).level)
    serve(TradingStation.open(settings), DishonestBuyer)


if __name__ == "__main__":
    main()
