"""HTTPS client: one request, one connection, one deadline, the pin before any byte.

Whatever a peer does inside `request` is a `PeerFault` of its: what it answers is read by `answers`
alone, and an exception that nobody thought of is its fault too (`_door`), for everything else in
there is ours and was checked before.
"""

from __future__ import annotations

import contextlib
import json
import math
import ssl
import threading
import time
from collections.abc import Iterator
from operator import itemgetter

from edgemark.errors import EdgemarkError
from edgemark.logs import get_logger
from edgemark.seam import place_of
from edgemark.transport.asking.answers import Answer, read_answer
from edgemark.transport.asking.deadline import (
    DeadlineSocket,
    asked_until,
    client_context,
    connect,
)
from edgemark.transport.asking.endpoint import Endpoint, parse_endpoint
from edgemark.transport.asking.line import Line
from edgemark.transport.asking.turns import Transfer
from edgemark.transport.faults import (
    AnswerMalformed,
    AnswerTruncated,
    PeerRefused,
    PeerUnreachable,
)
from edgemark.transport.tls import check_pin

CARD_HEADER = "X-Edgemark-Card"  # who asks; `identity.visiting` says what stands in it
MAX_ERROR_BYTES = 4096  # of what a refusing server says
MAX_ERROR_TEXT = 200  # characters of each of its words that are kept
MAX_ERROR_WORDS = 8

_log = get_logger("transport.http")


class HttpClient:
    """Asks servers; safe for many threads.

    Args:
        timeout_s: seconds for a whole request: connect, handshake, send, answer; and for a body
            or an answer as many more as `Transfer.seconds`, so that no setting forbids large ones.
            Long ones wait for their turn first (`turns`), each direction for itself.
        is_blind: for endpoints that strangers name. Whatever keeps it from who has the pin is one
            error in the same words, so nobody learns from it what is there.
        is_outside: it dials no address inside of a network.
    """

    def __init__(
        self, *, timeout_s: float = 10.0, is_blind: bool = False, is_outside: bool = False
    ) -> None:
        self._timeout_s = timeout_s
        self._is_blind, self._is_outside = is_blind, is_outside
        self._context = client_context()
        self._guard = threading.Lock()
        self._up, self._down = Line(), Line()
        self.bytes_in = 0
        self.bytes_out = 0

    def close(self) -> None:
        """Nothing that waits for its turn is sent any more."""
        self._up.close()
        self._down.close()

    def request(
        self,
        endpoint: str,
        pin: bytes,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        most_bytes: int,
        card: str = "",
        by: float = math.inf,
    ) -> bytes:
        """Send a request and return the body of the answer.

        Args:
            endpoint: https URL of the server, as registered.
            pin: SHA-256 of the SPKI that it must show.
            method: GET, POST or PUT.
            path: begins with a slash.
            body: request body.
            most_bytes: longest answer that is read.
            card: says who asks; empty for a stranger.
            by: when a long body, or a long answer, has to be there: the earliest goes first.

        Raises:
            PeerUnreachable: nobody there, or not in time (`AnswerTruncated`: broke off); later.
            WrongCertificate: another key; nothing was sent.
            PeerRefused: the server said no.
            AnswerTooLarge, AnswerMalformed: not an answer that we take.
            RefusedInput: `endpoint` is none.
        """
        place = parse_endpoint(endpoint)
        head = _write_head(place, method, path, len(body), card)
        line, longer = max((self._up, len(body)), (self._down, most_bytes), key=itemgetter(1))
        with _door(str(place)), line.turn(longer, by) as turn:
            answer = self._exchange(place, pin, (head, body), most_bytes, turn)
        with self._guard:
            self.bytes_in += len(answer.body)
        if answer.is_refusal:
            raise PeerRefused(answer.status, _read_error(answer.body), who=str(place))
        return answer.body

    def _exchange(
        self,
        place: Endpoint,
        pin: bytes,
        asked: tuple[bytes, bytes],
        most_bytes: int,
        turn: Transfer,
    ) -> Answer:
        """Ask over a checked connection and read the answer, all of it and no more."""
        head, body = asked
        seconds = self._timeout_s + turn.seconds()
        deadline = min(time.monotonic() + seconds, asked_until.get())
        wire = self._reach(place, pin, deadline)
        turn.moved = wire.moved
        with contextlib.closing(wire):
            # A server that refuses early may close before it has read everything: its answer
            # counts.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                wire.sendall(head)
                wire.sendall(body)
            with self._guard:
                self.bytes_out += len(body)
            return read_answer(
                wire, str(place), most_bytes=most_bytes, most_error_bytes=MAX_ERROR_BYTES
            )

    def _reach(self, place: Endpoint, pin: bytes, deadline: float) -> DeadlineSocket:
        """A connection to who has the key; nothing is sent to anybody else."""
        try:
            wire = connect(place, self._context, deadline, is_outside=self._is_outside)
            try:
                check_pin(wire.getpeercert(binary_form=True), pin, str(place))
            except BaseException:
                wire.close()
                raise
        except (OSError, EdgemarkError):
            if not self._is_blind:
                raise
        else:
            return wire
        raise PeerUnreachable(
            "cannot be reached",
            who=str(place),
            had="nobody, or not who was named",
            remedy="Try again later.",
        )


def _write_head(place: Endpoint, method: str, path: str, length: int, card: str) -> bytes:
    host = str(place).removeprefix("https://")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {length}"]
    lines += [f"{CARD_HEADER}: {card}"] * bool(card)
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("ascii")


@contextlib.contextmanager
def _door(who: str) -> Iterator[None]:
    """Whatever goes wrong within is the peer's doing, and is said in our own words."""
    try:
        yield
    except EdgemarkError:
        raise
    except ssl.SSLEOFError as error:
        raise AnswerTruncated(
            "connection ended before the answer",
            who=who,
            had=type(error).__name__,
            remedy="Try again later.",
        ) from error
    except OSError as error:
        raise PeerUnreachable(
            "cannot be reached", who=who, had=_reason(error), remedy="Try again later."
        ) from error
    except Exception as error:
        kind = type(error).__name__
        _log.warning("answer of an unknown kind", peer=who, kind=kind, place=place_of(error))
        raise AnswerMalformed("answer cannot be read", who=who, had=kind) from error


def _reason(error: OSError) -> str:
    return "too slow" if isinstance(error, TimeoutError) else error.strerror or "no connection"


def _read_error(body: bytes) -> dict[str, str]:
    """A stranger's words: short, printable, or nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {
        _clean(name): _clean(value)
        for name, value in list(said.items())[:MAX_ERROR_WORDS]
        if isinstance(value, str | int)
    }


def _clean(text: object) -> str:
    return "".join(c for c in str(text)[:MAX_ERROR_TEXT] if c.isprintable())
