"""Time that no client chooses: the clocks of the organisations, and the lower median of them.

A client chooses its transaction's timestamp within 15 minutes, and an endorsement keeps for ever.
So a deadline reads the record of the organisations' clocks instead: what was read stands in the
read set, and an endorsement that was held back dies with the next tick.

| step | function |
|---|---|
| `init` names the organisations | `Clocks.name_organisations` |
| an organisation's clock goes on | `clock/tick SECONDS`, by a certificate with the attribute |
| what time it is | `Clocks.now`, `clock/now`: lower median, 0 for one that has not written |
| what each clock says | `clock/list`: `{"MSP ID": seconds, ...}` |

A clock never goes back, and never past the timestamp of the transaction that moves it, which peers
hold within 15 minutes of theirs. With two organisations the slower one decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from edgemark.errors import RefusedInput
from edgemark.identifiers import LAST_SECOND, Timestamp
from edgemark.untrusted import canonical_json
from edgemark_chaincode.records import Record, Records
from edgemark_chaincode.shim.interface import Response, success

if TYPE_CHECKING:
    from edgemark_chaincode.shim.stub import ChaincodeStub

ATTRIBUTE = "edgemark.clock"  # of the certificate of an organisation's clock
ATTRIBUTE_VALUE = "true"
CLOCK_S = 30  # between two ticks; 2 in demonstrations
MAX_ORGANISATIONS = 64
MAX_NAME = 64
TICK, NOW, LIST = "clock/tick", "clock/now", "clock/list"
ORGANISATIONS_KEY = "clocks"


def clock_key(msp_id: str) -> str:
    """Key of an organisation's clock."""
    return f"clock/{msp_id}"


@dataclass(frozen=True)
class ClockedOrganisations(Record):
    """Whose clocks count.

    Attributes:
        msp_ids: ascending, each once.
    """

    FORMAT: ClassVar[str] = "edgemark-clocks"

    msp_ids: tuple[str, ...]


@dataclass(frozen=True)
class Clock(Record):
    """What an organisation says the time is.

    Attributes:
        at: Unix seconds.
    """

    FORMAT: ClassVar[str] = "edgemark-clock"

    at: Timestamp


@dataclass(frozen=True)
class Tick:
    """A clock is to go on.

    Attributes:
        msp_id: organisation of who asks.
        at: what its clock shows, Unix seconds.
        transaction_at: what the transaction says the time is, Unix seconds.
    """

    msp_id: str
    at: Timestamp
    transaction_at: Timestamp


class NoClock(RefusedInput):
    """Who asks has no clock here."""


class ClockWrong(RefusedInput):
    """A clock would go back, or ahead of its transaction."""


def admit(record: Clock | None, request: Tick, organisations: Sequence[str]) -> Clock:
    """The clock after a tick.

    Args:
        record: the clock before; None when it never went.
        request: the tick.
        organisations: whose clocks count.

    Raises:
        NoClock: of another organisation.
        ClockWrong: before what it showed, or after its own transaction's timestamp.
    """
    if request.msp_id not in organisations:
        raise NoClock("has no clock here", who=request.msp_id, needed=", ".join(organisations))
    who = f"clock of {request.msp_id}"
    if record is not None and request.at < record.at:
        raise ClockWrong("goes back", who=who, had=request.at, needed=f">= {record.at}")
    if request.at > request.transaction_at:
        needed = f"<= {request.transaction_at}, its transaction's time"
        raise ClockWrong("goes ahead", who=who, had=request.at, needed=needed)
    return Clock(request.at)


