"""JSON-RPC to one node, in at one door: what comes out is a result or a typed fault of the node.

Law 1: a lost connection is tried again, a few times; every request made here may safely be
repeated, see `edgemark.ledger.evm.reading.chain`.
Law 2: a node that is busy is left alone for as long as it asks (`Retry-After`), or for twice as
long as the last time; requests meanwhile wait a little or are refused here without being sent.
However many requests were under way when it said so, that is one time.
Law 3: whatever else is not expected is `NodeAnswerMalformed`; no other exception leaves.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from edgemark.ledger.evm.faults import (
    BatchRefused,
    ChainBusy,
    ConnectionLost,
    NodeAnswerMalformed,
    NodeRefused,
)
from edgemark.ledger.evm.reading.answers import malformed, tell
from edgemark.ledger.evm.reading.posting import HttpAnswer, HttpPost
from edgemark.ledger.evm.refusals import (
    BUSY_STATUSES,
    busy_words,
    refusal_of,
    seconds_of,
)
from edgemark.words import count

FIRST_PAUSE_S = 0.1  # doubles after each failed attempt
MOST_PAUSE_S = 2.0
FIRST_QUIET_S = 0.5  # after a first answer that the node is busy; doubles with each that follows
MAX_DOUBLINGS = 10  # keeps the power from growing without end
MOST_QUIET_S = 60.0  # of a node that asks for more, too: deadlines do not wait
OK = 200


class RpcWire:
    """One node at one address.

    Args:
        url: http(s) address; only `place` of it may be shown.
        timeout_s: seconds to wait for one answer, and until a busy node may be asked again.
        attempts: requests until a lost connection is reported, >= 1.
        post: sends one message; for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        attempts: int,
        post: Callable[[bytes], HttpAnswer] | None = None,
    ) -> None:
        door = HttpPost(url, timeout_s=timeout_s)
        self.place = door.place
        self._post = post or door
        self._patience_s = timeout_s
        self._attempts = attempts
        self._ids = itertools.count(1)
        self._quiet = Quiet()

    def rpc(self, method: str, *params: object) -> Any:
        """One request; raises as `ChainNode.rpc`."""
        request = self._request(method, params)
        return self._repeat(request, lambda answer: self._result_of(answer, request["id"]))

    def rpc_many(self, wanted: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Many requests in one message; as `ChainNode.rpc_many`."""
        if not wanted:
            return []
        requests = [self._request(method, params) for method, params in wanted]
        found: list[Any] = self._repeat(requests, lambda found: self._results_of(found, requests))
        return found

    def _request(self, method: str, params: Sequence[object]) -> dict[str, Any]:
        facts = {"jsonrpc": "2.0", "id": next(self._ids), "method": method}
        return {**facts, "params": list(params)}

    def _repeat(self, request: Any, read: Callable[[Any], Any]) -> Any:
        """What a request gives, tried again while the connection is lost or the node is busy."""
        message = json.dumps(request).encode()
        pause = FIRST_PAUSE_S
        for attempt in range(1, self._attempts + 1):
            try:
                found = self._ask(message, read)
            except (ConnectionLost, ChainBusy) as error:
                if attempt == self._attempts:
                    raise self._lost(error) from error
                if isinstance(error, ChainBusy) and error.retry_after_s > self._patience_s:
                    raise
                if isinstance(error, ChainBusy):
                    continue
            else:
                self._quiet.end()
                return found
            time.sleep(pause)
            pause = min(MOST_PAUSE_S, 2 * pause)
        raise LookupError("at least one attempt is made")

    def _ask(self, message: bytes, read: Callable[[Any], Any]) -> Any:
        sent_at = self._quiet.wait(self._patience_s, self.place)
        try:
            return read(self._decode(self._post(message)))
        except _SaidBusy as said:
            pause = self._quiet.begin(said.asked_s, sent_at)
            raise ChainBusy(said.had, who=self.place, retry_after_s=pause) from said

    def _lost(self, error: ConnectionLost | ChainBusy) -> ConnectionLost | ChainBusy:
        if isinstance(error, ChainBusy):
            return error
        return ConnectionLost(
            "connection lost",
            who=self.place,
            had=f"{error.had} in {count(self._attempts, 'attempt')}",
            remedy="Check that the node runs; nothing is lost.",
        )

    def _decode(self, answer: HttpAnswer) -> Any:
        if answer.status in BUSY_STATUSES:
            asked = seconds_of(answer.headers.get("Retry-After"))
            raise _SaidBusy(f"HTTP status {answer.status}", asked)
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            if answer.status != OK:
                raise ConnectionLost(
                    "connection lost", who=self.place, had=f"HTTP status {answer.status}"
                ) from error
            raise NodeAnswerMalformed(
                "sent no JSON",
                who=self.place,
                had=f"{len(answer.body)} bytes",
                remedy="Check that the address is that of a node.",
            ) from error
        if answer.status != OK and not (isinstance(found, dict) and found.get("error")):
            raise ConnectionLost(
                "connection lost", who=self.place, had=f"HTTP status {answer.status}"
            )
        return found

    def _results_of(self, answers: Any, requests: Sequence[dict[str, Any]]) -> list[Any]:
        if isinstance(answers, dict):  # the node refused the message as a whole
            try:
                self._result_of(answers, None)
            except NodeRefused as error:
                facts = (error.code, error.message, error.data)
                raise BatchRefused(*facts, who=self.place) from error
        if not isinstance(answers, list) or len(answers) != len(requests):
            raise NodeAnswerMalformed(
                "answered a batch otherwise",
                who=self.place,
                had=tell(answers),
                needed=count(len(requests), "answer"),
            )
        by_id = {
            answer["id"]: answer
            for answer in answers
            if isinstance(answer, dict) and type(answer.get("id")) is int
        }
        if by_id.keys() != {request["id"] for request in requests}:
            raise NodeAnswerMalformed("answered other requests", who=self.place, had=tell(answers))
        return [self._result_of(by_id[each["id"]], each["id"]) for each in requests]

    def _result_of(self, answer: Any, wanted: int | None) -> Any:
        """The result in an answer; a member `error` that is null is none (some nodes add it)."""
        if not isinstance(answer, dict):
            raise malformed("JSON-RPC answer", answer, "an object")
        error = answer.get("error")
        if error is not None:  # whatever its id: one to a request that could not be read has none
            busy = busy_words(error)
            if busy is not None:
                raise _SaidBusy(busy, None)
            raise refusal_of(error, self.place)
        if "result" not in answer:
            raise malformed("JSON-RPC answer", answer, "a result or an error")
        if wanted is not None and (type(answer.get("id")) is not int or answer["id"] != wanted):
            raise malformed("answer to this request", answer.get("id"), f"id {wanted}")
        return answer["result"]


class _SaidBusy(Exception):
    """The node's answer to one request; never leaves `RpcWire`."""

    def __init__(self, had: str, asked_s: float | None) -> None:
        super().__init__(had)
        self.had, self.asked_s = had, asked_s


class Quiet:
    """For how long a busy node is left alone, by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._in_row = 0

    def begin(self, asked_s: float | None, sent_at: float) -> float:
        """The node is busy; answers for how long it is left alone, seconds.

        Args:
            asked_s: seconds that the node asks for; None when it does not say.
            sent_at: what `wait` gave; only what was sent after the last pause tells of another one.
        """
        with self._lock:
            now, pause = time.monotonic(), min(MOST_QUIET_S, asked_s or 0.0)
            if sent_at >= self._until:
                doubled: float = FIRST_QUIET_S * 2 ** min(self._in_row, MAX_DOUBLINGS)
                pause = min(MOST_QUIET_S, max(doubled, pause))
                self._in_row += 1
            self._until = max(self._until, now + pause)
            return max(FIRST_QUIET_S, self._until - now)

    def end(self) -> None:
        """The node answered."""
        with self._lock:
            self._in_row = 0

    def wait(self, patience_s: float, who: str) -> float:
        """Wait until the node may be asked; gives the time then, for `begin`.

        Raises:
            ChainBusy: that is more than `patience_s` seconds from now.
        """
        left = self._until - time.monotonic()
        if left > patience_s:
            raise ChainBusy("it asked to be left alone", who=who, retry_after_s=left)
        if left > 0:
            time.sleep(left)
        return time.monotonic()
