"""Who may log in at the embedded broker, once, and what a session may do then.

Law 1: a password counts once. A wrong one uses nothing up: else whoever knows a name keeps it out.
Law 2: a session that is admitted again logs in anew; what it may do is what was said last.
Law 3: after its time nobody logs in, and a session that is in ends.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import Overloaded
from edgemark.logs import Secret
from edgemark.transport.broker.tickets import SessionInvalid, Topics, check_session

PASSWORD_BYTES = 24  # 192 bits: nobody guesses it, so nobody is slowed down for guessing


@dataclass(frozen=True)
class Admission:
    """A session that may come in, or is in.

    Attributes:
        topics: what it may do.
        until: Unix seconds.
        key: SHA-256 of its password; None once that was used.
    """

    topics: Topics
    until: float
    key: bytes | None


class Admissions:
    """Safe for many threads.

    Args:
        most: sessions at a time.
        clock: Unix seconds.
        randomness: of passwords.
    """

    def __init__(
        self, most: int, clock: Callable[[], float], randomness: Randomness | None = None
    ) -> None:
        self._most = most
        self._clock = clock
        self._randomness = randomness or Randomness()
        self._guard = threading.Lock()
        self._known: dict[str, Admission] = {}

    def __len__(self) -> int:
        return len(self._known)

    def admit(self, session: str, topics: Topics, until: float) -> Secret[str]:
        """Let a session log in once; its password.

        Raises:
            SessionInvalid: of its name.
            Overloaded: there are as many as there may be.
        """
        check_session(session)
        password = self._randomness.octets(PASSWORD_BYTES).hex()
        with self._guard:
            self._forget()
            if session not in self._known and len(self._known) >= self._most:
                raise Overloaded(
                    "broker has no place for another session",
                    who=session,
                    had=len(self._known),
                    needed=f"< {self._most}",
                )
            self._known[session] = Admission(topics, until, _key_of(password))
        return Secret(password)

    def take(self, session: str, password: Secret[str]) -> bool:
        """Whether this is the password of the session, which it is no more then."""
        shown = _key_of(password.reveal())
        with self._guard:
            found = self._find(session)
            if found is None or not hmac.compare_digest(found.key or b"", shown):
                return False
            self._known[session] = replace(found, key=None)
            return True

    def topics_of(self, session: str) -> Topics | None:
        """What a session may do now; None when it is over, or never was."""
        with self._guard:
            found = self._find(session)
        return None if found is None else found.topics

    def change(self, session: str, change: Callable[[Topics], Topics]) -> None:
        """Let a session do more or less.

        Raises:
            SessionInvalid: there is none of this name.
            TopicInvalid: it would have too many topics.
        """
        with self._guard:
            found = self._find(session)
            if found is None:
                raise SessionInvalid(
                    "is not admitted", who=session, needed="a session that is admitted"
                )
            self._known[session] = replace(found, topics=change(found.topics))

    def dismiss(self, session: str) -> None:
        """It is over."""
        with self._guard:
            self._known.pop(session, None)

    def _find(self, session: str) -> Admission | None:
        found = self._known.get(session)
        return None if found is None or found.until <= self._clock() else found

    def _forget(self) -> None:
        now = self._clock()
        self._known = {name: each for name, each in self._known.items() if each.until > now}


def _key_of(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
