"""What a controller knows of its channels: their terms from the chain, whose they are from papers.

It answers `reception.Channels`, in many threads, and reads of the chain only what no stranger can
have it read often: a channel that names another, or none that is open, is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.channels.named import NamedChannels
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.settlement import Trade
from edgemark.systems.trading.identifiers import ChannelId, TemplateVersionId
from edgemark.systems.trading.protocol.agreement import Agreement
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.post.logins import Papers
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.template import Template, open_anchored, read_template

MOST_TEMPLATES = 1024  # in memory, of all channels together


class KnownChannels:
    """Of one controller.

    Args:
        station: has the papers, and asks the chain.
        cycles: N of channels whose initiation credential is sealed.
        terms_of: of a channel whose desk is open; None for any other.
        on_kept: told of a channel whose papers are kept from now on.
    """

    def __init__(
        self,
        station: TradingStation,
        cycles: int,
        terms_of: Callable[[ChannelId], Terms | None],
        on_kept: Callable[[ChannelId], None],
    ) -> None:
        self._station, self._cycles = station, cycles
        self._terms_of, self._on_kept = terms_of, on_kept
        self.named = NamedChannels(lambda channel: terms_of(channel) is not None)
        self._trades: dict[ChannelId, Trade] = {}
        self._templates: dict[TemplateVersionId, Template] = {}

    def terms(self, channel: ChannelId) -> Terms | None:
        """As `reception.Channels.terms`."""
        found = self.named.find(channel)
        return self._terms_of(channel) if found is None else found.terms

    def parties(self, channel: ChannelId) -> Mapping[Role, Did] | None:
        """As `reception.Channels.parties`."""
        deal = self._station.deals.find(channel)
        return None if deal is None else deal.dids

    def keep(self, channel: ChannelId, papers: Papers) -> Mapping[Role, Did]:
        """As `reception.Channels.keep`.

        Raises:
            LedgerUnavailable: the chain does not say which template it has.
            RefusedInput: as there.
        """
        terms = self.terms(channel)
        if terms is None:
            raise RefusedInput("is over meanwhile", who=f"channel {channel.hex()}")
        deal = Deal.of(terms, papers.token, self._read_templates(terms, papers))
        self._station.deals.keep(deal)
        self._on_kept(channel)
        return deal.dids

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

    def forget(self, channel: ChannelId) -> None:
        """It is over, and nothing of it is owed."""
        self._trades.pop(channel, None)
        self.named.drop(channel)
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
