"""What a controller knows of its channels: their terms from the chain, whose they are from papers.

It answers `reception.Channels`, in many threads, and reads of the chain only what no stranger can
have it read often: a channel that names another, or none that is open, is not here. Of one that
named another when it was opened a party brings the terms, whose hash it is.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Address
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.channels.apart import SetApart
from edgemark.systems.trading.controller.channels.desks import Desks
from edgemark.systems.trading.controller.channels.named import NamedChannels
from edgemark.systems.trading.controller.channels.places import Claim, pause_after
from edgemark.systems.trading.controller.recording.words import WordBook
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.settlement import Trade
from edgemark.systems.trading.identifiers import ChannelId, TemplateVersionId
from edgemark.systems.trading.protocol.agreement import Agreement
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.deals import Deal, DealDamaged
from edgemark.systems.trading.station.papers.tidying import Tidying
from edgemark.systems.trading.station.post.logins import Papers
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.template import Template, open_anchored, read_template

MOST_TEMPLATES = 1024  # in memory, of all channels together
MOST_FULL = 4096  # channels that found no place, and are not looked at for a moment


class KnownChannels:
    """Of one controller.

    Args:
        station: has the papers, and asks the chain.
        cycles: N of channels whose initiation credential is sealed.
        desks: that are open, or were.
        apart: channels whose papers are damaged, or could not be read.

    Attributes:
        expect: told of a channel whose papers are kept from now on.
        check_room: raises `Overloaded` where the papers of one more may not wait.
    """

    def __init__(
        self,
        station: TradingStation,
        cycles: int,
        desks: Desks,
        apart: SetApart,
    ) -> None:
        self._station, self._cycles = station, cycles
        self._desks, self._apart = desks, apart
        self.expect: Callable[[ChannelId], None] = lambda _: None
        self.check_room: Callable[[ChannelId], None] = lambda _: None
        self.words = WordBook(station.evidence_domain)
        self.named = NamedChannels(lambda channel: desks.terms(channel) is not None)
        grace = station.decided.limits.exit_grace
        self._tidying = Tidying(
            station.deals, grace, self.is_served, lambda each: not self.is_served(each)
        )
        self._full: OrderedDict[ChannelId, tuple[float, Overloaded]] = OrderedDict()
        self._trades: dict[ChannelId, Trade] = {}
        self._templates: dict[TemplateVersionId, Template] = {}

    def is_named(self, channel: ChannelId) -> bool:
        """As `reception.Channels.is_named`."""
        has_place = self._desks.terms(channel) is not None
        return has_place or self.named.find(channel) is not None or self._desks.had(channel)

    def is_served(self, channel: ChannelId) -> bool:
        """As `reception.Channels.is_served`."""
        if self._desks.terms(channel) is not None:
            return True
        return self.is_named(channel) and self.parties(channel) is not None

    def terms(self, channel: ChannelId) -> Terms | None:
        """As `reception.Channels.terms`."""
        terms = self._desks.terms(channel)
        if terms is not None or not self.is_named(channel):
            return terms
        found, deal = self.named.find(channel), self._find(channel)
        if found is not None and found.terms is not None:
            return found.terms
        return None if deal is None else deal.terms

    def pinned(self, channel: ChannelId) -> Mapping[Role, Address]:
        """As `reception.Channels.pinned`."""
        return self._desks.pinned(channel)

    def weight(self, channel: ChannelId) -> int:
        """As `reception.Channels.weight`."""
        weight, named = self._desks.weight(channel), self.named.find(channel)
        if weight is not None:  # also where it is 0: what is over holds nothing up
            return weight
        return 0 if named is None or named.locked is None else named.locked

    def claim(self, channel: ChannelId) -> Claim:
        """As `reception.Channels.claim`."""
        return self._desks.rises.claim(channel, self.weight(channel))

    def parties(self, channel: ChannelId) -> Mapping[Role, Did] | None:
        """As `reception.Channels.parties`."""
        deal = self._find(channel)
        return None if deal is None else deal.dids

    def _find(self, channel: ChannelId) -> Deal | None:
        """What is kept; nothing of what is damaged, which a party brings again."""
        try:
            return self._station.deals.find(channel)
        except DealDamaged as error:
            self._apart.note(channel, error)
            return None

    def keep(self, channel: ChannelId, papers: Papers) -> Mapping[Role, Did]:
        """As `reception.Channels.keep`.

        Raises:
            LedgerUnavailable: the chain does not say which template it has.
            Overloaded: it found no place a moment ago, or many others wait for one.
            RefusedInput: as there.
        """
        self.check_room(channel)
        self._check_full(channel)
        terms = papers.terms
        if self._station.deals.id_of(terms) != channel:
            raise RefusedInput("are of another channel", who="terms", needed=channel.hex())
        deal = Deal.of(terms, papers.token, self._read_templates(terms, papers))
        self._station.deals.keep(deal)
        self._apart.drop(channel)
        self.expect(channel)
        return deal.dids

    def note_full(self, channel: ChannelId, full: Overloaded) -> None:
        """It found no place: its papers go, and it may ask again in a while."""
        self._station.deals.forget(channel)
        self._full[channel] = (time.monotonic() + pause_after(full), full)
        self._full.move_to_end(channel)
        while len(self._full) > MOST_FULL:
            self._full.popitem(last=False)

    def _check_full(self, channel: ChannelId) -> None:
        until, full = self._full.get(channel, (0.0, None))
        if full is not None and time.monotonic() < until:
            raise full

    def note_word(self, channel: ChannelId, role: Role, word: bytes) -> None:
        """As `reception.Channels.note_word`."""
        terms = self.terms(channel)
        if terms is not None:
            self.words.note(channel, terms, role, word)

    def keys(self, did: Did) -> Collection[Address]:
        """As `reception.Channels.keys`."""
        return self._station.documents.authentication(did)

    def agreement(self, channel: ChannelId) -> Agreement:
        """Of a channel whose papers are kept.

        Raises:
            DealUnknown: they are not.
        """
        return self._station.deals.agreement(channel, self._cycles)

    def trade(self, channel: ChannelId) -> Trade:
        """What credentials of a channel say; raises as `agreement`."""
        found = self._trades.get(channel)
        if found is None:
            deal = self._station.deals.get(channel)
            found = deal.trade
            found = replace(found, template=self._shared(found.template))
            self._trades[channel] = found
        return found

    def drop_lapsed(self, now: int) -> None:
        """What is kept or known of channels whose locks have expired goes."""
        grace = self._station.decided.limits.exit_grace
        self.named.drop_lapsed(now, grace)
        self._desks.floors.forget_lapsed(now)
        self._tidying.look(now)

    def forget(self, channel: ChannelId) -> None:
        """It is over, and nothing of it is owed; or it gave its place up."""
        self._trades.pop(channel, None)
        self._desks.forget(channel)
        self.named.drop(channel)
        self.words.drop(channel)
        self._station.deals.forget(channel)

    def _read_templates(self, terms: Terms, papers: Papers) -> Templates:
        """Those that the chain has: of the settlement template the other one has the hash."""
        named = TemplateVersionId(terms.initiation_template)
        version = self._station.templates.version_of(named)
        tit = open_anchored(papers.initiation, version.content_hash, who="initiation template")
        return Templates(tit, read_template(papers.settlement, who="settlement template"))

    def _shared(self, template: Template) -> Template:
        """One copy of what many channels have alike."""
        if len(self._templates) >= MOST_TEMPLATES:
            self._templates.clear()
        return self._templates.setdefault(template.version_id, template)
