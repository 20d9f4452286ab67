"""A network of Fabric's own programs: up, found again, down, and up with what it had."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.stage.command_line import edgemark_here
from tests.waiting import wait_until

from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.fabric.network.joining import administrator_of, list_channels
from edgemark.ledger.fabric.network.network import (
    NOTE,
    FabricNetwork,
    find_network,
    network_up,
    remove_network,
)
from edgemark.ledger.fabric.network.plan import BFT, Plan
from edgemark.ledger.fabric.network.programs import find_programs
from edgemark.ledger.fabric.profile.reading import read_profile
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.launching.ports import PortInUse
from edgemark.transport.ports import hold_ports

pytestmark = pytest.mark.fabric


def bring_up(folder: Path, plan: Plan, *, stays: bool = False) -> FabricNetwork:
    with hold_ports(plan.port_count) as held:
        return network_up(folder, plan, held.numbers, stays=stays)


def channels_of_peers(network: FabricNetwork) -> list[list[str]]:
    programs = find_programs()
    return [
        sorted(
            programs.run(
                "peer",
                "channel",
                "list",
                settings=network.settings_of(peer),
                environment=administrator_of(peer),
            ).split()[4:]
        )
        for peer in network.places.peers
    ]


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(orderers=4, members=3, channels=("one", "two")),
        Plan(orderers=4, members=4, consensus=BFT),
        Plan(organisations=3, peers=2),
    ],
    ids=["small", "spare", "bft", "many"],
)
def test_network_up__everybody_is_healthy_and_takes_part(tmp_path: Path, plan: Plan) -> None:
    with bring_up(tmp_path / "network", plan) as network:
        assert set(network.status().values()) == {"healthy"}
        profile = read_profile(profile_path(network.folder, "Org2MSP"))
        assert profile.own == "Org2MSP"
        assert [len(each) for each in profile.peers.values()] == [plan.peers] * plan.organisations
        assert len(profile.orderers) == plan.members
        assert len(network.status()) == plan.port_count / 3
        assert channels_of_peers(network) == [list(plan.channels)] * len(network.places.peers)
        for orderer in network.places.orderers:
            taken = list_channels(find_programs(), network.settings_of(orderer), orderer)
            assert sorted(taken) == (sorted(plan.channels) if orderer.is_member else [])
    assert set(network.status().values()) == {"ended"}


def test_network__whose_nodes_were_killed__goes_on_from_its_blocks(tmp_path: Path) -> None:
    plan = Plan(orderers=3, members=3)
    with bring_up(tmp_path, plan, stays=True) as network:
        for name in ("orderer1.example.com", "peer0.org2.example.com"):
            program = network.programs[name]
            os.kill(program.pid, signal.SIGKILL)
            wait_until(f"end of {name}", lambda program=program: not program.is_running)
        found = find_network(tmp_path)
        assert found is not None
        assert sorted(found.status().values()) == ["ended"] * 2 + ["healthy"] * 3
        again = bring_up(tmp_path, plan, stays=True)
        try:
            assert set(again.status().values()) == {"healthy"}
            assert channels_of_peers(again) == [["mychannel"]] * 2
        finally:
            again.close()


def test_network_up__a_port_of_it_taken_meanwhile__is_refused(tmp_path: Path) -> None:
    import socket

    with bring_up(tmp_path, Plan()) as network:
        port = network.places.peers[0].port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortInUse, match="in use"):
        bring_up(tmp_path, Plan())
    with bring_up(tmp_path, Plan()) as network:
        assert network.places.peers[0].port == port


def test_network__whose_making_was_interrupted__is_made_anew(tmp_path: Path) -> None:
    with bring_up(tmp_path, Plan()) as network:
        network.is_joined = False
        network.note()
        first = network.places.peers[0].port
    (tmp_path / "data" / "left over").write_text("of before")
    with bring_up(tmp_path, Plan()) as network:
        assert network.places.peers[0].port != first
        assert not (tmp_path / "data" / "left over").exists()
    assert not remove_network(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert find_network(tmp_path) is None


def test_fabric_command__up_status_down(tmp_path: Path) -> None:
    home = ("--home", tmp_path)
    assert edgemark_here("fabric", "status", *home).status == Exit.CHECK_FAILED
    try:
        done = edgemark_here("fabric", "up", "--orderers", "2", "--members", "1", *home)
        assert done.status == Exit.DONE, done.error
        assert "peer0.org1.example.com" in done.out
        shown = edgemark_here("fabric", "up", "--json", *home).value  # as it runs
        assert shown["spare"] == ["orderer2.example.com"]
        assert set(shown["nodes"].values()) == {"healthy"}
        assert edgemark_here("fabric", "status", "--json", *home).value["peers"] == shown["peers"]
        other = edgemark_here("fabric", "up", "--orgs", "3", *home)
        assert other.status == Exit.REFUSED_INPUT
        assert "had organisations 2; needed organisations 3" in other.complaint
    finally:
        done = edgemark_here("fabric", "down", *home)
    assert done.out == "Fabric is down\n"
    assert (tmp_path / "fabric" / NOTE).exists()
    assert edgemark_here("fabric", "status", *home).status == Exit.CHECK_FAILED
    assert edgemark_here("fabric", "down", "--remove", *home).out == "no network was up\n"
    assert not (tmp_path / "fabric" / NOTE).exists()