def compute_now(times: Sequence[Timestamp]) -> Timestamp:
    """Lower median: at least half of the clocks show it or a later time.

    Args:
        times: one for each organisation, 0 for a clock that never went.

    Raises:
        NoClock: there are none.
    """
    if not times:
        raise NoClock("were not named", who="organisations with a clock", needed="init")
    return sorted(times)[(len(times) - 1) // 2]


def check_organisations(msp_ids: Sequence[str]) -> ClockedOrganisations:
    """The organisations that `init` names, in any order.

    Raises:
        RefusedInput: none, too many, one twice, or a name that is none.
    """
    names = tuple(sorted(msp_ids))
    if not 1 <= len(names) <= MAX_ORGANISATIONS:
        needed = f"1 .. {MAX_ORGANISATIONS}"
        raise RefusedInput("has a wrong size", who="organisations", had=len(names), needed=needed)
    for name, after in zip(names, (*names[1:], None), strict=True):
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name == after:
            needed = "names of 1 .. 64 characters, each once"
            raise RefusedInput("is wrong", who="organisation", had=ascii(name), needed=needed)
    return ClockedOrganisations(names)


def parse_seconds(text: str) -> Timestamp:
    """Unix seconds in decimal digits.

    Raises:
        RefusedInput: they are not.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(LAST_SECOND))
    if not is_number or str(int(text)) != text or int(text) > LAST_SECOND:
        needed = f"digits, 0 .. {LAST_SECOND}"
        raise RefusedInput("is no time", who="time", had=ascii(text[:40]), needed=needed)
    return Timestamp(int(text))


class Clocks:
    """The clocks as one call sees them.

    Args:
        stub: of the call.
    """

    def __init__(self, stub: ChaincodeStub) -> None:
        self._stub = stub
        self._records = Records(stub)

    async def name_organisations(self, msp_ids: Sequence[str]) -> None:
        """Say whose clocks count; a chaincode calls it in `init` and nowhere else.

        Raises:
            RefusedInput: see `check_organisations`.
        """
        await self._records.put(ORGANISATIONS_KEY, check_organisations(msp_ids))

    async def now(self) -> Timestamp:
        """What time it is, Unix seconds; whatever a deadline decides reads it.

        Raises:
            NoClock: no organisations were named.
        """
        return compute_now(list((await self.read()).values()))

    async def read(self) -> Mapping[str, Timestamp]:
        """What each organisation's clock shows, by MSP id, ascending; 0 when it never went."""
        times = {}
        for msp_id in await self._organisations():
            record = await self._records.find(clock_key(msp_id), Clock)
            times[msp_id] = Timestamp(0) if record is None else record.at
        return times

    async def tick(self, at: Timestamp) -> None:
        """Let the clock of who asks go on; where it stands already, nothing is written.

        Raises:
            CallRefused: the certificate has not the attribute.
            NoClock, ClockWrong: see `admit`.
        """
        client = self._stub.get_client_identity()
        client.check_attribute(ATTRIBUTE, ATTRIBUTE_VALUE)
        key = clock_key(client.msp_id)
        record = await self._records.find(key, Clock)
        asked_at = Timestamp(self._stub.get_tx_timestamp().seconds)
        after = admit(record, Tick(client.msp_id, at, asked_at), await self._organisations())
        if after != record:
            await self._records.put(key, after)

    async def _organisations(self) -> tuple[str, ...]:
        named = await self._records.find(ORGANISATIONS_KEY, ClockedOrganisations)
        return named.msp_ids if named else ()


async def answer_clock(stub: ChaincodeStub) -> Response | None:
    """The answer to a call of a clock's function; None when it is none.

    A chaincode with deadlines asks it first in `invoke`.

    Raises:
        RefusedInput: other arguments, or see `Clocks`.
    """
    name, *arguments = stub.get_args() or [b""]
    function = name.decode(errors="replace")
    if function not in (TICK, NOW, LIST):
        return None
    needed = 1 if function == TICK else 0
    if len(arguments) != needed:
        had = len(arguments)
        raise RefusedInput("has other arguments", who=function, had=had, needed=needed)
    clocks = Clocks(stub)
    if function == TICK:
        await clocks.tick(parse_seconds(arguments[0].decode(errors="replace")))
        return success()
    if function == NOW:
        return success(str(await clocks.now()))
    return success(canonical_json.encode(await clocks.read()))
