"""What doctor says of keys, journals, disk, ports, chain and account; each with a remedy."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain
from tests.stage.command_line import edgemark_here

from edgemark.amounts import write_tokens
from edgemark.cli.catalogue import GROUPS, KINDS, list_roles
from edgemark.cli.doctor import machine_findings
from edgemark.cli.doctor.chain_findings import (
    compare_clocks,
    find_on_chain,
    name_contracts,
    tell_unregistered,
)
from edgemark.cli.doctor.findings import Finding, look
from edgemark.cli.doctor.machine_findings import find_on_machine
from edgemark.cli.doctor.reach_findings import find_reach, is_of_a_server
from edgemark.cli.sections import list_sections
from edgemark.cli.stations import ROLES
from edgemark.cli.terminal.exits import Exit
from edgemark.deployment.deployment import Deployment
from edgemark.deployment.group import ContractGroup
from edgemark.errors import RefusedInput
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.identity.resources import Resources
from edgemark.journal.journal import Journal
from edgemark.ledger.evm.development.node import DEV_CHAIN_ID
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.launching.program import ToolMissing
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.joining import provide_balance
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.settings.loading import load_settings
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.token.metacoin import MetaCoin
from edgemark.transport.tls import TlsKey

__all__ = ["small_chain"]  # the fixture

ENDPOINT = "https://127.0.0.1:9"


def named(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def on_machine(home: Path) -> dict[str, Finding]:
    return named(list(find_on_machine(home)))


def settings_of(home: Path, values: Mapping[str, object] | None = None) -> Settings:
    overrides = {"home": home, **(values or {})}
    sections = list_sections()
    return load_settings(file=None, environ={}, overrides=overrides, sections=sections)


def test_an_error__becomes_a_finding_with_its_remedy_apart() -> None:
    def fail() -> str:
        raise RefusedInput("is wrong", who="x", had=1, remedy="Mend it.")

    assert look("it", True, fail) == Finding("it", False, True, "x: is wrong; had 1", "Mend it.")


def test_a_fresh_home__lacks_nothing_and_stays_empty(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = on_machine(home)
    assert [name for name, item in found.items() if item.needed and not item.fine] == []
    assert found["key account.key"].seen == "made on first run"
    assert not home.exists()


def test_a_key_that_others_can_read__is_a_needed_finding(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "keys")
    (tmp_path / "keys" / "account.key").chmod(0o644)
    found = on_machine(tmp_path)["key account.key"]
    assert (found.fine, found.needed) == (False, True)
    assert found.remedy
    assert on_machine(tmp_path)["key tls.pem"].fine


def test_a_full_disk__is_a_needed_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine_findings.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6)
    )
    found = on_machine(tmp_path)["disk space"]
    assert (found.fine, found.needed) == (False, True)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "node.journal") as journal:
        journal.append(b"one")
        journal.append(b"two")
    return tmp_path / "node.journal"


def test_a_sound_journal__is_counted(journal: Path) -> None:
    assert on_machine(journal.parent)["node.journal"].seen == "2 records, free"


def test_a_journal_in_use__names_its_process(journal: Path) -> None:
    with Journal.open(journal):
        found = on_machine(journal.parent)["node.journal"]
    assert found.fine
    assert "2 records, in use by process" in found.seen


def test_a_torn_tail__is_told_and_left_alone(journal: Path) -> None:
    with journal.open("ab") as file:
        file.write(b"\0\0\0")
    size = journal.stat().st_size
    found = on_machine(journal.parent)["node.journal"]
    assert not found.fine
    assert "2 records, then 3 bytes" in found.seen
    assert journal.stat().st_size == size


def test_a_port_in_use_by_others__is_a_needed_finding(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = named(list(find_reach(settings_of(tmp_path, {"server.listen_port": port}), None)))
        assert (found["listen port"].fine, found["listen port"].needed) == (False, True)
    found = named(list(find_reach(settings_of(tmp_path, {"metrics.port": port}), None)))
    assert found["metrics port"].seen == f"127.0.0.1:{port}, free"


def test_a_port_in_use_by_the_server_of_this_home__is_fine(journal: Path) -> None:
    with socket.socket() as own, Journal.open(journal):
        own.bind(("127.0.0.1", 0))
        own.listen()
        settings = settings_of(journal.parent, {"server.listen_port": own.getsockname()[1]})
        found = named(list(find_reach(settings, None)))["listen port"]
    assert found.fine
    assert "serves from this home" in found.seen


@pytest.mark.parametrize("party", ["seller", "buyer", "controller", "tower", "judge"])
def test_a_port_of_whoever_runs_in_this_home__is_fine(tmp_path: Path, party: str) -> None:
    with socket.socket() as own, Journal.open(tmp_path / f"{party}.journal"):
        own.bind(("127.0.0.1", 0))
        own.listen()
        port = own.getsockname()[1]
        values = {"server.listen_port": port, "metrics.port": port}
        found = named(list(find_reach(settings_of(tmp_path, values), None)))
    assert [found[name].fine for name in ("listen port", "metrics port")] == [True, True]


def test_an_account_without_a_role__is_told_who_needs_none() -> None:
    assert tell_unregistered(account(8)) == "none yet; the first start registers"
    assert tell_unregistered("").startswith("none, and a seller or buyer needs none")


def test_anvil_that_is_nowhere__is_told_as_what_users_need_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert on_machine(tmp_path)["anvil"].fine, "it is in the checkout of this package"

    def find_none() -> Path:
        raise ToolMissing("anvil is not installed", remedy="Run it.")

    monkeypatch.setattr(machine_findings, "find_anvil", find_none)
    found = on_machine(tmp_path)["anvil"]
    assert (found.fine, found.needed) == (False, False)
    assert "whoever uses a chain needs none" in found.seen
    assert found.remedy == "Only for demonstrations and chains of your own. Run it."


def test_without_a_chain__something_needed_is_missing(tmp_path: Path) -> None:
    found, reached = find_on_chain(settings_of(tmp_path, {"chain.url": "http://127.0.0.1:9"}))
    assert [(item.name, item.fine, item.needed) for item in found] == [
        ("chain", False, True),
        ("deployment", False, True),
    ]
    assert reached.chain is None


def test_doctor_offline__asks_no_chain_and_finds_nothing_missing(tmp_path: Path) -> None:
    done = edgemark_here("doctor", "--home", tmp_path, "--offline", "--json")
    assert done.status == Exit.DONE
    assert not {"chain", "deployment"} & set(done.value)
    nowhere = ("--chain-url", "http://127.0.0.1:9")
    done = edgemark_here("doctor", "--home", tmp_path, *nowhere)
    assert done.status == Exit.CHECK_FAILED  # "is everything here?" is asked, and it is not
    assert "NO  chain " in done.out


DEVELOPMENT = {"anvil", "hardhat", "node.js"}
MODELS = {"sklearn", "onnx"}


def test_what_a_home_has_no_use_for__is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server needs neither development chains nor models, and a checkout is what has Hardhat."""
    assert set(on_machine(tmp_path)) >= DEVELOPMENT | MODELS
    assert not set(named(list(find_on_machine(tmp_path, serves=True)))) & (DEVELOPMENT | MODELS)
    monkeypatch.chdir("/")  # folders of tests may be below a checkout
    assert set(on_machine(tmp_path)) & DEVELOPMENT == {"anvil"}
    assert set(on_machine(tmp_path)) >= MODELS


