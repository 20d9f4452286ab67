"""A chaincode that reads, for peers that misbehave."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.chaincode.scripted_peer import connected

from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.limits import MAX_ITERATORS
from edgemark_chaincode.shim.stub import ChaincodeStub


class Reader(Chaincode):
    """Reads two keys, one after the other, and lists."""

    def __init__(self) -> None:
        self.begun = 0
        self.faults: list[BaseException] = []

    async def init(self, stub: ChaincodeStub) -> Response:
        return await self.invoke(stub)

    async def invoke(self, stub: ChaincodeStub) -> Response:
        self.begun += 1
        name = stub.get_args()[0]
        try:
            if name == b"list":
                rows = [row.key async for row in await stub.get_state_by_range("", "")]
                return success(",".join(rows))
            if name == b"open":
                for _ in range(MAX_ITERATORS + 1):
                    await stub.get_state_by_range("", "")
            if name == b"hasty":
                return await self._give_up(stub)
            if name == b"asleep":
                await stub.get_state_by_range("", "")
                await asyncio.Event().wait()
            if name == b"stubborn":
                return await self._go_on(stub)
            if name == b"side by side":
                both = await asyncio.gather(stub.get_state("a"), stub.get_state("b"))
                return success(b"+".join(both))
            if name == b"who":
                return success(str(stub.get_creator()["mspid"]))
            return success(await stub.get_state("a") + b"+" + await stub.get_state("b"))
        except BaseException as fault:
            self.faults.append(fault)
            raise

    async def _go_on(self, stub: ChaincodeStub) -> Response:
        with suppress(asyncio.CancelledError):
            await stub.get_state("a")
        return success(b"stubborn")

    async def _give_up(self, stub: ChaincodeStub) -> Response:
        try:
            await asyncio.wait_for(stub.get_state("a"), 0.05)
        except TimeoutError:
            return success(await stub.get_state("b"))
        return success()


async def still_serves(address: str) -> None:
    async with connected(address) as peer:
        await peer.shake_hands()
        peer.listen()
        peer.state = {"a": b"1", "b": b"2"}
        assert (await peer.call("both")).payload == b"1+2"
