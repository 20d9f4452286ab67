"""A listener that resumes on another history than the one it left is told so; others go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.served import ORG1, ORG2, LedgerWorld, User, development_ledger
from tests.offchain.ledger.embedded.stubborn_chaincode import Stubborn

from edgemark.errors import Unrecoverable
from edgemark.ledger.embedded.running.profiles import profile_path
from edgemark.ledger.fabric.client.asking import Desk
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import Checkpoint
from edgemark.ledger.fabric.client.waiting import AsyncGatewayClient
from edgemark.ledger.fabric.faults import ChainTakenBack, LedgerSilent
from edgemark.ledger.fabric.profile.reading import read_profile
from edgemark.ledger.fabric.wire.codes import Code

Listens = Callable[[Checkpoint, float], list[str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerWorld]:
    with development_ledger(tmp_path_factory.mktemp("ledger"), execute_timeout_s=3) as running:
        running.deploy("shelf", {each: Stubborn(each) for each in (ORG1, ORG2)})
        yield running


@pytest.fixture
def user(world: LedgerWorld) -> User:
    return world.user()


@pytest.fixture
def client(world: LedgerWorld) -> Iterator[GatewayClient]:
    profile = read_profile(profile_path(world.development.place.folder, ORG1))
    with GatewayClient(profile.peers_of(ORG1), Desk("mychannel", world.signer())) as made:
        yield made


def tell(user: User, name: str) -> str:
    return user.do("shelf", "put", name, "v")[1]


@pytest.fixture(params=["threads", "loop"])
def listens(request: pytest.FixtureRequest, world: LedgerWorld, client: GatewayClient) -> Listens:
    profile = read_profile(profile_path(world.development.place.folder, ORG1))

    async def listen(after: Checkpoint, wait_s: float) -> list[str]:
        desk = Desk("mychannel", world.signer())
        async with AsyncGatewayClient(profile.peers_of(ORG1), desk) as other:
            assert await other.checkpoint() == client.checkpoint()
            found = other.chaincode_events("shelf", after, wait_s=wait_s)
            return [each.event.transaction_id async for each in found]

    def in_loop(after: Checkpoint, wait_s: float) -> list[str]:
        return asyncio.run(listen(after, wait_s))

    def in_thread(after: Checkpoint, wait_s: float) -> list[str]:
        found = client.chaincode_events("shelf", after, wait_s=wait_s)
        return [each.event.transaction_id for each in found]

    return in_thread if request.param == "threads" else in_loop


def test_listener_that_handled_nothing__is_told_that_it_resumes_on_another_history(
    world: LedgerWorld, user: User, client: GatewayClient, listens: Listens, tmp_path: Path
) -> None:
    number = world.development.snapshot()
    tell(user, "gone")
    file = CheckpointFile(tmp_path / "checkpoint")
    file.write(client.checkpoint())
    held = file.read()
    assert held is not None
    assert held.below
    assert client.checkpoint(held.block) == held
    assert listens(held, 0.2) == []
    world.development.revert(number)
    with pytest.raises(LedgerSilent, match="behind") as silent:  # as a peer of Fabric may be
        listens(held, 0.2)
    assert "where the ledger was reverted" in str(silent.value)
    first = tell(user, "other")
    with pytest.raises(ChainTakenBack, match="taken back") as caught:
        listens(held, 10)
    assert "Begin anew" in str(caught.value)
    second = tell(user, "another")
    with pytest.raises(ChainTakenBack, match="taken back"):
        listens(held, 10)
    anew = client.checkpoint(held.block - 1)
    assert anew.below
    assert listens(anew, 0.6) == [first, second]
    assert listens(Checkpoint(held.block), 0.6) == [second]  # who names a block alone


def test_listener_of_the_same_history__goes_on(
    world: LedgerWorld, user: User, client: GatewayClient, listens: Listens
) -> None:
    number = world.development.snapshot()
    held = client.checkpoint()
    tell(user, "gone")
    world.development.revert(number)
    assert listens(held, 0.6) == []
    told = [tell(user, "first"), tell(user, "second")]
    assert listens(held, 0.6) == told
    assert client.checkpoint(0) == Checkpoint(0)
    assert client.checkpoint(10**6) == Checkpoint(10**6)


def test_listener_in_the_middle__is_told_though_its_transaction_came_again_in_its_block(
    world: LedgerWorld, user: User, client: GatewayClient, listens: Listens
) -> None:
    number = world.development.snapshot()
    begun = client.checkpoint()
    proposed = user.propose("shelf", "put", "again", "v")
    envelope = user.sign(user.endorse(proposed))
    first = tell(user, "first")
    user.submit(envelope)
    _, block = user.status(proposed.transaction_id)
    seen = list(client.chaincode_events("shelf", begun, wait_s=0.6))
    assert [each.event.transaction_id for each in seen] == [first, proposed.transaction_id]
    assert all(each.mark for each in seen)
    held = seen[-1].checkpoint
    assert held.block == block
    assert listens(held, 0.2) == []

    world.development.revert(number)
    with pytest.raises(ChainTakenBack, match="taken back"):
        listens(held, 10)  # at once, and not with the next block
    other = tell(user, "other")
    user.submit(envelope)
    assert user.status(proposed.transaction_id) == (Code.VALID, block)
    last = tell(user, "last")
    with pytest.raises(ChainTakenBack, match=f"another block {block}"):
        listens(held, 10)
    anew = client.checkpoint(begun.block)
    assert anew == begun
    assert listens(anew, 0.6) == [other, proposed.transaction_id, last]


@pytest.mark.parametrize("what", ["below", "mark"])
@pytest.mark.parametrize("held", ["0", "zz", 7, None, "00" * 65])
def test_hash_or_mark_of_a_checkpoint__that_is_none__is_damage(
    tmp_path: Path, what: str, held: object
) -> None:
    file = CheckpointFile(tmp_path / "checkpoint")
    told: dict[str, object] = {"block": 1, "transaction_id": "", "below": "", "mark": ""}
    file.path.write_text(json.dumps(told))
    assert file.read() == Checkpoint(1)
    lacks = {name: each for name, each in told.items() if name != what}
    for each in (lacks, {**told, what: held}):
        file.path.write_text(json.dumps(each))
        with pytest.raises(Unrecoverable, match="is no checkpoint"):
            file.read()
