"""A chaincode of all that a chaincode does, and what careless ones do instead.

`module:Class` for the host: it runs as a process of its own.
"""

from __future__ import annotations

import locale
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from edgemark.errors import RefusedInput
from edgemark_chaincode.clock import Clocks, answer_clock
from edgemark_chaincode.records import Record, Records
from edgemark_chaincode.shim.interface import Chaincode, Response, error, success
from edgemark_chaincode.shim.stub import ChaincodeStub


@dataclass(frozen=True)
class Good(Record):
    FORMAT: ClassVar[str] = "good"

    owner: str
    amount: int
    marks: Mapping[str, int]
    digest: bytes
    note: str | None = None


class Goods(Chaincode):
    """Makes, marks, moves, lists and forgets goods; some only before noon of the clocks."""

    async def init(self, stub: ChaincodeStub) -> Response:
        await Clocks(stub).name_organisations(stub.get_string_args())
        return success()

    async def invoke(self, stub: ChaincodeStub) -> Response:
        told = await answer_clock(stub)
        if told is not None:
            return told
        name, rest = stub.get_function_and_parameters()
        functions = {
            "make": self.make,
            "mark": self.mark,
            "move": self.move,
            "forget": self.forget,
            "list": self.list,
            "of": self.of,
            "before": self.before,
            "fail": self.fail,
        }
        return await functions[name](stub, *rest)

    async def make(self, stub: ChaincodeStub, name: str, amount: str, note: str) -> Response:
        owner = stub.get_client_identity().msp_id
        good = Good(owner, int(amount), {}, stub.get_binding(), note or None)
        await Records(stub).create(f"good/{name}", good)
        await stub.put_state(stub.create_composite_key("owner", [owner, name]), b"\x01")
        stub.set_event("made", name)
        return success(name)

    async def mark(self, stub: ChaincodeStub, name: str, *marks: str) -> Response:
        records = Records(stub)
        good = await records.read(f"good/{name}", Good)
        counted = {each: good.marks.get(each, 0) + 1 for each in marks}
        await records.put(f"good/{name}", replace(good, marks={**good.marks, **counted}))
        return success(",".join(sorted(set(marks))))

    async def move(self, stub: ChaincodeStub, name: str, owner: str) -> Response:
        records = Records(stub)
        good = await records.read(f"good/{name}", Good)
        if good.owner != stub.get_client_identity().msp_id:
            raise RefusedInput("is another's", who=name, had=good.owner)
        await records.put(f"good/{name}", replace(good, owner=owner))
        await stub.delete_state(stub.create_composite_key("owner", [good.owner, name]))
        await stub.put_state(stub.create_composite_key("owner", [owner, name]), b"\x01")
        return success()

    async def forget(self, stub: ChaincodeStub, name: str) -> Response:
        await Records(stub).delete(f"good/{name}")
        return success()

    async def list(self, stub: ChaincodeStub, start: str, end: str) -> Response:
        found = await Records(stub).list_range(f"good/{start}", f"good/{end}", Good, most=50)
        return success(",".join(f"{key}={good.amount}" for key, good in found))

    async def of(self, stub: ChaincodeStub, owner: str) -> Response:
        found = await stub.get_state_by_partial_composite_key("owner", [owner])
        keys = [stub.split_composite_key(row.key)[1][1] async for row in found]
        return success(",".join(keys))

    async def before(self, stub: ChaincodeStub, deadline: str) -> Response:
        now = await Clocks(stub).now()
        return error(f"too late: {now}") if now > int(deadline) else success(str(now))

    async def fail(self, stub: ChaincodeStub, kind: str) -> Response:
        raise {"key": KeyError, "value": ValueError}.get(kind, RuntimeError)("ä", stub.get_txid())


class CarelessGoods(Goods):
    """Says what no two machines say alike."""

    async def mark(self, stub: ChaincodeStub, name: str, *marks: str) -> Response:
        """The order of a set, which the hash seed decides."""
        await super().mark(stub, name, *marks)
        return success(",".join(set(marks)))

    async def before(self, stub: ChaincodeStub, deadline: str) -> Response:
        """A time as the zone of the machine has it."""
        told = await super().before(stub, deadline)
        hour = time.localtime(stub.get_tx_timestamp().seconds).tm_hour
        return replace(told, payload=b"%d" % hour)

    async def of(self, stub: ChaincodeStub, owner: str) -> Response:
        """What the machine's locale is called."""
        return success(f"{locale.getpreferredencoding()} {locale.setlocale(locale.LC_ALL, '')}")

    async def fail(self, stub: ChaincodeStub, kind: str) -> Response:
        """Where an object lies, in an error."""
        raise ValueError(str(object()))
