"""JSON-RPC over HTTP to one node: repeated while the connection is lost, bounded, in plain words.

Every request made here may safely be repeated; see `edgemark.ledger.evm`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from edgemark.ledger.blocks import NodeAnswerMalformed
from edgemark.ledger.faults import AnswerTooLarge, ConnectionLost, NodeRefused

FIRST_PAUSE_S = 0.1  # doubles after each failed attempt
MOST_PAUSE_S = 2.0
MAX_ANSWER_BYTES = 64 * 2**20  # of one answer; a thousand blocks of our events are a tenth of it


class RpcWire:
    """One node at one address.

    Args:
        url: http(s) address; only `place` of it may be shown.
        timeout_s: seconds to wait for one answer.
        attempts: requests until a lost connection is reported, >= 1.
    """

    def __init__(self, url: str, *, timeout_s: float, attempts: int) -> None:
        self.place = shown_place(url)
        self._attempts = attempts
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_s, "hooks": {"response": _bound_answer}},
            exception_retry_configuration=None,
        )

    def rpc(self, method: str, *params: object) -> Any:
        """One request; raises as `EvmChain.rpc`."""
        answer = self._repeat(
            lambda: self._provider.make_request(RPCEndpoint(method), list(params))
        )
        return self._result_of(answer)

    def rpc_many(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Many requests in one message; as `EvmChain.rpc_many`."""
        if not wanted:
            return []
        batch = [(RPCEndpoint(method), list(params)) for method, params in wanted]
        answers = self._repeat(lambda: self._provider.make_batch_request(batch))
        if isinstance(answers, dict):  # the node refused the message as a whole
            self._result_of(answers)
        if not isinstance(answers, list) or len(answers) != len(wanted):
            raise NodeAnswerMalformed(
                "answered a batch otherwise", who=self.place, needed=f"{len(wanted)} answers"
            )
        return [self._result_of(answer) for answer in answers]

    def _repeat(self, request: Callable[[], Any]) -> Any:
        """What a request gives, tried again while the connection is lost."""
        pause = FIRST_PAUSE_S
        for attempt in range(1, self._attempts + 1):
            try:
                return request()
            except (requests.RequestException, Web3Exception, ValueError, OSError) as error:
                if attempt == self._attempts:
                    raise ConnectionLost(
                        "connection lost",
                        who=self.place,
                        had=f"{type(error).__name__} in {attempt} attempts",
                        remedy="Check that the node runs; nothing is lost.",
                    ) from error
            time.sleep(pause)
            pause = min(MOST_PAUSE_S, 2 * pause)
        raise LookupError("at least one attempt is made")

    def _result_of(self, answer: Any) -> Any:
        if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
            raise NodeAnswerMalformed(
                "sent no JSON-RPC answer", who=self.place, had=str(answer)[:200]
            )
        if "error" in answer:
            raise _refusal(answer["error"], self.place)
        return answer["result"]


def _bound_answer(response: requests.Response, **_: object) -> None:
    """Read the answer up to the bound: what a node sends must not fill this machine's memory."""
    try:
        body = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
    except HTTPError as error:  # as `requests` itself would report it
        raise requests.ConnectionError(str(error), response=response) from error
    if len(body) > MAX_ANSWER_BYTES:
        response.close()
        raise AnswerTooLarge(
            "answer is too large",
            who=shown_place(response.url),
            needed=f"<= {MAX_ANSWER_BYTES} bytes",
            remedy="Ask for less, or use another node.",
        )
    response.raw = io.BytesIO(body)


def shown_place(url: str) -> str:
    """The part of a node's address that may be shown: many carry a user's key behind the host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "no host", parts.port
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def _refusal(error: Any, who: str) -> NodeRefused:
    if not isinstance(error, dict):
        return NodeRefused(0, str(error), b"", who=who)
    data = error.get("data")
    if isinstance(data, dict):  # Hardhat wraps the bytes once more
        data = data.get("data")
    raw = b""
    if isinstance(data, str) and data.startswith("0x"):
        try:
            raw = bytes.fromhex(data[2:])
        except ValueError:
            raw = b""
    code = error.get("code")
    message = str(error.get("message", ""))
    return NodeRefused(code if isinstance(code, int) else 0, message, raw, who=who)
