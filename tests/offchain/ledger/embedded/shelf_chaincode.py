"""A chaincode with every function of the stub under a name."""

from __future__ import annotations

import json

from edgemark_chaincode.shim.interface import Chaincode, Response, error, success
from edgemark_chaincode.shim.stub import ChaincodeStub


class Shelf(Chaincode):
    async def init(self, stub: ChaincodeStub) -> Response:
        await stub.put_state("begun", stub.get_args()[0])
        return success(b"begun")

    async def invoke(self, stub: ChaincodeStub) -> Response:
        name, rest = stub.get_function_and_parameters()
        answer: Response = await getattr(self, name)(stub, *rest)
        return answer

    async def put(self, stub: ChaincodeStub, key: str, value: str) -> Response:
        await stub.put_state(key, value)
        stub.set_event("put", key)
        return success(b"kept")

    async def get(self, stub: ChaincodeStub, key: str) -> Response:
        return success(await stub.get_state(key))

    async def put_and_get(self, stub: ChaincodeStub, key: str, value: str) -> Response:
        await stub.put_state(key, value)
        return success(await stub.get_state(key))

    async def repeat(self, stub: ChaincodeStub, key: str, size: str) -> Response:
        await stub.put_state(key, b"v")
        return success(b"r" * int(size))

    async def drop(self, stub: ChaincodeStub, key: str) -> Response:
        await stub.delete_state(key)
        return success()

    async def refuse(self, stub: ChaincodeStub, key: str) -> Response:
        await stub.put_state(key, b"x")
        stub.set_event("never", b"seen")
        return error("no such thing")

    async def list(self, stub: ChaincodeStub, start: str, end: str) -> Response:
        found = [row.key async for row in await stub.get_state_by_range(start, end)]
        return success(json.dumps(found))

    async def first(self, stub: ChaincodeStub) -> Response:
        async for row in await stub.get_state_by_range("", ""):
            return success(row.key)
        return error("none")

    async def page(self, stub: ChaincodeStub, size: str, bookmark: str) -> Response:
        page = await stub.get_state_by_range_with_pagination("", "", int(size), bookmark)
        keys = [row.key async for row in page]
        return success(json.dumps([keys, page.fetched_records_count, page.bookmark]))

    async def put_and_page(self, stub: ChaincodeStub) -> Response:
        await stub.put_state("k", b"v")
        return await self.page(stub, "2", "")

    async def page_and_put(self, stub: ChaincodeStub) -> Response:
        await self.page(stub, "2", "")
        await stub.put_state("k", b"v")
        return success()

    async def parts(self, stub: ChaincodeStub, kind: str, part: str) -> Response:
        found = await stub.get_state_by_partial_composite_key(kind, [part])
        keys = [stub.split_composite_key(row.key)[1] async for row in found]
        return success(json.dumps(keys))

    async def measure(self, stub: ChaincodeStub, *words: str) -> Response:
        size = str(sum(map(len, words)))
        await stub.put_state("measured", size)
        return success(size)

    async def put_parts(self, stub: ChaincodeStub, kind: str, *parts: str) -> Response:
        await stub.put_state(stub.create_composite_key(kind, list(parts)), b"x")
        return success()

    async def past(self, stub: ChaincodeStub, key: str) -> Response:
        found = await stub.get_history_for_key(key)
        rows = [[row.tx_id, row.value.decode(), row.is_delete] async for row in found]
        return success(json.dumps(rows))

    async def who(self, stub: ChaincodeStub) -> Response:
        secret = stub.get_transient()["pin"].decode()
        return success(json.dumps([stub.get_creator()["mspid"], secret, stub.get_tx_id()]))

    async def call(
        self, stub: ChaincodeStub, other: str, channel: str, *arguments: str
    ) -> Response:
        told = await stub.invoke_chaincode(other, [each.encode() for each in arguments], channel)
        return success(json.dumps([told.status, told.message, told.payload.decode()]))
