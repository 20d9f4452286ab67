"""What the page of the demonstration shows: each channel as the chain tells it, and the money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from edgemark.identifiers import Address, format_time
from edgemark.receipt import Receipt
from edgemark.receipt.exhibits import Link, MatterShown
from edgemark.systems.trading.demo.proof.checks import Held
from edgemark.systems.trading.story.reading import Chronicle
from edgemark.systems.trading.story.story import ChannelStory
from edgemark.systems.trading.story.telling import tell


def exhibit(
    receipt: Receipt,
    chronicle: Chronicle,
    channels: Sequence[Held],
    names: Mapping[Address, tuple[str, str]],
) -> None:
    """Put channels and flows on the receipt, from the chain's own events.

    Args:
        receipt: where to.
        chronicle: reads the chain.
        channels: that were played, in order.
        names: name and role of every account.
    """
    for held in channels:
        story = chronicle.read(held.channel)
        title = f"{held.name[:1].upper()}{held.name[1:]}, {held.buyer}: {held.way.value}"
        receipt.exhibits.add_matter("channels", MatterShown(title, tell(story, format_time)))
        receipt.exhibits.add_links(list(list_links(story, held, names)))
        receipt.about |= {
            "as of": f"{format_time(story.now)}, block {story.as_of}",
            "chain": str(story.chain_id),
            "contract": f"ChannelEscrow {story.escrow}",
            "edgemark": version("edgemark"),
        }


def list_links(
    story: ChannelStory, held: Held, names: Mapping[Address, tuple[str, str]]
) -> Iterator[Link]:
    """Where the tokens of a channel went: what was owed first, then penalty, then the rest."""
    deposit, bond = f"deposits of {held.buyer}", f"bonds of {held.buyer}"
    seller, payer = (names[each][0] for each in (story.terms.seller, story.terms.payer))
    if story.ended is None:
        return
    end = story.ended.end
    penalty = end.division.penalty
    yield Link(deposit, seller, end.amount)
    yield Link(deposit, payer, story.deposit - end.amount)
    if penalty:
        yield Link(bond, names[end.penalty_to][0], penalty)
    yield Link(bond, payer, story.terms.bond - penalty)
    if held.watched is not None:
        yield Link(f"retainers of {seller}", names[held.watched.tower][0], held.watched.retainer)
