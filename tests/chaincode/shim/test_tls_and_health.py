"""TLS between peer and chaincode, with certificates of both, and what a probe is told."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime

import grpc
import pytest
from tests.chaincode.reader import Reader, still_serves
from tests.chaincode.scripted_peer import connected, serving, until

from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark_chaincode.shim.health import NOT_SERVING, SERVING
from edgemark_chaincode.shim.server import ServerTls


@pytest.fixture(scope="module")
def organisations(tmp_path_factory: pytest.TempPathFactory) -> Organisations:
    return Organisations.make(tmp_path_factory.mktemp("organisations"), 2, datetime.now(UTC))


def server_tls(organisations: Organisations, *, asks_peers: bool) -> ServerTls:
    own = organisations.tls_of("Org1MSP")
    return ServerTls(own.key, own.certificate, own.root if asks_peers else None)


def credentials(organisations: Organisations, shown: str | None) -> grpc.ChannelCredentials:
    """Of a peer that trusts the first organisation, and shows a certificate of `shown`."""
    root = organisations.tls_of("Org1MSP").root
    if shown is None:
        return grpc.ssl_channel_credentials(root)
    own = organisations.tls_of(shown)
    return grpc.ssl_channel_credentials(root, own.key, own.certificate)


@pytest.mark.parametrize(
    ("asks_peers", "shown", "is_served"),
    [
        (False, None, True),
        (False, "Org2MSP", True),
        (True, "Org1MSP", True),
        (True, "Org2MSP", False),
        (True, None, False),
    ],
)
def test_a_peer__is_served_when_its_certificate_is_asked_for_and_right(
    organisations: Organisations, asks_peers: bool, shown: str | None, is_served: bool
) -> None:
    async def play() -> None:
        tls, own = (
            server_tls(organisations, asks_peers=asks_peers),
            credentials(organisations, shown),
        )
        async with serving(Reader(), tls) as (_, at), connected(at, own) as peer:
            if not is_served:
                assert await peer.wait_for_end() == grpc.StatusCode.UNAVAILABLE
                return
            await peer.shake_hands()
            peer.listen()
            assert (await peer.call("both")).status == 200

    asyncio.run(play())


def test_a_peer_that_trusts_another_root__does_not_talk(organisations: Organisations) -> None:
    async def play() -> None:
        other = grpc.ssl_channel_credentials(organisations.tls_of("Org2MSP").root)
        tls = server_tls(organisations, asks_peers=False)
        async with serving(Reader(), tls) as (_, at), connected(at, other) as peer:
            assert await peer.wait_for_end() == grpc.StatusCode.UNAVAILABLE

    asyncio.run(play())


@pytest.mark.parametrize(
    "words",
    [b"GET / HTTP/1.1\r\n\r\n", bytes(5_000), b"\x16\x03\x01\xff\xff"],
    ids=["http", "zeros", "half of tls"],
)
def test_a_stranger_who_speaks_no_grpc__harms_nobody(
    organisations: Organisations, words: bytes
) -> None:
    async def play() -> None:
        async with serving(Reader()) as (_, address):
            host, _, port = address.rpartition(":")
            with socket.create_connection((host, int(port)), 5) as stranger:
                stranger.sendall(words)
                await still_serves(address)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"", SERVING),
        (b"\x0a\x00", SERVING),
        (b"\x0a\x10protos.Chaincode", SERVING),
        (b"\x0a\x05other", None),
        (b"\x0a\xffother", None),
        (b"\x12\x00", None),
        (b"\x0a", None),
        (bytes(200), None),
    ],
)
def test_a_probe__is_told(request_: bytes, answer: bytes | None) -> None:
    async def play() -> None:
        async with (
            serving(Reader()) as (_, address),
            grpc.aio.insecure_channel(address) as channel,
        ):
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            if answer is not None:
                assert await check(request_) == answer
                return
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await check(request_)
            assert refused.value.code() == grpc.StatusCode.NOT_FOUND

    asyncio.run(play())


def test_a_probe_of_a_process_that_ends__is_told_so() -> None:
    async def play() -> None:
        async with serving(Reader()) as (server, address), connected(address) as peer:
            await peer.shake_hands()
            peer.listen()
            held = peer.hold()
            running = await peer.begin(peer.make_call("both"))
            await until(lambda: held)
            ending = asyncio.create_task(server.stop(30.0))
            async with grpc.aio.insecure_channel(address) as channel:
                check = channel.unary_unary("/grpc.health.v1.Health/Check")
                assert await check(b"") == NOT_SERVING
            async with connected(address) as late:
                assert await late.wait_for_end() == grpc.StatusCode.UNAVAILABLE
            peer.go_on()
            await peer.send(peer.answer(held[0]))
            assert (await peer.end_of(running)).status == 200
            await ending

    asyncio.run(play())
