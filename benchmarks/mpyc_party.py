"""One of three MPyC parties: computes on the secret input of party 0 whenever it is told to.

    python -m benchmarks.mpyc_party INDEX PORT PORT PORT

Reads lines `quadratic K` or `inner K` from standard input; party 0 writes a line when the result is
open, and the first time for each of them checks it.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

Q = 2**128 + 51
HOST = "127.0.0.1"

INDEX, *PORTS = sys.argv[1:]
ADDRESSES = [word for port in PORTS for word in ("-P", f"{HOST}:{port}")]
sys.argv = [sys.argv[0], *ADDRESSES, "-I", INDEX, "--no-log"]

from mpyc.runtime import mpc  # noqa: E402 - it reads its command line when it is imported

FIELD = mpc.SecFld(modulus=Q)


@mpc.coroutine  # type: ignore[untyped-decorator]
async def multiply_rows(x: Sequence[Any], rows: Sequence[Sequence[int]]):  # type: ignore[no-untyped-def]
    """Shares of A x for a public upper triangle A: no message is needed.

    Without a return annotation, which MPyC would take for a type of shares.
    """
    await mpc.returnType(type(x[0]), len(x))
    values = [each.value for each in await mpc.gather(list(x))]
    field = type(x[0]).field
    return [field(sum(map(int.__mul__, row, values[at:])) % Q) for at, row in enumerate(rows)]


def make_function(kind: str, size: int) -> list[list[int]]:
    """The same public function at every party."""
    chance = random.Random(size)
    if kind == "inner":
        return []
    return [[chance.randrange(Q) for _ in range(at, size + 1)] for at in range(size + 1)]


def deal(values: Sequence[int]) -> list[Any]:
    """Share party 0's values; the others hold what they get."""
    return list(mpc.input([FIELD(value) for value in values], senders=0))


async def evaluate(kind: str, size: int, rows: list[list[int]], x: Sequence[int]) -> int | None:
    """F of party 0's input: opened to it alone."""
    if kind == "inner":
        left, right = deal(x[:size]), deal(x[size:])
    else:
        left = deal(x)
        right = multiply_rows(left, rows)
    opened = await mpc.output(mpc.in_prod(left, right), receivers=[0])
    return None if opened is None else int(opened)


def evaluate_plainly(kind: str, size: int, rows: list[list[int]], x: Sequence[int]) -> int:
    """The same in clear."""
    if kind == "inner":
        return sum(map(int.__mul__, x[:size], x[size:])) % Q
    return sum(x[at] * sum(map(int.__mul__, row, x[at:])) for at, row in enumerate(rows)) % Q


async def serve() -> None:
    """Do what the lines say until there are no more."""
    loop = asyncio.get_running_loop()
    await mpc.start()
    functions: dict[tuple[str, int], list[list[int]]] = {}
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        kind, text = line.split()
        size = int(text)
        is_new = (kind, size) not in functions
        if is_new:
            functions[kind, size] = make_function(kind, size)
        rows = functions[kind, size]
        drawn = [secrets.randbelow(Q) for _ in range(2 * size if kind == "inner" else size)]
        x = drawn if kind == "inner" else [1, *drawn]
        opened = await evaluate(kind, size, rows, x)
        if mpc.pid == 0:
            if is_new and opened != evaluate_plainly(kind, size, rows, x):
                raise ArithmeticError("the parties computed something else")
            sys.stdout.write("done\n")
            sys.stdout.flush()
    await mpc.shutdown()


if __name__ == "__main__":
    # it would listen on every interface
    events = mpc._loop
    events.create_server = partial(events.create_server, host=HOST)
    mpc.run(serve())
