"""A development chain of either kind: started, found again, ended; and why it cannot be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account
from tests.waiting import wait_until

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.development.launching import (
    KINDS,
    NOTE,
    chain_down,
    chain_status,
    chain_up,
    kind_of,
)
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.ledger.evm.development.node import ChainOptions, DevelopmentNode, dev_key
from edgemark.ledger.evm.faults import NoChain
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.launching.ports import LOOPBACK, PortInUse
from edgemark.ledger.launching.program import ProgramDied
from edgemark.process import is_running, start_ticks
from edgemark.transport.ports import hold_ports

pytestmark = pytest.mark.chain

STILL = ChainOptions(block_time_s=None)
PAIRING = "0x" + "00" * 19 + "0f"  # EIP-2537, a precompile of the Prague rules
EITHER = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


@EITHER
def test_start__with_options__is_the_chain_asked_for(
    tmp_path: Path, kind: type[DevelopmentNode]
) -> None:
    options = ChainOptions(chain_id=4242, base_fee_wei=7, accounts=3)
    with kind.start(tmp_path, options) as node:
        assert node.is_running
        table = Path(f"/proc/{node.pid}/net/tcp").read_text().splitlines()[1:]
        listening = {line.split()[1] for line in table if line.split()[3] == "0A"}
        own = {place for place in listening if place.endswith(f":{node.port:04X}")}
        assert own == {f"0100007F:{node.port:04X}"}, "listens beyond this machine"
        chain = EvmChain(node.url, chain_id=4242, confirmations=0).connect()
        assert chain.block(0).base_fee == 7
        known = [address.lower() for address in chain.rpc("eth_accounts")]
        assert [Account.from_key(dev_key(n)).address.lower() for n in range(3)] == known
        empty = {"to": PAIRING, "data": "0x" + "00" * 384}
        assert int(chain.rpc("eth_call", empty, "latest"), 16) == 1
        wait_until("a block by itself", lambda: chain.head() >= 1)
    assert not node.is_running
    with pytest.raises(NoChain):
        EvmChain(node.url, attempts=1).connect()
    node.close()  # again: nothing to do


@EITHER
def test_block_making__by_clock_and_by_transaction__is_the_same_for_both(
    tmp_path: Path, kind: type[DevelopmentNode]
) -> None:
    with kind.start(tmp_path, STILL) as node:
        chain = EvmChain(node.url, confirmations=0).connect()
        blocks = BlockMaking.of(chain)
        assert blocks.is_by_transaction
        blocks.make(3)
        assert chain.head() == 3
        blocks.by_clock(1)
        assert not blocks.is_by_transaction
        wait_until("blocks by themselves", lambda: chain.head() >= 5)
        times = [chain.block(number).timestamp for number in (4, 5)]
        assert times[1] > times[0], "the interval is not in seconds"
        blocks.by_transaction()
        assert blocks.is_by_transaction
        first, second = (Account.from_key(dev_key(n)).address for n in range(2))
        sent = chain.rpc("eth_sendTransaction", {"from": first, "to": second, "value": "0x1"})
        # Anvil answers before the block is made.
        wait_until("its block", lambda: chain.rpc("eth_getTransactionReceipt", sent))


def test_block_making__of_another_client__is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EvmChain, "rpc", lambda *_: "Geth/v1.16.0/linux-amd64/go1.25")
    with pytest.raises(RefusedInput, match="no development node") as refused:
        BlockMaking.of(EvmChain("http://127.0.0.1:1"))
    assert "Geth" in str(refused.value.had)


@EITHER
def test_start__a_port_in_use__is_told_before_anything_starts(
    tmp_path: Path, kind: type[DevelopmentNode]
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            kind.start(tmp_path, ChainOptions(port=port))
    assert refused.value.who == f"{LOOPBACK}:{port}"
    assert list(tmp_path.iterdir()) == []


@EITHER
def test_start__rules_that_nobody_knows__tells_the_programs_last_words(
    tmp_path: Path, kind: type[DevelopmentNode]
) -> None:
    with pytest.raises(ProgramDied) as died:
        kind.start(tmp_path, ChainOptions(hardfork="atlantis-9"))
    assert "atlantis-9" in str(died.value.had)
    assert str(tmp_path / f"{kind.KIND}.log") in died.value.remedy


def test_start__a_port_given__is_taken(tmp_path: Path) -> None:
    with (
        hold_ports(1) as held,
        kind_of("anvil").start(
            tmp_path, ChainOptions(port=held.numbers[0], block_time_s=None)
        ) as node,
    ):
        assert node.port == held.numbers[0]


def test_start__two_at_once__get_ports_of_their_own(tmp_path: Path) -> None:
    anvil = kind_of("anvil")
    with anvil.start(tmp_path / "a", STILL) as one, anvil.start(tmp_path / "b", STILL) as two:
        assert one.port != two.port


def test_hardhat__keeps_the_home_folder_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with kind_of("hardhat").start(tmp_path / "chain", STILL):
        pass
    assert list(home.iterdir()) == []


START = """
import sys, time; from pathlib import Path
from edgemark.ledger.evm.development.node import ChainOptions
from edgemark.ledger.evm.development.launching import chain_up, kind_of
folder, kind, stays = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "stays"
options = ChainOptions(block_time_s=None)
node = chain_up(folder, options, kind) if stays else kind_of(kind).start(folder, options)
print(node.pid, node.started, flush=True)
time.sleep(0 if stays else 600)
"""


def start_elsewhere(folder: Path, kind: str, way: str) -> subprocess.Popen[str]:
    """Start a chain from a process of its own."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    command = [sys.executable, "-c", START, str(folder), kind, way]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


