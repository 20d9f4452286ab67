"""P9: how many credentials a controller issues a second on its whole path, by their size.

The path (`controller_path`): a seller's letter is checked (its signature, the voucher's two, the
claims by their template) and written down, the credential and its issuance are signed and written
down, a letter with them is signed for each party, and both parties' word that they have it is
checked and written down. 256 channels settle at once, so many share a write to the disk. Two
controllers are two processes with a journal each. The broker is P20's.

What the signatures of the path cost alone is measured beside it, on one core: 4 are made (under the
credential, its issuance and a letter to each party) and 5 checked (the voucher's two, and those of
three letters), by libsecp256k1 with nothing around it. No controller on that core is faster.

The peers only sign as many texts of as many bytes, and write all of them down at once. The paper's
table II has 11,566 / 11,340 / 11,109 signed a second at 1 / 2 / 4 KB, on two 24-core processors.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from coincurve import PrivateKey, PublicKey
from joserfc.jwk import ECKey
from jwcrypto import jwk as jwcrypto_jwk

from benchmarks.command import QUICK_RESULTS, Scale, main
from benchmarks.controller_path import CHANNELS, controllers
from benchmarks.findings import Findings
from benchmarks.measuring import Timing
from benchmarks.p09_signing import KEY, SIZES, draft, jwk, sign_by_joserfc, sign_by_jwcrypto
from edgemark.journal.journal import Journal

ONE, TWO = "one controller", "two controllers"
FLOOR, MADE, CHECKED = "its signatures alone", 4, 5
FEW = 32  # channels of a controller, where nothing is told of speed
PAPER = {1024: 11_566, 2048: 11_340, 4096: 11_109}  # a second


def measure(findings: Findings, scale: Scale) -> None:
    """One size after the other; all subjects take turns, a round of as many each."""
    QUICK_RESULTS.mkdir(parents=True, exist_ok=True)
    channels = FEW if scale.quick else CHANNELS
    for size in SIZES[:1] if scale.quick else SIZES:
        scale.tell(f"{size} bytes")
        with tempfile.TemporaryDirectory(dir=QUICK_RESULTS) as folder, ExitStack() as stack:
            home, rounds = Path(folder), scale.rounds + 1
            one, two = (
                stack.enter_context(controllers(count, home, size, rounds, channels))
                for count in (1, 2)
            )
            journal = stack.enter_context(Journal.open(home / "peers.journal"))
            subjects: dict[str, tuple[Callable[[], object], int]] = {
                ONE: (partial(run, one), channels),
                TWO: (partial(run, two), 2 * channels),
                FLOOR: (partial(do_signatures, channels), channels),
                **peers(size, journal, channels),
            }
            findings.add(size, take_turns(subjects, scale.rounds))
        compare(findings, size)


def run(pipes: Sequence[Connection]) -> None:
    """A round of every controller, all at once."""
    for pipe in pipes:
        pipe.send(True)
    for pipe in pipes:
        pipe.recv()


def do_signatures(channels: int) -> None:
    """Make and check what a round of one controller has."""
    key, digest = PrivateKey(KEY.reveal()), bytes(32)
    for _ in range(channels):
        for _ in range(MADE):
            signature = key.sign_recoverable(digest, hasher=None)
        for _ in range(CHECKED):
            PublicKey.from_signature_and_message(signature, digest, hasher=None)


def peers(
    size: int, journal: Journal, channels: int
) -> dict[str, tuple[Callable[[], object], int]]:
    """Who signs by another library, and writes down what it signed."""
    facts, key, other = draft(size), ECKey.import_key(jwk()), jwcrypto_jwk.JWK(**jwk())

    def write(sign: Callable[[], str]) -> None:
        journal.append("".join(sign() for _ in range(channels)).encode())

    return {
        "joserfc": (lambda: write(lambda: sign_by_joserfc(facts, key)), channels),
        "jwcrypto": (lambda: write(lambda: sign_by_jwcrypto(facts, other)), channels),
    }


def take_turns(
    subjects: dict[str, tuple[Callable[[], object], int]], rounds: int
) -> dict[str, Timing]:
    """Seconds of one credential of each; the first round only warms up."""
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(rounds + 1):
        for name, (act, count) in subjects.items():
            began = time.perf_counter()
            act()
            if turn:
                samples[name].append((time.perf_counter() - began) / count)
    return {name: Timing.from_samples(taken) for name, taken in samples.items()}


def compare(findings: Findings, size: int) -> None:
    """One controller and two, beside the peers and the paper."""
    what = f"issue {size // 1024} KB"
    for peer in ("joserfc", "jwcrypto"):
        findings.compare(what, size, ONE, peer)
    findings.compare(what, size, TWO, ONE)
    findings.compare(what, size, ONE, FLOOR)
    one, two, floor = (1 / findings.point(name, size).value for name in (ONE, TWO, FLOOR))
    findings.notes.append(
        f"{size // 1024} KB: {one:,.0f} issued a second by one controller, {two:,.0f} by two;"
        f" the path's {MADE + CHECKED} signatures alone let a core issue {floor:,.0f} at most;"
        f" the paper has {PAPER[size]:,} signed"
    )


if __name__ == "__main__":
    sys.exit(main("p09_issuing", "issuing credentials, whole path", "bytes", measure))
