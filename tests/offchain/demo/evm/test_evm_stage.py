"""A stage with an EVM: everybody funded, servers admitted, and a borrowed chain left as it was."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import wait_until

from edgemark.demo.evm.actor import EvmActor, provider_home
from edgemark.demo.evm.stage import GAS_WEI, PARTY_TOKENS, EvmStage
from edgemark.deployment.group import ContractGroup
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address, Tokens
from edgemark.identity.records import Role, Staking
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import BaseContracts
from edgemark.token.metacoin import MetaCoin

pytestmark = pytest.mark.chain

GUESTS = ("buyer", "auditor")
TOKENS = Tokens(7)


class MixedStage(EvmStage):
    """The shared contracts, a server with a provider, and two parties without one."""

    def draft_cast(self) -> list[EvmActor]:
        return [
            EvmActor.draft(self.folder, "server", 1, role=Role(99), tokens=TOKENS),
            EvmActor.draft(self.folder, "peer", 1),
            EvmActor.draft(self.folder, "watcher", 1, listens=False, tokens=TOKENS),
        ]

    def draft_groups(self, operator: Address, pool: Address) -> Sequence[ContractGroup]:
        return [BaseContracts(operator, pool, staking=Staking(Tokens(5), 60, 60))]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MixedStage]:
    with MixedStage(tmp_path_factory.mktemp("stage"), guests=GUESTS) as made:
        made.set()
        yield made


def settings_in(home: Path) -> dict[str, Any]:
    return tomllib.loads((home / "edgemark.toml").read_text())


def test_all_guests__have_gas_and_tokens_and_a_home_of_their_own(stage: MixedStage) -> None:
    token = MetaCoin(stage.chain, stage.deployment.contract("MetaCoin"))
    accounts = {stage.account_of(name) for name in GUESTS}
    assert len(accounts) == len(GUESTS)
    for account in accounts:
        assert stage.chain.balance(account) == GAS_WEI
        assert token.balance(account, block="latest") == PARTY_TOKENS
    for name in GUESTS:
        assert stage.write_guest_home(name) == stage.account_of(name)
        assert settings_in(stage.folder / name)["chain"]["url"] == stage.url
        assert stage.settings_of(name).home == stage.folder / name


def test_an_actor_without_a_provider__is_funded_and_admitted_nowhere(stage: MixedStage) -> None:
    server, peer, watcher = stage.actors
    registry = ParticipantRegistry(stage.chain, stage.deployment.contract("ParticipantRegistry"))
    token = MetaCoin(stage.chain, stage.deployment.contract("MetaCoin"))
    assert registry.is_admitted(server.provider, server.account)
    assert settings_in(server.home)["registration"]["provider"] == server.provider
    for actor in (peer, watcher):
        assert stage.chain.balance(actor.account) == GAS_WEI
        assert not provider_home(actor.home).exists()
        assert "registration" not in settings_in(actor.home)
        with pytest.raises(LookupError, match="has no provider"):
            _ = actor.provider
    assert [token.balance(each.account, block="latest") for each in stage.actors] == [TOKENS, 0, 7]


def test_an_actor_that_serves_nothing__has_no_port_and_is_there_when_it_runs(
    stage: MixedStage,
) -> None:
    server, peer, watcher = stage.actors
    assert settings_in(server.home)["server"]["listen_port"] == server.port
    assert settings_in(peer.home)["server"]["listen_port"] == peer.port != server.port
    assert "server" not in settings_in(watcher.home)
    with pytest.raises(LookupError, match="listens at no port"):
        _ = watcher.port
    assert not stage.is_there(watcher)
    watcher.module, watcher.words = "http.server", ["0"]  # anything that stays
    watcher.start()
    stage.wait_ready([watcher])
    watcher.ask_to_leave()
    watcher.end()
    assert not stage.is_there(watcher)
    with pytest.raises(Unrecoverable, match="server ended"):
        stage.wait_ready([watcher])


def test_a_server_that_never_registers__is_never_there(
    stage: MixedStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = stage.actors[0]
    server.module, server.words = "http.server", [str(server.port), "--bind", "127.0.0.1"]
    server.start()
    wait_until("the port", lambda: server.listens)
    assert not stage.is_there(server)
    monkeypatch.setattr(stage, "start_limit_s", 0.0)
    with pytest.raises(Unrecoverable, match="server did not start in time"):
        stage.wait_ready([server])


def test_stage__on_a_running_chain__makes_blocks_regular_and_leaves_them_as_they_were(
    tmp_path: Path,
) -> None:
    with AnvilNode.start(tmp_path / "chain", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, confirmations=0).connect()
        with MixedStage(tmp_path / "stage", chain_url=node.url) as stage:
            stage.set()
            stage.deployment.verify(chain)
            assert stage.url == node.url
            assert not BlockMaking.of(chain).is_by_transaction
        assert BlockMaking.of(chain).is_by_transaction
        assert chain.head() > 0  # still there
