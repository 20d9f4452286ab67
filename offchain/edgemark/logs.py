"""Structured logs: one event, one line of JSON, with what it is about.

    log = get_logger("node")
    log.info("claim paid", channel=channel_id, number=3)

    {"at": "2026-01-31T12:00:00.123Z", "level": "info", "part": "node",
     "event": "claim paid", "channel": "5f…", "number": 3}

Facts that hold for everything a thread does meanwhile are said once:

    with about(channel=channel_id): ...  # every line inside names it, whoever writes that line

A terminal shows the same events as text (`log_format`: "auto", "json" or "text").

Values print as follows: bytes as hex, numbers and booleans as themselves, errors as their facts, a
`Secret` never, everything else as text of limited length on one line. Objects with secret fields
hide them in their own `repr` (see `Secret`), so nothing that reaches a log line can carry one.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, NoReturn, TextIO, TypeVar

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.settings.section import Section, setting

ROOT = "edgemark"
HIDDEN = "<secret>"
MAX_VALUE_CHARS = 2000  # a hostile peer's text must not fill the log
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

FORMATS = ("auto", "json", "text")

T = TypeVar("T")
_ABOUT: ContextVar[Mapping[str, object]] = ContextVar("about", default={})  # noqa: B039 - never changed


@dataclass(frozen=True)
class LogSettings(Section):
    """What is written on standard error.

    Attributes:
        level: debug, info, warning or error.
        format: json, text, or auto: text when standard error is a terminal.
    """

    NAME = "logs"

    level: str = setting("info", choices=tuple(LEVELS), flat="log_level")
    format: str = setting("auto", choices=FORMATS, flat="log_format")


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Name these facts on every line that this thread, or task, writes meanwhile."""
    token = _ABOUT.set({**_ABOUT.get(), **facts})
    try:
        yield
    finally:
        _ABOUT.reset(token)


class Secret(Generic[T]):
    """Holds a value that must not be printed; only `reveal` gives it back.

    Args:
        value: what to hide from `repr`, `str`, formatting, pickling, JSON and logs.
    """

    __slots__ = ("__value",)

    def __init__(self, value: T) -> None:
        self.__value = value

    def reveal(self) -> T:
        """The value; call it where it is used, never to store or print it."""
        return self.__value

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise RefusedInput("a secret cannot be serialised", who="secret")


def _printable(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value[: MAX_VALUE_CHARS // 2]).hex()
    if isinstance(value, EdgemarkError):
        return {name: _printable(part) for name, part in value.as_dict().items() if part}
    if isinstance(value, Mapping):
        return {str(name): _printable(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_printable(part) for part in value]
    text = str(value)
    return text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS] + "…"


class EventLog:
    """Writes events of one part of the program; made by `get_logger`.

    Args:
        part: the part, for example "node" or "ledger.lane".
    """

    def __init__(self, part: str) -> None:
        self._part = part
        self._logger = logging.getLogger(f"{ROOT}.{part}")

    @property
    def tells_details(self) -> bool:
        """Whether anything is made of what `debug` is told."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def debug(self, event: str, **facts: object) -> None:
        """What helps to follow one run."""
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        """What an operator wants to see."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """What works again by itself, or another party's fault."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: object) -> None:
        """What somebody has to look at."""
        self._write(logging.ERROR, event, facts)

    def _write(self, level: int, event: str, facts: Mapping[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            told = {**_ABOUT.get(), **facts}
            self._logger.log(level, event, extra={"edgemark_facts": told})


def get_logger(part: str) -> EventLog:
    """The log of one part of the program."""
    return EventLog(part)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII; an exception adds its type and message, never its locals."""
        return json.dumps(_line_of(record), default=str)


class TextLines(logging.Formatter):
    """Formats a record as one line for a reader at a terminal: the same facts as `JsonLines`."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, part, event, then `name=value`; values quoted as in JSON where they must."""
        line = _line_of(record)
        clock = str(line.pop("at"))[11:19]
        event = json.dumps(line.pop("event"))[1:-1]
        head = f"{clock} {line.pop('level'):<7} {line.pop('part')}: {event}"
        return " ".join([head, *(f"{name}={_bare(value)}" for name, value in line.items())])


def _line_of(record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    line: dict[str, Any] = {
        "at": at.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "part": record.name.removeprefix(f"{ROOT}."),
        "event": record.getMessage(),
    }
    for name, value in getattr(record, "edgemark_facts", {}).items():
        line[name] = _printable(value)
    if record.exc_info and record.exc_info[0] is not None:
        line["exception"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"
    return line


def _bare(value: object) -> str:
    """A value as JSON, without quotes where no reader needs them; no control character passes."""
    text = json.dumps(value, default=str)
    plain = text[1:-1]
    needs_quotes = not isinstance(value, str) or not plain or " " in plain or "\\" in plain
    return text if needs_quotes else plain


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes where standard error is now: what draws at a terminal puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def configure_logs(
    level: str = "info", stream: TextIO | None = None, *, form: str = "json"
) -> None:
    """Send the events of this process to `stream`, replacing an earlier choice.

    Args:
        level: "debug", "info", "warning" or "error".
        stream: where to write lines; standard error by default.
        form: "json", "text", or "auto": text when the stream is a terminal.

    Raises:
        RefusedInput: an unknown level or form.
    """
    for name, had, known in (("level", level, LEVELS), ("format", form, FORMATS)):
        if had not in known:
            raise RefusedInput(
                f"unknown log {name}", who="logs", had=had[:40], needed=", ".join(known)
            )
    out = stream if stream is not None else sys.stderr
    is_text = form == "text" or (form == "auto" and out.isatty())
    logger = logging.getLogger(ROOT)
    for old in list(logger.handlers):
        logger.removeHandler(old)
    handler = _ToStandardError() if stream is None else logging.StreamHandler(out)
    handler.setFormatter(TextLines() if is_text else JsonLines())
    logger.addHandler(handler)
    logger.setLevel(LEVELS[level])
    logger.propagate = False


def are_json() -> bool:
    """Whether the lines of this process are read by programs."""
    handlers = logging.getLogger(ROOT).handlers
    return any(isinstance(handler.formatter, JsonLines) for handler in handlers)
