"""`qscc` and `cscc`: who is answered what about blocks and channels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, ledger_pb2
from fabric_protos.peer import query_pb2, transaction_pb2
from tests.offchain.ledger.embedded.endorsing_world import CHANNEL, ORG1, World, endorsing

from edgemark.ledger.embedded.endorsers import Endorsers
from edgemark.ledger.embedded.simulation.endorsing import Simulated
from edgemark.ledger.fabric.wire.blocks import Block, make_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import make_envelope

NEWEST = str(2**64 - 1)


def blocks_of() -> tuple[Block, Block]:
    config = configtx_pb2.Config(sequence=7)
    held = configtx_pb2.ConfigEnvelope(config=config).SerializeToString()
    payload = common_pb2.Payload(data=held).SerializeToString()
    first = make_block(0, b"", [make_envelope(payload, b"")])
    return first, make_block(1, first.hash, [make_envelope(b"payload", b"signature")])


async def ask(world: World, chaincode: str, *arguments: str | bytes, who: str = ORG1) -> Simulated:
    endorsed = await world.endorse(chaincode, *arguments, at=who)
    assert endorsed.simulated.results == b""
    return endorsed.simulated


def with_blocks(made: Path, folder: Path, play: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        async with endorsing(made, channels=(CHANNEL, "other")) as world:
            endorsers = Endorsers.open(folder, world.channels, world.organisations.peer_signer)
            world.endorser = endorsers.endorser
            channel = world.channels[CHANNEL]
            first, second = blocks_of()
            channel.blocks = {0: first.to_bytes(), 1: second.to_bytes()}
            channel.by_hash = {second.hash: 1}
            channel.transactions = {"t1": (second.envelopes[0], Code.MVCC_READ_CONFLICT)}
            channel.height = 2
            own = world.organisations.organisations[ORG1]
            world.channels["other"].organisations = {
                each: one
                for each, one in world.organisations.organisations.items()
                if one is not own and each != ORG1
            }
            await play(world)
            await endorsers.close()

    asyncio.run(run())


def test_chain_info__is_height_and_hashes(made_organisations: Path, tmp_path: Path) -> None:
    async def play(world: World) -> None:
        first, second = blocks_of()
        found = await ask(world, "qscc", "GetChainInfo", CHANNEL)
        info = ledger_pb2.BlockchainInfo.FromString(found.response)
        assert (info.height, info.currentBlockHash) == (2, second.hash)
        assert info.previousBlockHash == first.hash

    with_blocks(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("GetBlockByNumber", "1"),
        ("GetBlockByNumber", NEWEST),
        ("GetBlockByHash", blocks_of()[1].hash),
        ("GetBlockByTxID", "t1"),
    ],
)
def test_a_block__is_found_by(
    made_organisations: Path, tmp_path: Path, function: str, argument: str | bytes
) -> None:
    async def play(world: World) -> None:
        found = await ask(world, "qscc", function, CHANNEL, argument)
        assert found.response == blocks_of()[1].to_bytes()

    with_blocks(made_organisations, tmp_path, play)


def test_a_transaction__comes_with_its_code(made_organisations: Path, tmp_path: Path) -> None:
    async def play(world: World) -> None:
        found = await ask(world, "qscc", "GetTransactionByID", CHANNEL, "t1")
        held = transaction_pb2.ProcessedTransaction.FromString(found.response)
        assert held.transactionEnvelope.payload == b"payload"
        assert held.validationCode == Code.MVCC_READ_CONFLICT

    with_blocks(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "number of arguments"),
        (("GetChainInfo",), "number of arguments"),
        (("GetChainInfo", "none"), "Invalid chain ID"),
        (("GetChainInfo", "other"), "Invalid chain ID"),
        (("GetBlockByNumber", CHANNEL), "missing 3rd argument"),
        (("GetBlockByNumber", CHANNEL, "2"), "no such entry"),
        (("GetBlockByNumber", CHANNEL, "-1"), "parse block number"),
        (("GetBlockByNumber", CHANNEL, "9" * 99), "no such entry"),
        (("GetBlockByNumber", CHANNEL, b"\xff"), "parse block number"),
        (("GetBlockByHash", CHANNEL, b"\xff" * 32), "no such entry"),
        (("GetBlockByTxID", CHANNEL, b"\xff"), "no such entry"),
        (("GetTransactionByID", CHANNEL, "t2"), "no such entry"),
        (("Drop", CHANNEL), "not found"),
    ],
)
def test_what_qscc_has_not__is_refused(
    made_organisations: Path, tmp_path: Path, arguments: tuple[str | bytes, ...], words: str
) -> None:
    async def play(world: World) -> None:
        found = await ask(world, "qscc", *arguments)
        assert (found.status, words in found.message) == (500, True)

    with_blocks(made_organisations, tmp_path, play)


def test_channels__are_those_of_the_endorser(made_organisations: Path, tmp_path: Path) -> None:
    async def play(world: World) -> None:
        found = await ask(world, "cscc", "GetChannels")
        held = query_pb2.ChannelQueryResponse.FromString(found.response)
        assert [each.channel_id for each in held.channels] == [CHANNEL]

    with_blocks(made_organisations, tmp_path, play)


def test_configuration__is_a_block_or_what_it_holds(
    made_organisations: Path, tmp_path: Path
) -> None:
    async def play(world: World) -> None:
        found = await ask(world, "cscc", "GetConfigBlock", CHANNEL)
        assert found.response == blocks_of()[0].to_bytes()
        found = await ask(world, "cscc", "GetChannelConfig", CHANNEL)
        assert configtx_pb2.Config.FromString(found.response).sequence == 7

    with_blocks(made_organisations, tmp_path, play)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "number of arguments"),
        (("GetConfigBlock",), "number of arguments"),
        (("GetConfigBlock", "none"), "Unknown channel ID"),
        (("GetConfigBlock", "other"), "Unknown channel ID"),
        (("JoinChain", b""), "not in the development ledger"),
        (("JoinChainBySnapshot", b""), "not in the development ledger"),
        (("Drop", CHANNEL), "not found"),
    ],
)
def test_what_cscc_does_not__is_refused(
    made_organisations: Path, tmp_path: Path, arguments: tuple[str | bytes, ...], words: str
) -> None:
    async def play(world: World) -> None:
        found = await ask(world, "cscc", *arguments)
        assert (found.status, words in found.message) == (500, True)

    with_blocks(made_organisations, tmp_path, play)
