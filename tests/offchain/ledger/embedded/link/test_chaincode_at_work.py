"""A chaincode in a real process of gRPC reads and writes, and an endorser signs what came out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from fabric_protos.peer import proposal_pb2
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    ORG2,
    World,
    client_of,
    endorsing,
)
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.embedded.definitions import field_key
from edgemark.ledger.embedded.simulation.faults import NotSimulated
from edgemark.ledger.fabric.identities.signing import check_signature, parse_identity
from edgemark.ledger.fabric.wire.envelopes import Event, parse_action, parse_event
from edgemark.ledger.fabric.wire.limits import MAX_MESSAGE_BYTES
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    RangeRead,
    Read,
    Version,
    Write,
    parse_results,
)


def sets_of(results: bytes) -> dict[str, NamespaceSet]:
    return {each.namespace: each for each in parse_results(results)}


def fill(world: World, keys: str | list[str]) -> Version:
    for key in keys:
        world.channels[CHANNEL].put("shelf", key, f"value {key}".encode())
    version = Version(world.channels[CHANNEL].height, 0)
    world.channels[CHANNEL].height += 1
    return version


def test_an_endorsement__is_signed_over_what_was_read_and_written(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            asked = world.ask("shelf", "put", "k", "v")
            endorsed = await world.put_to(asked)
            proposal = asked[0]
            action = parse_action(endorsed.payload)
            assert action.proposal_hash == proposal.hash
            assert (action.status, action.response) == (200, b"kept")
            assert (action.chaincode, action.version) == ("shelf", "1.0")
            told = Event("shelf", proposal.transaction_id, "put", b"k")
            assert parse_event(action.event) == told
            held = sets_of(action.results)
            defined = Read(field_key("shelf", "Sequence"), Version(1, 0))
            assert held.pop(LIFECYCLE) == NamespaceSet(LIFECYCLE, (defined,))
            assert held == {"shelf": NamespaceSet("shelf", writes=(Write("k", b"v"),))}
            one = endorsed.endorsement
            assert one is not None
            assert one.endorser == world.organisations.peer_signer(ORG1).identity
            _, certificate = parse_identity(one.endorser)
            check_signature(certificate, endorsed.payload + one.endorser, one.signature, "endorser")

    asyncio.run(play())


def test_two_organisations__sign_the_same_bytes(made_organisations: Path) -> None:
    async def play() -> None:
        async with (
            endorsing(made_organisations) as world,
            world.running("shelf", Shelf(), by=(ORG1, ORG2)),
        ):
            asked = world.ask("shelf", "put", "k", "v")
            one, other = [await world.put_to(asked, each) for each in (ORG1, ORG2)]
            assert one.payload == other.payload
            assert one.endorsement != other.endorsement

    asyncio.run(play())


def test_reads__see_no_writes_of_their_own(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            version = fill(world, "k")
            endorsed = await world.endorse("shelf", "put_and_get", "k", "new")
            assert endorsed.simulated.response == b"value k"
            held = sets_of(endorsed.simulated.results)["shelf"]
            assert held.reads == (Read("k", version),)
            assert held.writes == (Write("k", b"new"),)
            assert await world.do("shelf", "get", "none") == b""

    asyncio.run(play())


def test_a_delete__is_a_write_without_a_value(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            endorsed = await world.endorse("shelf", "drop", "k")
            assert sets_of(endorsed.simulated.results)["shelf"].writes == (Write("k", None),)

    asyncio.run(play())


def test_an_error_of_the_chaincode__is_an_answer_without_endorsement(
    made_organisations: Path,
) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            endorsed = await world.endorse("shelf", "refuse", "k")
            simulated = endorsed.simulated
            assert (simulated.status, simulated.message) == (500, "no such thing")
            assert (simulated.is_good, simulated.event) == (False, b"")
            assert endorsed.endorsement is None

    asyncio.run(play())


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_a_range__comes_by_hundreds__and_is_recorded_whole(
    made_organisations: Path, count: int
) -> None:
    keys = [f"k{number:03}" for number in range(count)]

    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            version = fill(world, keys)
            endorsed = await world.endorse("shelf", "list", "a", "z")
            assert json.loads(endorsed.simulated.response) == keys
            reads = tuple(Read(key, version) for key in keys)
            held = sets_of(endorsed.simulated.results)["shelf"]
            assert held.ranges == (RangeRead("a", "z", True, reads),)
            assert held.reads == ()

    asyncio.run(play())


def test_a_range_left_early__is_recorded_as_far_as_it_was_seen(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            keys = [f"k{number:03}" for number in range(300)]
            version = fill(world, keys)
            endorsed = await world.endorse("shelf", "first")
            assert endorsed.simulated.response == b"k000"
            (span,) = sets_of(endorsed.simulated.results)["shelf"].ranges
            assert (span.end, span.is_exhausted) == ("k100", False)
            assert span.reads == tuple(Read(key, version) for key in keys[:101])

    asyncio.run(play())


def test_an_open_range__has_no_composite_keys__and_parts_have(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            fill(world, "ab")
            for last in ("x", "y"):
                await world.do("shelf", "put_parts", "task", "one", last)
            assert json.loads(await world.do("shelf", "list", "", "")) == ["a", "b"]
            found = json.loads(await world.do("shelf", "parts", "task", "one"))
            assert found == [["one", "x"], ["one", "y"]]

    asyncio.run(play())


def test_a_page__has_the_bookmark_of_the_next(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            fill(world, "abcde")
            assert json.loads(await world.do("shelf", "page", "3", "")) == [["a", "b", "c"], 3, "d"]
            assert json.loads(await world.do("shelf", "page", "3", "d")) == [["d", "e"], 2, ""]

    asyncio.run(play())


@pytest.mark.parametrize("function", ["put_and_page", "page_and_put"])
def test_a_page__in_a_transaction_that_writes__is_refused(
    made_organisations: Path, function: str
) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            fill(world, "abcde")
            endorsed = await world.endorse("shelf", function)
            assert endorsed.simulated.status == 500
            assert "paginated quer" in endorsed.simulated.message

    asyncio.run(play())


def test_history__is_the_newest_first__and_in_no_read_set(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            channel = world.channels[CHANNEL]
            for value, name in ((b"1", "t1"), (b"2", "t2"), (None, "t3")):
                channel.put("shelf", "k", value, name)
            endorsed = await world.endorse("shelf", "past", "k")
            rows = json.loads(endorsed.simulated.response)
            assert rows == [["t3", "", True], ["t2", "2", False], ["t1", "1", False]]
            assert "shelf" not in sets_of(endorsed.simulated.results)

    asyncio.run(play())


def test_creator_and_transient_data__reach_the_chaincode(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            asked = world.ask(
                "shelf",
                "who",
                by=client_of(world.organisations, ORG2),
                transient={"pin": b"1234"},
            )
            endorsed = await world.put_to(asked)
            told = json.loads(endorsed.simulated.response)
            assert told == [ORG2, "1234", asked[0].transaction_id]
            assert b"1234" not in endorsed.simulated.results

    asyncio.run(play())


def test_many_at_once__are_told_apart(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            fill(world, [f"k{number}" for number in range(60)])
            asked = [world.endorse("shelf", "get", f"k{number}") for number in range(60)]
            found = [each.simulated.response for each in await asyncio.gather(*asked)]
            assert found == [f"value k{number}".encode() for number in range(60)]

    asyncio.run(play())


def test_a_call_above_a_message__fails_alone(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world, world.running("shelf", Shelf()):
            await world.do("shelf", "put", "k", "v")
            links = world.links._links
            (stream,) = [each.stream for each in links.values()]
            proposal, signed, signer = world.ask("shelf", "get", "k")
            with pytest.raises(NotSimulated, match="call is too large"):
                await world.put_to((proposal, signed + _unknown(MAX_MESSAGE_BYTES), signer))
            assert await world.do("shelf", "get", "k") == b"v"
            assert [each.stream for each in links.values()] == [stream]

    asyncio.run(play())


def _unknown(size: int) -> bytes:
    """A field that `SignedProposal` has not."""
    made: bytes = proposal_pb2.Proposal(extension=bytes(size)).SerializeToString()
    return made
