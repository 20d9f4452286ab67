"""Why the broker ends a connection, or lets none begin: each reason has a word.

MQTT 3.1.1 has no packet in which a server says why it ends a connection: the client sees that it
ended, the log and the metrics say why. A login alone has an answer (3.2.2.3).
"""

from __future__ import annotations

from enum import StrEnum

from edgemark.errors import PeerFault


class Reason(StrEnum):
    """Why; few, for they are labels of a metric."""

    VERSION = "another version"
    ANONYMOUS = "no name or no password"
    PASSWORD = "no such login"  # noqa: S105 - a reason
    NO_CONNECT = "no login in time"
    ORDER = "a packet out of order"
    MALFORMED = "a malformed packet"
    UNSUPPORTED = "something that is not taken"
    TOO_LARGE = "too long a packet"
    FOREIGN = "another's topic"
    SILENT = "silent for too long"
    SLOW = "reads too slowly"
    OVER = "its time is over"
    REPLACED = "it logged in again"


# What a login is answered with, 3.2.2.3; any other refusal has no answer.
CONNACK_CODES = {Reason.VERSION: 1, Reason.ANONYMOUS: 4, Reason.PASSWORD: 5}


class PacketRefused(PeerFault):
    """A client sent what is not taken; its connection ends.

    Args:
        reason: in one word.
        had, needed: as in every error; no secret.
    """

    def __init__(self, reason: Reason, *, had: object = None, needed: object = None) -> None:
        super().__init__(str(reason), had=had, needed=needed)
        self.reason = reason