def test_a_home__is_a_servers_by_its_journal_or_its_settings(tmp_path: Path) -> None:
    assert not is_of_a_server(settings_of(tmp_path))
    assert is_of_a_server(settings_of(tmp_path, {"registration.provider": account(8)}))
    (tmp_path / "device.journal").touch()
    assert not is_of_a_server(settings_of(tmp_path))
    (tmp_path / "buyer.journal").touch()
    assert not is_of_a_server(settings_of(tmp_path))
    (tmp_path / "seller.journal").touch()
    assert is_of_a_server(settings_of(tmp_path))


DAY_S = 86_400
OWN_TIME = "keeps a time of its own"
REMARK = f"{OWN_TIME}: deadlines are chain time"


class Clock:
    """A chain whose last block is as old as the test says."""

    place = "http://node"

    def __init__(self, chain_id: int, age_s: float) -> None:
        self.chain_id = chain_id
        self._age_s = age_s

    def now(self) -> int:
        return round(time.time() - self._age_s)


@pytest.mark.parametrize(
    ("chain_id", "age_s", "is_fine", "words"),
    [
        (1, 5, True, "last block 5 s ago"),
        (1, -60, False, "is behind the chain's"),
        (1, 600, False, "no block"),
        (
            DEV_CHAIN_ID,
            -60,
            True,
            f"60 s ahead of this clock; a development chain {OWN_TIME}",
        ),
        (DEV_CHAIN_ID, DAY_S, True, f"last block {DAY_S} s ago; a development chain {REMARK}"),
        (DEV_CHAIN_ID, -DAY_S, True, REMARK),
    ],
)
def test_clocks_that_differ__are_told_and_a_development_chains_is_no_fault(
    chain_id: int, age_s: float, is_fine: bool, words: str
) -> None:
    found = look("chain clock", False, lambda: compare_clocks(Clock(chain_id, age_s)))  # type: ignore[arg-type]
    assert found.fine is is_fine
    assert words in found.seen
    assert ("deadlines" in found.seen) is ("deadlines" in words)


def test_a_system__names_its_roles_for_the_command_line() -> None:
    class Ferries(ContractGroup):
        NAME = "ferries"
        KINDS = ()
        ROLES: ClassVar[Mapping[str, int]] = {"ferry": 4001}

    roles = list_roles((BaseContracts, Ferries))
    assert list(roles) == ["device", "ferry", "provider"]
    assert roles["ferry"].is_server
    assert list(ROLES) == ["device", "node", "judge", "controller", "tower", "provider"]
    of_trading = ["controller", "tower"]
    words = ["device", "compute node", "judge", *of_trading, "provider"]  # R32: of the glossary
    assert [role.word for role in ROLES.values()] == words


