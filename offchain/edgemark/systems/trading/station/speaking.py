"""How a party writes and hears letters of its channels, and notices what is out of reach.

Law 1: a message is acknowledged (`Taken`) only after the shell's `take` has returned, and so is on
       the disk; one that cannot be taken now is not acknowledged, and comes again.
Law 2: who sends a letter sends it again, later and later, until its state owes it no more: `insist`
       ends by `Sent`, which the loop takes for something under way.
Law 3: everybody ignores kinds of letters that are not for it, and its own.
Law 4: where claims are sealed, so are letters that say the same (`letters.TO_BE_SEALED`); one of
       these in the clear is refused, and one that cannot be opened is not acknowledged.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import NO_TIME, Address, Timestamp
from edgemark.loop.machine import TryAgain, UnderWay
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import (
    BlocksStopped,
    Head,
    OfChannel,
    check_fresh,
)
from edgemark.systems.trading.protocol.letters import (
    TO_BE_SEALED,
    ChannelDomain,
    Kind,
    Letter,
    Message,
    Role,
    StrangeLetter,
    read_inner,
    receipt_of,
)
from edgemark.systems.trading.protocol.messages import Sealed
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.station.station import TradingStation

FIRST_S, MOST_S = 2.0, 16.0  # between two sendings of one letter
REMEMBERED = 4096  # letters that are sent again
LETTERS = "/v1/letters"  # where a seller takes the one kind that goes without a broker
AWAY_S = 3.0  # for which a broker may be out of reach and nobody hears of it

_SELLER, _BUYER = frozenset({Role.SELLER}), frozenset({Role.BUYER})
_PARTIES, _CONTROLLER = _SELLER | _BUYER, frozenset({Role.CONTROLLER})
READERS: Mapping[Kind, frozenset[Role]] = {
    Kind.REQUEST: _SELLER,
    Kind.ANSWER: _BUYER,
    Kind.REFUSAL: _BUYER,
    Kind.PROPOSAL: _BUYER,
    Kind.VOUCHER: _SELLER,
    Kind.SETTLEMENT: _CONTROLLER,
    Kind.CREDENTIAL: _PARTIES,
    Kind.OVERDRAFT: _BUYER,
    Kind.STOP: _PARTIES,
    Kind.CLOSING: _PARTIES,
    Kind.AMENDING: _PARTIES,
    Kind.TAKEN: _PARTIES | _CONTROLLER,
    Kind.REDUCING: _PARTIES,
    Kind.SEALED: _PARTIES,
}

StateOf = Callable[[ChannelId], OfChannel | None]
Take = Callable[[ChannelId, Role, Message], None]
Carry = Callable[[bytes], object]


class Sent(UnderWay):
    """A letter is out; it is sent again until its state owes it no more."""


class NoLetters(TryAgain):
    """No letter of this channel comes or goes at the moment."""


class NoLettersYet(NoLetters, UnderWay):
    """The same, for a moment: a channel that was just opened, or a broker that comes back."""

    after_s = 0.0


class KeyMissing(RefusedInput):
    """A channel is signed for with a key that is not in this home."""


class LetterUnsealed(StrangeLetter):
    """A letter says in the clear what is sealed in its channel, or the other way round."""


class ChannelNotHere(RefusedInput):
    """A letter is about a channel that this party does not know, or knows no more."""


class Post(Protocol):
    """Who carries letters: `station.post.office`, or a controller's own broker."""

    def send(self, channel: ChannelId, to: Role, raw: bytes) -> None:
        """Carry a letter; raises `EdgemarkError` where that cannot be."""

    def is_there(self, channel: ChannelId) -> bool:
        """Whether letters of a channel come and go."""


class Sealing(Protocol):
    """Who seals and opens letters: `station.post.seals`."""

    def is_sealed(self, channel: ChannelId) -> bool:
        """Whether letters of a channel are sealed."""

    def seal(self, channel: ChannelId, text: bytes) -> bytes:
        """For both parties."""

    def open(self, channel: ChannelId, me: Role, raw: bytes) -> bytes:
        """What is sealed for this party; raises `EdgemarkError` where it is not."""


