"""Who asks: a card that an account shows to one server, in one header, before any body.

A server has places for those who have an open matter with it (who pays for it, who works for it,
the other servers), so it must know them before it reads what they send. TLS certificates of clients
would not do: a device registers none, and a server that asks for them takes only those that an
authority signed. So the account itself signs, EIP-712 `Visit(visitor, server)` of the registry:

    X-Edgemark-Card: <visitor>:<130 hex digits of the signature>

A card names its server, so a server that got one cannot use it at another; it goes over pinned TLS
only, so nobody else gets it. It has no date and no number: all that it opens is a place to ask
from, and whatever is asked is signed or proves itself. A card of an account that nobody expects is
not even verified. But who is expected stands on chain, so strangers can forge cards in such names,
and each costs a check: the server counts those it has not seen before (`transport.serving.cards`).
What it has seen it keeps by account, one card each, as an account makes one for each server.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import SIGNATURE_BYTES, SecretKey, check_signature
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address
from edgemark.identity.statements import RegistryDomain

EXPECTED_S = 600.0  # how long an account counts after a matter of it was last seen open
MOST_EXPECTED = 8192  # accounts of a kind; those that were expected longest ago are forgotten
MOST_CARDS = 1024  # cards made lately
CARD_CHARS = 42 + 1 + 2 * SIGNATURE_BYTES


class Visitor:
    """Makes the cards of one account; safe for many threads.

    Args:
        key: of the account.
        domain: of the registry that it and the servers are in.
    """

    def __init__(self, key: SecretKey, domain: RegistryDomain) -> None:
        self._key = key
        self._domain = domain
        self._guard = threading.Lock()
        self._made: OrderedDict[Address, str] = OrderedDict()

    def card_for(self, server: Address) -> str:
        """The card for one server."""
        with self._guard:
            card = self._made.get(server)
            if card is None:
                digest = self._domain.visit(self._key.address, server)
                card = f"{self._key.address}:{self._key.sign(digest).hex()}"
                self._made[server] = card
                _forget(self._made, MOST_CARDS)
            return card


class Doorkeeper:
    """Knows the accounts that have an open matter with one server; safe for many threads.

    Args:
        server: its account.
        domain: of the registry that it is in.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        server: Address,
        domain: RegistryDomain,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._domain = domain
        self._clock = clock
        self._guard = threading.Lock()
        self._parties: OrderedDict[str, float] = OrderedDict()  # until when
        self._invited: OrderedDict[str, float] = OrderedDict()
        self._seen: OrderedDict[str, str] = OrderedDict()  # an account's card that was verified

    def expect(self, *accounts: Address) -> None:
        """These have a part in an open matter here now, and for `EXPECTED_S` from now on."""
        for account in accounts:
            self._note(self._parties, account, EXPECTED_S)

    def invite(self, account: Address, seconds: float = EXPECTED_S) -> None:
        """This one may come with a matter; no number of such pushes out one that has a part."""
        self._note(self._invited, account, seconds)

    def uninvite(self, account: Address) -> None:
        """It comes with nothing any more; whoever has a part stays known."""
        with self._guard:
            self._invited.pop(account, None)

    def named(self, card: str) -> str | None:
        """The expected account in whose name a card is, whoever made it; None for another's."""
        visitor = _name_on(card)
        with self._guard:
            tables = (self._parties, self._invited)
            until = max(table.get(visitor, -math.inf) for table in tables)
        return visitor if self._clock() <= until and len(card) == CARD_CHARS else None

    def is_seen(self, card: str) -> bool:
        """Whether this card was verified before: to recognise it costs no check."""
        with self._guard:
            return self._seen.get(_name_on(card)) == card

    def recognise(self, card: str) -> str | None:
        """The expected account that made this card for this server; None for anybody else."""
        visitor = self.named(card)
        if visitor is None or not (self.is_seen(card) or self._is_made_by(visitor, card)):
            return None
        with self._guard:
            self._seen[visitor] = card
            self._seen.move_to_end(visitor)
            _forget(self._seen, 2 * MOST_EXPECTED)
        return visitor

    def _note(self, table: OrderedDict[str, float], account: str, seconds: float) -> None:
        now = self._clock()
        until = now + seconds
        with self._guard:
            table[account] = max(until, table.get(account, until))
            table.move_to_end(account)
            while next(iter(table.values()), now) < now:  # the one that was noted longest ago
                table.popitem(last=False)
            _forget(table, MOST_EXPECTED)

    def _is_made_by(self, visitor: str, card: str) -> bool:
        try:
            account, signature = Address(visitor), bytes.fromhex(card.partition(":")[2])
            check_signature(self._domain.visit(account, self._server), signature, account)
        except (EdgemarkError, ValueError):
            return False
        return True


def _name_on(card: str) -> str:
    return card.partition(":")[0]


def _forget(table: OrderedDict[Any, Any], most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
