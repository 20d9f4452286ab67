"""A development chain: started, found again, ended; and every reason why it cannot be."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from edgemark.ledger.anvil import (
    LOOPBACK,
    AnvilDied,
    AnvilNode,
    AnvilNotFound,
    AnvilOptions,
    PortInUse,
    chain_down,
    chain_status,
    chain_up,
    dev_key,
    find_anvil,
)
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.faults import NoChain
from edgemark.ledger.process import is_running, start_ticks

pytestmark = pytest.mark.chain

STILL = AnvilOptions(block_time_s=None)


def test_start__default_options__makes_blocks_of_the_chain_asked_for(tmp_path: Path) -> None:
    with AnvilNode.start(tmp_path, AnvilOptions(chain_id=4242, base_fee_wei=7)) as node:
        chain = EvmChain(node.url, chain_id=4242, confirmations=0).connect()
        assert chain.block(0).base_fee == 7
        assert node.is_running
        while chain.head() == 0:
            pass
    assert not node.is_running
    with pytest.raises(NoChain):
        EvmChain(node.url, attempts=1).connect()
    node.stop()  # again: nothing to do


def test_start__two_at_once__get_ports_of_their_own(tmp_path: Path) -> None:
    with AnvilNode.start(tmp_path / "a", STILL) as one, AnvilNode.start(tmp_path / "b") as two:
        assert one.port != two.port


def test_start__listens_on_this_machine_only(tmp_path: Path) -> None:
    with AnvilNode.start(tmp_path, STILL) as node:
        table = Path(f"/proc/{node.pid}/net/tcp").read_text().splitlines()[1:]
        listening = {line.split()[1] for line in table if line.split()[3] == "0A"}
        own = {place for place in listening if place.endswith(f":{node.port:04X}")}
        assert own == {f"0100007F:{node.port:04X}"}


def test_start__a_port_in_use__is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            AnvilNode.start(tmp_path, AnvilOptions(port=port))
    assert refused.value.who == f"{LOOPBACK}:{port}"
    assert not (tmp_path / "anvil.log").exists()


def test_start__a_port_given__is_taken(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as probe:
        port = probe.getsockname()[1]
    with AnvilNode.start(tmp_path, AnvilOptions(port=port, block_time_s=None)) as node:
        assert node.port == port


@pytest.mark.parametrize(
    "options", [AnvilOptions(hardfork="atlantis-9"), AnvilOptions(extra=("--no-such-option",))]
)
def test_start__anvil_ends_at_once__tells_its_last_words(
    tmp_path: Path, options: AnvilOptions
) -> None:
    with pytest.raises(AnvilDied) as died:
        AnvilNode.start(tmp_path, options)
    words = options.extra[0] if options.extra else options.hardfork
    assert words in str(died.value.had)
    assert str(tmp_path / "anvil.log") in died.value.remedy


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that no checkout surrounds: the tests' own may lie below one that has an Anvil."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder).resolve()


def test_find_anvil__nowhere__says_how_to_install_it(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    with pytest.raises(AnvilNotFound) as missing:
        find_anvil(outside)
    assert "make setup" in missing.value.remedy
    assert "npm install" in missing.value.remedy


def test_find_anvil__below_a_folder_above__is_found(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(outside))
    program = outside / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    deep = outside / "some" / "where"
    deep.mkdir(parents=True)
    with pytest.raises(AnvilNotFound):
        find_anvil(deep)  # not executable
    program.chmod(0o755)
    assert find_anvil(deep) == program


def test_find_anvil__on_path__comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_anvil() == program


def test_chain_up__again__is_the_same_chain_until_it_is_down(tmp_path: Path) -> None:
    node = chain_up(tmp_path, STILL)
    try:
        assert chain_up(tmp_path, STILL).pid == node.pid
        found = chain_status(tmp_path)
        assert found is not None
        assert (found.pid, found.url) == (node.pid, node.url)
        assert chain_down(tmp_path) is True
        assert not is_running(node.pid, node.started)
        assert chain_status(tmp_path) is None
        assert chain_down(tmp_path) is False
    finally:
        node.stop()


@pytest.mark.processes
def test_chain_up__outlives_the_process_that_asked(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from edgemark.ledger.anvil import *\n"
        "print(chain_up(Path(sys.argv[1]), AnvilOptions(block_time_s=None)).pid)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    command = [sys.executable, "-c", script, str(tmp_path)]
    asked = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    try:
        found = chain_status(tmp_path)
        assert found is not None
        assert found.pid == int(asked.stdout)
        assert EvmChain(found.url).connect().head() == 0
    finally:
        assert chain_down(tmp_path)


def test_chain_down__another_process_has_the_number_now__is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = start_ticks(bystander.pid)
        assert started is not None
        facts = {"pid": bystander.pid, "started": started - 1, "port": 8545}
        (tmp_path / "anvil.json").write_text(json.dumps(facts))
        assert chain_status(tmp_path) is None
        assert chain_down(tmp_path) is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.communicate()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x", "started": 1, "port": 1}'])
def test_chain_status__a_broken_note__is_no_chain(tmp_path: Path, text: str) -> None:
    (tmp_path / "anvil.json").write_text(text)
    assert chain_status(tmp_path) is None


def test_state__of_a_chain_that_was_stopped__is_there_again(tmp_path: Path) -> None:
    options = AnvilOptions(block_time_s=None, state=tmp_path / "state.json")
    with AnvilNode.start(tmp_path / "first", options) as node:
        chain = EvmChain(node.url).connect()
        chain.rpc("anvil_setBalance", "0x" + "77" * 20, "0x7")
        chain.rpc("anvil_mine", "0x3")
    with AnvilNode.start(tmp_path / "second", options) as node:
        chain = EvmChain(node.url).connect()
        assert int(chain.rpc("eth_getBalance", "0x" + "77" * 20, "latest"), 16) == 7
        assert chain.head() == 3


def test_dev_key__of_each_index__is_a_funded_account(tmp_path: Path) -> None:
    with AnvilNode.start(tmp_path, AnvilOptions(block_time_s=None, accounts=3)) as node:
        chain = EvmChain(node.url).connect()
        known = [address.lower() for address in chain.rpc("eth_accounts")]
    assert [Account.from_key(dev_key(n)).address.lower() for n in range(3)] == known


def test_is_running__nobody_or_a_zombie__is_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = start_ticks(child.pid)
    assert started is not None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it ended, nobody has collected it
    assert not is_running(child.pid, started)
    child.wait()
    assert start_ticks(child.pid) is None
    assert not is_running(child.pid, started)
