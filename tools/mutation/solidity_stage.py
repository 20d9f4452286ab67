"""Where mutants of contracts are tried: a copy of the contracts and their tests.

A mutant is compiled once. Its code then replaces that of the artifacts that forge and ape made of
the unchanged sources, so that neither compiles anything again: forge's tests deploy by artifact
(`dynamic_test_linking`), ape's by `.build`. First forge, with few runs, the fast tests first; then,
for those that survive, the ape tests, until the first that fails.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.mutation.compiler import Compiler, contracts_in, imports_of
from tools.mutation.concerned import ape_tests, forge_tests, tests_of
from tools.mutation.mutant import Mutant
from tools.mutation.pytest_runs import PytestRuns
from tools.mutation.record import digest_of
from tools.mutation.verdict import State, Verdict

COPIED = ("contracts", "tests", "foundry.toml", "ape-config.yaml", "pyproject.toml")
LINKED = ("node_modules", "offchain", "tools")
ARTIFACTS = "build/forge"
PASSED = "build/passed.json"
IN_PLACE = "build/mutant-in-place"
APE_MANIFEST = ".build/__local__.json"
FORGE_LIMIT_S = 180
APE_LIMIT_S = 400
BUILD_LIMIT_S = 900
APE_MODULES = ("ape", "ape.pytest.plugin", "ape_foundry", "ape_solidity", "ape_test", "coincurve")
APE_ARGUMENTS = ("--network", "ethereum:local:foundry")
# Before each run forge asks the compiler for the same again: which tests there are.
REMEMBERING = """#!/bin/sh
case "$*" in *--standard-json*) ;; *) exec {solc} "$@" ;; esac
asked=$(mktemp)
cat > "$asked"
kept={kept}/$(sha256sum < "$asked" | cut -c1-32).json
[ -f "$kept" ] || {{ {solc} "$@" < "$asked" > "$asked.made" && mv "$asked.made" "$kept"; }}
rm -f "$asked"
exec cat "$kept"
"""
FEW_RUNS = {
    "FOUNDRY_DYNAMIC_TEST_LINKING": "true",
    "FOUNDRY_LINT_LINT_ON_BUILD": "false",
    "FOUNDRY_FUZZ_RUNS": "64",
    "FOUNDRY_INVARIANT_RUNS": "4",
    "FOUNDRY_INVARIANT_DEPTH": "64",
}


class SolidityStage:
    """One working copy with its compiler.

    Args:
        checkout: where the sources are.
        folder: the working copy; made when it is not there, brought up to date when it is.
        thrifty: the quick tests of forge, and no others.
    """

    def __init__(self, checkout: Path, folder: Path, *, thrifty: bool = False) -> None:
        self._checkout = checkout
        self._folder = folder
        self._thrifty = thrifty
        self._manifest: dict[str, Any] = {}
        self._ape: PytestRuns | None = None
        _copy(checkout, folder)
        self._build()
        self._compiler = Compiler(folder, checkout)
        self._codes: dict[str, dict[str, tuple[str, str]]] = {}
        self._killers: dict[str, int] = {}

    def close(self) -> None:
        """End the compiler and the test runner."""
        self._compiler.close()
        if self._ape is not None:
            self._ape.close()

    def check(self, path: str, folders: Sequence[str]) -> None:
        """Run the tests of a file without a mutant.

        Raises:
            SystemExit: one of them fails, so that nothing could be learnt.
        """
        # Files share tests, and a run begins where another ended: what has passed has passed.
        sources = (
            *self._folder.glob("contracts/**/*.sol"),
            *self._folder.glob("tests/contracts/**/*"),
        )
        digest = digest_of(
            self._folder, sorted(str(one) for one in sources if one.suffix != ".pyc")
        )
        file = self._folder / PASSED
        kept = json.loads(file.read_text()) if file.exists() else {}
        passed = set(kept["tests"]) if kept.get("digest") == digest else set()
        verdict = self._run_tests(path, folders, passed)
        if verdict.state is not State.SURVIVED:
            raise SystemExit(f"the tests of {path} fail without a mutant: {verdict.by}")
        run = (
            forge_tests(self._folder, path)[0]
            if self._thrifty
            else tests_of(self._folder, path, folders)
        )
        passed |= set(run)
        file.write_text(json.dumps({"digest": digest, "tests": sorted(passed)}))

    def judge(self, mutant: Mutant, source: bytes, folders: Sequence[str]) -> Verdict:
        """Compile one mutant and run its tests until one fails."""
        wanted = self._affected(mutant.path)
        if mutant.path not in self._codes:
            unchanged = self._compiler.compile(wanted, {})
            if unchanged is None:
                raise SystemExit(f"{mutant.path} does not compile")
            self._codes[mutant.path] = unchanged
        made = self._compiler.compile(wanted, {mutant.path: mutant.apply(source).decode()})
        if made is None:
            return Verdict(State.INVALID)
        had = self._codes[mutant.path]
        changed = {name: code for name, code in made.items() if code != had[name]}
        if not changed:
            return Verdict(State.EQUIVALENT)
        with self._replaced(changed, wanted):
            return self._run_tests(mutant.path, folders)

    def _affected(self, path: str) -> dict[str, str]:
        """Contract to file: what is deployed and has the file in it, and tests that inline it."""
        found: dict[str, str] = {}
        kinds = set(contracts_in((self._folder / path).read_text()).values())
        for source in sorted(self._folder.glob("contracts/**/*.sol")):
            name = str(source.relative_to(self._folder))
            if "/mocks/" in name or path not in imports_of(self._folder, name):
                continue
            declared = contracts_in(source.read_text())
            found |= {one: name for one, kind in declared.items() if kind == "contract"}
        if kinds <= {"library", "interface"}:
            for test in sorted(self._folder.glob("tests/contracts/**/*.t.sol")):
                name = str(test.relative_to(self._folder))
                if f"/{Path(path).name}" in test.read_text():
                    found |= dict.fromkeys(contracts_in(test.read_text()), name)
        return found

    def _run_tests(
        self, path: str, folders: Sequence[str], without: Set[str] = frozenset()
    ) -> Verdict:
        quick, slow = forge_tests(self._folder, path)
        for group in (quick,) if self._thrifty else (quick, slow):
            names = [name for name in group if name not in without]
            verdict = self._run_forge(names) if names else Verdict(State.SURVIVED)
            if verdict.state is not State.SURVIVED:
                return verdict
        if self._thrifty:
            return Verdict(State.SURVIVED)
        # What killed others most often comes first.
        tests = [name for name in ape_tests(self._folder, folders) if name not in without]
        tests.sort(key=lambda name: -self._killers.get(name, 0))
        return self._run_ape(tests) if tests else Verdict(State.SURVIVED)

    def _run_forge(self, names: Sequence[str]) -> Verdict:
        pattern = names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
        command = ["forge", "test", "--fail-fast", "--json", "--match-path", pattern]
        status, output = _run(command, self._folder, FEW_RUNS, FORGE_LIMIT_S)
        if status is None:
            return Verdict(State.KILLED, "forge, out of time")
        if status == 0:
            return Verdict(State.SURVIVED)
        killer = failed_test(output)
        if killer:
            return Verdict(State.KILLED, killer)
        raise SystemExit(f"forge failed without a failed test:\n{output[-2000:]}")

    def _run_ape(self, tests: Sequence[str]) -> Verdict:
        if self._ape is None:
            self._ape = PytestRuns(self._folder, APE_MODULES, APE_ARGUMENTS, APE_LIMIT_S)
        verdict = self._ape.run(tests)
        file = verdict.by.partition("::")[0]
        self._killers[file] = self._killers.get(file, 0) + 1
        return verdict

    def _build(self) -> None:
        """Compile the unchanged sources for forge and, when it will be asked, for ape."""
        if (self._folder / IN_PLACE).exists():  # a run was ended with a mutant in the artifacts
            for name in ("build", "cache", ".build"):
                shutil.rmtree(self._folder / name, ignore_errors=True)
        commands = [["forge", "build"]]
        # ape does not see that an imported file changed.
        stamp = self._folder / ".build" / "of-sources"
        digest = digest_of(
            self._folder, sorted(str(p) for p in self._folder.glob("contracts/**/*.sol"))
        )
        if not self._thrifty and not (stamp.exists() and stamp.read_text() == digest):
            commands.append(["ape", "compile", "--force"])
        for command in commands:
            status, output = _run(command, self._folder, FEW_RUNS, BUILD_LIMIT_S)
            if status != 0:
                raise SystemExit(f"{command[0]} does not build the copy:\n{output[-2000:]}")
        if not self._thrifty:
            stamp.write_text(digest)
            self._manifest = json.loads((self._folder / APE_MANIFEST).read_text())

    @contextmanager
    def _replaced(
        self, codes: Mapping[str, tuple[str, str]], files: Mapping[str, str]
    ) -> Iterator[None]:
        artifacts = {
            self._folder / ARTIFACTS / Path(files[name]).name / f"{name}.json": code
            for name, code in codes.items()
        }
        before = {path: path.read_bytes() for path in artifacts}
        (self._folder / IN_PLACE).write_text("\n".join(codes))
        try:
            for path, (creation, deployed) in artifacts.items():
                artifact = json.loads(before[path])
                artifact["bytecode"]["object"] = "0x" + creation
                artifact["deployedBytecode"]["object"] = "0x" + deployed
                path.write_text(json.dumps(artifact))
            self._write_manifest(codes)
            yield
        finally:
            for path, text in before.items():
                path.write_bytes(text)
            self._write_manifest({})
            (self._folder / IN_PLACE).unlink()

    def _write_manifest(self, codes: Mapping[str, tuple[str, str]]) -> None:
        if self._thrifty:
            return
        types = dict(self._manifest["contractTypes"])
        for name, (creation, deployed) in codes.items():
            if name in types:
                code = {"bytecode": "0x" + creation}, {"bytecode": "0x" + deployed}
                types[name] = {
                    **types[name],
                    "deploymentBytecode": code[0],
                    "runtimeBytecode": code[1],
                }
        text = json.dumps({**self._manifest, "contractTypes": types})
        (self._folder / APE_MANIFEST).write_text(text)


def failed_test(output: str) -> str:
    """The first failed test, as `file::test`, in what `forge test --json` printed; else nothing.

    Each line is JSON of its own: how the invariants come along, and at the end the suites.
    """
    for line in output.splitlines():
        suites = json.loads(line) if line.startswith("{") else {}
        for suite, found in suites.items():
            results = found.get("test_results", {}) if isinstance(found, dict) else {}
            for name, result in results.items():
                if result["status"] == "Failure":
                    return f"{suite.partition(':')[0]}::{name.partition('(')[0]}"
    return ""


def _copy(checkout: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source, target = checkout / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".cache"))
        else:
            shutil.copy2(source, target)
    for name in LINKED:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(checkout / name)
    kept = folder / "build" / "compiled"
    for solc in (checkout / ".solcx").glob("solc-v*"):
        command = folder / ".solcx" / solc.name
        for made in (command.parent, kept):
            made.mkdir(parents=True, exist_ok=True)
        words = {"solc": shlex.quote(str(solc)), "kept": shlex.quote(str(kept))}
        command.write_text(REMEMBERING.format(**words))
        command.chmod(0o755)


def _run(
    command: Sequence[str], folder: Path, extra: Mapping[str, str], limit_s: float
) -> tuple[int | None, str]:
    """Exit status (None: out of time) and output of a command and all that it starts."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **extra},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""
    return process.returncode, output
