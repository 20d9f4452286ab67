"""What a controller's reception knows of channels, and of the sessions that it let in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from edgemark.identifiers import Address
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.channels.places import Claim
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.post.logins import Papers, Pass


class Channels(Protocol):
    """What a controller knows of its channels; asked by many threads."""

    def is_named(self, channel: ChannelId) -> bool:
        """Whether a party may log in for a channel: it names this controller, or may again."""

    def is_served(self, channel: ChannelId) -> bool:
        """Whether letters of a channel are carried: it is named, and its papers are here."""

    def terms(self, channel: ChannelId) -> Terms | None:
        """Of a channel that is named, as far as they are known."""

    def pinned(self, channel: ChannelId) -> Mapping[Role, Address]:
        """Keys with which parties sign in a channel that has a place; none of any other."""

    def weight(self, channel: ChannelId) -> int:
        """What a channel weighs that has a place, where places are few; see `channels.places`."""

    def claim(self, channel: ChannelId) -> Claim:
        """What it brings where it has none."""

    def parties(self, channel: ChannelId) -> Mapping[Role, Did] | None:
        """Identities of buyer and seller, as the papers say that it keeps; None without any."""

    def keep(self, channel: ChannelId, papers: Papers) -> Mapping[Role, Did]:
        """Keep the papers of a channel for good, and say whose they are.

        Raises:
            Overloaded: there is no place for it.
            RefusedInput: they are not those that its terms name.
        """

    def note_word(self, channel: ChannelId, role: Role, word: bytes) -> None:
        """A party's signature under evidence of the initiation credential.

        Raises:
            WordStrange: it is of another, or of another channel.
            BadSignature: it is no signature in the one form.
        """

    def keys(self, did: Did) -> Collection[Address]:
        """Keys that an identity has now; none when it was deactivated.

        Raises:
            LedgerUnavailable, Overloaded: it is not known as it is now.
        """


@dataclass(eq=False)
class Visit:
    """A session that was let in.

    Attributes:
        did, role: whose.
        key: that signed its last login.
        is_pinned: it is a key of its channels, and was none of its identity.
        given: its pass, with all channels that it has.
        until: its last second at the broker.
        looked_at: when its key was last seen among those of its identity, Unix seconds.
    """

    did: Did
    role: Role
    key: Address
    is_pinned: bool
    given: Pass
    until: float
    looked_at: float
