"""One connection to a broker, by the library `aiomqtt`: what it leaves to us, and its errors.

The library waits for the answer to a message until a time-out, also when the connection has ended;
here the end of the connection ends the waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from edgemark.errors import PeerFault
from edgemark.transport.asking.deadline import client_context
from edgemark.transport.broker.packets import MOST_FILTERS
from edgemark.transport.broker.tickets import Ticket
from edgemark.transport.faults import PeerUnreachable
from edgemark.transport.limits import ClientLimits
from edgemark.transport.tls import check_pin

SOCKET_OPTIONS = [  # else an answer waits for the acknowledgement of the network: 40 ms
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
]
MOST_IN_A_TURN = 1024  # messages of one turn of the loop: the library drops more without a word
GOODBYE_S = 0.5  # it is said at once; whether it was heard does not matter
REFUSED = 128  # from here on a code says no, 3.9.3
AT_LEAST_ONCE = 1

T = TypeVar("T")


class LinkLost(PeerUnreachable):
    """The connection to the broker ended."""


class LinkFull(PeerUnreachable):
    """The broker has not acknowledged as many messages as may be on their way."""


class LoginRefused(PeerFault):
    """The broker does not let the session in."""


def pinned_context(pin: bytes, who: str) -> ssl.SSLContext:
    """TLS 1.3 with a server that shows this key: looked at within the handshake.

    The library sends name and password right after it, so nobody could look in between.

    Args:
        pin: see `tls`.
        who: the server, for the error. `WrongCertificate` comes out of the handshake.
    """

    class PinnedSocket(ssl.SSLSocket):
        """Ends with its handshake when the key is another."""

        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            try:
                check_pin(self.getpeercert(binary_form=True), pin, who)
            except BaseException:
                self.close()
                raise

    context = client_context()
    context.sslsocket_class = PinnedSocket
    return context


def _make_library_logger() -> logging.Logger:
    logger = logging.Logger("edgemark.aiomqtt", logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger


class Link:
    """Made by `open`; belongs to the event loop.

    Attributes:
        ticket: that it was opened with.
    """

    def __init__(self, client: aiomqtt.Client, ticket: Ticket) -> None:
        self.ticket = ticket
        self._client = client
        self._over = asyncio.get_running_loop().create_future()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, ticket: Ticket, limits: ClientLimits) -> AsyncIterator[Link]:
        """Connect and log in.

        Raises:
            LinkLost: nobody answers.
            WrongCertificate: it shows another key.
            LoginRefused: it says no.
        """
        who = f"{ticket.host}:{ticket.port}"
        client = aiomqtt.Client(
            ticket.host,
            ticket.port,
            identifier=ticket.name or ticket.session,
            username=ticket.session,
            password=ticket.password.reveal(),
            clean_session=True,
            timeout=limits.answer_s,
            keepalive=int(limits.keep_alive_s),
            max_inflight_messages=limits.most_in_flight,
            max_queued_incoming_messages=MOST_IN_A_TURN,
            max_queued_outgoing_messages=limits.most_publishing,
            tls_context=pinned_context(ticket.pin, who),
            socket_options=SOCKET_OPTIONS,
            logger=_make_library_logger(),
        )
        # The library connects in a thread of its own, which nobody can end.
        entering = asyncio.ensure_future(client.__aenter__())
        try:
            await asyncio.shield(entering)
            yield cls(client, ticket)
        except aiomqtt.MqttCodeError as error:
            raise LoginRefused("does not let the session in", who=who, had=str(error)) from error
        except aiomqtt.MqttError as error:
            raise LinkLost("broker does not answer", who=who, had=str(error)) from error
        finally:
            await asyncio.wait((entering,))
            entering.exception()  # it was told, or nobody waits for it any more
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                await asyncio.wait_for(client.__aexit__(None, None, None), GOODBYE_S)
                async for _ in client.messages:  # ends with what ended the connection: it is heard
                    pass

    async def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker.

        Raises:
            LinkLost: the connection ended before it said that it has it.
            LinkFull: it has not said so of too many others.
        """
        # However long it takes, for its reader may be slow; a broker that is gone is silent.
        sent = self._client.publish(topic, payload, qos=AT_LEAST_ONCE, timeout=math.inf)
        await self._unless_over(sent)

    async def listen(self, topics: Iterable[str]) -> frozenset[str]:
        """Listen to topics; those to which the session may not.

        Raises:
            LinkLost: the connection ended.
        """
        wanted, refused = sorted(topics), set[str]()
        for begin in range(0, len(wanted), MOST_FILTERS):
            part = wanted[begin : begin + MOST_FILTERS]
            asked = self._client.subscribe([(topic, AT_LEAST_ONCE) for topic in part])
            codes = await self._unless_over(asked)
            for topic, code in zip(part, codes, strict=True):
                if (code.value if isinstance(code, ReasonCode) else int(str(code))) >= REFUSED:
                    refused.add(topic)
        return frozenset(refused)

    async def forget(self, topics: Iterable[str]) -> None:
        """Listen to these no more.

        Raises:
            LinkLost: the connection ended.
        """
        wanted = sorted(topics)
        for begin in range(0, len(wanted), MOST_FILTERS):
            await self._unless_over(self._client.unsubscribe(wanted[begin : begin + MOST_FILTERS]))

    async def carry(self, take: Callable[[str, bytes], None]) -> None:
        """Hand on topic and payload of what comes, until the connection ends.

        Raises:
            LinkLost: it ended.
        """
        try:
            await self._unless_over(self._carry(take))
        finally:
            self.end()

    def end(self) -> None:
        """Nothing waits for this connection any more."""
        if not self._over.done():
            self._over.set_result(None)

    async def _carry(self, take: Callable[[str, bytes], None]) -> None:
        async for message in self._client.messages:
            payload = message.payload
            take(str(message.topic), payload if isinstance(payload, bytes) else b"")

    @property
    def _who(self) -> str:
        return f"{self.ticket.host}:{self.ticket.port}"

    async def _unless_over(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._over), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise LinkLost("connection ended", who=self._who)
            return task.result()
        except aiomqtt.MqttCodeError as error:
            kind = LinkFull if error.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE else LinkLost
            raise kind("does not go on", who=self._who, had=str(error)) from error
        except aiomqtt.MqttError as error:
            raise LinkLost("connection ended", who=self._who, had=str(error)) from error
        finally:
            task.cancel()
