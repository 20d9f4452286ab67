"""A chaincode that does as little as one can: it keeps what it is told, and tells no event."""

from __future__ import annotations

from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub


class Idle(Chaincode):
    """`put KEY VALUE`, on our shim."""

    async def init(self, stub: ChaincodeStub) -> Response:  # noqa: ARG002 - the shim's interface
        """Nothing to begin with."""
        return success()

    async def invoke(self, stub: ChaincodeStub) -> Response:
        """Keep a value under a key, whatever it is asked."""
        _, (key, value) = stub.get_function_and_parameters()
        await stub.put_state(key, value)
        return success()
