"""Which topics of a broker belong to a channel: an inbox of the seller's, and one of the buyer's.

A party publishes to the other's inbox and listens to its own; the controller, the hub of its
broker, does both with both. So a letter reaches the other party and the controller, and whoever
it is not for leaves it alone. They stand below the hub's name: a Mosquitto disconnects whoever gets
rights, and the hub has them from the beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.protocol.letters import Role
from edgemark.transport.broker.tickets import MOST_TOPICS, Topics

HUB = "hub"  # the controller's own session
MOST_CHANNELS = MOST_TOPICS // 2  # of one controller: its hub has both inboxes of each
OTHER = {Role.BUYER: Role.SELLER, Role.SELLER: Role.BUYER}


def inbox(channel: ChannelId, owner: Role) -> str:
    """Where a party of a channel listens."""
    return f"{HUB}/{channel.hex()}/{owner.value}"


def topics_of(channel: ChannelId, role: Role) -> Topics:
    """What somebody does with the topics of a channel."""
    if role is Role.CONTROLLER:
        both = [inbox(channel, owner) for owner in OTHER]
        return Topics.many(both, both)
    return Topics.pair(inbox(channel, OTHER[role]), inbox(channel, role))


def topics_of_all(channels: Iterable[ChannelId], role: Role) -> Topics:
    """The same of many."""
    parts = [topics_of(channel, role) for channel in channels]
    publish = (topic for part in parts for topic in part.publish)
    return Topics.many(publish, (topic for part in parts for topic in part.subscribe))


def channel_of(topic: str) -> ChannelId | None:
    """The channel of an inbox; None for another topic."""
    hub, _, rest = topic.partition("/")
    digits, _, owner = rest.partition("/")
    if hub != HUB or owner not in {each.value for each in OTHER}:
        return None
    try:
        channel = parse_channel_id(digits)
    except RefusedInput:
        return None
    return channel if channel.hex() == digits else None


def name_session(account: Address, role: Role, did: Did) -> str:
    """The session of a party at a controller: one for its account, its role and its identity.

    The keys of an identity open what is said to it, so another identity of the same account has a
    session of its own.
    """
    return _name(account, role, f"{did.chain_id:#x}:{did.identity.lower()}")


def name_session_of_key(account: Address, role: Role, key: Address) -> str:
    """The session that a key opened with which a party signs in its channels, and no identity."""
    return _name(account, role, f"key:{key.lower()}")


def _name(account: Address, role: Role, whose: str) -> str:
    return f"{account.lower()}-{role.value}-{hashlib.sha256(whose.encode()).hexdigest()[:8]}"
