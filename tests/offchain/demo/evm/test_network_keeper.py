"""A network for development stays until somebody ends it, and then nothing of it runs.

Real processes and a real chain; the servers do nothing.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT
from tests.waiting import wait_until

from edgemark.cli.catalogue import GROUPS
from edgemark.demo.evm.network import MARK, NETWORK, Wanted, network_up
from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.ledger.evm.development.faucet import FAUCET, open_faucet
from edgemark.ledger.evm.development.keeping import find_keeper
from edgemark.ledger.evm.development.launching import chain_down, chain_status, chain_up
from edgemark.ledger.evm.reading.chain import EvmChain

pytestmark = [pytest.mark.processes, pytest.mark.lasts(16)]

# Asks for a network as a command does, and says what is being done.
ASKING = """\
import sys
from pathlib import Path
from edgemark.cli import main
from edgemark.demo.evm.network import network_up
from tests.offchain.demo.evm.test_network_keeper import wish

main.end_as_when_interrupted()
network_up(wish(Path(sys.argv[1])), lambda doing: print(doing, flush=True))
"""


def wish(home: Path, servers: int = 2, port: int = 0) -> Wanted:
    place = "tests.offchain.demo.evm.idlers:IDLERS"
    return Wanted(place, "idlers", servers, home, "anvil", port)


def running_below(home: Path) -> list[str]:
    """Command lines of all processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue  # it has just ended
        if str(home).encode() in line and path.parent.name != str(os.getpid()):
            found.append(line.replace(b"\0", b" ").decode())
    return found


def check_nothing_runs(home: Path) -> None:
    wait_until("everybody has ended", lambda: not running_below(home), 60)
    assert chain_status(home / "chain") is None


def test_network__asked_twice__is_one_and_goes_with_the_chain(tmp_path: Path) -> None:
    said: list[str] = []
    told = network_up(wish(tmp_path), said.append)
    try:
        assert said == ["chain, contracts, providers", "2 idlers register"]
        assert sum("timeit" in line for line in running_below(tmp_path)) == 2
        assert network_up(wish(tmp_path), said.append) == told
        with pytest.raises(RefusedInput, match="had with idlers 2; needed with idlers 3"):
            network_up(wish(tmp_path, 3), said.append)
        assert chain_up(tmp_path / "chain").url == told["url"]
        chain = EvmChain(told["url"], confirmations=0).connect()
        Deployment.load(Path(told["manifest"]), GROUPS, chain.chain_id).verify(chain)
        with open_faucet(chain, tmp_path / "chain" / FAUCET) as faucet:
            faucet.transfer(faucet.address, 1)
    finally:
        assert chain_down(tmp_path / "chain")
    check_nothing_runs(tmp_path)
    assert not chain_down(tmp_path / "chain")
    assert Path(told["device"], "edgemark.toml").exists()  # for looking


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_network__whose_keeper_is_ended_by_a_signal__leaves_nothing_that_runs(
    tmp_path: Path, number: signal.Signals
) -> None:
    network_up(wish(tmp_path), lambda _: None)
    keeper = find_keeper(tmp_path / "chain")
    assert keeper is not None
    os.kill(keeper.pid, number)
    if number is not signal.SIGKILL:
        check_nothing_runs(tmp_path)
        return
    try:  # at once: some are still leaving
        network_up(wish(tmp_path), lambda _: None)
    finally:
        assert chain_down(tmp_path / "chain")
    check_nothing_runs(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_network__whose_asker_is_ended_before_it_is_there__leaves_nothing_that_runs(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", ASKING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"chain, contracts, providers\n"
        asking.send_signal(number)
        asking.wait(60)
    check_nothing_runs(tmp_path)


def test_network__on_a_port_in_use__is_refused_and_nothing_runs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RefusedInput, match=f"{port}: port is in use") as refused:
            network_up(wish(tmp_path, port=port), lambda _: None)
    assert type(refused.value).__name__ == "PortInUse"
    check_nothing_runs(tmp_path)


def test_network__in_a_folder_that_is_somebody_elses__is_refused_and_touches_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / NETWORK).mkdir()
    (tmp_path / NETWORK / "account.key").write_text("secret")
    with pytest.raises(RefusedInput, match="is no network that `chain up` made"):
        network_up(wish(tmp_path), lambda _: None)
    assert (tmp_path / NETWORK / "account.key").read_text() == "secret"
    assert not (tmp_path / NETWORK / MARK).exists()
    check_nothing_runs(tmp_path)
