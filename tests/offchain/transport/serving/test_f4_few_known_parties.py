"""F4: neither one known party nor a few hold what the others need; each old rule is planted."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import IO

import pytest

from edgemark.errors import Overloaded
from edgemark.transport.limits import (
    DISK_RESERVE_BYTES,
    GIVEN_RESERVE_BYTES,
    LEAST_BYTES_PER_S,
    MIB,
    ServerLimits,
)
from edgemark.transport.serving.bodies import Body, Spool
from edgemark.transport.serving.crowd import Places
from edgemark.transport.serving.loading import Memory
from edgemark.transport.serving.outgoing import Copy, Outgoing
from edgemark.transport.serving.room import Holder

FUNCTION, KEPT = 8, 2  # as much smaller than 64 and 16 MiB as the spool is
FEW = 4  # known parties that work together
SMALL = ServerLimits(spool_bytes=96, spool_bytes_of_known=16, loaded_bytes=12)
SHARE = 91  # bytes of an answer
OPERATING = Path(__file__).resolve().parents[4] / "docs" / "operating.md"


# --- bodies on the disk --------------------------------------------------------------------------


def fill(spool: Spool, account: str, count: int, name: str = "") -> Body:
    """A body of which so many bytes came, one after the other."""
    body = spool.open(account, count, name)
    send(body)
    return body


def send(body: Body) -> None:
    for _ in range(body.length):
        body._keep(b"1")


class PlantedSpool(Spool):
    """As it was: a half for the first bytes of each party, the other for whoever comes first."""

    def take(self, body: Body, count: int) -> None:
        party = self._coming[body]
        held = {**self._held, party: self._held[party] + count}
        first = sum(min(had, KEPT) for had in held.values())
        more, half = sum(held.values()) - first, self._limits.spool_bytes // 2
        is_more = held[party] > KEPT
        over = held[party] > self._limits.spool_bytes_of_known
        if over or first > half or (is_more and more > half):
            raise Overloaded("no room for another body", who=party[1])
        self._held[party] += count
        body.taken += count


@pytest.mark.parametrize(("kind", "is_refused"), [(Spool, False), (PlantedSpool, True)])
def test_f4_few_known_parties_that_fill_the_spool__leave_room_for_a_function(
    tmp_path: Path, kind: type[Spool], *, is_refused: bool
) -> None:
    spool, held = kind(tmp_path, SMALL), contextlib.ExitStack()
    for number in range(FEW):
        for _ in range(2):
            with contextlib.suppress(Overloaded):
                send(held.enter_context(spool.open(f"payer {number}", FUNCTION)))
    refused = False
    try:
        send(held.enter_context(spool.open("honest", FUNCTION)))
    except Overloaded:
        refused = True
    assert refused == is_refused
    held.close()
    assert spool.held_bytes == 0


def test_f4_a_full_spool__takes_from_the_greediest_what_even_shares_need(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SMALL)
    greedy = [fill(spool, "greedy", FUNCTION) for _ in range(2)]
    others = [fill(spool, f"payer {number}", FUNCTION) for number in range(10)]
    honest = fill(spool, "honest", FUNCTION)  # the tenth of eleven parties that has as much
    assert spool.held_bytes == SMALL.spool_bytes
    assert [body.taken for body in others] == [FUNCTION] * 10
    gone = [body for body in greedy if body._spool is None]
    assert len(gone) == 1
    with pytest.raises(Overloaded, match="gave way"):
        gone[0]._keep(b"1")
    with pytest.raises(Overloaded, match="gave way"):
        gone[0].take_on()
    with pytest.raises(Overloaded, match="no room"):
        fill(spool, "one too many", FUNCTION)
    for body in (honest, *greedy, *others):
        body.close()
    assert spool.held_bytes == 0


def test_f4_a_body_that_is_worked_on__does_not_give_way(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SMALL)
    held = [fill(spool, f"payer {number}", FUNCTION) for number in range(12)]
    for body in held:
        body.take_on()
    with pytest.raises(Overloaded, match="no room"):
        fill(spool, "honest", 1)
    assert {body.load() for body in held} == {b"1" * FUNCTION}
    held.pop().close()
    held.append(fill(spool, "honest", FUNCTION))
    for body in held:
        body.close()
    assert spool.held_bytes == 0


def test_f4_what_one_party_sends_again__takes_the_place_of_the_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SMALL)
    first, other = fill(spool, "payer", 5, "/F"), fill(spool, "payer", 5, "/G")
    again = fill(spool, "payer", 5, "/F")
    assert (first._spool, other.taken, again.taken) == (None, 5, 5)
    fill(spool, "node", 5, "/F").close()
    assert spool.held_bytes == 10
    with pytest.raises(Overloaded, match="no room"):
        spool.open("payer", SMALL.spool_bytes_of_known)
    full = fill(spool, "payer", SMALL.spool_bytes_of_known - 10)
    with pytest.raises(Overloaded, match="no room"):
        full._keep(b"1")
    for body in (first, other, again, full):
        body.close()


def test_f4_what_is_only_announced__takes_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SMALL)
    idle = [spool.open(f"payer {n}", SMALL.spool_bytes_of_known) for n in range(50)]
    fill(spool, "honest", SMALL.spool_bytes_of_known).close()
    for body in idle:
        body.close()


def test_f4_the_slowest_body__is_over_when_a_client_would_have_given_up() -> None:
    limits = ServerLimits()
    longest = int(limits.longest_s) * LEAST_BYTES_PER_S
    assert limits.slowest(limits.stranger_bytes) == limits.least_bytes_per_s
    for length in (limits.stranger_bytes, 10 * MIB, longest):
        assert length / limits.slowest(length) <= limits.longest_s
    assert limits.slowest(longest) == LEAST_BYTES_PER_S


def test_f4_the_page_for_operators__says_the_bounds() -> None:
    page, limits = OPERATING.read_text(), ServerLimits()
    assert limits.spooling_parties == 22
    for figure in (
        f"{limits.spool_bytes // MIB:,} MiB, {limits.spool_bytes_of_known // MIB} MiB of one party",
        f"{limits.spooling_parties} parties",
        f"| {limits.given_bytes // MIB} MiB; never the last {GIVEN_RESERVE_BYTES // MIB} MiB",
        f"{limits.known_connections} requests of known parties",
        f"the first {limits.kept_of_known} of each",
        f"never the last {DISK_RESERVE_BYTES // MIB} MiB",
        f"{limits.longest_s + limits.body_s:.0f} seconds",
    ):
        assert figure in page, figure


# --- memory --------------------------------------------------------------------------------------


class PlantedMemory(Memory):
    """As it was: the oldest that does not fit holds up all behind it."""

    def _serve(self) -> None:
        for entry in list(self._waiting):
            own = self._own[entry.account]
            if own and own + entry.count > self._most // 2:
                continue
            if self.held + entry.count > self._most:
                break
            self._grant(entry)


async def settle() -> None:
    """Let everything that is due happen."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("kind", "is_served"), [(Memory, True), (PlantedMemory, False)])
