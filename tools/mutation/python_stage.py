"""Where mutants of Python are tried: in the memory of a child of the test runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.mutation.concerned import module_of, python_tests
from tools.mutation.mutant import Mutant
from tools.mutation.pytest_runs import PytestRuns
from tools.mutation.verdict import State, Verdict

IMPORTED_ONCE = ("hypothesis", "numpy", "coincurve", "Crypto.Hash.keccak", "google.protobuf")
ARGUMENTS = ("-p", "no:ape_test", "-m", "not chain and not processes", "-p", "no:xdist")
LIMIT_S = 240


class PythonStage:
    """The checkout itself: no file of it changes."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._runs = PytestRuns(checkout, IMPORTED_ONCE, ARGUMENTS, LIMIT_S)

    def close(self) -> None:
        """End the test runner."""
        self._runs.close()

    def check(self, path: str, folders: Sequence[str]) -> None:
        """Run the tests of a module without a mutant.

        Raises:
            SystemExit: there is none, or one of them fails.
        """
        tests = python_tests(self._checkout, path, folders)
        if not tests:
            raise SystemExit(f"no test names {path}")
        verdict = self._runs.run(tests)
        if verdict.state is not State.SURVIVED:
            raise SystemExit(f"the tests of {path} fail without a mutant: {verdict.by}")

    def judge(self, mutant: Mutant, source: bytes, folders: Sequence[str]) -> Verdict:
        """Run the tests of one mutant until one fails."""
        text = mutant.apply(source).decode()
        try:
            changed = compile(text, mutant.path, "exec")
        except (SyntaxError, ValueError):
            return Verdict(State.INVALID)
        if changed == compile(source, mutant.path, "exec"):
            return Verdict(State.EQUIVALENT)
        tests = python_tests(self._checkout, mutant.path, folders)
        return self._runs.run(tests, module_of(mutant.path), text)