@pytest.mark.processes
@EITHER
def test_start__the_process_that_started_it_is_killed__it_ends_too(
    tmp_path: Path, kind: type[DevelopmentNode]
) -> None:
    parent = start_elsewhere(tmp_path, kind.KIND, "ends with us")
    assert parent.stdout is not None
    pid, started = map(int, parent.stdout.readline().split())
    assert is_running(pid, started)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_until(f"the end of {kind.KIND} with its parent", lambda: not is_running(pid, started))


@pytest.mark.processes
@EITHER
def test_chain_up__outlives_the_process_that_asked(
    tmp_path: Path, kind: type[DevelopmentNode]
) -> None:
    asked, _ = start_elsewhere(tmp_path, kind.KIND, "stays").communicate()
    try:
        found = chain_status(tmp_path)
        assert type(found) is kind
        assert found.pid == int(asked.split()[0])
        assert EvmChain(found.url).connect().head() == 0
    finally:
        assert chain_down(tmp_path)


def test_chain_up__again__is_the_same_chain_until_it_is_down(tmp_path: Path) -> None:
    node = chain_up(tmp_path, STILL)
    try:
        assert chain_up(tmp_path, STILL).pid == node.pid
        with pytest.raises(RefusedInput, match="another kind"):
            chain_up(tmp_path, STILL, "hardhat")
        found = chain_status(tmp_path)
        assert found is not None
        assert (found.pid, found.url) == (node.pid, node.url)
        assert chain_down(tmp_path) is True
        assert not is_running(node.pid, node.started)
        assert chain_status(tmp_path) is None
        assert chain_down(tmp_path) is False
    finally:
        node.close()


def test_chain_up__a_kind_that_nobody_knows__is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="anvil or hardhat"):
        chain_up(tmp_path, STILL, "ganache")


def test_chain_down__another_process_has_the_number_now__is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = start_ticks(bystander.pid)
        assert started is not None
        facts = {"kind": "anvil", "pid": bystander.pid, "started": started - 1, "port": 8545}
        (tmp_path / NOTE).write_text(json.dumps(facts))
        assert chain_status(tmp_path) is None
        assert chain_down(tmp_path) is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.communicate()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"kind": "anvil", "pid": "x", "started": 1, "port": 1}',
        '{"kind": "ganache", "pid": 1, "started": 1, "port": 1}',
        '{"kind": "anvil", "pid": 1, "started": 1, "port": 1, "checksum": "00"}',
        '{"kind": "anvil", "pid": 1, "started": 1, "port": 1, "pid": 1}',
    ],
)
def test_f9_chain_status__a_note_that_is_not_as_it_was_written__is_refused(
    tmp_path: Path, text: str
) -> None:
    """Before, a chain with a damaged note was none, and nothing could end it."""
    (tmp_path / NOTE).write_text(text)
    for look in (chain_status, chain_down):
        with pytest.raises(RefusedInput):
            look(tmp_path)
    assert (tmp_path / NOTE).exists()


def test_chain_status__no_note__is_no_chain(tmp_path: Path) -> None:
    assert chain_status(tmp_path) is None


def test_is_running__nobody_or_a_zombie__is_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = start_ticks(child.pid)
    assert started is not None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it ended, nobody has collected it
    assert not is_running(child.pid, started)
    child.wait()
    assert start_ticks(child.pid) is None
    assert not is_running(child.pid, started)
