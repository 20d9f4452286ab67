"""One HTTP request to a node and its answer, whole or not at all, and never larger than a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests

from edgemark.ledger.evm.faults import AnswerTooLarge, ConnectionLost
from edgemark.ledger.evm.reading.one_deadline import OneDeadline, all_by

MAX_ANSWER_BYTES = 64 * 2**20  # of one answer; a thousand blocks of our events are a tenth of it
PART_BYTES = 64 * 1024
WHOLE_ANSWER_S = 60.0  # from the first byte sent to the last of the answer, in drops or not
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True)
class HttpAnswer:
    """What came back.

    Args:
        status: of HTTP.
        headers: names in any case.
        body: at most `MAX_ANSWER_BYTES`.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class HttpPost:
    """Posts to one address, over one connection a thread.

    Args:
        url: http(s) address; only `place` of it may be shown.
        timeout_s: seconds to wait for the next bytes of an answer; `WHOLE_ANSWER_S` for all.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self.place = shown_place(url)
        self._url = url
        self._timeout_s = timeout_s
        self._of_thread = threading.local()

    def __call__(self, body: bytes) -> HttpAnswer:
        """Send and wait.

        Raises:
            ConnectionLost: no whole answer.
            AnswerTooLarge: more than anybody asked for.
        """
        until = time.monotonic() + WHOLE_ANSWER_S
        try:
            with (
                all_by(until),
                self._session().post(
                    self._url,
                    data=body,
                    headers=HEADERS,
                    timeout=self._timeout_s,
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                read = _read(response, until)
                return HttpAnswer(response.status_code, response.headers, read)
        except AnswerTooLarge as error:
            error.who = self.place
            raise
        except Exception as error:
            had = type(error).__name__
            raise ConnectionLost("connection lost", who=self.place, had=had) from error

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            session.mount("http://", OneDeadline())
            session.mount("https://", OneDeadline())
            # A company's proxy does not reach this machine; everything else may go through it.
            session.trust_env = not is_loopback(self._url)
        return session


def is_loopback(url: str) -> bool:
    """Does the address lead to this machine, by name or by number?"""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _read(response: requests.Response, until: float) -> bytes:
    """The body, read up to the bound: what a node sends must not fill this machine's memory."""
    body = bytearray()
    while part := response.raw.read1(PART_BYTES, decode_content=True):
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLarge(
                "answer is too large",
                needed=f"<= {MAX_ANSWER_BYTES} bytes",
                remedy="Ask for less, or use another node.",
            )
        if time.monotonic() > until:
            raise TimeoutError("the answer does not end")
    return bytes(body)


def shown_place(url: str) -> str:
    """The part of a node's address that may be shown: many carry a user's key behind the host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "no host", parts.port
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
