"""Gather the mutants, try those that are not known yet, keep what became of them."""

from __future__ import annotations

import fnmatch
import queue
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tools.mutation import python_operators, solidity_operators
from tools.mutation.compiler import Compiler, imports_of
from tools.mutation.concerned import tests_of
from tools.mutation.mutant import Mutant
from tools.mutation.record import Record
from tools.mutation.report import Tried
from tools.mutation.targets import Targets
from tools.mutation.verdict import State, Verdict

KNOWN = Path(".cache/mutants")
BAR = 30  # characters


class Stage(Protocol):
    """Where the mutants of one language are tried."""

    def check(self, path: str, folders: Sequence[str]) -> None:
        """End the run when the tests of a file fail without a mutant."""

    def judge(self, mutant: Mutant, source: bytes, folders: Sequence[str]) -> Verdict:
        """Run the tests of a mutant until one fails."""

    def close(self) -> None:
        """End what was started."""


@dataclass(frozen=True)
class Suspect:
    """A mutated file: its text, its mutants, the folders of its tests and what is known."""

    path: str
    source: bytes
    mutants: list[Mutant]
    folders: list[str]
    record: Record

    def find(self, mutant: Mutant) -> Verdict | None:
        """What is known of a mutant."""
        return self.record.find(mutant.key(self.source))

    def tried(self, targets: Targets) -> list[Tried]:
        """Every mutant that has a verdict."""
        found = []
        for mutant in self.mutants:
            # A new test does not make a survivor unheard of: it stays one until it is run again.
            key = mutant.key(self.source)
            verdict = self.record.find(key) or self.record.find_survivor(key)
            if verdict is not None:
                before, after = mutant.before(self.source), mutant.after(self.source)
                reason = targets.reason_of(mutant, self.source)
                found.append(
                    Tried(mutant, mutant.line(self.source), before, after, verdict, reason)
                )
        return found


def gather(root: Path, targets: Targets, patterns: Sequence[str]) -> list[Suspect]:
    """The files that match one of the patterns (all, when there is none), with their mutants."""
    suspects = []
    compiler = Compiler(root, root)
    for path, folders in sorted(targets.folders.items()):
        if patterns and not any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
            continue
        source = (root / path).read_bytes()
        if path.endswith(".sol"):
            mutants = solidity_operators.find_mutants(path, source, compiler.parse(path))
            sources = sorted(imports_of(root, path))
        else:
            mutants, sources = python_operators.find_mutants(path, source), [path]
        file = root / KNOWN / f"{path.replace('/', '.')}.json"
        record = Record(root, file, sources, tests_of(root, path, folders))
        suspects.append(Suspect(path, source, mutants, folders, record))
    compiler.close()
    return suspects


def choose(
    suspects: Sequence[Suspect], sample: int | None, seed: int
) -> list[tuple[Suspect, Mutant]]:
    """In random order: what a time limit leaves is a fair sample. Known ones are out."""
    everyone = [(suspect, mutant) for suspect in suspects for mutant in suspect.mutants]
    # Which are tried is no secret.
    random.Random(seed).shuffle(everyone)  # noqa: S311 # nosec B311
    chosen = everyone if sample is None else everyone[:sample]
    left = [(suspect, mutant) for suspect, mutant in chosen if suspect.find(mutant) is None]
    # Those that survived come first: a test has been written for one of them.
    left.sort(key=lambda one: one[0].record.find_survivor(one[1].key(one[0].source)) is None)
    return left


@dataclass
class Progress:
    """A line that says how far a run is; on a terminal it is written over and over."""

    total: int
    started: float = field(default_factory=time.monotonic)
    counts: Counter[State] = field(default_factory=Counter)

    def step(self, suspect: Suspect, mutant: Mutant, verdict: Verdict) -> None:
        """Another mutant is done."""
        self.counts[verdict.state] += 1
        done = self.counts.total()
        clear = "\r\033[K" if sys.stdout.isatty() else ""
        if verdict.state is State.SURVIVED:
            place = f"{mutant.path}:{mutant.line(suspect.source)}"
            print(f"{clear}{place} survived: {mutant.after(suspect.source)}", flush=True)
        filled = BAR * done // self.total
        left = (time.monotonic() - self.started) / done * (self.total - done) / 60
        text = (
            f"[{'#' * filled}{'.' * (BAR - filled)}] {done}/{self.total}, "
            f"killed {self.counts[State.KILLED]}, survived {self.counts[State.SURVIVED]}, "
            f"{left:.0f} min left"
        )
        if clear:
            print(f"{clear}{text}", end="\n" if done == self.total else "", flush=True)
        elif done % 10 == 0 or done == self.total:
            print(text, flush=True)


@dataclass
class Run:
    """One run of the tool.

    Attributes:
        open_stage: makes the place for a worker, given its number and a file's ending.
        deadline: of the clock `time.monotonic`; no mutant begins after it.
        is_final: whether it is to be remembered that a mutant survived: not when tests were left
            out that it may not survive.
    """

    open_stage: Callable[[int, str], Stage]
    deadline: float
    is_final: Callable[[Suspect, Mutant], bool] = lambda _suspect, _mutant: True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _gates: dict[str, threading.Lock] = field(default_factory=dict)
    _passes: dict[str, bool] = field(default_factory=dict)
    _failures: list[BaseException] = field(default_factory=list)

    def try_all(self, chosen: Sequence[tuple[Suspect, Mutant]], workers: int) -> None:
        """Try the mutants, several at once.

        Raises:
            SystemExit: a test fails without a mutant, or a tool does not run.
        """
        if not chosen:
            return
        waiting: queue.SimpleQueue[tuple[Suspect, Mutant]] = queue.SimpleQueue()
        for one in chosen:
            waiting.put(one)
        progress = Progress(len(chosen))
        threads = [
            threading.Thread(target=self._work, args=(number, waiting, progress))
            for number in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _work(
        self,
        number: int,
        waiting: queue.SimpleQueue[tuple[Suspect, Mutant]],
        progress: Progress,
    ) -> None:
        stages: dict[str, Stage] = {}
        try:
            while time.monotonic() < self.deadline and not self._failures:
                suspect, mutant = waiting.get_nowait()
                self._try(number, stages, suspect, mutant, progress)
        except queue.Empty:
            pass
        except BaseException as failure:  # noqa: BLE001 - the main thread raises it again
            self._failures.append(failure)
        finally:
            for stage in stages.values():
                stage.close()

    def _try(
        self,
        number: int,
        stages: dict[str, Stage],
        suspect: Suspect,
        mutant: Mutant,
        progress: Progress,
    ) -> None:
        ending = Path(suspect.path).suffix
        if ending not in stages:
            stages[ending] = self.open_stage(number, ending)
        stage = stages[ending]
        if not self._pass(stage, suspect):
            return
        verdict = stage.judge(mutant, suspect.source, suspect.folders)
        with self._lock:
            if verdict.state is not State.SURVIVED or self.is_final(suspect, mutant):
                suspect.record.put(mutant.key(suspect.source), verdict)
            progress.step(suspect, mutant, verdict)

    def _pass(self, stage: Stage, suspect: Suspect) -> bool:
        """Whether the tests of a file pass without a mutant; one worker looks, the others wait.

        Before that is known nothing is called killed: a test that fails anyway kills all.
        """
        with self._lock:
            gate = self._gates.setdefault(suspect.path, threading.Lock())
        with gate:
            if suspect.path not in self._passes:
                self._passes[suspect.path] = False
                stage.check(suspect.path, suspect.folders)
                self._passes[suspect.path] = True
            return self._passes[suspect.path]
