"""What can go wrong between two parties on the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgemark.errors import EdgemarkError, PeerFault, RefusedInput

MAX_RETRY_AFTER_S = 600  # whatever a server says, it is asked again by then


class PeerUnreachable(PeerFault):
    """Nobody answered in time, or the connection broke. It may work later."""


class AnswerTruncated(PeerUnreachable):
    """The connection ended before the whole answer was there."""


class WrongCertificate(PeerFault):
    """The server showed another key than the one it registered."""


class AnswerTooLarge(PeerFault):
    """The answer is longer than the question allows."""


class AnswerMalformed(PeerFault):
    """The answer is no HTTP, does not say how long it is, or says nothing that we understand."""


class PeerRefused(PeerFault):
    """The server answered with an error.

    Args:
        status: HTTP status, 300 .. 599.
        error: the server's own words: short, printable text by name. Not to be believed.
        who: the endpoint.
    """

    def __init__(self, status: int, error: dict[str, str], *, who: object) -> None:
        said = ", ".join(f"{name} {text}" for name, text in error.items()) or "nothing"
        super().__init__(f"refused the request with status {status}", who=who, had=said)
        self.status = status
        self.error = error

    @property
    def reason(self) -> str:
        """The server's words in one line."""
        names = ("error", "what", "had", "needed", "remedy")
        return "; ".join(self.error[name] for name in names if self.error.get(name))

    @property
    def retry_after_s(self) -> float:
        """Seconds after which the server wants to be asked again; 0 when it did not say."""
        said = self.error.get("retry_after_s", "")
        return float(min(int(said), MAX_RETRY_AFTER_S)) if said.isdecimal() else 0.0


class NotFound(RefusedInput):
    """There is nothing at the path, or nothing yet."""


@contextmanager
def from_peer(who: object) -> Iterator[None]:
    """What is read and checked within is a peer's: whatever is wrong with it is the peer's fault.

    A chain that does not answer meanwhile, and damage of our own, stay what they are.

    Raises:
        PeerFault: of what was refused within, and of every exception that nobody thought of.
    """
    try:
        yield
    except RefusedInput as refused:
        raise AnswerMalformed(
            refused.what, who=who, had=refused.had, needed=refused.needed
        ) from refused
    except EdgemarkError:
        raise
    except Exception as error:
        raise AnswerMalformed(
            "sent what cannot be read", who=who, had=type(error).__name__
        ) from error