def test_f4_a_body_that_fits__passes_a_longer_one(kind: type[Memory], *, is_served: bool) -> None:
    async def play() -> None:
        memory = kind(96, 8)
        await memory.take("a", 64, patience_s=1.0)
        waits = asyncio.create_task(memory.take("b", 64, patience_s=1.0))
        await settle()
        honest = asyncio.create_task(memory.take("honest", 13, patience_s=1.0))
        await settle()
        assert honest.done() == is_served
        for task in (waits, honest):
            task.cancel()

    asyncio.run(play())


def test_f4_the_longer_one__is_passed_so_often_only() -> None:
    async def play() -> None:
        memory = Memory(96, 8)
        leave = await memory.take("a", 64, patience_s=1.0)
        waits = asyncio.create_task(memory.take("b", 64, patience_s=9.0))
        await settle()
        shorter = []
        for number in range(20):
            shorter.append(asyncio.create_task(memory.take(f"c{number}", 1, patience_s=9.0)))
            await settle()
        assert sum(one.done() for one in shorter) == 8
        leave()
        await settle()
        assert waits.done()
        assert all(one.done() for one in shorter)

    asyncio.run(play())


def test_f4_many_bodies_of_few_parties__wait_behind_the_first_of_another() -> None:
    async def play() -> None:
        memory, came = Memory(10, 8), list[str]()

        async def work(account: str) -> None:
            leave = await memory.take(account, 10, patience_s=9.0)
            came.append(account)
            await settle()
            leave()

        works = [work(f"payer {number % FEW}") for number in range(8 * FEW)]
        await asyncio.gather(*works, work("honest"))
        assert came.index("honest") <= 1 + FEW  # behind the one that is there, and one of each
        assert Counter(came) == {"honest": 1, **{f"payer {n}": 8 for n in range(FEW)}}
        assert memory.held == 0

    asyncio.run(play())


def test_f4_bodies_of_one_party_that_wait__are_few() -> None:
    async def play() -> None:
        memory = Memory(10, 2)
        await memory.take("payer", 10, patience_s=1.0)
        waits = [asyncio.create_task(memory.take("payer", 10, patience_s=9.0)) for _ in range(2)]
        await settle()
        with pytest.raises(Overloaded) as caught:
            await memory.take("payer", 10, patience_s=9.0)
        assert caught.value.had == 2
        for task in waits:
            task.cancel()

    asyncio.run(play())


