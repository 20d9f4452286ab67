"""`make soak` begins with this: many jobs, many deaths, and no token lost.

    python -m tests.soak.outsourcing [--jobs 1000] [--minutes 120] [--seed N] [--folder FOLDER]

Exit status 0: nothing went wrong and every job is over; 1: something did, or time was short.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.soak.outsourcing.findings import count_ends
from tests.soak.outsourcing.night import Reckoning, Wanted, play
from tests.stage.progress import show_progress, usual_seed


def describe(came: Reckoning) -> str:
    """The table of what happened, and every violation."""
    wanted, ends = came.wanted, count_ends(came.jobs)
    outcomes = sorted({job.outcome for job in came.jobs})
    lines = [
        f"seed {wanted.seed}: {wanted.nodes} nodes, {wanted.judges} judges, "
        f"{wanted.devices} devices, up to {wanted.devices * wanted.at_once} jobs at once",
        f"jobs played      {len(came.jobs)} of {wanted.jobs}",
        f"posting refused  {len(came.unposted)}",
        f"seconds          {came.seconds:.0f} ({came.blocks} of chain time)",
        f"jobs a minute    {60 * len(came.jobs) / max(came.seconds, 1):.1f}",
        f"kills            {', '.join(f'{n} {kind}' for kind, n in sorted(came.kills.items()))}",
        f"tokens moved     {came.moved}",
        *(f"result {o:<10}{sum(job.outcome == o for job in came.jobs)}" for o in outcomes),
        "",
        f"{'deed':<12}{'end':<12}{'indices':>8}",
        *(f"{deed:<12}{end:<12}{count:>8}" for (deed, end), count in sorted(ends.items())),
        "",
        *(f"VIOLATION {each.rule}: {each.what}" for each in came.violations),
        f"{len(came.violations)} violations",
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.outsourcing")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=120.0, help="no job is ordered after")
    parser.add_argument("--pause", type=float, default=6.0, help="seconds between deaths; 0: none")
    parser.add_argument("--at-once", type=int, default=8, help="open jobs of each of ten devices")
    parser.add_argument("--seed", type=int, default=usual_seed())
    parser.add_argument("--folder", type=Path, help="empty; kept. A temporary one otherwise.")
    chosen = parser.parse_args(words)
    wanted = Wanted(
        seed=chosen.seed,
        jobs=chosen.jobs,
        limit_s=60 * chosen.minutes,
        pause_s=chosen.pause,
        at_once=chosen.at_once,
    )
    with tempfile.TemporaryDirectory(prefix="edgemark-soak-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        came = play(folder, wanted, show_progress("jobs ended", "kills"))
    sys.stdout.write(f"\n{describe(came)}\n")
    return 0 if not came.violations and came.is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
