"""`make soak` plays this too: trading among random deaths, and not a token or a word lost.

    python -m tests.soak.trading [--kills 100] [--minutes 30] [--seed N] [--folder FOLDER]

Seller, tower, buyers, two controllers (one with a broker of its own, one at a Mosquitto) and that
Mosquitto die by `kill -9` while channels are bought from; then every channel is ended and reckoned
up (`reckoning.py`). Exit status 0: nothing went wrong, and as many died as wanted; 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.soak.trading.market_night import Outcome, Wanted, play
from tests.stage.progress import show_progress, usual_seed


def describe(came: Outcome) -> str:
    """The table of what happened, and every violation."""
    wanted = came.wanted
    kills = ", ".join(f"{count} {kind}" for kind, count in sorted(came.kills.items()))
    lines = [
        f"seed {wanted.seed}: {wanted.customers} buyers, a seller, a tower, two controllers",
        f"kills            {came.kills.total()} of {wanted.kills}: {kills}",
        f"channels         {came.ends.total()}, with {came.settlements} settlements",
        f"seconds          {came.seconds:.0f}",
        *(f"{count:>4} {end}" for end, count in sorted(came.ends.items())),
        f"checks           {len(came.receipt.checks)}",
        *(f"VIOLATION {each}" for each in came.violations),
        f"{len(came.violations)} violations",
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.trading")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=30.0, help="nobody dies after")
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between deaths")
    parser.add_argument("--buyers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=usual_seed())
    parser.add_argument("--folder", type=Path, help="empty; kept. A temporary one otherwise.")
    chosen = parser.parse_args(words)
    wanted = Wanted(
        seed=chosen.seed,
        kills=chosen.kills,
        limit_s=60 * chosen.minutes,
        pause_s=chosen.pause,
        customers=chosen.buyers,
    )
    sys.stderr.write(f"seed {wanted.seed}\n")
    with tempfile.TemporaryDirectory(prefix="edgemark-soak-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        came = play(folder, wanted, show_progress("deaths", "channels ended"))
    sys.stdout.write(f"\n{describe(came)}\n")
    return 0 if not came.violations and came.is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
