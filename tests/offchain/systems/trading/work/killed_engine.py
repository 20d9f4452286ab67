"""An engine in a process of its own that ends itself by SIGKILL at a place that is counted.

    python killed_engine.py FOLDER PLACE    PLACE 0: never; else before or after a write of the disk

It takes three orders, one after the other, and prints whatever left it: answers and readings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.offchain.systems.trading.work.work_cast import (
    CHANNELS,
    entry,
    make_batch,
    make_dense,
    order_run,
    order_values,
    write_list,
)

from edgemark.journal.journal import Journal
from edgemark.seam import kill_self
from edgemark.systems.trading.work import spool as spooling
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import read_catalogue
from edgemark.systems.trading.work.messages import Order, OrderKind

FUNCTION = make_dense()
PATIENCE_S = 30


class Places:
    """Counts the writes, and kills at one of them."""

    def __init__(self, place: int) -> None:
        self._place, self._count = place, 0

    def step(self) -> None:
        self._count += 1
        if self._count == self._place:
            kill_self()

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any, **named: Any) -> Any:
            self.step()
            answer = call(*args, **named)
            self.step()
            return answer

        return stepping


def orders_of(engine: Engine) -> list[tuple[Order, bytes, bytes]]:
    program = {each.name: each.id for each in engine.status().programs}["count"]
    batches = [make_batch(FUNCTION, 3, seed) for seed in ("first", "second")]
    return [
        (order_values(FUNCTION, batches[0], number=1), batches[0], FUNCTION.to_bytes()),
        (order_run(program, b"data", number=2), b"data", b""),
        (order_values(FUNCTION, batches[1], number=3), batches[1], FUNCTION.to_bytes()),
    ]


def tell(kind: str, raw: bytes) -> None:
    sys.stdout.write(f"{kind} {raw.hex()}\n")
    sys.stdout.flush()


def play(folder: Path, place: int) -> None:
    listed = folder / "programs.json"
    script = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; wc -c"
    listed.write_bytes(write_list(entry("count", script)))
    catalogue = read_catalogue(listed)
    places = Places(place)
    Journal.append = places.around(Journal.append)  # type: ignore[method-assign]
    spooling.write_new = places.around(spooling.write_new)  # type: ignore[attr-defined]
    with Engine(folder / "engine", catalogue) as engine:
        for interval, (order, data, function) in enumerate(orders_of(engine), 1):
            assert (order.kind is OrderKind.PROGRAM) == (function == b"")
            engine.take(order, data, function)
            assert engine.wait(order.id, PATIENCE_S)
            found = engine.answer(order.id)
            assert found is not None
            tell("answer", found[0].to_bytes())
            reading = engine._spool.meter.accounts[order.channel].reading
            if reading is None or reading.interval <= interval:
                tell("reading", engine.readings({CHANNELS[0]: interval})[CHANNELS[0]].to_bytes())


if __name__ == "__main__":
    play(Path(sys.argv[1]), int(sys.argv[2]))