@dataclass(frozen=True)
class Keys:
    """The keys that a party signs for channels with: its account's, and others that terms name.

    Attributes:
        account: signs where the terms name nothing else.
        others: further ones.
        seals: for letters that only the parties read; None: it has no sealed channels.
    """

    account: SecretKey
    others: tuple[SecretKey, ...] = ()
    seals: Sealing | None = None

    def of(self, address: Address) -> SecretKey:
        """The key of a signing address.

        Raises:
            KeyMissing: it is not here.
        """
        for key in (self.account, *self.others):
            if key.address == address:
                return key
        had = ", ".join(key.address for key in (self.account, *self.others))
        raise KeyMissing("is not in this home", who="signing key", had=had, needed=address)


class Correspondent:
    """Writes and hears the letters of one party; safe for many threads.

    Args:
        domain: of the escrow.
        me: which party of its channels it is.
        keys: that it signs with.
        post: carries its letters.
        state_of: a channel's present state; None of one that is not at hand.
        take: what a checked message means to the shell, which has it on the disk when it returns.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        domain: ChannelDomain,
        me: Role,
        keys: Keys,
        post: Post,
        state_of: StateOf,
        take: Take,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._domain, self._me, self._keys, self._post = domain, me, keys, post
        self._state_of, self._take, self._clock = state_of, take, clock
        self._guard = threading.Lock()
        self._sendings: OrderedDict[tuple[ChannelId, bytes], int] = OrderedDict()
        self._missed: dict[ChannelId, float] = {}

    def key(self, state: OfChannel) -> SecretKey:
        """The key with which this party signs for a channel now; raises `KeyMissing`."""
        return self._keys.of(addresses_of(state)[self._me])

    def send(
        self, state: OfChannel, message: Message, to: Role, otherwise: Carry | None = None
    ) -> None:
        """Sign a letter and give it to the post, once; `otherwise` has it where that takes none.

        Raises:
            KeyMissing: this home does not sign for the channel.
            NoLetters: none go at the moment; `NoLettersYet` for `AWAY_S`, which is no failure.
            EdgemarkError: the post does not take it.
        """
        channel = state.known.channel
        is_there = self._post.is_there(channel)
        if not is_there and otherwise is None:
            kind = NoLetters if self._is_long_away(channel) else NoLettersYet
            raise kind("letters neither come nor go", who=f"channel {channel.hex()}")
        letter = self._seal(Letter.of(channel, message))
        signature = self.key(state).sign(letter.digest(self._domain))
        raw = replace(letter, signature=signature).to_wire()
        if is_there or otherwise is None:
            self._post.send(channel, to, raw)
        else:
            otherwise(raw)

    def insist(
        self, state: OfChannel, message: Message, to: Role, otherwise: Carry | None = None
    ) -> None:
        """The same, for an effect: it never returns, so that the letter is sent again.

        Raises:
            Sent: it is out.
            EdgemarkError: as `send`.
        """
        self.send(state, message, to, otherwise)
        sent = Sent("is sent, and not acknowledged", who=type(message).__name__)
        sent.after_s = self._pause_after(state.known.channel, to.value.encode() + message.to_wire())
        raise sent

    def hear(self, channel: ChannelId, raw: bytes) -> None:
        """A letter came, from whomever; what is for this party is taken, then acknowledged.

        Raises:
            ChannelNotHere: nothing is known of the channel.
            StrangeLetter, BadSignature, MalformedMessage, RefusedInput: it is not what may come.
                LetterUnsealed is one of these.
            EdgemarkError: the shell does not take it now, or the post no receipt: it comes again;
                or what is sealed in it cannot be opened.
        """
        letter = Letter.from_wire(raw)
        if self._me not in READERS[letter.kind]:
            return
        state = self._state_of(channel)
        if state is None or state.agreement is None:
            raise ChannelNotHere("is not known here", who=f"channel {channel.hex()}")
        keys = addresses_of(state)
        mine = keys.pop(self._me)
        if mine in keys.values():
            raise StrangeLetter("parties sign with one key", who="channel", had=mine)
        role, message = letter.open(self._domain, channel, keys)
        message = self._unseal(letter, role, message)
        self._take(channel, role, message)
        self._begin_anew(channel)
        receipt = receipt_of(message)
        if receipt is not None:
            self.send(self._state_of(channel) or state, receipt, role)

    def _seal(self, letter: Letter) -> Letter:
        seals, channel = self._keys.seals, letter.channel
        if letter.kind not in TO_BE_SEALED or seals is None or not seals.is_sealed(channel):
            return letter
        return Letter.of(channel, Sealed(seals.seal(channel, letter.inner)))

    def _unseal(self, letter: Letter, writer: Role, message: Message) -> Message:
        """What a letter says, once it travels as letters of its channel do."""
        seals, channel = self._keys.seals, letter.channel
        is_sealed = seals is not None and seals.is_sealed(channel)
        if not isinstance(message, Sealed):
            if is_sealed and letter.kind in TO_BE_SEALED:
                who = f"letter, {letter.kind.name.lower()}"
                raise LetterUnsealed("is in the clear", who=who, needed="sealed")
            return message
        if seals is None or not is_sealed:
            raise LetterUnsealed("is sealed", who=f"channel {channel.hex()}", needed="in the clear")
        kind, inner = read_inner(seals.open(channel, self._me, message.content), writer)
        if self._me not in READERS[kind]:
            raise StrangeLetter("is for another", who=f"sealed letter, {kind.name.lower()}")
        return inner

    def find_broker(self, side: Side, at: int) -> Sequence[on.FoundBrokerAway | on.FoundBrokerBack]:
        """Whether letters of a channel went away or came back since its state heard of it.

        Args:
            side: seller's or buyer's.
            at: chain time.
        """
        if not is_open(side):
            return ()
        channel = side.known.channel
        is_there = self._post.is_there(channel)
        with self._guard:
            if is_there:
                self._missed.pop(channel, None)
                return (on.FoundBrokerBack(Timestamp(at)),) if side.broker_away else ()
        is_long = self._is_long_away(channel)
        return (on.FoundBrokerAway(),) if is_long and not side.broker_away else ()

    def _is_long_away(self, channel: ChannelId) -> bool:
        """Whether letters have been away for `AWAY_S`, since somebody missed them first."""
        with self._guard:
            since = self._missed.setdefault(channel, self._clock())
            return self._clock() - since >= AWAY_S

    def forget(self, channel: ChannelId) -> None:
        """A channel is over: nothing of it is sent again."""
        self._begin_anew(channel)
        with self._guard:
            self._missed.pop(channel, None)

    def _pause_after(self, channel: ChannelId, content: bytes) -> float:
        key = (channel, keccak256(content))
        with self._guard:
            many = self._sendings[key] = self._sendings.get(key, 0) + 1
            self._sendings.move_to_end(key)
            while len(self._sendings) > REMEMBERED:
                self._sendings.popitem(last=False)
        return min(MOST_S, FIRST_S * 2.0 ** min(many - 1, 8))

    def _begin_anew(self, channel: ChannelId) -> None:
        """The other is heard: what it did not acknowledge is sent again soon."""
        with self._guard:
            for key in [key for key in self._sendings if key[0] == channel]:
                del self._sendings[key]


class Pulse:
    """What a party knows of time, also while its chain is away: the newest block that it saw.

    Args:
        station: with chain and clock.
    """

    def __init__(self, station: TradingStation) -> None:
        self._station = station
        self._newest = NO_TIME

    def head(self) -> Head:
        """As `TradingStation.head`, which raises while the chain is away; this gets old instead."""
        try:
            head = self._station.head()
        except LedgerUnavailable:
            return Head(self._station.clock.believed, self._newest)
        self._newest = Timestamp(head.block)
        return head

    def last(self) -> Head:
        """As of the last look, which somebody else makes: nothing is asked.

        Raises:
            LedgerUnavailable: nobody saw a block yet.
        """
        if self._newest == NO_TIME:
            raise LedgerUnavailable("has shown no block yet", who="chain")
        return Head(self._station.clock.believed, self._newest)


def addresses_of(state: OfChannel) -> dict[Role, Address]:
    """Who signs letters of a channel now, by its part."""
    signers = state.in_force
    return {
        Role.BUYER: signers.payer_key,
        Role.SELLER: signers.seller_key,
        Role.CONTROLLER: signers.controller,
    }


def is_open(side: Side) -> bool:
    """Whether a channel was opened and has not ended, as far as this party heard."""
    return side.agreement is not None and side.opened_at != NO_TIME and side.ending is None


def find_blocks(
    has_stopped: bool, head: Head, stale_after_s: int
) -> Sequence[on.SawBlocksStop | on.SawBlocksGoOn]:
    """Whether blocks stopped, or go on, since a state heard of it.

    Args:
        has_stopped: what the state knows.
        head: what is known of time now, of `Pulse`.
        stale_after_s: age of the newest block from which on they have.
    """
    try:
        check_fresh(head, stale_after_s)
    except BlocksStopped:
        return () if has_stopped else (on.SawBlocksStop(),)
    return (on.SawBlocksGoOn(Timestamp(head.block)),) if has_stopped else ()