def test_memory__is_waited_for_and_given_back() -> None:
    async def play() -> None:
        memory = Memory(10, 8)
        first = await memory.take("node", 7, patience_s=0.0)
        with pytest.raises(Overloaded):
            await memory.take("judge", 4, patience_s=0.0)
        second = await memory.take("judge", 3, patience_s=0.0)
        assert memory.held == 10
        waits = asyncio.create_task(memory.take("payer", 11, patience_s=60.0))
        await asyncio.sleep(0)
        second()
        first()
        third = await waits  # more than all is all
        assert memory.held == 10
        third()
        assert memory.held == 0

    asyncio.run(play())


# --- answers -------------------------------------------------------------------------------------


class PlantedOutgoing(Outgoing):
    """As it was: who comes first is served."""

    def _make_room(self, reader: Holder, length: int) -> None:
        if self._count_held() + length > self._most:
            raise Overloaded("no room for another answer", who=reader[1])


@pytest.mark.parametrize(("kind", "is_refused"), [(Outgoing, False), (PlantedOutgoing, True)])
@pytest.mark.parametrize("is_known", [True, False])
def test_f4_one_reader_of_many_answers__leaves_room_for_another(
    tmp_path: Path, kind: type[Outgoing], *, is_known: bool, is_refused: bool
) -> None:
    outgoing, held = kind(tmp_path, 10 * SHARE), contextlib.ExitStack()
    for number in range(20):
        with contextlib.suppress(Overloaded):
            copy = outgoing.hold(bytes([number]) * SHARE, (is_known, "greedy"))
            held.enter_context(copy)
    refused = False
    try:
        honest = held.enter_context(outgoing.hold(b"h" * SHARE, (is_known, "honest")))
        assert honest.read(0, SHARE) == b"h" * SHARE
    except Overloaded:
        refused = True
    assert refused == is_refused
    held.close()
    assert outgoing.held_bytes == 0


def test_f4_readers_that_are_strangers__give_way_to_known_ones(tmp_path: Path) -> None:
    outgoing = Outgoing(tmp_path, 10 * SHARE)
    strange = [outgoing.hold(bytes([n]) * SHARE, (False, f"10.0.0.{n}")) for n in range(10)]
    with pytest.raises(Overloaded, match="no room"):
        outgoing.hold(b"s" * SHARE, (False, "10.0.0.99"))
    known = [outgoing.hold(bytes([99, n]) * 45, (True, f"payer {n}")) for n in range(5)]
    gone = 0
    for copy in strange:
        try:
            copy.read(0, 1)
        except Overloaded:
            gone += 1
    assert gone == 5
    for copy in (*known, *strange):
        copy.close()
    assert outgoing.held_bytes == 0


def test_answers__stand_on_the_disk_once_and_leave_nothing(tmp_path: Path) -> None:
    outgoing, reader = Outgoing(tmp_path, 10), (True, "payer")
    first, second = outgoing.hold(b"answer", reader), outgoing.hold(b"answer", reader)
    assert outgoing.held_bytes == 6
    with pytest.raises(Overloaded):
        outgoing.hold(b"another", reader)
    first.close()
    first.close()
    assert second.read(0, 3) + second.read(3, 9) == b"answer"
    second.close()
    assert outgoing.held_bytes == 0
    outgoing.hold(b"another", reader).close()


def test_an_answer_that_was_cut_off__is_not_read_from_a_file_of_somebody_else() -> None:
    with tempfile.TemporaryFile() as file:
        raw: IO[bytes] = file
        copy = Copy(Outgoing(None, 10), b"name", raw, 6, (True, "payer"))
        copy.cut_off()
        with pytest.raises(Overloaded, match="gave way"):
            copy.read(0, 6)


# --- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kept", "is_refused"), [(ServerLimits.kept_of_known, False), (0, True)])
def test_f4_known_parties_with_every_common_place__leave_each_other_its_first(
    kept: int, *, is_refused: bool
) -> None:
    limits = ServerLimits(kept_of_known=kept)
    places = Places(limits, lambda: "judge")
    with contextlib.suppress(Overloaded):
        for number in range(100):
            for _ in range(limits.most_of_known):
                places.take((True, f"node {number}"))
    refused = 0
    for _ in range(2):
        try:
            places.take((True, "honest"))
        except Overloaded:
            refused += 1
    assert refused == 2 * is_refused
