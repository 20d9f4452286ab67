"""What a node's error means: that it is busy, that too much was asked, that it will never be so.

Nodes agree on few codes and on fewer words; the lists are what Geth, Nethermind, Besu, Erigon,
Reth, Anvil, Hardhat and the services before them say. What is in no list may pass.
"""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

from edgemark.ledger.evm.faults import NodeRefused
from edgemark.ledger.evm.reading.answers import is_data, words_of

BUSY_STATUSES = (429, 502, 503, 504)  # of HTTP
REVERT_CODE = 3  # of JSON-RPC: a contract reverted, with data
LIMIT_CODES = (-32005, -32029, 429)  # "limit exceeded", of JSON-RPC and of services before nodes
BUSY_WORDS = (
    "rate limit",
    "ratelimit",
    "too many requests",
    "request count exceeded",
    "request limit",
    "requests per second",
    "compute units",
    "capacity exceeded",
    "quota",
    "throttl",
    "try again later",
    "retry later",
    "temporarily unavailable",
    "overloaded",
)
TOO_MUCH_WORDS = (  # of eth_getLogs: ask for fewer blocks
    "too many results",
    "too many logs",
    "too many blocks",
    "range",
    "query returned more than",
    "max results",
    "exceeds limit",
    "response size",
    "response is too big",
    "response too large",
    "block limit",
    "query timeout",
)
ALREADY_THERE = ("already known", "already imported", "known transaction", "nonce too low")
NEVER_WORDS = (  # of eth_sendRawTransaction: no pool of this chain takes these bytes, ever
    "invalid sender",
    "invalid signature",
    "invalid chain id",
    "invalid chainid",
    "wrong chain id",
    "incorrect chain id",
    "chain id mismatch",
    "exceeds block gas limit",
    "block gas limit exceeded",
    "exceeds the block gas limit",
    "exceeds the limit allowed for the block",
    "intrinsic gas too low",
    "intrinsic gas exceeds",
    "intrinsic gas is too low",
    "oversized data",
    "max initcode size exceeded",
    "transaction type not supported",
    "unsupported transaction type",
    "unknown transaction type",
    "rlp: ",
    "failed to decode",
    "could not decode",
)
NO_FUNDS_WORDS = ("insufficient funds", "insufficient balance", "doesn't have enough funds")
MOST_WORDS = 1_000  # characters of a node's message that are kept
MOST_REVERT_BYTES = 64 * 1024  # of what comes with a revert


def refusal_of(error: Any, who: str) -> NodeRefused:
    """The node's error, of whatever form."""
    if not isinstance(error, dict):
        said = error if isinstance(error, str) else type(error).__name__
        return NodeRefused(0, words_of(said[:MOST_WORDS]), b"", who=who)
    data = error.get("data")
    if isinstance(data, dict):  # Hardhat wraps the bytes once more
        data = data.get("data")
    raw = b""
    if isinstance(data, str) and is_data(data, MOST_REVERT_BYTES):
        raw = bytes.fromhex(data[2:])
    return NodeRefused(_code_of(error), _message_of(error), raw, who=who)


def busy_words(error: Any) -> str | None:
    """What a node says that takes no more requests now; None when its error is another one."""
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        return None
    message, code = _message_of(error), _code_of(error)
    said = message.lower()
    if code == REVERT_CODE or "revert" in said:  # a contract's words, not the node's
        return None
    if any(words in said for words in BUSY_WORDS):
        return f"{code}: {message}"
    if code in LIMIT_CODES and not any(words in said for words in TOO_MUCH_WORDS):
        return f"{code}: {message}"
    return None


def is_too_much(error: NodeRefused) -> bool:
    """Does a refusal of `eth_getLogs` ask for a smaller range?"""
    said = error.message.lower()
    return any(words in said for words in TOO_MUCH_WORDS)


def is_already_there(error: NodeRefused) -> bool:
    """Does the node refuse a transaction because it, or another of its nonce, is there?"""
    return _says(error, ALREADY_THERE)


def is_never(error: NodeRefused) -> bool:
    """Does the node refuse a transaction that no node of this chain can ever take?"""
    return _says(error, NEVER_WORDS)


def is_no_funds(error: NodeRefused) -> bool:
    """Does the node say that the account cannot pay?"""
    return _says(error, NO_FUNDS_WORDS)


def seconds_of(text: str | None) -> float | None:
    """What a `Retry-After` asks for, in its two forms; None when it is neither, or past."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:6])
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, seconds)


def _says(error: NodeRefused, phrases: tuple[str, ...]) -> bool:
    """Does it say one of these, and not within a longer word, as "unknown transaction"?"""
    said = error.message.lower()
    return any(re.search(rf"(?<![a-z]){re.escape(words)}", said) for words in phrases)


def _code_of(error: dict[str, Any]) -> int:
    code = error.get("code")
    return code if type(code) is int and code.bit_length() <= 64 else 0


def _message_of(error: dict[str, Any]) -> str:
    message = error.get("message")
    if not isinstance(message, str):
        return "" if message is None else type(message).__name__
    return words_of(message[:MOST_WORDS])
