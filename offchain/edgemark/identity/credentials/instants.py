"""Times as credentials write them: a second or a part of one, with its zone. Pure.

Source: VC Data Model 2.0, 4.9 (`dateTimeStamp` of XML Schema 1.1, 3.4.28: the zone has to be
there); RFC 3339. Refused besides: years beyond 9999 or before 1, `24:00:00`, leap seconds,
and parts of a second beyond a nanosecond: readers differ about each of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NewType

from edgemark.errors import RefusedInput

Instant = NewType("Instant", int)
"""Nanoseconds since the beginning of 1970, UTC."""

SECOND_NS = 10**9
MAX_CHARS = 40

_STAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ZONE_MINUTES = 14 * 60


class InstantInvalid(RefusedInput):
    """A text is no time with a zone."""


def parse_instant(text: object, *, who: str) -> Instant:
    """Parse a time.

    Raises:
        InstantInvalid: not `YYYY-MM-DDThh:mm:ss`, maybe `.` and parts, then `Z` or `+hh:mm`.
    """
    found = _STAMP.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_CHARS else None
    if found is None:
        raise _invalid(who)
    *numbers, parts, sign, hours, minutes = found.groups()
    offset = 0
    if sign is not None:
        offset = int(hours) * 60 + int(minutes)
        if int(minutes) > 59 or offset > _MAX_ZONE_MINUTES:
            raise _invalid(who)
        offset = -offset if sign == "-" else offset
    try:
        moment = datetime(*map(int, numbers), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        raise _invalid(who) from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1) - 60 * offset
    return Instant(seconds * SECOND_NS + int((parts or "0").ljust(9, "0")))


def instant_of(second: int) -> Instant:
    """A Unix second."""
    return Instant(second * SECOND_NS)


def _invalid(who: str) -> InstantInvalid:
    needed = "YYYY-MM-DDThh:mm:ssZ, or +hh:mm for Z"
    return InstantInvalid("is no time with a zone", who=who, needed=needed)
