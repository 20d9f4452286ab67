"""A session at one controller's broker, for as many channels as its owner has there.

It goes on by itself: when the connection ends, or broker or controller are started again, it logs
in anew for every channel, and a channel that is not let in is asked for again after a pause that
doubles. What the broker is, and how one gets in, the doors say.

Law 1: a channel is there when its topics are listened to; before that nothing is sent for it.
Law 2: a channel that is refused, or that nobody answers for, keeps no other from coming in.
Law 3: a letter is handed over with the channel of its topic, and only while that was joined.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError, Overloaded, RefusedInput
from edgemark.logs import about, get_logger
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import MAX_LETTER_BYTES
from edgemark.systems.trading.station.post.mail import TAKERS, Carried, Mail
from edgemark.systems.trading.station.post.topics import (
    MOST_CHANNELS,
    OTHER,
    channel_of,
    inbox,
    topics_of,
    topics_of_all,
)
from edgemark.transport.broker.client import BrokerAway, BrokerClient, MessageTooLarge
from edgemark.transport.broker.tickets import Ticket
from edgemark.transport.faults import PeerRefused, PeerUnreachable
from edgemark.transport.limits import ClientLimits
from edgemark.transport.rates import Backoff

LOOK_S = 0.25  # between two looks whether a channel is to be let in
WIDEN_S = 5.0
UNSEEN_TILL_TOLD = 6  # refusals, over some blocks
LEAST_PAUSE_S, MOST_PAUSE_S = 0.25, 15.0  # for a channel that was not let in

OnLetter = Callable[[ChannelId, bytes], None]


class NotJoined(RefusedInput):
    """Letters of this channel are not carried here."""


Refuse = Callable[[ChannelId, EdgemarkError], None]


class Doors(Protocol):
    """How a session gets in; asked in threads of the session's own, for as long as an answer takes.

    Both raise `EdgemarkError` when it does not.
    """

    def enter(
        self, channels: Sequence[ChannelId], refuse: Refuse
    ) -> tuple[Ticket, frozenset[ChannelId]]:
        """Log in anew: a ticket, and all channels that it is for; the others are added.

        Args:
            channels: that the session should have, those first that were refused longest ago.
            refuse: told of each of them that is not let in.
        """

    def add(self, channel: ChannelId) -> None:
        """Let the session, which has a ticket, have one more channel."""


def is_unseen(error: EdgemarkError) -> bool:
    """Whether a controller does not know a channel, as of one that was opened a moment ago."""
    return isinstance(error, PeerRefused) and error.error.get("error") == "ChannelUnknown"


@dataclass
class _Standing:
    """How a channel stands.

    Attributes:
        is_let_in: the session may use its topics.
        is_open: it listens to them.
        due: monotonic seconds, before which it is not asked for again.
        why: it was not let in.
        unseen: how often in a row, as its controller had not seen it on chain.
    """

    is_let_in: bool = False
    is_open: bool = False
    due: float = 0.0
    why: EdgemarkError | None = None
    unseen: int = 0
    pause: Backoff = field(default_factory=lambda: Backoff(LEAST_PAUSE_S, MOST_PAUSE_S))

    def note_refused(self, error: EdgemarkError) -> None:
        self.why, self.is_let_in, self.is_open = error, False, False
        self.due = time.monotonic() + self.pause.next()

    def note_let_in(self) -> None:
        self.why, self.is_let_in, self.unseen = None, True, 0
        self.pause.reset()


class Session(Closing):
    """Its methods are for any thread.

    Args:
        doors: to the broker.
        role: whose session.
        on_letter: told channel and letter of what came; see `Mail`.
        limits: of the client.
        takers: threads that hand letters over.
    """

    def __init__(
        self,
        doors: Doors,
        role: Role,
        on_letter: OnLetter,
        *,
        limits: ClientLimits | None = None,
        takers: int = TAKERS,
    ) -> None:
        self._doors, self.role, self._on_letter = doors, role, on_letter
        self._log = get_logger("trading.post")
        self._guard = threading.Lock()
        self._channels: dict[ChannelId, _Standing] = {}
        self._logins = 0
        self._news = threading.Event()
        self._is_over = threading.Event()
        self._client = BrokerClient(self._log_in, limits=limits)
        self._mail = Mail(self._client, self._take, role.value, takers=takers)
        self._keeper = threading.Thread(target=self._keep, name="post-keeper", daemon=True)

    def start(self) -> None:
        """Begin to log in."""
        self._mail.start()
        self._keeper.start()

    def close(self) -> None:
        """End it."""
        self._is_over.set()
        self._news.set()
        self._mail.close()
        if self._keeper.is_alive() and self._keeper is not threading.current_thread():
            self._keeper.join(WIDEN_S)

    @property
    def channels(self) -> frozenset[ChannelId]:
        """That were joined."""
        with self._guard:
            return frozenset(self._channels)

    @property
    def carried(self) -> Carried:
        """Its letters up to now."""
        return self._mail.carried

    @property
    def logins(self) -> int:
        """How often it has logged in at the broker."""
        return self._client.logins

    def join(self, channel: ChannelId) -> None:
        """Carry the letters of a channel; nothing happens when it does.

        Raises:
            Overloaded: it has as many as it may have.
        """
        with self._guard:
            if channel not in self._channels and len(self._channels) >= MOST_CHANNELS:
                needed = f"< {MOST_CHANNELS} channels"
                had = len(self._channels)
                raise Overloaded("session is full", who="post", had=had, needed=needed)
            self._channels.setdefault(channel, _Standing())
        self._news.set()

    def leave(self, channel: ChannelId) -> None:
        """Carry them no more."""
        with self._guard:
            left = self._channels.pop(channel, None)
        if left is None or not left.is_open:
            return
        try:
            self._client.narrow(topics_of(channel, self.role), timeout_s=WIDEN_S)
        except EdgemarkError as error:  # what comes is not handed over
            self._log.debug("topics are not given back", channel=channel, why=error)

    def send(self, channel: ChannelId, to: Role, raw: bytes) -> None:
        """Send a letter soon; it may get lost.

        Args:
            channel: that it is about.
            to: the party that it is for; what a party sends the controller reads as well.
            raw: as `Letter.to_wire` gives it.

        Raises:
            NotJoined: it has not joined the channel.
            MessageTooLarge: the letter is longer than any may be.
            BrokerAway: its topics are not there now; says why.
        """
        if len(raw) > MAX_LETTER_BYTES:
            had, needed = len(raw), f"<= {MAX_LETTER_BYTES} bytes"
            raise MessageTooLarge("is too long", who="letter", had=had, needed=needed)
        self._check_open(channel)
        self._mail.send(inbox(channel, OTHER.get(self.role, to)), raw)

    def is_there(self, channel: ChannelId) -> bool:
        """Whether letters of a channel come and go, as far as anybody knows."""
        with self._guard:
            found = self._channels.get(channel)
        return found is not None and found.is_open and self._client.is_there

    def why(self, channel: ChannelId) -> EdgemarkError | None:
        """Why a channel was not let in when it was last asked for."""
        with self._guard:
            found = self._channels.get(channel)
        return None if found is None else found.why

    def _check_open(self, channel: ChannelId) -> None:
        with self._guard:
            found = self._channels.get(channel)
        if found is None:
            raise NotJoined("is not joined", who=f"channel {channel.hex()}", needed="join() before")
        if not found.is_open and found.why is not None:
            raise BrokerAway(
                "is not let in", who=f"channel {channel.hex()}", had=str(found.why)
            ) from found.why
        if not found.is_open:
            raise BrokerAway("is not let in yet", who=f"channel {channel.hex()}")

    def _take(self, topic: str, raw: bytes) -> None:
        channel = channel_of(topic)
        if channel is None or channel not in self._channels:
            return
        with about(channel=channel):
            self._on_letter(channel, raw)

    # --- getting in, in a thread of the client, and staying in, in the keeper's -----------------

    def _log_in(self) -> Ticket:
        """With every channel that is let in; the others come later.

        Raises:
            EdgemarkError: none is.
        """
        with self._guard:
            for standing in self._channels.values():
                standing.is_let_in = standing.is_open = False
            wanted = sorted(self._channels, key=lambda each: (self._channels[each].due, each))
        ticket, own = self._doors.enter(wanted, self._refuse)
        self._let_in(own)
        more: list[ChannelId] = []
        for channel in [each for each in wanted if each not in own]:
            error = self._add(channel)
            if error is None:
                more.append(channel)
            if self._is_over.is_set() or isinstance(error, PeerUnreachable):
                break  # the others come later, and these are in by then
        return replace(ticket, topics=ticket.topics | topics_of_all(more, self.role))

    def _add(self, channel: ChannelId) -> EdgemarkError | None:
        """Why it is not let in; None when it is."""
        try:
            self._doors.add(channel)
        except EdgemarkError as error:
            self._refuse(channel, error)
            return error
        self._let_in((channel,))
        return None

    def _open(self, channel: ChannelId, logins: int) -> None:
        """Listen to a channel that was let in since the last login."""
        try:
            self._client.widen(topics_of(channel, self.role), timeout_s=WIDEN_S)
        except EdgemarkError as error:
            self._refuse(channel, error)
            return
        with self._guard:
            found = self._channels.get(channel)
            if found is not None and self._client.logins == logins:
                found.is_open = found.is_let_in

    def _keep(self) -> None:
        while not self._is_over.is_set():
            self._news.wait(LOOK_S)
            self._news.clear()
            self._look()

    def _look(self) -> None:
        """Note what is listened to since the last login, and let in what is not yet."""
        logins = self._client.logins
        if not self._client.is_there:
            return
        if logins != self._logins:
            self._logins = logins
            with self._guard:
                for standing in self._channels.values():
                    standing.is_open = standing.is_let_in
        for channel in self._due():
            error = self._add(channel)
            if self._is_over.is_set() or isinstance(error, PeerUnreachable):
                return
            if error is None:
                self._open(channel, logins)

    def _due(self) -> list[ChannelId]:
        now = time.monotonic()
        with self._guard:
            standings = self._channels.items()
            return [each for each, it in standings if not it.is_open and it.due <= now]

    def _let_in(self, channels: Iterable[ChannelId]) -> None:
        with self._guard:
            for channel in channels:
                if (found := self._channels.get(channel)) is not None:
                    found.note_let_in()

    def _refuse(self, channel: ChannelId, error: EdgemarkError) -> None:
        with self._guard:
            if (found := self._channels.get(channel)) is None:
                return
            is_news = found.why is None or found.why.what != error.what
            found.note_refused(error)
            unseen = found.unseen = found.unseen + 1 if is_unseen(error) else 0
        log = self._log.debug
        if unseen == UNSEEN_TILL_TOLD or (is_news and not unseen):
            log = self._log.warning
        log("channel is not let in", channel=channel, why=error)
