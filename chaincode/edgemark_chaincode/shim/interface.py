"""What a chaincode is, what it answers, and what it reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgemark_chaincode.shim.composite_keys import encode_value

if TYPE_CHECKING:
    from edgemark_chaincode.shim.stub import ChaincodeStub

OK = 200
ERROR = 500


@dataclass(frozen=True)
class Response:
    """What a call ends with.

    Attributes:
        status: OK, or an error: from 400 on no peer endorses.
        message: words, of an error.
        payload: the result.
    """

    status: int
    message: str = ""
    payload: bytes = b""


def success(payload: bytes | str | None = None) -> Response:
    """The call did what it should; text is sent as UTF-8.

    Raises:
        CallRefused: the answer is neither bytes nor text.
    """
    return Response(OK, payload=b"" if payload is None else encode_value(payload, "answer"))


def error(message: str = "") -> Response:
    """The call is refused: nothing that it wrote counts."""
    return Response(ERROR, message=message)


@dataclass(frozen=True)
class Timestamp:
    """A moment: Unix seconds, and nanoseconds after them."""

    seconds: int
    nanos: int = 0


@dataclass(frozen=True)
class KeyValue:
    """A row of a range.

    Attributes:
        key: as it was written.
        value: never empty.
        namespace: chaincode whose key it is.
    """

    key: str
    value: bytes
    namespace: str


@dataclass(frozen=True)
class KeyModification:
    """A row of a key's history.

    Attributes:
        tx_id: of the transaction that wrote it.
        value: empty when it was deleted.
        timestamp: what that transaction's client said the time was.
        is_delete: whether it was deleted.
    """

    tx_id: str
    value: bytes
    timestamp: Timestamp
    is_delete: bool


class Chaincode(ABC):
    """A chaincode: `init` at a definition that asks for it, `invoke` at every other call.

    Whatever they raise is an answer of status ERROR with the error's words. Calls run side by
    side, so an object of this class keeps nothing of a call.
    """

    @abstractmethod
    async def init(self, stub: ChaincodeStub) -> Response:
        """Begin with the arguments of the first call of a definition."""

    @abstractmethod
    async def invoke(self, stub: ChaincodeStub) -> Response:
        """Answer a call."""
