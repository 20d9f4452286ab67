"""Which networks can be, where their nodes stand, and what Fabric's programs are told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgemark.errors import RefusedInput
from edgemark.files import FileInUse, hold_lock
from edgemark.ledger.fabric.network import network
from edgemark.ledger.fabric.network.channel_settings import draft_channel
from edgemark.ledger.fabric.network.network import (
    NOTE,
    FabricNetwork,
    find_network,
    network_down,
    network_up,
    remove_network,
)
from edgemark.ledger.fabric.network.node_settings import (
    draft_certificates,
    draft_orderer_node,
    draft_peer_node,
)
from edgemark.ledger.fabric.network.plan import BFT, Plan
from edgemark.ledger.fabric.network.programs import FabricPrograms
from edgemark.ledger.launching.notes import NoteDamaged, write_note

FOLDER = Path("/somewhere")
SMALL = Plan()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"orderers": 0}, "orderers"),
        ({"orderers": 8}, "orderers"),
        ({"orderers": 3, "members": 4}, "members of a channel"),
        ({"members": 0}, "members of a channel"),
        ({"orderers": 3, "members": 3, "consensus": BFT}, "members of a channel"),
        ({"consensus": "solo"}, "consensus"),
        ({"organisations": 1}, "organisations"),
        ({"organisations": 9}, "organisations"),
        ({"peers": 0}, "peers"),
        ({"channels": ()}, "channels"),
        ({"channels": ("a", "a")}, "channels"),
        ({"channels": ("Upper",)}, "name of a channel"),
        ({"channels": ("../up",)}, "name of a channel"),
        ({"channels": ("a" * 65,)}, "name of a channel"),
        ({"batch_timeout_ms": 9}, "batch timeout"),
        ({"batch_messages": 0}, "messages of a block"),
        ({"execute_timeout_s": 0}, "seconds for a chaincode"),
    ],
)
def test_plan__of_a_network_that_cannot_be__is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedInput, match=said) as refused:
        Plan(**wrong)
    assert refused.value.needed


@pytest.mark.parametrize("count", [0, 8, 10])
def test_place__with_another_number_of_ports__is_refused(count: int) -> None:
    with pytest.raises(RefusedInput, match="number of ports"):
        SMALL.place(FOLDER, range(1, count + 1))


def test_place__gives_each_node_ports_of_its_own() -> None:
    plan = Plan(orderers=3, members=2, organisations=3, peers=2)
    places = plan.place(FOLDER, range(1000, 1000 + plan.port_count))
    ports = [port for each in places for port in (each.port, each.own_port, each.operations_port)]
    assert sorted(ports) == list(range(1000, 1027))
    assert [each.name for each in places.members] == [f"orderer{n}.example.com" for n in (1, 2)]
    assert list(places.organisations) == ["Org1MSP", "Org2MSP", "Org3MSP"]
    assert [each.name for each in places.organisations["Org2MSP"]] == [
        "peer0.org2.example.com",
        "peer1.org2.example.com",
    ]
    assert places.peers[0].msp == Path(
        "/somewhere/crypto-config/peerOrganizations/org1.example.com/peers"
        "/peer0.org1.example.com/msp"
    )


def addresses(settings: Any) -> Iterator[str]:
    """Every text of settings that looks like a place to listen or to dial."""
    match settings:
        case dict():
            for name, value in settings.items():
                if name.lower().endswith(("address", "endpoint", "bootstrap", "host")):
                    yield str(value)
                yield from addresses(value)
        case list():
            for value in settings:
                yield from addresses(value)


@pytest.mark.parametrize("consensus", ["etcdraft", BFT])
def test_settings__listen_on_this_machine_alone_and_speak_tls(consensus: str) -> None:
    plan = Plan(orderers=5, members=4, consensus=consensus)
    places = plan.place(FOLDER, range(1, plan.port_count + 1))
    drafted = [
        draft_channel(plan, places),
        *(draft_orderer_node(each, FOLDER) for each in places.orderers),
        *(draft_peer_node(each, places, FOLDER, FOLDER, 30) for each in places.peers),
    ]
    found = {place for settings in drafted for place in addresses(settings)}
    assert len(found) > 15
    assert {place.partition(":")[0] for place in found} <= {"127.0.0.1", ""}
    for settings in drafted[1:6]:
        assert settings["General"]["TLS"]["Enabled"]
        assert settings["Admin"]["TLS"]["Enabled"]
        assert settings["Admin"]["TLS"]["ClientAuthRequired"]
    for settings in drafted[6:]:
        assert settings["peer"]["tls"]["enabled"]
        assert settings["vm"]["endpoint"] == ""
    json.dumps(drafted)


def test_channel__knows_its_members_and_no_spare_orderer() -> None:
    plan = Plan(orderers=5, members=4, consensus=BFT)
    places = plan.place(FOLDER, range(1, plan.port_count + 1))
    orderer = draft_channel(plan, places)["Profiles"]["Channel"]["Orderer"]
    members = [each.port for each in places.members]
    assert [each["Port"] for each in orderer["ConsenterMapping"]] == members
    (organisation,) = orderer["Organizations"]
    assert organisation["OrdererEndpoints"] == [f"127.0.0.1:{port}" for port in members]
    made = draft_certificates(places)["OrdererOrgs"][0]["Specs"]
    assert [each["Hostname"] for each in made] == [f"orderer{n}" for n in range(1, 6)]


def test_find_network__of_a_note__is_the_network_that_was_noted(tmp_path: Path) -> None:
    assert find_network(tmp_path) is None
    plan = Plan(orderers=3, members=2, channels=("one", "two"))
    network = FabricNetwork(tmp_path, plan, plan.place(tmp_path, range(1, plan.port_count + 1)))
    network.note()
    found = find_network(tmp_path)
    assert found == network
    assert not found.is_running
    assert set(found.status().values()) == {"ended"}


@pytest.mark.parametrize(
    "changed",
    [
        {"plan": None},
        {"plan": {"orderers": 1}},
        {"plan": {**SMALL.as_facts(), "orderers": 99}},
        {"plan": {**SMALL.as_facts(), "more": 1}},
        {"ports": [1]},
        {"ports": "many"},
        {"programs": {"peer0.org1.example.com": {"pid": "x", "started": 1}}},
        {"programs": 7},
    ],
)
def test_f9_find_network__a_note_of_no_network__is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    sound = {"plan": SMALL.as_facts(), "ports": list(range(1, 10)), "programs": {}}
    write_note(tmp_path / NOTE, {**sound, "is_joined": True})
    assert find_network(tmp_path) is not None
    write_note(tmp_path / NOTE, {**sound, "is_joined": True, **changed})
    with pytest.raises(NoteDamaged):
        find_network(tmp_path)


def test_network_up__where_another_stands__is_refused_and_says_what_differs(
    tmp_path: Path,
) -> None:
    FabricNetwork(tmp_path, SMALL, SMALL.place(tmp_path, range(1, 10)), is_joined=True).note()
    programs = FabricPrograms({}, "3.1.5", (3, 1))
    with pytest.raises(RefusedInput, match="another one") as refused:
        network_up(tmp_path, Plan(organisations=3), range(12), programs=programs)
    assert (refused.value.had, refused.value.needed) == ("organisations 2", "organisations 3")
    assert "fabric down --remove" in refused.value.remedy


def test_network_up__while_another_command_is_at_it__waits__and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "TURN_S", 0.1)
    folder, programs = tmp_path / "fabric", FabricPrograms({}, "3.1.5", (3, 1))
    lock = hold_lock(folder)
    try:
        with pytest.raises(FileInUse):
            network_up(folder, SMALL, range(1, 10), programs=programs)
        folder.mkdir()
        for ends in (network_down, remove_network):
            with pytest.raises(FileInUse):
                ends(folder)
    finally:
        os.close(lock)
    assert list(folder.iterdir()) == []
    assert not network_down(folder)


def test_network_up__by_bft_of_programs_that_have_none__is_refused(tmp_path: Path) -> None:
    programs = FabricPrograms({}, "2.5.16", (2, 5))
    with pytest.raises(RefusedInput, match="etcdraft alone"):
        network_up(tmp_path, Plan(orderers=4, members=4, consensus=BFT), (), programs=programs)
    assert list(tmp_path.iterdir()) == []
