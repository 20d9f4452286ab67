"""Reads the life of a channel from the chain's events alone: no key, no journal, no peer."""

from __future__ import annotations

from edgemark.chronicle.lookout import MatterLookout, MatterUnknown
from edgemark.chronicle.transactions import Transactions
from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract import events as seen
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.story.folding import StoryFold, begin_story, pick_evidence
from edgemark.systems.trading.story.story import ChannelStory


class ChannelUnknown(MatterUnknown):
    """No such channel stands on this chain, or not deep enough yet."""

    WORD = "channel"


class Chronicle:
    """The channels of one escrow, as anybody can read them.

    Args:
        chain: where.
        deployment: addresses of all contracts.
    """

    def __init__(self, chain: EvmChain, deployment: Deployment) -> None:
        self._chain = chain
        self._escrow = deployment.contract("ChannelEscrow")
        self._evidence = deployment.contract("EvidenceRegistry")
        self._transactions = Transactions(chain, deployment, self._escrow, [self._evidence])

    def list_channels(self, party: Address | None = None) -> tuple[ChannelId, ...]:
        """Channels that were ever opened, oldest first; as `list_openings`."""
        return tuple(opened.channel for opened in self.list_openings(party))

    def list_openings(self, party: Address | None = None) -> list[seen.ChannelOpened]:
        """How channels were ever opened, oldest first, at confirmed depth.

        Args:
            party: only those of this payer or seller.
        """
        until, name = self._chain.confirmed(), [self._escrow.interface.topic("ChannelOpened")]
        topics: list[list[list[bytes]]] = [[name]]
        if party is not None:
            key = [bytes.fromhex(party[2:]).rjust(32, b"\0")]
            topics = [[name, [], key], [name, [], [], key]]
        found = [event for each in topics for event in self._transactions.events(until, each)]
        opened = [event for event in found if isinstance(event, seen.ChannelOpened)]
        return sorted(opened, key=lambda event: (event.at.block_number, event.at.log_index))

    def read(self, channel: ChannelId, *, until: int | None = None) -> ChannelStory:
        """The life of a channel.

        Args:
            channel: which.
            until: the last block that is looked at; None: the last confirmed one.

        Raises:
            ChannelUnknown: nothing on chain names it.
            RefusedInput: that block is not confirmed.
        """
        until, said = self._check_until(until), self._transactions
        events = said.events(until, [[], [channel]])
        if not events or not isinstance(events[0], seen.ChannelOpened):
            raise ChannelUnknown.on(channel, self._chain, until)
        recorded = said.events(until, [[], [], [], [channel]], self._evidence)
        worth, untold, repeated = pick_evidence(events[0], events, recorded)
        mined = said.mined([*events, *worth, *said.returns(channel, until)], until)
        opened, now = said.mark(mined[0]), said.time_of(until)
        fold = StoryFold(begin_story(self._chain.chain_id, events[0], opened, until, now))
        looked_at = {each.receipt.tx_hash for each in mined}
        for each in mined:
            fold.take(said.mark(each), said.said_in(each))
        left = [sum(e.at.tx_hash not in looked_at for e in each) for each in (untold, repeated)]
        fold.pass_over(untold=left[0], repeated=left[1])
        return fold.finish()

    def _check_until(self, until: int | None) -> int:
        confirmed = self._chain.confirmed()
        if until is not None and until > confirmed:
            raise RefusedInput(
                "is not confirmed on this chain",
                who="last block to look at",
                had=until,
                needed=f"<= {confirmed}",
                remedy="Check the settings chain.url and chain.confirmations, or wait.",
            )
        return confirmed if until is None else until


class Lookout(MatterLookout[Chronicle]):
    """A chain and its contracts, to read channels from; makes no key and no folder."""

    @classmethod
    def open(cls, settings: Settings) -> Lookout:
        """Connect as the settings say; raises as `MatterLookout.of`."""
        return cls.of(settings, TradingStation.GROUPS, Chronicle)
