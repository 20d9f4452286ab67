"""`edgemark identity serve`; how `index` and `doctor` look at its chains (T12, T13)."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.identity.did.did_chains import OWNER, Side, sides

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit
from edgemark.transport.ports import hold_ports

__all__ = ["sides"]  # the fixture

pytestmark = [pytest.mark.chain, pytest.mark.lasts(3)]

PATIENCE_S = 60.0


@pytest.fixture
def home(sides: tuple[Side, Side], tmp_path: Path) -> Path:
    """Identities of two chains; no chain of transactions is there."""
    for side in sides:
        side.deployment.save(tmp_path / "deployments" / f"{side.chain.chain_id}-did.json")
    here, there = sides
    text = f'[identity]\nurl = "{there.url}"\nmore = "{here.url}"\npoll_s = 0.05\n'
    (tmp_path / "edgemark.toml").write_text(f'[chain]\nurl = "http://127.0.0.1:9"\n{text}')
    return tmp_path


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def run(home: Path, *words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([*words, "--home", str(home)])
    return int(left.value.code or 0)


def ask(port: int, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        got = connection.getresponse()
        return got.status, json.loads(got.read())
    finally:
        connection.close()


class Visitor(threading.Thread):
    """Asks until every chain is in step, then for one DID of each, then ends the server."""

    def __init__(self, port: int, paths: list[str]) -> None:
        super().__init__(daemon=True)
        self._port, self._paths = port, paths
        self.answers: list[tuple[int, Any]] = []

    def run(self) -> None:
        ends_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at:
            try:
                health = ask(self._port, "/healthz")
            except OSError:  # it is not there yet
                health = 503, {}
            if health[0] == 200:
                self.answers = [health, *(ask(self._port, path) for path in self._paths)]
                break
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("signals_as_before")
def test_serve__answers_for_all_its_chains_until_it_is_told_to_end(
    home: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    dids = [side.registry.did(OWNER.address).text for side in sides]
    with hold_ports(1) as held:
        port = held.numbers[0]
        visitor = Visitor(port, [f"/1.0/identifiers/{did}" for did in dids])
        visitor.start()
        status = run(home, "identity", "serve", "--listen-port", str(port))
        visitor.join()
    assert status == Exit.DONE
    last = capsys.readouterr().err.splitlines()[-1]
    assert "stopped" in last
    assert "SIGTERM" in last
    health, *answers = visitor.answers
    assert set(health[1]["chains"]) == {"0x7a69", "0x7a6a"}
    assert [(s, facts["didDocument"]["id"]) for s, facts in answers] == [(200, d) for d in dids]


def test_resolve__finds_the_chain_of_a_did_among_more(
    home: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    for side in sides:
        did = side.registry.did(OWNER.address).text
        assert run(home, "identity", "resolve", did, "--json") == Exit.DONE
        assert json.loads(capsys.readouterr().out)["didDocument"]["id"] == did


def test_resolve__while_another_chain_is_away__finds_what_is_on_this_one(
    home: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    away = "http://127.0.0.1:9"
    here, there = (side.registry.did(OWNER.address).text for side in sides)
    for url, more in ((away, sides[0].url), (sides[0].url, away)):
        text = f'[identity]\nurl = "{url}"\nmore = "{more}"\n'
        (home / "edgemark.toml").write_text(text)
        assert run(home, "identity", "resolve", here, "--json") == Exit.DONE
        assert json.loads(capsys.readouterr().out)["didDocument"]["id"] == here
        assert run(home, "identity", "resolve", there) == Exit.LEDGER_UNAVAILABLE  # may be there
        assert "127.0.0.1:9" in capsys.readouterr().err


def test_index__of_identities_is_filled_without_the_chain_of_transactions(
    home: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "index", "sync", "--identities", "--json") == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["indexed"] == sides[1].chain.head()
    assert run(home, "index", "status", "--identities", "--check", "--json") == Exit.DONE
    assert json.loads(capsys.readouterr().out)["damage"] == "none"
    assert run(home, "index", "rebuild", "--identities", "--json") == Exit.DONE
    assert run(home, "index", "sync") == Exit.LEDGER_UNAVAILABLE


def test_doctor__looks_at_the_chains_of_identities_and_at_its_own_identity(
    home: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    def findings() -> Any:
        run(home, "doctor", "--json")
        return json.loads(capsys.readouterr().out)

    found = findings()
    assert found["identities"]["fine"]
    for side in sides:
        assert f"{side.contract.address} on chain {side.chain.chain_id:#x}" in str(found)
    assert "identity" not in found
    assert run(home, "identity", "create", "--json") == Exit.DONE
    account = json.loads(capsys.readouterr().out)["account"]
    found = findings()["identity"]
    assert (found["fine"], found["needed"]) == (False, False)
    assert "has no coins on the chain of identities" in found["seen"]
    sides[1].chain.rpc("anvil_setBalance", account, hex(10**18))
    assert f"did:ethr:0x7a6a:{account}" in findings()["identity"]["seen"]
    (home / "edgemark.toml").write_text('[identity]\nurl = "http://127.0.0.1:9"\n')
    found = findings()["identities"]
    assert (found["fine"], found["needed"]) == (False, True)


@pytest.mark.parametrize("more", ["no-address", "http://a:1 ftp://b"])
def test_more__is_addresses_of_chains(
    home: Path, more: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["identity", "serve", "--identity-more", more]
    assert run(home, *words) == Exit.REFUSED_INPUT
    assert "identity.more" in capsys.readouterr().err


def test_manifest_that_is_not_there__says_whose_and_where_it_is_looked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = home / "deployments" / "31337-did.json"
    missing.unlink()
    assert run(home, "identity", "serve", "--json") == Exit.REFUSED_INPUT
    told = json.loads(capsys.readouterr().out)
    assert told["who"] == str(missing)
    assert "chain id 31337" in told["needed"]
    assert "identity.manifest" in told["remedy"]


def test_more__that_names_a_chain_twice__is_refused(
    home: Path, sides: tuple[Side, Side], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["identity", "serve", "--identity-more", sides[1].url]
    assert run(home, *words) == Exit.REFUSED_INPUT
    assert "names a chain twice" in capsys.readouterr().err
