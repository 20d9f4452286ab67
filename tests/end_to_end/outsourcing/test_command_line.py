"""The command line on a real chain: what it prints when all is well, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.outsourcing.desk import Desk, open_desk
from tests.stage.command_line import edgemark, edgemark_here
from tests.stage.playhouse import whole_stage

from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.demo.evm.stage import GAS_WEI, PARTY_TOKENS
from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput, Unrecoverable
from edgemark.identifiers import format_tokens
from edgemark.identity.keys import KeyStore
from edgemark.journal.journal import Journal
from edgemark.settings.catalogue import Catalogue
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.transport.ports import hold_ports

pytestmark = whole_stage(14)

NAMES = {each.name for each in Catalogue(OutsourcingStation.SECTIONS).settings}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


def test_config_show__as_json__names_every_setting_with_its_origin(desk: Desk) -> None:
    done = edgemark(
        "config", "show", "--home", desk.home, "--json", environ={"EDGEMARK_WORKERS": "3"}
    )
    assert done.status == Exit.DONE
    assert set(done.value) == NAMES
    assert done.value["party.workers"] == {"value": "3", "origin": "EDGEMARK_WORKERS"}
    assert done.value["home"]["origin"] == "command line"
    assert done.value["chain.url"] == {
        "value": desk.theatre.stage.url,
        "origin": str(desk.home / "edgemark.toml"),
    }
    elsewhere = edgemark_here("config", "show", "--home", desk.home / "elsewhere", "--json")
    assert {item["origin"] for item in elsewhere.value.values()} == {"default", "command line"}


def test_config_show__as_text__has_one_line_a_setting(desk: Desk) -> None:
    done = edgemark_here("config", "show", "--home", desk.home)
    assert len(done.out.splitlines()) == len(NAMES)


def test_doctor__on_a_machine_with_everything__finds_everything(desk: Desk) -> None:
    done = edgemark("doctor", "--home", desk.home, "--json")
    assert done.status == Exit.DONE
    assert [name for name, item in done.value.items() if not item["fine"]] == []
    assert f"chain id {desk.theatre.stage.deployment.chain_id}" in done.value["chain"]["seen"]
    assert (
        desk.theatre.stage.deployment.contracts["JobSettlement"] in done.value["deployment"]["seen"]
    )


def test_doctor__without_chain_and_deployment__says_what_to_do(tmp_path: Path) -> None:
    done = edgemark_here("doctor", "--home", tmp_path, "--chain-url", "http://127.0.0.1:9")
    assert done.status == Exit.CHECK_FAILED  # a chain that somebody names has to be there
    assert "edgemark chain up" in done.out
    assert "ape run deploy" in done.out


def test_account__deposit_and_withdraw__move_tokens_between_wallet_and_anchor(desk: Desk) -> None:
    shown = edgemark("account", "show", "--home", desk.home, "--json")
    me = KeyStore.open(desk.home / "keys").account.address
    assert shown.value["account"] == me
    assert shown.value["wallet_mtc"] == format_tokens(PARTY_TOKENS)
    assert int(shown.value["gas_wei"]) == GAS_WEI
    deposited = edgemark_here("account", "deposit", "12.5", "--home", desk.home, "--json")
    assert deposited.value == {"anchor_free_mtc": "12.5"}
    again = edgemark_here("account", "deposit", "12.5", "--home", desk.home, "--json")
    assert again.value == {"anchor_free_mtc": "12.5"}  # up to, not on top of
    back = edgemark_here("account", "withdraw", "12.5", "--home", desk.home, "--json")
    assert back.value == {"wallet_mtc": format_tokens(PARTY_TOKENS)}
    assert edgemark_here("account", "show", "--home", desk.home).out.count("\n") == 5


def test_status__without_jobs__says_so(desk: Desk) -> None:
    done = edgemark_here("outsourcing", "status", "--home", desk.home, "--json")
    assert (done.status, done.value) == (Exit.DONE, {"jobs": 0})


def test_home_that_is_in_use__can_be_looked_at_and_orders_nothing(desk: Desk) -> None:
    with Journal.open(Path(desk.home) / "lane.journal"):
        for looking in (("account", "show"), ("outsourcing", "status"), ("doctor",)):
            done = edgemark_here(*looking, "--home", desk.home, "--json")
            assert done.status == Exit.DONE, done
        refused = edgemark_here("outsourcing", "result", "ab" * 32, "--home", desk.home)
        assert refused.status == Exit.REFUSED_INPUT
        assert "wait until it ends" in refused.error
        assert "Stop that process" not in refused.error


def test_chain__up_twice_and_down_twice__is_one_chain(tmp_path: Path) -> None:
    with hold_ports(1) as held:
        port = str(held.numbers[0])
        up = edgemark("chain", "up", "--home", tmp_path, "--port", port, "--json")
    try:
        again = edgemark_here("chain", "up", "--home", tmp_path, "--json")
        assert up.status == again.status == Exit.DONE
        assert again.value == up.value
    finally:
        down = edgemark_here("chain", "down", "--home", tmp_path, "--json")
    assert down.value == {"stopped": True}
    again = edgemark_here("chain", "down", "--home", tmp_path, "--json")
    assert (again.status, again.value) == (Exit.DONE, {"stopped": False})


def test_help__of_every_command__names_its_options() -> None:
    done = edgemark_here("outsourcing", "submit", "--help")
    assert done.status == Exit.DONE
    for option in ("--function", "--input", "--node", "--until", "--json", "--home"):
        assert option in done.out


@pytest.mark.parametrize(
    ("family", "status"),
    [(RefusedInput, 2), (PeerFault, 3), (LedgerUnavailable, 4), (Unrecoverable, 5)],
)
def test_exit_status__of_each_family__is_the_documented_one(
    family: type[Exception], status: int
) -> None:
    assert exit_of(family("x")) == status  # type: ignore[arg-type]
