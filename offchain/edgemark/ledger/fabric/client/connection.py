"""A channel over TLS to a peer's Gateway: options, methods, and what an answer's error says.

The two faces share all of it: they differ in `grpc.secure_channel` and `grpc.aio.secure_channel`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.faults import LedgerSilent, MessageMalformed
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.wire.details import TRAILER, parse_details
from edgemark.ledger.fabric.wire.limits import MAX_MESSAGE_BYTES

METHODS = {
    Asking.EVALUATE: "/gateway.Gateway/Evaluate",
    Asking.ENDORSE: "/gateway.Gateway/Endorse",
    Asking.SUBMIT: "/gateway.Gateway/Submit",
    Asking.STATUS: "/gateway.Gateway/CommitStatus",
    Asking.EVENTS: "/gateway.Gateway/ChaincodeEvents",
    Asking.BLOCKS: "/protos.Deliver/Deliver",
}
KEEPALIVE_MS = 60_000  # peers refuse more than one a minute
MAX_DETAILS_BYTES = 1024 * 1024  # gRPC's own bound, 8 KiB, is below the words of three endorsers
EARLY_S = 0.1  # by which gRPC may end a call before its time, at most
RECONNECT_MS = 1_000  # longest pause before the same peer is tried again


def credentials_of(address: PeerAddress) -> Any:
    """Those of gRPC."""
    return grpc.ssl_channel_credentials(
        address.roots, address.key or None, address.certificate or None
    )


def options_of(address: PeerAddress) -> list[tuple[str, Any]]:
    """Options of a channel."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_metadata_size", MAX_DETAILS_BYTES),  # what endorsers said travels there
        ("grpc.absolute_max_metadata_size", MAX_DETAILS_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS // 10),
        ("grpc.enable_retries", 0),  # a call is made again here, where it may be
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if address.server_name:
        options.append(("grpc.ssl_target_name_override", address.server_name))
    return options


def left_of(until: float | None) -> float | None:
    """Seconds until a time of the monotonic clock; None where there is no end."""
    return None if until is None else max(until - time.monotonic(), 0.0)


class StreamTime:
    """How long one stream lasts, and whether an end of it is that of its time.

    Args:
        longest_s: of any stream.
        until: when the caller's time for all streams is over, of the monotonic clock; None: never.
    """

    def __init__(self, longest_s: float, until: float | None) -> None:
        told_s = left_of(until)
        left_s = longest_s if told_s is None else told_s
        self.left_s = min(longest_s, left_s)
        self.is_callers = until is not None and left_s <= longest_s
        self._end = time.monotonic() + self.left_s - min(EARLY_S, self.left_s / 2)

    @property
    def is_over(self) -> bool:
        """Whether the stream may have ended because its time was over."""
        return time.monotonic() >= self._end


def explain_call(asking: Asking, error: grpc.RpcError, target: str) -> EdgemarkError:
    """The typed error of a call that failed.

    Args:
        asking: what was asked.
        error: of a call of either face.
        target: HOST:PORT that was asked.
    """
    code: Any = error.code()
    details: str = error.details() or ""
    trailers: Any = error.trailing_metadata() or ()
    raw = next((value for name, value in trailers if name == TRAILER), b"")
    try:
        endorsers = parse_details(raw if isinstance(raw, bytes) else b"")
    except MessageMalformed:
        endorsers = ()  # the refusal counts without them
    name = code.name if code is not None else "UNKNOWN"
    return explain(Refusal(asking, name, details, endorsers, target))


class Peers:
    """The peers that a client may ask, one at a time; the next one when one is silent.

    Args:
        addresses: at least one.
        connect: makes a channel to one of them.
    """

    def __init__(
        self, addresses: Sequence[PeerAddress], connect: Callable[[PeerAddress], Any]
    ) -> None:
        if not addresses:
            raise RefusedInput(
                "names no peer", who="client", remedy="Name a profile that has a peer."
            )
        self._addresses = tuple(addresses)
        self._connect = connect
        self._channels: dict[int, Any] = {}
        self._methods: dict[tuple[int, Asking], Any] = {}
        self._at = 0
        self._lock = threading.Lock()
        self.is_closed = False

    def current(self) -> tuple[int, Any, str]:
        """Number of the peer that is asked now, its channel, its HOST:PORT.

        Raises:
            RefusedInput: the client is closed.
        """
        with self._lock:
            if self.is_closed:
                raise RefusedInput("is closed", who="client")
            at = self._at
            if at not in self._channels:
                self._channels[at] = self._connect(self._addresses[at])
            return at, self._channels[at], self._addresses[at].target

    def method(self, asking: Asking) -> tuple[int, Any, str]:
        """Number of the peer that is asked now, one of its methods that answer once, HOST:PORT.

        Raises:
            RefusedInput: the client is closed.
        """
        at, channel, target = self.current()
        found = self._methods.get((at, asking))
        if found is None:  # two threads may both make it: one is as good as the other
            found = self._methods[at, asking] = channel.unary_unary(METHODS[asking])
        return at, found, target

    def turn_after(self, error: EdgemarkError, at: int) -> None:
        """Ask the next one from now on, if this one was silent and nobody turned already."""
        if not isinstance(error, LedgerSilent) or error.endorsers:
            return
        with self._lock:
            if at == self._at:
                self._at = (at + 1) % len(self._addresses)

    def is_over(self, until: float | None) -> bool:
        """Whether nobody is asked any more: the client is closed, or the caller's time is over."""
        return self.is_closed or left_of(until) == 0

    def take_channels(self) -> list[Any]:
        """All that were opened, to be closed; no other is opened any more."""
        with self._lock:
            self.is_closed = True
            channels = list(self._channels.values())
            self._channels.clear()
            self._methods.clear()
            return channels
