"""A buyer that lost its disk: what the chain still says of a channel of its account.

It does not close: with what it does not know any more it would close below what it signed, and lose
its bond. It asks the seller for its word, which is a cooperative end, or waits for `close_by`,
after which anybody ends the channel at what is paid.
"""

from __future__ import annotations

from edgemark.errors import RefusedInput
from edgemark.indexer.keeping import keep_in_step
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import index_path
from edgemark.systems.trading.contract.escrow import terms_of
from edgemark.systems.trading.contract.events import ChannelOpened
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Agreement, Conditions
from edgemark.systems.trading.station.station import TradingStation

NOTHING_KNOWN = Conditions(1, NO_TOKENS, NO_TOKENS, 0, 1, 1)  # nothing more is bought under them


class NotOpenedHere(RefusedInput):
    """No channel of this id was opened by this account."""


def find_agreement(station: TradingStation, channel: ChannelId) -> Agreement:
    """What was agreed on: of this home's deals where they have it, else of the chain.

    Raises:
        NotOpenedHere: this account opened no such channel.
        LedgerUnavailable, IndexBusy, IndexDamaged: nobody knows.
    """
    kept = station.deals.find(channel)
    if kept is not None:
        return station.deals.agreement(channel)
    path = index_path(station.home, station.deployment)
    keep_in_step(station.chain, station.deployment, path)
    with IndexStore.open_to_read(path, station.deployment) as store:
        events = [dated.event for dated in store.of_kind(ChannelOpened)]
    opened = [e for e in events if isinstance(e, ChannelOpened) and e.channel == channel]
    terms = [terms_of(each.terms) for each in opened]
    own = [each for each in terms if each.payer == station.address]
    if not own:
        raise NotOpenedHere(
            "was not opened by this account",
            who=f"channel {channel.hex()}",
            had="another payer" if terms else "no such channel",
            needed=station.address,
            remedy="Use the home with the account that pays in it.",
        )
    return Agreement(channel, own[0], NOTHING_KNOWN)
