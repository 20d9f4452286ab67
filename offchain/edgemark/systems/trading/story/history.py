"""Channels and offers as an index of a chain's events tells them.

Nothing here is stored: whatever the index takes back after a reorganisation is gone from here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edgemark.chronicle.book import by_transaction, mark_of
from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.indexer.store import DatedEvent, IndexStore
from edgemark.systems.trading.contract import events as on
from edgemark.systems.trading.contract.escrow import terms_of
from edgemark.systems.trading.contract.market import events as market
from edgemark.systems.trading.contract.market.offers import offer_of
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.story.folding import StoryFold, begin_story
from edgemark.systems.trading.story.story import ChannelStory

LISTED, EXPIRED, WITHDRAWN, DISPLACED, CLEARED = (
    "listed",
    "expired",
    "withdrawn",
    "displaced",
    "cleared",
)
OFFER_STATES = (LISTED, EXPIRED, WITHDRAWN, DISPLACED, CLEARED)
_OFF_THE_LIST: dict[type, str] = {
    market.OfferWithdrawn: WITHDRAWN,
    market.OfferDisplaced: DISPLACED,
    market.OfferCleared: CLEARED,
}


@dataclass(frozen=True)
class OfferStory:
    """What became of an offer.

    Attributes:
        offer: as it was listed last.
        deposit: that was locked for its place.
        posted_at: when it was listed.
        state: of `OFFER_STATES`.
    """

    offer: Offer
    deposit: Tokens
    posted_at: Timestamp
    state: str


@dataclass(frozen=True)
class History:
    """The channels of one escrow and the offers under it.

    Args:
        store: an index of this deployment.
        deployment: addresses of the contracts.
    """

    store: IndexStore
    deployment: Deployment

    def read(self, channel: ChannelId) -> ChannelStory:
        """One channel as `Chronicle.read` tells it, but for senders: no event has them.

        Raises:
            RefusedInput: no such channel in the index.
        """
        events = self.store.about(channel)
        fold = StoryFold(self._begin(channel, events))
        for mark, said in by_transaction(events):
            fold.take(mark, said)
        return fold.finish()

    def list_channels(
        self,
        *,
        party: Address | None = None,
        controller: Address | None = None,
        phase: ChannelPhase | None = None,
    ) -> Iterator[ChannelStory]:
        """Channels, the newest first, one at a time.

        Args:
            party: payer or seller.
            controller: in force.
            phase: on chain.
        """
        openings: Iterator[DatedEvent] | Sequence[DatedEvent] = (
            self.store.of_kind(on.ChannelOpened)
            if party is None
            else self.store.about(bytes.fromhex(party[2:]), [on.ChannelOpened])[::-1]
        )
        for dated in openings:
            opened = dated.event
            if not isinstance(opened, on.ChannelOpened):
                continue
            story = self.read(ChannelId(opened.channel))
            if phase in (None, story.phase) and controller in (None, story.signers.controller):
                yield story

    def list_offers(
        self, *, seller: Address | None = None, state: str | None = None
    ) -> Iterator[OfferStory]:
        """Offers under this escrow, the newest first, one at a time."""
        escrow = self.deployment.contracts["ChannelEscrow"]
        for dated in self.store.of_kind(market.OfferPosted):
            posted = dated.event
            if not isinstance(posted, market.OfferPosted) or posted.escrow != escrow:
                continue
            offer = offer_of(escrow, posted.offer, posted.said)
            if seller not in (None, offer.seller):
                continue
            story = self._follow(OfferStory(offer, posted.deposit, dated.at, LISTED))
            if state in (None, story.state):
                yield story

    def _begin(self, channel: ChannelId, events: Sequence[DatedEvent]) -> ChannelStory:
        top = self.store.highest()
        for dated in events:
            if isinstance(dated.event, on.ChannelOpened) and top is not None:
                chain, now = self.deployment.chain_id, Timestamp(top.timestamp)
                return begin_story(chain, dated.event, mark_of(dated), top.number, now)
        raise RefusedInput(
            "is not in the index",
            who=f"channel {channel.hex()}",
            remedy="Is the index up to date?",
        )

    def _follow(self, story: OfferStory) -> OfferStory:
        """What happened to an offer since it was listed."""
        offer = story.offer
        for dated in self.store.about(offer.id):
            event = dated.event
            if getattr(event, "offer", None) != offer.id:
                continue  # one that this one displaced
            story = _after(story, event)
        taken = story.offer.taken + self._count_opened(offer)
        story = replace(story, offer=replace(story.offer, taken=taken))
        top = self.store.highest()
        is_over = top is not None and top.timestamp > story.offer.draft.expires_at
        return replace(story, state=EXPIRED) if story.state == LISTED and is_over else story

    def _count_opened(self, offer: Offer) -> int:
        """Channels that were ever opened with it: each of its seller's says which it took."""
        opened = self.store.about(bytes.fromhex(offer.seller[2:]), [on.ChannelOpened])
        return sum(
            isinstance(dated.event, on.ChannelOpened)
            and terms_of(dated.event.terms).offer == offer.id
            for dated in opened
        )


def _after(story: OfferStory, event: object) -> OfferStory:
    off = _OFF_THE_LIST.get(type(event))
    if off is not None:
        return replace(story, state=off)
    match event:
        case market.OfferRenewed():
            draft = replace(story.offer.draft, expires_at=event.expires_at)
            return replace(story, offer=replace(story.offer, draft=draft))
        case market.CapacityReleased():  # by one channel each
            return replace(story, offer=replace(story.offer, taken=story.offer.taken - 1))
        case _:
            return story
