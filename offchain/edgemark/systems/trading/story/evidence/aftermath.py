"""What the chain says of a channel behind the block at which a bundle of it ends. Pure.

Who exports a bundle chooses that block: it may be the one before its own fine.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.systems.trading.story.story import ChannelStory, Deed


@dataclass(frozen=True)
class Aftermath:
    """What came after a bundle.

    Attributes:
        story: of the channel, until the last block that the reader's chain has confirmed.
        deeds: behind the bundle's block, in the order of the chain.
        has_moved: whether the channel stands otherwise now: its phase, whether its window was
            answered, how it ended, whether the anchor returned the lock.
    """

    story: ChannelStory
    deeds: tuple[Deed, ...]
    has_moved: bool


def find_aftermath(said: ChannelStory, latest: ChannelStory) -> Aftermath:
    """Compare the story in a bundle with that of now.

    Args:
        said: in the bundle.
        latest: of the reader's chain.
    """
    deeds = tuple(deed for deed in latest.deeds if deed.mark.block > said.as_of)
    return Aftermath(latest, deeds, _standing(said) != _standing(latest))


def _standing(story: ChannelStory) -> tuple[object, ...]:
    end = None if story.ended is None else story.ended.end
    return story.phase, story.is_answered, end, story.is_returned
