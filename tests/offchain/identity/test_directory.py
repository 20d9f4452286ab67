"""The directory of the registry's events says what the contract says, of all, at all times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.directory import Directory, Fitness
from edgemark.identity.records import Role
from edgemark.identity.registry import ParticipantRegistry
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts

__all__ = ["small_chain"]  # the fixture

pytestmark = pytest.mark.chain
SERVER, RESOURCES = Role(16), Resources(1, 1, 1, 1)
PROVIDER, NODE, OTHER, HEIR, ACTOR = 1, 2, 3, 4, 5
EVERYBODY = [account(number) for number in range(1, 8)]


class Town:
    """Everybody's lane on one chain, and what is said of all of them there."""

    def __init__(self, chain: SmallChain) -> None:
        self.ground = chain
        self.contract = chain.deployment.contract("ParticipantRegistry")
        self.registry = ParticipantRegistry(chain.chain, self.contract)
        self.lanes = {number: chain.lane(number) for number in range(1, 8)}
        self.staking = chain.deployment.group(BaseContracts).staking
        self.seen = set[Fitness]()

    def lane(self, number: int) -> TransactionLane:
        return self.lanes[number]

    def register_server(self, number: int, provider: int) -> None:
        self.lane(provider).send(self.registry.admit(account(number)))
        pin, endpoint = Hash32(bytes([number]) * 32), f"https://127.0.0.1:844{number}"
        call = self.registry.register_server(SERVER, account(provider), pin, endpoint, RESOURCES)
        self.lane(number).send(call)

    def read(self) -> Directory:
        """All events, read from the chain."""
        chain = self.ground.chain
        top = chain.block("latest").number
        logs = chain.logs([self.contract.address], 0, top)
        directory = Directory(self.staking)
        directory.take(decode_logs([self.contract], logs))
        return directory

    def compare(self) -> dict[Address, Fitness]:
        """What the directory says now, after it was held against the contract."""
        directory, found = self.read(), dict[Address, Fitness]()
        now = Timestamp(self.ground.chain.block("latest").timestamp)
        for who in EVERYBODY:
            entry, known = self.registry.participant(who), directory.members.get(who)
            if known is None:
                assert entry.role is Role.NONE
                continue
            assert (known.role, known.provider) == (entry.role, entry.provider)
            assert (known.pin, known.endpoint) == (entry.tls_key_hash, entry.endpoint)
            assert known.is_retired == bool(entry.retired_at)
            if known.role is SERVER:
                standing = directory.standing(known, now)
                assert standing.is_good == self.registry.is_active(who), standing
                found[who] = standing.fitness
                self.seen.add(standing.fitness)
        return found

    def wait_until(self, second: int) -> None:
        """Chain time, set forward."""
        self.ground.chain.rpc("evm_setNextBlockTimestamp", second)
        self.ground.chain.rpc("evm_mine")


@pytest.fixture
def town(small_chain: SmallChain) -> Iterator[Town]:
    opened = Town(small_chain)
    yield opened
    for lane in opened.lanes.values():
        lane.close()


def test_directory__through_everything_that_happens__agrees_with_the_contract(town: Town) -> None:
    registry, me, other, heir = town.registry, account(NODE), account(OTHER), account(HEIR)
    town.ground.enlist_provider(town.lane(PROVIDER), "Edge Ltd")
    town.lane(7).send(registry.register_device())
    town.register_server(NODE, PROVIDER)
    town.register_server(OTHER, PROVIDER)
    assert town.compare() == {me: Fitness.GOOD, other: Fitness.GOOD}
    assert town.read().names == {account(PROVIDER): "Edge Ltd"}
    assert [each.account for each in town.read().servers(SERVER)] == [me, other]

    pin = Hash32(b"\x42" * 32)
    town.lane(NODE).send(registry.update_server(pin, "https://127.0.0.1:9", RESOURCES))
    town.lane(PROVIDER).send(registry.dismiss(other))
    assert town.compare() == {me: Fitness.GOOD, other: Fitness.NOT_ADMITTED}
    town.lane(PROVIDER).send(registry.admit(other))
    assert town.compare() == {me: Fitness.GOOD, other: Fitness.PAUSED}
    (paused,) = [each for each in town.read().servers(SERVER) if each.account == other]
    until = town.read().standing(paused, Timestamp(0)).until
    for second, fitness in ((until - 1, Fitness.PAUSED), (until, Fitness.GOOD)):
        town.wait_until(second)
        assert town.compare()[other] is fitness

    succession(town, NODE, HEIR)
    found = town.compare()
    assert (found[me], found[heir]) == (Fitness.RETIRED, Fitness.NOT_ADMITTED)

    watch_a_stake_come_and_go(town)
    succession(town, PROVIDER, ACTOR)
    assert town.compare()[other] is Fitness.GOOD
    town.lane(ACTOR).send(registry.retire())
    assert town.compare()[other] is Fitness.PROVIDER_RETIRED
    assert town.seen == set(Fitness)


def watch_a_stake_come_and_go(town: Town) -> None:
    """The organisation takes its stake back, brings it again, and lets it run out once."""
    registry, other = town.registry, account(OTHER)
    town.lane(PROVIDER).send(registry.unstake())
    assert town.compare()[other] is Fitness.UNBONDING
    free_at = registry.stake_of(account(PROVIDER)).free_at
    town.wait_until(free_at + 1)
    town.lane(PROVIDER).send(registry.release_stake(account(PROVIDER)))
    assert town.compare()[other] is Fitness.UNSTAKED
    stake_again(town)
    assert town.compare()[other] is Fitness.PAUSED
    held = registry.stake_of(account(PROVIDER))
    town.wait_until(held.counts_from)
    assert town.compare()[other] is Fitness.GOOD
    last = held.expires_at - town.staking.unbonding_seconds
    for second, fitness in ((last, Fitness.GOOD), (last + 1, Fitness.UNRENEWED)):
        town.wait_until(second)
        assert town.compare()[other] is fitness
    stake_again(town)
    town.wait_until(registry.stake_of(account(PROVIDER)).counts_from)
    assert town.compare()[other] is Fitness.GOOD


def succession(town: Town, former: int, successor: int) -> None:
    """One account gives its place to another."""
    key, now = SecretKey(dev_key(former)), town.ground.chain.block("latest").timestamp
    deadline = Timestamp(now + 3600)
    nonce = town.registry.nonce(key.address)
    digest = town.registry.domain().succession(key.address, account(successor), nonce, deadline)
    call = town.registry.succeed(key.address, deadline, key.sign(digest))
    town.lane(successor).send(call)


def stake_again(town: Town) -> None:
    """The organisation brings its stake once more; what it had is in its free balance, or held."""
    chain, registry = town.ground.chain, town.registry
    anchor = AnchorAccounts(chain, town.ground.deployment.contract("AssetAnchor"))
    held = registry.stake_of(account(PROVIDER)).amount
    missing = max(0, town.staking.min_stake - held)
    until = chain.block("latest").timestamp + 3600
    allowed = anchor.allow_locker(registry.address, town.staking.min_stake, until)
    town.lane(PROVIDER).send(allowed)
    town.lane(PROVIDER).send(registry.stake(missing))
