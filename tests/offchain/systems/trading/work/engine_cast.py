"""Opens an engine with a list of programs, and buys of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.offchain.systems.trading.work.work_cast import (
    CHANNELS,
    order_values,
    write_list,
)

from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Hash32
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import read_catalogue
from edgemark.systems.trading.work.messages import Answer, Order

ONE, OTHER = CHANNELS[:2]
PATIENCE_S = 30


@contextmanager
def engine_of(folder: Path, *entries: dict[str, object], workers: int = 2) -> Iterator[Engine]:
    listed = folder / "programs.json"
    listed.write_bytes(write_list(*entries))
    with Engine(folder / "engine", read_catalogue(listed), workers=workers) as engine:
        yield engine


def program_of(engine: Engine, name: str) -> Hash32:
    return {each.name: each.id for each in engine.status().programs}[name]


def answer_of(engine: Engine, order: Order) -> tuple[Answer, bytes]:
    assert engine.wait(order.id, PATIENCE_S)
    found = engine.answer(order.id)
    assert found is not None
    return found


def buy_values(engine: Engine, function: Polynomial, batch: bytes, **named: object) -> Order:
    order = order_values(function, batch, **named)  # type: ignore[arg-type]
    engine.take(order, batch, function.to_bytes())
    return order
