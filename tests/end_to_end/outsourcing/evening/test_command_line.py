"""The command line on a real chain: what it prints when all is well, and what it refuses.

Status 2 is a call to be fixed, 4 a chain that did not answer. Every refusal is one readable line on
standard error that says who, what there was and what was needed; nothing is lost and nothing paid.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.outsourcing.evening.ordering_desk import Desk, open_desk
from tests.stage.command_line import edgemark, edgemark_here, write_settings
from tests.stage.desk import check_refused
from tests.stage.playhouse import whole_stage

from edgemark.cli.sections import list_sections
from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.crypto.field.field import Q
from edgemark.demo.evm.stage import GAS_WEI, PARTY_TOKENS
from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput, Unrecoverable
from edgemark.identity.keys import KeyStore
from edgemark.journal.journal import Journal
from edgemark.settings.catalogue import Catalogue
from edgemark.transport.ports import hold_ports

pytestmark = whole_stage(36)

NAMES = {each.name for each in Catalogue(list_sections()).settings}


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
    assert shown.value["wallet"] == str(PARTY_TOKENS)
    assert int(shown.value["gas_wei"]) == GAS_WEI
    deposited = edgemark_here("account", "deposit", "12.5", "--home", desk.home, "--json")
    assert deposited.value == {"anchor_free": str(125 * 10**17)}
    again = edgemark_here("account", "deposit", "12.5", "--home", desk.home, "--json")
    assert again.value == {"anchor_free": str(125 * 10**17)}  # up to, not on top of
    back = edgemark_here("account", "withdraw", "12.5", "--home", desk.home, "--json")
    assert back.value == {"wallet": str(PARTY_TOKENS)}
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


# --- what it refuses ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[1, 2]]", ("input 0", "had 2 values", "needed 3")),
        ("[[1, 2, 3], [1, 2, 3, 4]]", ("input 1", "had 4 values")),
        (f"[[1, 2, {Q}]]", ("out of the field", "needed |x| <= q/2")),
        (f"[[1, 2, {-Q}]]", ("out of the field",)),
        ("[[1, 2, 3.5]]", ("input 0, value 2", "had float", "needed a whole number")),
        ("[[1, 2, true]]", ("had bool", "needed a whole number")),
        ("[7]", ("had int", "needed 3")),
        ("[]", ("holds no inputs",)),
        ("{", ("is not JSON",)),
    ],
)
def test_submit__inputs_of_the_wrong_form__are_refused(
    desk: Desk, tmp_path: Path, content: str, words: tuple[str, ...]
) -> None:
    inputs = tmp_path / "inputs.json"
    inputs.write_text(content)
    check_refused(
        edgemark_here(*desk.submission("--input", inputs)),
        Exit.REFUSED_INPUT,
        "inputs.json",
        *words,
    )


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_submit__a_damaged_function__is_refused(desk: Desk, tmp_path: Path, cut: int) -> None:
    function = tmp_path / "function.bin"
    function.write_bytes(desk.function.read_bytes()[:cut])
    done = edgemark_here(*desk.submission("--function", function, "--json"))
    check_refused(done, Exit.REFUSED_INPUT)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--errors", "2"), ("e is out of range", "had e = 2", "needed 1 <= e <= t = 1")),
        (("--errors", "-1"), ("e is out of range",)),
        (("--threshold", "0"), ("t is too small", "had 0", "needed >= 1")),
        (("--threshold", "30"), ("m is out of range", "had m = 93")),
        (("--judge-fee", "11"), ("judges' fee out of range",)),
        (("--fee", "0"), ("fee out of range",)),
        (("--fee", "ten"), ("--fee", "is no amount", "had ten")),
        (("--fee", "10000000000000000000"), ("--fee", "perhaps 10 was meant")),
        (("--node", "0x12"), ("--node",)),
        (("--compute", "0"), ("out of",)),
    ],
)
def test_submit__numbers_out_of_range__are_refused(
    desk: Desk, words: tuple[str, ...], complaint: tuple[str, ...]
) -> None:
    check_refused(edgemark_here(*desk.submission(*words)), Exit.REFUSED_INPUT, *complaint)


def test_submit__too_few_nodes__is_refused(desk: Desk) -> None:
    done = edgemark_here(*desk.submission(nodes=desk.nodes[:5]))
    check_refused(done, Exit.REFUSED_INPUT, "had 5", "needed 6", "different providers")


def test_submit__no_node_named__is_refused(desk: Desk) -> None:
    files = ["--function", desk.function, "--input", desk.inputs, "--home", desk.home]
    done = edgemark_here("outsourcing", "submit", *files)
    check_refused(done, Exit.REFUSED_INPUT, "--nodes auto", "edgemark index nodes")


def test_submit__more_nodes_than_needed_and_nobody_answers__posts_nothing_and_says_what_each_said(
    desk: Desk,
) -> None:
    done = edgemark_here(*desk.submission("--nodes", "auto"))
    assert done.status == Exit.REFUSED_INPUT
    first = next(line for line in done.error.splitlines() if line.startswith("TooFewNodes"))
    for word in ("too few nodes would accept it", "had 0", "needed 6", "Nothing was posted"):
        assert word in first
    lines = done.error.splitlines()
    found = {line.split(":")[0].strip() for line in lines if ": cannot be reached" in line}
    assert found == {*desk.nodes, desk.twin}


def test_submit__one_node_at_two_indices__is_refused(desk: Desk) -> None:
    done = edgemark_here(*desk.submission(nodes=[*desk.nodes[:5], desk.nodes[0]]))
    check_refused(done, Exit.REFUSED_INPUT, "named twice", desk.nodes[0])


def test_submit__two_nodes_of_one_provider__is_refused(desk: Desk) -> None:
    done = edgemark(*desk.submission(nodes=[*desk.nodes[:5], desk.twin]))
    check_refused(done, Exit.REFUSED_INPUT, "nodes of different providers", desk.twin)


def test_submit__an_account_that_is_no_node__is_refused_by_the_contract(desk: Desk) -> None:
    judge = desk.theatre.stage.judges[0].account
    done = edgemark_here(*desk.submission(nodes=[*desk.nodes[:5], judge]))
    check_refused(done, Exit.REFUSED_INPUT, "NotAComputeNode", judge)


def test_submit__windows_too_short_to_look_at_the_chain__are_refused(desk: Desk) -> None:
    slow = {"EDGEMARK_PARTY_POLL_S": "1"}
    done = edgemark_here(*desk.submission("--compute", "2"), environ=slow)
    check_refused(done, Exit.REFUSED_INPUT, "needed <= 0.666667 s", "Longer windows")
    done = edgemark_here(*desk.submission("--compute", "1"))  # less than any deployment takes
    check_refused(done, Exit.REFUSED_INPUT, "the time to compute", "had 1 s", "needed 2 s to 86400")


def test_submit__without_gas__is_refused(desk: Desk, tmp_path: Path) -> None:
    poor = write_settings(desk.theatre.stage.settings_of("without-gas"))
    done = edgemark_here(*desk.submission("--home", poor, "--json"))
    check_refused(done, Exit.REFUSED_INPUT, "had 0 coin", "Send the chain's native coin")


def test_submit__without_tokens__is_refused(desk: Desk) -> None:
    settings = desk.theatre.stage.settings_of("without-tokens")
    station = desk.theatre.open_home("user")
    poor = KeyStore.open(settings.home / "keys").account.address
    station.lane.transfer(poor, GAS_WEI // 10)
    station.close()
    done = edgemark_here(*desk.submission("--home", write_settings(settings)))
    check_refused(done, Exit.REFUSED_INPUT, "wallet holds too few tokens", "had 0")


@pytest.mark.parametrize("words", [("result", "77" * 32), ("status", "77" * 32)])
def test_job_that_this_home_never_ordered__is_refused(desk: Desk, words: tuple[str, ...]) -> None:
    done = edgemark_here("outsourcing", *words, "--home", desk.home)
    check_refused(done, Exit.REFUSED_INPUT, "job is unknown here", "77" * 32)


def test_job_id_of_the_wrong_form__is_refused(desk: Desk) -> None:
    done = edgemark_here("outsourcing", "result", "0x1234", "--home", desk.home)
    check_refused(done, Exit.REFUSED_INPUT, "job: is no id", "had '0x1234'", "64 hex digits")


@pytest.mark.parametrize("amount", ["-1", "abc", "nan", "0.0000000000000000001", "1e30"])
def test_amount_of_the_wrong_form__is_refused(desk: Desk, amount: str) -> None:
    done = edgemark_here("account", "deposit", "--home", desk.home, "--", amount)
    check_refused(done, Exit.REFUSED_INPUT, f"had {amount}")


def test_withdraw__more_than_is_free__is_refused(desk: Desk) -> None:
    done = edgemark_here("account", "withdraw", "999999", "--home", desk.home)
    check_refused(done, Exit.REFUSED_INPUT, "free balance is too low", "needed 999,999 MTC")


def test_chain_id_that_does_not_match__ends_with_status_4(desk: Desk) -> None:
    done = edgemark(
        "account", "show", "--home", desk.home, "--json", environ={"EDGEMARK_CHAIN_ID": "1"}
    )
    check_refused(done, Exit.LEDGER_UNAVAILABLE, "had chain id 31337", "needed chain id 1")


def test_no_chain_at_the_address__ends_with_status_4(desk: Desk) -> None:
    done = edgemark("account", "show", "--home", desk.home, "--chain-url", "http://127.0.0.1:9")
    check_refused(done, Exit.LEDGER_UNAVAILABLE, "http://127.0.0.1:9", "edgemark chain up")


def test_no_contract_at_the_address__is_refused(desk: Desk, tmp_path: Path) -> None:
    manifest = json.loads((desk.theatre.stage.folder / "deployment.json").read_text())
    made = manifest["groups"]["outsourcing"]["contracts"]
    made["JobSettlement"]["address"] = "0x" + "77" * 20
    del manifest["checksum"]
    (tmp_path / "m.json").write_text(json.dumps(manifest))
    done = edgemark_here(
        "account", "show", "--home", desk.home, "--manifest", tmp_path / "m.json", "--json"
    )
    check_refused(done, Exit.REFUSED_INPUT, "JobSettlement", "no contract", "0x" + "77" * 20)


@pytest.mark.parametrize("content", [None, "", "{}", '{"version": 1}', '{"version": 99}'])
def test_manifest_that_is_none__is_refused(desk: Desk, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "m.json").write_text(content)
    done = edgemark_here("account", "show", "--home", desk.home, "--manifest", tmp_path / "m.json")
    check_refused(done, Exit.REFUSED_INPUT, "manifest", "m.json")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chian_url = 'http://x'", ("chian_url", "perhaps chain.url")),
        ("workers = 'many'", ("workers", "had 'many'", "needed a whole number")),
        ("workers = 0", ("workers", "had 0", "needed 1..64")),
        ("workers = ", ("is not TOML",)),
    ],
)
def test_settings_that_are_wrong__are_refused(
    tmp_path: Path, line: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "edgemark.toml").write_text(line)
    done = edgemark_here("config", "show", "--home", tmp_path, "--json")
    check_refused(done, Exit.REFUSED_INPUT, "edgemark.toml", *words)


def test_setting_in_the_environment_that_nobody_knows__is_refused(tmp_path: Path) -> None:
    done = edgemark_here("config", "show", "--home", tmp_path, environ={"EDGEMARK_LISTENPORT": "1"})
    check_refused(
        done, Exit.REFUSED_INPUT, "EDGEMARK_LISTENPORT", "perhaps EDGEMARK_SERVER_LISTEN_PORT"
    )


@pytest.mark.parametrize(
    "words", [("chian",), ("node", "run", "--bogus"), ("chain", "up", "--port", "x")]
)
def test_command_that_is_none__is_refused_with_a_hint(words: tuple[str, ...]) -> None:
    done = edgemark_here(*words)
    assert done.status == Exit.REFUSED_INPUT
    assert "Usage" in done.error
    assert "Traceback" not in done.error


def test_chain_up__on_a_port_in_use__is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = edgemark_here("chain", "up", "--home", tmp_path, "--port", str(port), "--json")
    check_refused(done, Exit.REFUSED_INPUT, str(port), "port is in use", "another port")


def test_node_run__on_a_port_in_use__is_refused(desk: Desk) -> None:
    actor = desk.theatre.stage.nodes[0]
    with socket.create_server(("127.0.0.1", actor.port)):
        done = edgemark("node", "run", "--home", actor.home, "--json")
    check_refused(
        done, Exit.REFUSED_INPUT, str(actor.port), "cannot listen there", "server.listen_port"
    )


def test_node_run__without_a_provider__is_refused(desk: Desk) -> None:
    done = edgemark_here("node", "run", "--home", desk.home)
    check_refused(done, Exit.REFUSED_INPUT, "registration.provider", "is not set", "--provider")


def test_node_run__not_admitted_by_its_provider__is_refused(desk: Desk) -> None:
    provider = desk.theatre.stage.nodes[1].provider
    station = desk.theatre.open_home("user")
    settings = desk.theatre.stage.settings_of("applicant")
    applicant = KeyStore.open(settings.home / "keys").account.address
    station.lane.transfer(applicant, GAS_WEI // 10)
    station.close()
    with hold_ports(1) as held:
        changes = {"registration.provider": provider, "server.listen_port": held.numbers[0]}
        home = write_settings(settings, changes)
        done = edgemark_here("node", "run", "--home", home)
    check_refused(done, Exit.REFUSED_INPUT, "registerServer is refused", "admit")


def test_home_in_use_by_another_process__is_refused(desk: Desk) -> None:
    station = desk.theatre.open_home("user")
    done = edgemark("account", "deposit", "1", "--home", desk.home)
    station.close()
    check_refused(done, Exit.REFUSED_INPUT, "lane.journal")


def test_after_all_that_was_refused__nothing_was_paid_and_nothing_is_locked(desk: Desk) -> None:
    after = desk.theatre.holdings()
    assert after.locked == 0
    assert after.parties == desk.before.parties
