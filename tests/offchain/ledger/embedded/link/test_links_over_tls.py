"""The ledger knows a chaincode's process by its certificate, and shows its own where it has to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.endorsing_world import (
    CHANNEL,
    ORG1,
    ORG2,
    World,
    endorsing,
    package_id_of,
)
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.embedded.simulation.faults import ChaincodeSilent
from edgemark_chaincode.shim.server import ServerTls

SHORT_S = 0.7


def server_keys(world: World, *, asks: bool = False) -> ServerTls:
    tls = world.organisations.tls_of(ORG1)
    roots = world.organisations.tls_of(ORG2).root if asks else None
    return ServerTls(tls.key, tls.certificate, roots)


def test_tls__by_the_root_of_the_package(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world:
            where = {"root_cert": world.organisations.tls_of(ORG1).root}
            async with world.running("shelf", Shelf(), tls=server_keys(world), connection=where):
                assert await world.do("shelf", "put", "k", "v") == b"kept"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("root", "why"), [("none", "cannot be reached"), ("another's", "CERTIFICATE_VERIFY_FAILED")]
)
def test_a_process_that_is_not_the_package_s__is_not_spoken_with(
    made_organisations: Path, root: str, why: str
) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world:
            where: dict[str, object] = {"dial_timeout_s": SHORT_S}
            if root != "none":
                where["root_cert"] = world.organisations.tls_of(ORG2).root
            async with world.running("shelf", Shelf(), tls=server_keys(world), connection=where):
                with pytest.raises(ChaincodeSilent, match=why):
                    await world.endorse("shelf", "get", "k")

    asyncio.run(play())


def test_a_process_that_asks_for_a_certificate__is_shown_one(made_organisations: Path) -> None:
    async def play() -> None:
        async with endorsing(made_organisations) as world:
            root = world.organisations.tls_of(ORG1).root
            ours = world.organisations.tls_of(ORG2)
            shown = {"root_cert": root, "client_cert": ours.certificate, "client_key": ours.key}
            keys = server_keys(world, asks=True)
            async with world.running("shelf", Shelf(), tls=keys, connection=shown) as server:
                assert await world.do("shelf", "put", "k", "v") == b"kept"
                del server
            hidden = {"root_cert": root, "dial_timeout_s": SHORT_S}
            world.channels[CHANNEL].values.clear()
            async with world.running("shelf", Shelf(), tls=keys, connection=hidden):
                with pytest.raises(ChaincodeSilent, match=package_id_of("shelf")[:20]):
                    await world.endorse("shelf", "get", "k")

    asyncio.run(play())
