"""A chaincode that also does what none should: says nothing, says different things."""

from __future__ import annotations

import asyncio

from tests.offchain.ledger.embedded.shelf_chaincode import Shelf

from edgemark_chaincode.shim.interface import Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub


class Stubborn(Shelf):
    """`whose` is what this process thinks it is: another in each organisation."""

    def __init__(self, whose: str) -> None:
        self._whose = whose

    async def hang(self, _: ChaincodeStub) -> Response:
        await asyncio.sleep(3600)
        return success()

    async def differ(self, stub: ChaincodeStub, what: str) -> Response:
        whose = self._whose.encode()
        await stub.put_state("same", b"value")
        match what:
            case "key":
                await stub.put_state(self._whose, b"value")
            case "value":
                await stub.put_state("k", whose)
            case "event":
                stub.set_event("told", whose)
            case "read":
                await stub.get_state(self._whose)
            case "response":
                return success(whose)
        return success()
