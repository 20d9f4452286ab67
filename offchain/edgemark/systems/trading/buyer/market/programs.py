"""A program of a seller's list, named by a user: which one that is, and what it gives at most.

The list is what the seller's status says. What is ordered is the digest, which covers the program
and all its limits: a list that says otherwise has the order answered as not begun, for nothing. So
the bounds are believed: an output beyond them is a wrong answer, and not paid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, parse_hash32
from edgemark.systems.trading.buyer.market.choosing import SellerPlace
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.work.messages import MAX_PART_BYTES
from edgemark.systems.trading.work.programs import MAX_PROGRAMS
from edgemark.systems.trading.work.programs import NAME as PROGRAM_NAME
from edgemark.transport.faults import from_peer
from edgemark.untrusted.fields import Fields, parse_json

STATUS = "/v1/status"
MAX_STATUS_BYTES = 64 * 1024
DIGEST = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
MAX_CPU_S = 3600 * 1024
US = 1_000_000


class ProgramNotListed(RefusedInput):
    """The seller runs no such program, or not here and now."""


@dataclass(frozen=True)
class Listed:
    """A program as its seller's status tells of it.

    Attributes:
        name: for people.
        digest: that is ordered.
        data_bytes, output_bytes: of its data and its output at most.
        cpu_s: processor seconds at most.
    """

    name: str
    digest: Hash32
    data_bytes: int
    output_bytes: int
    cpu_s: int


@dataclass(frozen=True)
class Run:
    """What a user wants run, before it is known of whom.

    Attributes:
        program: name or digest.
        data: its standard input.
        cpu_us: processor microseconds that are paid for at most.
    """

    program: str
    data: bytes
    cpu_us: int

    def of(self, listed: Listed) -> Wanted:
        """The same as an order for a seller's program: no more than that can use is asked for.

        Raises:
            RefusedInput: it takes less data.
        """
        if len(self.data) > listed.data_bytes:
            who, needed = f"data for {listed.name}", f"<= {listed.data_bytes} bytes"
            raise RefusedInput("are too long", who=who, had=len(self.data), needed=needed)
        most = min(self.cpu_us, listed.cpu_s * US)
        return Wanted.program(listed.digest, self.data, most, listed.output_bytes)


def check_named(text: str) -> str:
    """Check that this names a program: by name, or by digest.

    Raises:
        RefusedInput: it is neither.
    """
    if not DIGEST.fullmatch(text) and not PROGRAM_NAME.fullmatch(text):
        needed = "a name or a digest of 64 hexadecimal digits, as the seller's list has them"
        raise RefusedInput("is no program", who="--program", had=text[:80], needed=needed)
    return text


def find_program(station: TradingStation, place: SellerPlace, named: str) -> Listed:
    """The program of a seller that a user named; no name is as long as a digest.

    Args:
        station: of the buyer.
        place: of the seller.
        named: name or digest.

    Raises:
        ProgramNotListed: the seller does not list it.
        PeerFault: the seller does not answer, or with no list.
    """
    raw = place.get(station, STATUS, most=MAX_STATUS_BYTES)
    with from_peer(str(place.did)):
        listed = read_listed(raw)
    digest = named.lower().removeprefix("0x")
    for each in listed:
        if digest == each.digest.hex() or named == each.name:
            return each
    raise not_listed(named, listed)


def not_listed(named: str, listed: Sequence[Listed]) -> ProgramNotListed:
    """That a seller does not list what a user named, with what it lists."""
    if not listed:
        return ProgramNotListed(
            "is not to be had of this seller, which runs no programs",
            who=f"program {named}",
            remedy="Ask another seller.",
        )
    return ProgramNotListed(
        "is not on the seller's list",
        who=f"program {named}",
        had=", ".join(each.name for each in listed)[:400],
        remedy="Name one of these, or ask another seller.",
    )


def read_listed(raw: bytes) -> list[Listed]:
    """The programs of a status.

    Raises:
        RefusedInput: it has no list, or one that is none.
    """
    told = parse_json(raw, "status").parts("programs", MAX_PROGRAMS)
    return [_read(each) for each in told]


def _read(part: Fields) -> Listed:
    name = part.text("name")
    if not PROGRAM_NAME.fullmatch(name):
        raise RefusedInput("is no name", who=part.who, had=name[:80], needed=PROGRAM_NAME.pattern)
    bounds = {"data_bytes": MAX_PART_BYTES, "output_bytes": MAX_PART_BYTES, "cpu_s": MAX_CPU_S}
    had = {each: part.whole(each) for each in bounds}
    for each, most in bounds.items():
        if not 0 <= had[each] <= most:
            who, needed = f"{name}, {each}", f"0..{most}"
            raise RefusedInput("is out of range", who=who, had=had[each], needed=needed)
    return Listed(name, parse_hash32(part.text("digest"), who=name), **had)