def test_roles_of_all_systems__are_apart() -> None:
    numbers = [number for group in GROUPS for number in group.ROLES.values()]
    names = [name for group in GROUPS for name in group.ROLES]
    assert len(set(numbers)) == len(numbers)
    assert len(set(names)) == len(names)


def test_a_deployment__is_named_by_the_last_contract_of_each_system() -> None:
    systems = [group for group in GROUPS if group is not BaseContracts]
    at = {kind.name: account(number) for number, kind in enumerate(KINDS.values())}
    whole = Deployment(1, 0, at, tuple(map(object.__new__, GROUPS)))
    for group in systems:
        name = group.KINDS[-1].name
        assert f"{name} at {at[name]}" in name_contracts(whole)
    bare = Deployment(1, 0, at, (object.__new__(BaseContracts),))
    assert name_contracts(bare) == f"ParticipantRegistry at {at['ParticipantRegistry']}"


@pytest.fixture
def server_settings(small_chain: SmallChain, tmp_path: Path) -> Iterator[Settings]:
    """Of a node whose account has nothing yet."""
    small_chain.deployment.save(tmp_path / "deployment.json")
    KeyStore.open(tmp_path / "keys")
    yield settings_of(
        tmp_path,
        {
            "chain.url": small_chain.chain.url,
            "chain.confirmations": 0,
            "chain.manifest": tmp_path / "deployment.json",
            "registration.provider": account(8),
            "registration.deposit": write_tokens(1000),
        },
    )


@pytest.mark.chain
def test_an_account_step_by_step__until_everything_is_fine(
    small_chain: SmallChain, server_settings: Settings
) -> None:
    def unfine() -> list[str]:
        return [item.name for item in find_on_chain(server_settings)[0] if not item.fine]

    chain, deployment = small_chain.chain, small_chain.deployment
    home = server_settings.home
    keys = KeyStore.open(home / "keys")
    me = keys.account.address
    assert unfine() == ["account", "admission", "free balance"]

    small_chain.operator.transfer_many([(me, 10**18)])
    registry = ParticipantRegistry(chain, deployment.contract("ParticipantRegistry"))
    with small_chain.lane(8) as provider:
        small_chain.enlist_provider(provider)
        provider.send(registry.admit(me))
    assert unfine() == ["free balance"]

    token = MetaCoin(chain, deployment.contract("MetaCoin"))
    small_chain.operator.send(token.transfer(me, 5000))
    resources = Resources(1, 1, 1, 1)
    with TransactionLane(chain, keys.account, home / "lane.journal") as lane:
        lane.send(
            registry.register_server(COMPUTE_NODE, account(8), keys.tls.pin, ENDPOINT, resources)
        )
    with OutsourcingStation.open(server_settings) as station:
        provide_balance(station, 1000)
    assert unfine() == []
    found, reached = find_on_chain(server_settings)
    assert f"at {ENDPOINT}" in named(found)["registration"].seen
    reach = named(list(find_reach(server_settings, reached.entry)))
    assert "the server does not run" in reach["endpoint"].seen

    (home / "keys" / "tls.pem").unlink()
    TlsKey.generate().save_new(home / "keys" / "tls.pem")
    found, _ = find_on_chain(server_settings)
    assert "registered with another TLS key" in named(found)["registration"].seen


@pytest.mark.chain
def test_a_provider__without_its_stake_or_admission__is_named(
    small_chain: SmallChain, server_settings: Settings
) -> None:
    deployment = small_chain.deployment
    settings = server_settings.having(RegistrationSettings(provider=account(7)))
    keys = KeyStore.open(settings.home / "keys")
    me = keys.account.address
    registry = ParticipantRegistry(small_chain.chain, deployment.contract("ParticipantRegistry"))

    def seen(name: str) -> str:
        return str(named(find_on_chain(settings)[0])[name].seen)

    small_chain.operator.transfer_many([(me, 10**18)])
    with small_chain.lane(7) as provider:
        provider.send(registry.register_provider("Provider"))
        provider.send(registry.admit(me))
        assert "too little at stake" in seen("admission")
    with small_chain.lane(6) as provider:
        small_chain.enlist_provider(provider)
        provider.send(registry.admit(me))
        call = registry.register_server(
            COMPUTE_NODE, account(6), keys.tls.pin, ENDPOINT, Resources(1, 1, 1, 1)
        )
        with TransactionLane(
            small_chain.chain, keys.account, settings.home / "lane.journal"
        ) as lane:
            lane.send(call)
        assert f"at {ENDPOINT}" in seen("registration")
        provider.send(registry.dismiss(me))
        assert "takes no new work" in seen("registration")
