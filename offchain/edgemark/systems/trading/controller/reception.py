"""Who comes to a controller's broker: nonces and logins by HTTPS, and what a session may do then.

Law 1: nothing is read, asked or kept for a login before its nonce was found to be one of ours, and
       nobody is let in to a channel that is new here whose key is not a key of the identity that
       the channel's papers name, now. To one that has a place here the key is let in, too, with
       which the party signs in it by the chain: whatever becomes of an identity, a channel that is
       open goes on to its end, and who has that key can write its letters anyway.
Law 2: of one account, role and identity there is one session, and of one account, role and key of
       channels. Whoever logs in anew takes its place with all its channels; one more is added.
Law 3: a session ends with its time, its last channel, or its key: `look` finds out, of a key
       within `KEY_S`. Where a key of channels is taken out of one, the session loses that.
Law 4: where no place is left at the broker, the session whose channels lock least gives way to one
       whose channels have locked more for long enough (`channels.places`).

What the signature of a login covers stands in `protocol.letters`, what its nonce is in `door`. A
login that is refused at the door uses nothing up. A channel that is not seen on the chain yet is
not found, and may be asked for again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from edgemark.closing import Closing
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import LedgerUnavailable, Overloaded, PeerFault, RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.did.identifier import Did
from edgemark.logs import get_logger
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.channels.places import Claim, find_leaving
from edgemark.systems.trading.controller.door import (
    DRAWN_BYTES,
    NONCE_S,
    SECRET_BYTES,
    Door,
    Here,
    check_place,
    signer_of,
)
from edgemark.systems.trading.controller.hub import SESSION_S, Hub
from edgemark.systems.trading.controller.visits import Channels, Visit
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import ChannelDomain, Role
from edgemark.systems.trading.station.post.logins import (
    LOGINS,
    MAX_APPLICATION_BYTES,
    NONCES,
    Application,
    Nonce,
    Pass,
)
from edgemark.systems.trading.station.post.session import OnLetter
from edgemark.systems.trading.station.post.topics import (
    name_session,
    name_session_of_key,
    topics_of,
    topics_of_all,
)
from edgemark.transport.broker.tickets import OwnBroker, SessionInvalid
from edgemark.transport.faults import NotFound
from edgemark.transport.serving.routes import Request, Response, Route

KEY_S = 15.0
LINGER_S = 60.0  # topics of a channel that ended; its parties look more often
ACCOUNT_OF: Mapping[Role, Callable[[Terms], Address]] = {
    Role.BUYER: lambda terms: terms.payer,
    Role.SELLER: lambda terms: terms.seller,
}


class ChannelUnknown(NotFound):
    """This controller issues for no such channel, or has not seen it on the chain yet."""


class PapersMissing(RefusedInput):
    """The login needs the channel's initiation credential and templates beside it."""


