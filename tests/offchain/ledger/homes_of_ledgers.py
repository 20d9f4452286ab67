"""Homes with a consortium ledger, whichever it is: profile, identities and settings are alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.offchain.ledger.embedded.served import LoopThread

from edgemark.closing import Closing
from edgemark.ledger.embedded.running.place import Served
from edgemark.ledger.embedded.running.thread import LedgerThread
from edgemark.ledger.fabric.network.network import network_up
from edgemark.ledger.fabric.network.plan import Plan
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.making import package_of
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, LedgerSettings
from edgemark.transport.ports import hold_ports
from edgemark_chaincode.shim.interface import Chaincode
from edgemark_chaincode.shim.server import ChaincodeServer


@dataclass
class LedgerHome(Closing):
    """A home with a ledger of two organisations that serves.

    Attributes:
        home: its folder.
        settings: [ledger] of it, as `User1` of Org1MSP.
    """

    home: Path
    settings: LedgerSettings
    loop: LoopThread = field(default_factory=LoopThread)
    servers: list[ChaincodeServer] = field(default_factory=list)

    def serve(self, label: str, chaincode: Chaincode) -> bytes:
        """Run a chaincode in this process, to the end of the ledger; its package."""
        with hold_ports(1) as held:
            address = f"127.0.0.1:{held.numbers[0]}"
        package, raw = package_of(label, Connection(address))
        server = ChaincodeServer(chaincode, package.package_id, address)
        self.loop.run(server.start())
        self.servers.append(server)
        return raw

    def close(self) -> None:
        """End what was served."""
        for server in self.servers:
            self.loop.run(server.stop(0))
        self.loop.close()


@contextmanager
def development_home(home: Path) -> Iterator[LedgerHome]:
    """A home whose development ledger serves meanwhile, in a thread."""
    with (
        LedgerThread(home / "ledger", 2, Served(metrics_port=-1)),
        LedgerHome(home, LedgerSettings(kind=DEVELOPMENT)) as made,
    ):
        yield made


@contextmanager
def fabric_home(home: Path) -> Iterator[LedgerHome]:
    """A home with a network of Fabric's own programs."""
    plan = Plan()
    with hold_ports(plan.port_count) as held:
        network = network_up(home / "fabric", plan, held.numbers)
    with network, LedgerHome(home, LedgerSettings(kind=FABRIC)) as made:
        yield made
