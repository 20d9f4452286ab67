"""How far a demonstration is: each part is shown while it runs, and its seconds are noted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from edgemark.receipt import Receipt


@contextmanager
def step(console: Console, receipt: Receipt, name: str) -> Iterator[None]:
    """Show a part of the story while it runs, and note its seconds."""
    began = time.perf_counter()
    with console.status(f"{name} ..."):
        yield
    receipt.seconds[name] = time.perf_counter() - began
    console.print(f"[green]done[/] {name} ({receipt.seconds[name]:.1f} s)")
