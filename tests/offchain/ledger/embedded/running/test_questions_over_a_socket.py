"""Questions to a ledger's process: those that are too long are refused typed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.running.control import MAX_LINE_BYTES, ControlServer, ask_ledger


def test_question_that_is_too_long__is_refused_and_the_next_is_answered(tmp_path: Path) -> None:
    async def echo(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"said": asked["words"]}

    async def play() -> None:
        server = ControlServer(tmp_path / "socket", {"echo": echo})
        await server.start()
        try:

            def ask(words: str) -> dict[str, Any]:
                return ask_ledger(tmp_path / "socket", "echo", words=words)

            with pytest.raises(RefusedInput, match="question is too long"):
                await asyncio.to_thread(ask, "x" * MAX_LINE_BYTES)
            # From a program that does not count:
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "socket"))
            writer.write(b"x" * (MAX_LINE_BYTES + 10) + b"\n")
            told = json.loads(await reader.read())
            writer.close()
            assert told["error"]["what"] == "question is too long"
            assert await asyncio.to_thread(ask, "hello") == {"said": "hello"}
        finally:
            await server.stop()

    asyncio.run(play())
