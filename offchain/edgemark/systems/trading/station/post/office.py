"""The letters of a party: a session at each controller that it has channels at.

How it gets in there stands in `controller.door`: for each channel it asks for a nonce, and shows it
signed by a key of its identity. A controller that does not know the channel's papers gets them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edgemark.closing import Closing
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Login, Role
from edgemark.systems.trading.station.post.logins import (
    LOGINS,
    MAX_NONCE_BYTES,
    MAX_PASS_BYTES,
    NONCES,
    Application,
    Nonce,
    Papers,
    Pass,
    PassInvalid,
)
from edgemark.systems.trading.station.post.mail import Carried
from edgemark.systems.trading.station.post.session import NotJoined, OnLetter, Refuse, Session
from edgemark.transport.asking.endpoint import parse_endpoint
from edgemark.transport.broker.client import BrokerAway
from edgemark.transport.broker.tickets import Ticket
from edgemark.transport.faults import PeerRefused, PeerUnreachable, from_peer
from edgemark.transport.limits import ClientLimits

PAPERS_MISSING = "PapersMissing"  # what a controller says that does not know a channel's papers
LOGIN_REFUSED = "LoginRefused"  # ... or finds no key under a login that opens anything


class Applicant(Protocol):
    """Whose letters they are; its methods are asked by many threads."""

    def place_of(self, controller: Address) -> tuple[str, Hash32]:
        """Endpoint and TLS pin of a controller, as the chain has them."""

    def ask(self, controller: Address, path: str, body: bytes, *, most: int) -> bytes:
        """POST something to it; see `EvmStation.ask`."""

    def sign(self, login: Login) -> bytes:
        """EIP-712 `Login`, by a key of the party's identity."""

    def sign_as_party(self, login: Login) -> bytes | None:
        """The same by the key with which the party signs in the login's channel.

        None where that is the same key, or no channel is known here.
        """

    def papers(self, channel: ChannelId) -> Papers:
        """Initiation credential and templates of a channel."""

    def word(self, channel: ChannelId) -> bytes:
        """The party's signature under evidence of its initiation credential; empty: none."""


@dataclass(frozen=True)
class ControllerDoors:
    """A party's way in at one controller, see `session.Doors`."""

    applicant: Applicant
    controller: Address
    role: Role

    def enter(
        self, channels: Sequence[ChannelId], refuse: Refuse
    ) -> tuple[Ticket, frozenset[ChannelId]]:
        """By the first channel that lets the session in; what nobody asked for is left."""
        last: EdgemarkError | None = None
        for channel in channels:
            try:
                given = self._apply(channel, is_more=False)
            except PeerUnreachable as error:  # it is the same for the others
                refuse(channel, error)
                raise
            except EdgemarkError as error:
                refuse(channel, error)
                last = error
                continue
            own = given.channels & frozenset(channels)
            return replace(given, channels=own).ticket(self.role), own
        raise last or BrokerAway("has no channel to log in for", who="session")

    def add(self, channel: ChannelId) -> None:
        """By a login of its own."""
        self._apply(channel, is_more=True)

    def _apply(self, channel: ChannelId, *, is_more: bool) -> Pass:
        """By a key of the identity; where it has that no more, by the channel's own.

        A login that is refused uses no nonce up.
        """
        word = self.applicant.word(channel)
        asked = Application(self._login(channel), None, is_more, word)
        try:
            return self._bring(asked)
        except PeerRefused as refused:
            signature = self.applicant.sign_as_party(asked.login)
            if signature is None or refused.error.get("error") != LOGIN_REFUSED:
                raise
        return self._bring(replace(asked, login=replace(asked.login, signature=signature)))

    def _bring(self, asked: Application) -> Pass:
        """With the channel's papers where they are asked for."""
        try:
            return self._hand_in(asked)
        except PeerRefused as refused:
            if refused.error.get("error") != PAPERS_MISSING:
                raise
        papers = self.applicant.papers(asked.login.channel)
        return self._hand_in(replace(asked, papers=papers))

    def _login(self, channel: ChannelId) -> Login:
        """Signed for the key that the controller registered, and no other would be spoken to."""
        endpoint, pin = self.applicant.place_of(self.controller)
        raw = self.applicant.ask(self.controller, NONCES, b"", most=MAX_NONCE_BYTES)
        with from_peer(self.controller):
            nonce = Nonce.from_wire(raw)
        place = (name_service(endpoint), self.controller, pin, channel)
        login = Login(*place, nonce.nonce, nonce.until)
        return replace(login, signature=self.applicant.sign(login))

    def _hand_in(self, asked: Application) -> Pass:
        raw = self.applicant.ask(self.controller, LOGINS, asked.to_wire(), most=MAX_PASS_BYTES)
        given = Pass.from_wire(raw)
        channel = asked.login.channel
        if channel not in given.channels or (given.is_more and not asked.is_more):
            raise PassInvalid("is for something else", who=self.controller, needed=channel.hex())
        return given


