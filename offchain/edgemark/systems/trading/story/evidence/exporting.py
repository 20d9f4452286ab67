"""Puts the bundle of a channel together: from this party's own home, its controller and the chain.

A party of the channel has what it takes: the deal, the settlement credentials that came, its
journal. What it does not hold is left out and told, and nothing that only its parties may read
leaves: claims that are sealed stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.loop.replay import look_up
from edgemark.storage.cid import MAX_BLOCK_BYTES, Cid, cid_of, parse_cid
from edgemark.storage.content import ContentMissing
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.evidence.events import RootAnchored
from edgemark.systems.trading.controller.recording.lists import plant, read_anchored
from edgemark.systems.trading.credentials.keeping import KeptCredentials
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import PartyMachine
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.story.evidence.bundle import Bundle, Leaf
from edgemark.systems.trading.story.story import Amended, ChannelStory

MOST_ROOTS = (
    256  # whose lists are looked into for one bundle, the newest; a list is of all channels
)
CONTENTS = "/v1/contents/"  # at a controller

Fetch = Callable[[Address, Cid], bytes]
"""A block of content that a controller named; raises `EdgemarkError`."""


class NothingHeld(RefusedInput):
    """This home is no party of the channel, or its disk was lost."""


class ListOfAnother(PeerFault):
    """A controller anchored a root with the list, or the number of leaves, of another."""


@dataclass(frozen=True)
class Exported:
    """A bundle, and what of the channel is not in it, in words.

    Attributes:
        lacks: in the order in which it was missed.
    """

    bundle: Bundle
    lacks: tuple[str, ...]


def export_bundle(
    station: TradingStation, story: ChannelStory, last: int, fetch: Fetch | None = None
) -> Exported:
    """Evidence of a channel that this home is a party of; its process may run.

    Args:
        station: of the home, to look only.
        story: the channel as the chain tells it.
        last: settlements that are put in, at most, the newest.
        fetch: content of a controller; None: from this home, else from its HTTPS face.

    Raises:
        NothingHeld: this home has not agreed to it.
        NoSettlementFile, Unrecoverable: what it keeps is damaged.
    """
    deal = _find_deal(station, story.channel)
    kept = KeptCredentials(station.home).settlements(story.channel)
    shown = kept[-last:]
    anchored, missed = _find_leaves(station, story, shown, fetch or content_of(station))
    bundle = Bundle(
        story=story,
        controllers=station.controllers.address,
        registry=station.evidence.address,
        token=deal.token,
        initiation_text=deal.initiation_text,
        settlement_text=deal.settlement_text,
        settlements=tuple(shown),
        voucher=find_voucher(station.home, story.channel),
        anchored=anchored,
    )
    left = [f"{len(kept) - len(shown)} older settlements (--last)"] if kept[:-last] else []
    return Exported(bundle, (*left, *missed))


def _find_deal(station: TradingStation, channel: ChannelId) -> Deal:
    deal = station.deals.find(channel)
    if deal is None:
        raise NothingHeld(
            "has not agreed to this channel",
            who=f"home {station.home}",
            had="no deal of it",
            needed=f"channel {channel.hex()}",
            remedy="Use the home of its seller or buyer.",
        )
    return deal


def find_voucher(home: Path, channel: ChannelId) -> Countersigned | None:
    """The newest voucher with both signatures, by this home's journals."""
    sale: Sale | None = look_up(home, "seller", PartyMachine(Sale), channel)
    if sale is not None and sale.agreement is not None:
        return sale.voucher
    bought: Purchase | None = look_up(home, "buyer", PartyMachine(Purchase), channel)
    return None if bought is None else bought.voucher


def content_of(station: TradingStation) -> Fetch:
    """Content of this home; what it lacks, the controller gives that named it."""

    def fetch(controller: Address, cid: Cid) -> bytes:
        try:
            return station.content.get(cid)
        except ContentMissing:
            found = station.ask(
                controller, f"{CONTENTS}{cid}", b"", most=MAX_BLOCK_BYTES, method="GET"
            )
        if cid_of(found) != cid:
            raise PeerFault("gave another content", who=controller, needed=cid)
        return found

    return fetch


@dataclass(frozen=True)
class _Root:
    """A root that a controller of the channel anchored while it lived."""

    said: RootAnchored
    time: Timestamp


def _find_leaves(
    station: TradingStation, story: ChannelStory, shown: Sequence[KeptSettlement], fetch: Fetch
) -> tuple[tuple[Leaf, ...], list[str]]:
    """Where settlements stand under roots, each under the first; what could not be looked at."""
    roots = _list_roots(station, story) if shown else []
    lacks = []
    if len(roots) > MOST_ROOTS:
        lacks.append(f"lists of {len(roots) - MOST_ROOTS} older anchored roots")
    found: dict[int, Leaf] = {}
    digests = {each.said.voucher.index: each.credential.digest for each in shown}
    for root in roots[-MOST_ROOTS:]:
        try:
            for leaf in _leaves_under(station, story, root, digests, fetch):
                found.setdefault(leaf.index, leaf)
        except LedgerUnavailable:
            raise
        except EdgemarkError as error:
            lacks.append(f"list {root.said.cid} of an anchored root: {error}")
    return tuple(found[index] for index in sorted(found)), lacks


def _leaves_under(
    station: TradingStation,
    story: ChannelStory,
    root: _Root,
    digests: Mapping[int, bytes],
    fetch: Fetch,
) -> list[Leaf]:
    said, domains = root.said, (station.domain, station.controllers_domain)
    head, pieces = read_anchored(
        parse_cid(said.cid), lambda cid: fetch(said.controller, cid), *domains
    )
    places = [
        place
        for place, each in enumerate(pieces)
        if each.channel == story.channel and digests.get(each.index) == each.claim.credential_hash
    ]
    had, needed = (
        (head.controller, head.root, head.leaves),
        (said.controller, said.root, said.leaves),
    )
    if places and had != needed:
        raise ListOfAnother("is of another root", who=f"list {said.cid}", had=had, needed=needed)
    tree = plant(pieces, *domains) if places else None
    return [
        Leaf(
            pieces[place].index,
            said.controller,
            head.root,
            head.leaves,
            said.cid,
            said.at.block_number,
            root.time,
            Hash32(said.at.tx_hash),
            place,
            tree.branch(place),
        )
        for place in places
        if tree is not None
    ]


def _list_roots(station: TradingStation, story: ChannelStory) -> list[_Root]:
    """Of all controllers that the channel ever named, oldest first."""
    chain, contract = station.chain, station.evidence.contract
    amended = [deed.signers.controller for deed in story.deeds if isinstance(deed, Amended)]
    named = {story.terms.controller, *amended}
    keys = [bytes.fromhex(each[2:]).rjust(32, b"\0") for each in sorted(named)]
    topics = [[contract.interface.topic("RootAnchored")], keys]
    logs = chain.logs([contract.address], story.opened.block, story.as_of, topics)
    said = [each for each in decode_logs([contract], logs) if isinstance(each, RootAnchored)]
    blocks = sorted({each.at.block_number for each in said})
    times = {each.number: Timestamp(each.timestamp) for each in chain.headers(blocks)}
    return [_Root(each, times[each.at.block_number]) for each in said]
