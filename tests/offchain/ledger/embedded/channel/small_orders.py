"""Envelopes of one write each, to be ordered, and a scene about them that has an end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.offchain.ledger.embedded.consortium import Draft, puts


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 30))


def drafts(count: int) -> list[Draft]:
    return [Draft([puts({f"k{each}": b"v"})]) for each in range(count)]