def name_service(endpoint: str) -> str:
    """Host and port of an endpoint, as a login names them.

    Raises:
        RefusedInput: it is none.
    """
    return str(parse_endpoint(endpoint)).removeprefix("https://")


class PostOffice(Closing):
    """Its methods are for any thread.

    Args:
        applicant: the party.
        on_letter: told channel and letter of what comes, from threads of the post's own; may raise
            any `EdgemarkError` for a letter that is refused.
        limits: of each session.
    """

    def __init__(
        self, applicant: Applicant, on_letter: OnLetter, *, limits: ClientLimits | None = None
    ) -> None:
        self._applicant, self._on_letter, self._limits = applicant, on_letter, limits
        self._guard = threading.Lock()
        self._sessions: dict[tuple[Address, Role], Session] = {}
        self._places: dict[ChannelId, Session] = {}
        self._is_closed = False

    def close(self) -> None:
        """Carry nothing more."""
        with self._guard:
            self._is_closed = True
            sessions = list(self._sessions.values())
            self._sessions.clear()
            self._places.clear()
        for session in sessions:
            session.close()

    def join(self, controller: Address, channel: ChannelId, role: Role) -> None:
        """Carry the letters of a channel by this controller, and by no other from now on.

        Args:
            controller: that is in force.
            channel: that it issues for.
            role: of this party, seller or buyer.

        Raises:
            Overloaded: there are as many channels at this controller as there may be.
        """
        key = (controller, role)
        with self._guard:
            if self._is_closed:
                raise NotJoined("post is closed", who=f"channel {channel.hex()}")
            session = self._sessions.get(key)
            if session is not None and self._places.get(channel) is session:
                return
            is_new = session is None
            if session is None:
                session = self._sessions[key] = self._make(controller, role)
            session.join(channel)
            former = self._places.get(channel)
            self._places[channel] = session
            if is_new:
                session.start()
        if former is not None:
            self._part(former, channel)

    def leave(self, channel: ChannelId) -> None:
        """Carry them no more; nothing happens where they were not."""
        with self._guard:
            former = self._places.pop(channel, None)
        if former is not None:
            self._part(former, channel)

    def send(self, channel: ChannelId, to: Role, raw: bytes) -> None:
        """Send a letter; raises as `Session.send`."""
        self._find(channel).send(channel, to, raw)

    def is_there(self, channel: ChannelId) -> bool:
        """Whether letters of a channel come and go."""
        with self._guard:
            found = self._places.get(channel)
        return found is not None and found.is_there(channel)

    def why(self, channel: ChannelId) -> EdgemarkError | None:
        """Why the controller did not let a channel in when it was last asked; None: it did."""
        with self._guard:
            found = self._places.get(channel)
        return None if found is None else found.why(channel)

    def read(self) -> Carried:
        """Letters of all sessions that there are."""
        with self._guard:
            counts = [session.carried for session in self._sessions.values()]
        return sum(counts, Carried(0, 0, 0))

    def _find(self, channel: ChannelId) -> Session:
        with self._guard:
            found = self._places.get(channel)
        if found is None:
            raise NotJoined("is not joined", who=f"channel {channel.hex()}", needed="join() before")
        return found

    def _make(self, controller: Address, role: Role) -> Session:
        doors = ControllerDoors(self._applicant, controller, role)
        return Session(doors, role, self._on_letter, limits=self._limits)

    def _part(self, session: Session, channel: ChannelId) -> None:
        """A session that has no channel any more is ended."""
        session.leave(channel)
        with self._guard:
            is_idle = not session.channels
            for key in [key for key, each in self._sessions.items() if is_idle and each is session]:
                del self._sessions[key]
        if is_idle:  # in a thread: it waits for a request that is under way
            threading.Thread(target=session.close, name="post-closing", daemon=True).start()
