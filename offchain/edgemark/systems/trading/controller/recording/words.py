"""What both parties of a channel signed of its initiation credential, until its desk has it.

Who brings a word has logged in: its signature is checked before it is kept. Nothing of it outlives
the process; a party says it again whenever it logs in. So many channels are kept at most: that of
which something was heard longest ago gives way, and comes again with a login.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.systems.trading.contract.evidence.statements import EvidenceDomain
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role

MOST_CHANNELS = 8192  # a kilobyte each, at most


class WordStrange(RefusedInput):
    """A signature under evidence of a channel that no party of it made."""


@dataclass(frozen=True)
class Words:
    """Of both parties: EIP-712 `Initiation`, by the accounts in the terms."""

    payer: bytes = field(repr=False)
    seller: bytes = field(repr=False)


class WordBook:
    """Of one controller; for any thread.

    Args:
        domain: of evidence.
        most: channels.
    """

    def __init__(self, domain: EvidenceDomain, most: int = MOST_CHANNELS) -> None:
        self._domain, self._most = domain, most
        self._guard = threading.Lock()
        self._said: OrderedDict[ChannelId, dict[Role, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._said)

    def note(self, channel: ChannelId, terms: Terms, role: Role, word: bytes) -> None:
        """Keep what a party said.

        Raises:
            WordStrange: another than its account in the terms signed it.
            BadSignature: it is no signature in the one form.
        """
        needed = terms.payer if role is Role.BUYER else terms.seller
        had = recover(self._domain.initiation(channel, terms.initiation), word)
        if had != needed:
            raise _strange(role, had, needed)
        with self._guard:
            self._said.setdefault(channel, {})[role] = word
            self._said.move_to_end(channel)
            while len(self._said) > self._most:
                self._said.popitem(last=False)

    def take(self, is_wanted: Callable[[ChannelId], bool]) -> Iterator[tuple[ChannelId, Words]]:
        """Both words of channels that want them now; they are kept here no more."""
        with self._guard:
            whole = [each for each, said in self._said.items() if len(said) == len(_BOTH)]
        for channel in whole:
            if not is_wanted(channel):
                continue
            with self._guard:
                said = self._said.pop(channel, None)
            if said is not None:
                yield channel, Words(said[Role.BUYER], said[Role.SELLER])

    def drop(self, channel: ChannelId) -> None:
        """It is over, or has it."""
        with self._guard:
            self._said.pop(channel, None)


_BOTH = (Role.BUYER, Role.SELLER)


def _strange(role: Role, had: Address, needed: Address) -> WordStrange:
    return WordStrange(
        "is not by the account in the terms",
        who=f"word of the {role.value} for evidence",
        had=had,
        needed=needed,
        remedy="Log in without it, or from the home that agreed to the channel.",
    )
