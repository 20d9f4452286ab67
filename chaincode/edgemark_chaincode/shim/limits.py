"""Every bound of the shim."""

from __future__ import annotations

MAX_MESSAGE_BYTES = 100 * 1024 * 1024  # Fabric's own, both ways
MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES - 2 * 1024 * 1024  # with room for an event and names
MAX_STREAMS = 16  # peers that hold one process: an organisation's, and those about to leave
MAX_TRANSACTIONS = 2_500  # at once on a stream: `peer.limits.concurrency.endorserService`
MAX_BYTES_IN_HAND = 256 * 1024 * 1024  # of the calls that a stream has begun
MAX_ODD_MESSAGES = 100  # that fit nothing, before a stream is ended
MAX_ARGUMENTS = 256
MAX_ID = 249  # characters of a transaction id or a channel's name
MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 4 * 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024
MAX_EVENT_NAME = 128  # characters
MAX_ITERATORS = 100  # of one call
MAX_PAGE = 100_000  # rows: `ledger.state.totalQueryLimit`
MAX_WORDS = 1_000  # characters of an error in an answer
HANDSHAKE_S = 10.0  # until whoever connected has spoken as a peer does
ANSWER_S = 300.0  # to one question but a call of a chaincode; a peer that lost it would hold ours
END_S = 5.0  # for calls that run when the process is to end
LEAVE_S = 7.0  # until a process that was told to end has ended, whatever its calls do
