"""Fabric's `peer`, unchanged, deploys to the development ledger, invokes, queries and fetches."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from tests.offchain.ledger.embedded.package_maker import make_package
from tests.offchain.ledger.embedded.served import (
    CHANNEL,
    ORG1,
    ORG2,
    LedgerWorld,
    development_ledger,
)
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark.ledger.fabric.network.programs import find_programs
from edgemark.ledger.fabric.packages.reading import parse_package
from edgemark.transport.ports import hold_ports
from edgemark_chaincode.shim.server import ChaincodeServer

pytestmark = pytest.mark.fabric

CORE = {"peer": {"BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}}}}
ORDERER = "OrdererMSP"
WAIT_S = 60


@dataclass
class Desk:
    """Where somebody types `peer`."""

    world: LedgerWorld
    folder: Path

    def type(
        self, *words: str, msp_id: str = ORG1, name: str = "Admin", fails: bool = False
    ) -> str:
        """What the command says; it fails only where that is expected."""
        folder = self.world.folders[msp_id]
        environment = {
            **os.environ,
            "FABRIC_CFG_PATH": str(self.folder),
            "FABRIC_LOGGING_SPEC": "error",
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_LOCALMSPID": msp_id,
            "CORE_PEER_ADDRESS": f"localhost:{self.world.ports[msp_id]}",
            "CORE_PEER_TLS_ROOTCERT_FILE": self.root_of(msp_id),
            "CORE_PEER_MSPCONFIGPATH": str(
                folder.path / "users" / f"{name}@{folder.domain}" / "msp"
            ),
        }
        program = str(find_programs().paths["peer"])
        done = subprocess.run(
            [program, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def root_of(self, msp_id: str) -> str:
        return str(self.world.folders[msp_id].server / "tls" / "ca.crt")

    @property
    def orderer(self) -> tuple[str, ...]:
        address = f"localhost:{self.world.ports[ORDERER]}"
        return "-o", address, "--tls", "--cafile", self.root_of(ORDERER)

    @property
    def both_peers(self) -> list[str]:
        return [
            word
            for each in (ORG1, ORG2)
            for word in (
                "--peerAddresses",
                f"localhost:{self.world.ports[each]}",
                "--tlsRootCertFiles",
                self.root_of(each),
            )
        ]

    def lifecycle(self, *words: str, **more: Any) -> str:
        return self.type("lifecycle", "chaincode", *words, **more)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "core.yaml").write_text(json.dumps(CORE))
    with development_ledger(tmp_path / "ledger") as world:
        yield Desk(world, tmp_path)


def install(desk: Desk) -> str:
    with hold_ports(1) as held:
        address = f"127.0.0.1:{held.numbers[0]}"
    raw = make_package("shelf_1", connection={"address": address, "dial_timeout": "10s"})
    package = desk.folder / "shelf.tgz"
    package.write_bytes(raw)
    package_id = parse_package(raw).package_id
    assert desk.lifecycle("calculatepackageid", str(package)).strip() == package_id
    for each in (ORG1, ORG2):
        desk.lifecycle("install", str(package), msp_id=each)
    assert "already successfully installed" in desk.lifecycle("install", str(package), fails=True)
    server = ChaincodeServer(Shelf(), package_id, address)
    desk.world.servers.append(server)
    desk.world.loop.run(server.start())
    assert package_id in desk.lifecycle("queryinstalled")
    where = ("--package-id", package_id, "--output-directory", str(desk.folder))
    desk.lifecycle("getinstalledpackage", *where)
    (given,) = desk.folder.glob(f"{package_id}*")
    assert given.read_bytes() == raw
    return package_id


def agree(desk: Desk, package_id: str) -> None:
    named = ("--channelID", CHANNEL, "--name", "shelf")
    said = (*named, "--version", "1", "--sequence", "1")
    for each in (ORG1, ORG2):
        desk.lifecycle(
            "approveformyorg", *desk.orderer, *said, "--package-id", package_id, msp_id=each
        )
    assert package_id in desk.lifecycle("queryapproved", *named)
    ready = json.loads(desk.lifecycle("checkcommitreadiness", *said, "--output", "json"))
    assert ready["approvals"] == {ORG1: True, ORG2: True}
    told = desk.lifecycle(
        "checkcommitreadiness", *named, "--version", "2", "--sequence", "1", "--inspect"
    )
    assert "Org2MSP: false (mismatch: [EndorsementInfo])" in told
    desk.lifecycle("commit", *desk.orderer, *said, *desk.both_peers)
    told = desk.lifecycle("querycommitted", *named)
    assert "Version: 1, Sequence: 1" in told
    assert "Approvals: [Org1MSP: true, Org2MSP: true]" in told
    assert "Name: shelf" in desk.lifecycle("querycommitted", "--channelID", CHANNEL)


def test_peer__deploys_invokes_queries_and_fetches(desk: Desk) -> None:
    agree(desk, install(desk))
    on = ("-C", CHANNEL, "-n", "shelf", "-c")
    put, get = ('{"Args":["put","k","v"]}', '{"Args":["get","k"]}')
    desk.type(
        "chaincode",
        "invoke",
        *desk.orderer,
        *on,
        put,
        *desk.both_peers,
        "--waitForEvent",
        name="User1",
    )
    assert desk.type("chaincode", "query", *on, get, name="User1", msp_id=ORG2).strip() == "v"
    refused = desk.type("chaincode", "query", *on, '{"Args":["refuse","k"]}', fails=True)
    assert "no such thing" in refused
    assert CHANNEL in desk.type("channel", "list")
    height = json.loads(desk.type("channel", "getinfo", "-c", CHANNEL).partition(":")[2])["height"]
    newest = desk.folder / "newest.block"
    desk.type("channel", "fetch", "newest", str(newest), "-c", CHANNEL)
    assert common_pb2.Block.FromString(newest.read_bytes()).header.number == height - 1
    desk.type("channel", "fetch", "config", str(newest), "-c", CHANNEL)
    assert common_pb2.Block.FromString(newest.read_bytes()).header.number == 0


def test_peer_of_a_client__installs_and_approves_nothing(desk: Desk) -> None:
    package = desk.folder / "shelf.tgz"
    package.write_bytes(make_package("shelf_1"))
    told = desk.lifecycle("install", str(package), name="User1", fails=True)
    assert "access denied" in told
