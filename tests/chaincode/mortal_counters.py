"""Counters whose process dies by `kill -9` at a step of a call, once, where a file says so.

`EDGEMARK_TEST_DEATH` names the file; in it stands the step. It is gone before the process is, so
that the one that comes after lives.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.offchain.ledger.fabric.client.counters import Counters

from edgemark_chaincode.shim.interface import Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub

DEATH = "EDGEMARK_TEST_DEATH"
BEGUN, READ, WRITTEN, TOLD, ANSWERED = STEPS = ("begun", "read", "written", "told", "answered")
ANSWERED_S = 0.02  # in which an answer leaves


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalCounters(Counters):
    """Adds one to a key, if it lives so long."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, (key, *_) = stub.get_function_and_parameters()
        if function != "add":
            return await super().invoke(stub)
        self._reach(BEGUN)
        held = int(await stub.get_state(key) or b"0")
        self._reach(READ)
        await stub.put_state(key, str(held + 1))
        self._reach(WRITTEN)
        stub.set_event("added", key)
        self._reach(TOLD)
        if self._is_last(ANSWERED):
            asyncio.get_running_loop().call_later(ANSWERED_S, die)
        return success(str(held + 1))

    def _reach(self, step: str) -> None:
        if self._is_last(step):
            die()

    @staticmethod
    def _is_last(step: str) -> bool:
        path = Path(os.environ[DEATH])
        if not path.exists() or path.read_text() != step:
            return False
        path.unlink()
        return True