class Reception(Closing):
    """Its methods are for any thread.

    Args:
        broker: of this controller; opened and closed by whoever has it.
        channels: what is known of its channels.
        here: what this controller is, as parties find it on the chain.
        domain: of the escrow.
        on_letter: told channel and letter of all that the parties say.
        expect: told the accounts of who has a channel here: its server has places for them.
        clock: Unix seconds.
        key_s: seconds after which the key of a session is looked at again.
    """

    def __init__(
        self,
        broker: OwnBroker,
        channels: Channels,
        here: Callable[[], Here],
        domain: ChannelDomain,
        on_letter: OnLetter,
        *,
        expect: Callable[[Address, Address], None],
        clock: Callable[[], float] = time.time,
        key_s: float = KEY_S,
    ) -> None:
        self._key_s = key_s
        self.hub = Hub(broker, on_letter, clock)
        self._broker, self._channels, self._here = broker, channels, here
        self._domain, self._expect, self._clock = domain, expect, clock
        self._log = get_logger("trading.reception")
        self._randomness = Randomness()
        self._at_door = threading.Lock()
        self._door = Door(self._randomness.octets(SECRET_BYTES))
        self._guard = threading.Lock()  # of what the broker was told; asked for as long as it takes
        self._visits: dict[str, Visit] = {}
        self._over: dict[ChannelId, float] = {}  # channels of visits, since when they are

    def start(self) -> None:
        """Log in at the broker, which serves by now."""
        self.hub.start()

    def close(self) -> None:
        """Hear nobody any more."""
        self.hub.close()

    def routes(self) -> list[Route]:
        """What its server serves of this."""
        return [
            Route("POST", NONCES, self._give_nonce, 0),
            Route("POST", LOGINS, self._take_login, MAX_APPLICATION_BYTES),
        ]

    @property
    def sessions(self) -> int:
        """That were let in and not ended since."""
        with self._guard:
            return len(self._visits)

    def serve(self, channel: ChannelId) -> None:
        """Listen to a channel from now on, whoever logs in; raises as `Session.join`."""
        self.hub.join(channel)

    def look(self) -> None:
        """End what there is no channel or key for any more; called in each round over the chain.

        A chain that does not answer ends nothing.
        """
        for channel in self.hub.channels:
            terms = self._channels.terms(channel)
            if terms is None or not self._channels.is_served(channel):
                self.hub.leave(channel)
            else:
                self._expect(terms.payer, terms.seller)
        with self._guard:
            visits = dict(self._visits)
        past = self._find_past({each for visit in visits.values() for each in visit.given.channels})
        for session, visit in visits.items():
            channels = visit.given.channels
            over = (channels & past) | self._without_key(session, visit)
            self._end(session, visit, over)

    def _find_past(self, channels: Collection[ChannelId]) -> frozenset[ChannelId]:
        """Those that ended a while ago.

        A party learns of an end when it looks, and may write until then. Were its topics gone at
        once, such a letter would cost it the session, and with it all its other channels: anybody
        could so bring a seller out of touch with others by ending a channel of its own.
        """
        now = self._clock()
        ended = [each for each in channels if not self._channels.is_served(each)]
        self._over = {each: self._over.get(each, now) for each in ended}
        return frozenset(each for each, since in self._over.items() if now >= since + LINGER_S)

    def _without_key(self, session: str, visit: Visit) -> frozenset[ChannelId]:
        """Channels of a session to which its key opens nothing any more."""
        channels = visit.given.channels
        if not visit.is_pinned:
            return frozenset() if self._has_key(session, visit) else channels
        keys = {each: self._channels.pinned(each).get(visit.role) for each in channels}
        return frozenset(each for each, key in keys.items() if key not in (None, visit.key))

    def _has_key(self, session: str, visit: Visit) -> bool:
        """Whether its identity has the key still; nobody knows while its chain does not answer."""
        now = self._clock()
        if now < visit.looked_at + self._key_s:
            return True
        try:
            found = visit.key in self._channels.keys(visit.did)
        except (LedgerUnavailable, RefusedInput) as error:
            self._log.debug("key is not looked after", session=session, why=error)
            return True
        visit.looked_at = now
        return found

    def _end(self, session: str, visit: Visit, over: frozenset[ChannelId]) -> None:
        """A session has these channels no more; one without any, or without time, is over."""
        left = visit.given.channels - over
        is_late = visit.until <= self._clock()
        with self._guard:
            if self._visits.get(session) is not visit or not (over or is_late):
                return
            if left and not is_late:
                given = replace(visit.given, channels=left)
                self._visits[session] = replace(visit, given=given)
                with contextlib.suppress(SessionInvalid, PeerFault):  # it logs in anew, without
                    self._broker.forbid(session, topics_of_all(over, visit.role))
                return
            del self._visits[session]
            self._broker.dismiss(session)
        self._log.info("session is over", session=session)

    # --- faces ---------------------------------------------------------------------------------

    def _give_nonce(self, request: Request) -> Response:  # noqa: ARG002 - the same for everybody
        now = int(self._clock())
        nonce = self._door.give_nonce(self._randomness.octets(DRAWN_BYTES), now)
        return Response(body=Nonce(nonce, Timestamp(now + NONCE_S)).to_wire())

    def _take_login(self, request: Request) -> Response:
        asked = Application.from_wire(request.body)
        login, here, now = asked.login, self._here(), int(self._clock())
        check_place(self._door, login, here, now)
        if not self._channels.is_named(login.channel):
            raise _unknown(login.channel)
        parties = self._parties_of(asked)
        terms = self._channels.terms(login.channel)
        if terms is None:  # it was over meanwhile
            raise _unknown(login.channel)
        keys = {role: self._keys_of(did) for role, did in parties.items()}
        pinned = self._channels.pinned(login.channel)
        admitted = {r: {*keys[r], *([pinned[r]] if r in pinned else [])} for r in parties}
        with self._at_door:
            self._door, role = self._door.admit(login, here, admitted, self._domain, now)
        if asked.word:
            self._channels.note_word(login.channel, role, asked.word)
        is_pinned = signer_of(login, self._domain) not in keys[role]
        given = self._let_in(asked, role, parties[role], terms, is_pinned=is_pinned)
        self._log.info("party logged in", channel=login.channel, role=role.value)
        return Response(body=given.to_wire())

    def _parties_of(self, asked: Application) -> Mapping[Role, Did]:
        channel = asked.login.channel
        known = self._channels.parties(channel)
        if known is not None:
            return known
        if asked.papers is None:
            raise PapersMissing(
                "lacks the papers of its channel",
                who="login",
                needed="initiation credential, its template and the settlement template",
                remedy="Send them with the login.",
            )
        return self._channels.keep(channel, asked.papers)

    def _keys_of(self, did: Did) -> Collection[Address]:
        """None of an identity that nobody can look up: it keeps the other party from nothing."""
        try:
            return self._channels.keys(did)
        except Overloaded:
            raise
        except RefusedInput as error:
            self._log.info("identity has no keys here", did=did, why=error)
            return ()

    def _let_in(
        self, asked: Application, role: Role, did: Did, terms: Terms, *, is_pinned: bool
    ) -> Pass:
        """At the broker: anew with all channels of the session, or with one more.

        Raises:
            Overloaded, PeerFault: the broker has no place, or is away.
        """
        channel, key = asked.login.channel, signer_of(asked.login, self._domain)
        account = ACCOUNT_OF[role](terms)
        by_key = name_session_of_key(account, role, key)
        session = by_key if is_pinned else name_session(account, role, did)
        self._expect(terms.payer, terms.seller)
        self.hub.join(channel)
        with self._guard:
            self._broker.check()
            visit = self._visits.get(session)
            given = self._add(visit, channel) if visit and asked.is_more else None
            until = self._clock() + SESSION_S
            if visit is not None and given is not None:
                until = visit.until
            else:
                had = visit.given.channels if visit else frozenset()
                channels = frozenset({channel, *had})
                topics = topics_of_all(channels, role)
                try:
                    ticket = self._broker.admit(session, topics, until)
                except Overloaded:
                    self._make_room(channels)
                    ticket = self._broker.admit(session, topics, until)
                given = Pass.of(ticket, channels)
            now, without = self._clock(), given.without_password()
            self._visits[session] = Visit(did, role, key, is_pinned, without, until, now)
        return given

    def _make_room(self, channels: Collection[ChannelId]) -> None:
        """For a session that is not in: the one whose channels lock least gives way.

        Raises:
            NoPlace: all lock as much.
        """
        held = {name: self._weigh(visit.given.channels) for name, visit in self._visits.items()}
        claim = Claim.together(map(self._channels.claim, channels))
        leaving = find_leaving(held, claim, len(held), what="sessions at the broker")
        if leaving is not None:
            del self._visits[leaving]
            self._broker.dismiss(leaving)
            self._log.info("session gave way", session=leaving)

    def _weigh(self, channels: Collection[ChannelId]) -> int:
        return sum(map(self._channels.weight, channels))

    def _add(self, visit: Visit, channel: ChannelId) -> Pass | None:
        """None when the broker does not know the session any more."""
        given = visit.given
        try:
            self._broker.allow(given.session, topics_of(channel, visit.role))
        except SessionInvalid:
            return None
        return replace(given, channels=given.channels | {channel})


def _unknown(channel: ChannelId) -> ChannelUnknown:
    return ChannelUnknown(
        "is no open channel of this controller",
        who=f"channel {channel.hex()}",
        needed="its opening on chain, as deep as nothing is taken back",
        remedy="Ask again when it is there.",
    )
