"""Ids as people type them: whole, or the beginning of one that is known here.

Rule: the beginning of an id says what to look up, never to whom something goes. Whoever is paid,
posted for, admitted or dismissed is typed whole, for another's account may begin alike on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.words import count

LEAST_DIGITS = 6  # of hexadecimal: of a thousand ids two begin alike in 3 cases of 100
MOST_SHOWN = 8  # candidates in one error

_BEGUN = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")

Id = TypeVar("Id")


class IdUnknown(RefusedInput):
    """Nothing that is known here begins so."""


class IdAmbiguous(RefusedInput):
    """Several that are known here begin so."""


@dataclass(frozen=True)
class KindOfId(Generic[Id]):
    """What an id is of.

    Attributes:
        what: in one word.
        digits: of hexadecimal that a whole one has.
        parse: reads a whole one, with `0x`; raises `RefusedInput`.
    """

    what: str
    digits: int
    parse: Callable[[str], Id]


ACCOUNT: KindOfId[Address] = KindOfId(
    "account", 40, lambda text: parse_address(text, who="account")
)


@dataclass(frozen=True)
class Known:
    """Where ids are known.

    Attributes:
        where: in words, behind "of".
        list_ids: in hexadecimal, with `0x` or without; asked only for an id that is not whole.
    """

    where: str
    list_ids: Callable[[], Iterable[str]]


def find_id(kind: KindOfId[Id], typed: str, *places: Known) -> Id:
    """The id that somebody typed.

    Args:
        kind: what it is of.
        typed: a whole id, which need not be known, or its beginning, with or without `0x`.
        places: where such ids are known; the first in which one begins so counts.

    Raises:
        RefusedInput: neither whole nor a beginning of `LEAST_DIGITS`.
        IdAmbiguous: several of a place begin so; with all of them, or the first.
        IdUnknown: none of any place begins so; with how many are known.
    """
    begun = _BEGUN.fullmatch(typed)
    digits = begun[1] if begun else ""
    if len(digits) == kind.digits:
        return kind.parse(f"0x{digits}")
    if not LEAST_DIGITS <= len(digits) < kind.digits:
        raise RefusedInput(
            "is no id, whole or begun",
            who=kind.what,
            had=repr(typed[:80]),
            needed=f"{kind.digits} hex digits, or the first {LEAST_DIGITS} or more of a known one",
        )
    wanted, counts = digits.lower(), []
    for place in places:
        known = {each.lower().removeprefix("0x") for each in place.list_ids()}
        found = sorted(each for each in known if each.startswith(wanted))
        if len(found) == 1:
            return kind.parse(f"0x{found[0]}")
        if found:
            raise _ambiguous(kind, typed, found, place)
        counts.append(f"{count(len(known), kind.what)} of {place.where}")
    raise IdUnknown(
        "is not known: none begins so",
        who=f"{kind.what} {typed}",
        had=" and ".join(counts),
        needed=f"one of them, or all {kind.digits} digits",
    )


def _ambiguous(kind: KindOfId[Id], typed: str, found: list[str], place: Known) -> IdAmbiguous:
    rest = len(found) - MOST_SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return IdAmbiguous(
        f"could be {count(len(found), kind.what)} of {place.where}",
        who=f"{kind.what} {typed}",
        had=", ".join(found[:MOST_SHOWN]) + more,
        needed="more digits",
    )
