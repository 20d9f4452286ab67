"""Questions of one call to the peer: one at a time, each with its answer.

Fabric's protocol names a question by channel and transaction id alone. So a call has at most one
question under way: what a chaincode asks at once waits for its turn. An answer for which nobody
waits is nobody's; a question that was given up ends the call, for its answer may still come and
would be taken for that of the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage

from edgemark.words import printable
from edgemark_chaincode.shim.faults import CallRefused, LedgerRefused, StreamBroken
from edgemark_chaincode.shim.limits import ANSWER_S, MAX_PAYLOAD_BYTES, MAX_WORDS


class Transaction:
    """One call on a stream.

    Args:
        channel: of the call.
        tx_id: of the call.
        send: gives a message to the stream's one writer.
        answer_s: seconds in which the peer has to answer a question.
    """

    def __init__(
        self,
        channel: str,
        tx_id: str,
        send: Callable[[Any], Awaitable[None]],
        answer_s: float = ANSWER_S,
    ) -> None:
        self.channel = channel
        self.tx_id = tx_id
        self._send = send
        self._answer_s = answer_s
        self._turn = asyncio.Lock()
        self._awaited: asyncio.Future[bytes] | None = None
        self._over = ""

    async def ask(self, kind: int, payload: bytes) -> bytes:
        """The payload of the peer's answer.

        Another chaincode has as long as the peer gives it, also one that stands in a debugger.

        Args:
            kind: type of the message.
            payload: of the message.

        Raises:
            CallRefused: it is too large.
            LedgerRefused: the peer answered with an error.
            StreamBroken: it did not answer in time, or the call is over.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:  # larger ones end the stream, and all calls on it
            had, needed = f"{len(payload)} bytes", f"<= {MAX_PAYLOAD_BYTES}"
            raise CallRefused("is too large", who="question", had=had, needed=needed)
        async with self._turn:
            if self._over:
                raise StreamBroken(self._over, who=self._who)
            self._awaited = asyncio.get_running_loop().create_future()
            message = ChaincodeMessage(
                type=kind, payload=payload, txid=self.tx_id, channel_id=self.channel
            )
            limit_s = None if kind == ChaincodeMessage.INVOKE_CHAINCODE else self._answer_s
            try:
                async with asyncio.timeout(limit_s):
                    await self._send(message)
                    return await self._awaited
            except TimeoutError:
                self._over = "the peer has not answered"
                raise StreamBroken(
                    self._over, who=self._who, needed=f"an answer within {self._answer_s:g} s"
                ) from None
            except asyncio.CancelledError:
                self._over = "a question was given up, and its answer could be taken for another's"
                raise
            finally:
                self._awaited = None

    def hear(self, message: Any) -> bool:
        """Take a RESPONSE or ERROR of the peer; False when nobody waits for it."""
        if self._awaited is None or self._awaited.done():
            return False
        if message.type == ChaincodeMessage.RESPONSE:
            self._awaited.set_result(message.payload)
        else:
            words = printable(message.payload[: 4 * MAX_WORDS].decode(errors="replace"))
            self._awaited.set_exception(LedgerRefused(words[:MAX_WORDS] or "no", who="peer"))
        return True

    def close(self) -> None:
        """Let nothing more be asked: the call has its answer, or its stream is gone."""
        self._over = self._over or "the call is over"

    @property
    def _who(self) -> str:
        return f"call {self.tx_id[:16]}"
