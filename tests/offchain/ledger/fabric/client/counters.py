"""Counters on a ledger, and who adds to them: each name once, whatever happens to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.blocks import list_endorsed
from edgemark.ledger.fabric.opening import LedgerAccess, open_ledger
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, FOLDERS, LedgerSettings
from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub

NAME = "counters"


class Counters(Chaincode):
    """Adds one to a key, and tells which."""

    async def init(self, stub: ChaincodeStub) -> Response:
        return success(stub.get_tx_id())

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, (key, *_) = stub.get_function_and_parameters()
        held = int(await stub.get_state(key) or b"0")
        if function == "add":
            held += 1
            await stub.put_state(key, str(held))
            stub.set_event("added", key)
        return success(str(held))


def access(ledger_home: Path) -> LedgerAccess:
    """User1 of the first organisation; `ledger_home` has the ledger's folder in it, or Fabric's."""
    kind = FABRIC if (ledger_home / FOLDERS[FABRIC]).exists() else DEVELOPMENT
    return open_ledger(LedgerSettings(kind=kind), ledger_home)


@contextmanager
def asking(ledger_home: Path) -> Iterator[GatewayClient]:
    """A client that submits nothing."""
    with access(ledger_home).client(submits=False) as client:
        yield client


def count_blocks(client: GatewayClient) -> Counter[str]:
    """How often each key was added to, told by the valid transactions of all blocks."""
    found: Counter[str] = Counter()
    for block in client.blocks(0, client.height() - 1, wait_s=60):
        for transaction in list_endorsed(block):
            if transaction.chaincode == NAME:
                found[transaction.asked.decode("latin-1").rpartition("add")[2][2:]] += 1
    return found
