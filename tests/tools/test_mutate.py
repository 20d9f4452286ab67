"""The mutation tool makes the mutants one expects, tells the dead from the living, and goes on."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT
from tools.mutation import concerned, python_operators, solidity_operators
from tools.mutation.compiler import Compiler, contracts_in, imports_of
from tools.mutation.mutant import Mutant
from tools.mutation.pytest_runs import PytestRuns, verdict_of
from tools.mutation.record import Record
from tools.mutation.report import percent_killed, unexplained, write_report
from tools.mutation.running import Run, Stage, Suspect, choose
from tools.mutation.solidity_stage import failed_test
from tools.mutation.targets import Reason, Targets, read_targets
from tools.mutation.verdict import State, Verdict

TILL = b"""// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

contract Till {
    uint256 private constant MOST = 10;
    mapping(address account => uint256 amount) private _held;
    error NoFee();
    event Put(address account, uint256 amount, uint256 fee);

    modifier once() {
        _;
    }

    function put(address account, uint256 amount, bool free) external once {
        require(amount <= MOST, "too much");
        uint256 fee = free ? 0 : amount / 5;
        if (!free && fee == 0) revert NoFee();
        _held[account] += amount - fee;
        emit Put(account, amount, fee);
    }
}
"""
PURSE = b'''"""A purse."""

MOST = 10


def spend(held: int, amount: int) -> int:
    """What is left."""
    if not 0 < amount <= held:
        raise ValueError(f"{amount + 1} is too much")
    return held - amount
'''


def changes(mutants: Sequence[Mutant], source: bytes, operator: str) -> set[str]:
    return {one.after(source) for one in mutants if one.operator == operator}


def suspect(folder: Path) -> Suspect:
    (folder / "purse.py").write_bytes(PURSE)
    (folder / "test_purse.py").write_text("tests")
    record = Record(folder, folder / "known.json", ["purse.py"], ["test_purse.py"])
    mutants = python_operators.find_mutants("purse.py", PURSE)
    return Suspect("purse.py", PURSE, mutants, [], record)


class SpendingStage:
    """Stands for a stage: runs the mutant, and forgets to spend the last unit of all."""

    def __init__(self, most: float = math.inf) -> None:
        self.judged: list[str] = []
        self._most = most

    def check(self, path: str, folders: Sequence[str]) -> None:
        assert (path, folders) == ("purse.py", [])

    def judge(self, mutant: Mutant, source: bytes, folders: Sequence[str]) -> Verdict:  # noqa: ARG002
        if len(self.judged) >= self._most:
            raise SystemExit("stopped")
        text = mutant.apply(source).decode()
        self.judged.append(text)
        place: dict[str, object] = {}
        exec(text, place)
        spend = place["spend"]
        assert callable(spend)
        for amount in (0, 4):
            try:
                spend(3, amount)
            except ValueError:
                continue
            return Verdict(State.KILLED, "test_purse.py::test_refused")
        try:
            right = spend(3, 1) == 2
        except ValueError:
            right = False
        return (
            Verdict(State.SURVIVED) if right else Verdict(State.KILLED, "test_purse.py::test_sum")
        )

    def close(self) -> None:
        pass


def test_solidity_operators__make_what_gambit_makes(tmp_path: Path) -> None:
    (tmp_path / "ape-config.yaml").write_text((ROOT / "ape-config.yaml").read_text())
    (tmp_path / "Till.sol").write_bytes(TILL)
    compiler = Compiler(tmp_path, ROOT)
    mutants = solidity_operators.find_mutants("Till.sol", TILL, compiler.parse("Till.sol"))
    assert changes(mutants, TILL, "comparison") == {
        'require(amount < MOST, "too much");',
        "if (!free && fee != 0) revert NoFee();",
    }
    assert changes(mutants, TILL, "arithmetic") == {
        "uint256 fee = free ? 0 : amount * 5;",
        "_held[account] -= amount - fee;",
        "_held[account] += amount + fee;",
    }
    assert changes(mutants, TILL, "condition") == {
        "if (true) revert NoFee();",
        "if (false) revert NoFee();",
        "if (!(!free && fee == 0)) revert NoFee();",
    }
    assert changes(mutants, TILL, "logic") == {
        "if (!free || fee == 0) revert NoFee();",
        "if (free && fee == 0) revert NoFee();",
    }
    assert changes(mutants, TILL, "choice") == {
        "uint256 fee = (0);",
        "uint256 fee = (amount / 5);",
    }
    assert changes(mutants, TILL, "statement") == {"{}"}
    assert len([one for one in mutants if one.operator == "statement"]) == 3
    assert changes(mutants, TILL, "arguments") == {"emit Put(account, fee, amount);"}
    assert changes(mutants, TILL, "modifier") == {
        "function put(address account, uint256 amount, bool free) external {"
    }
    assert "uint256 private constant MOST = 11;" in changes(mutants, TILL, "number")
    compiler.close()


def test_compiler__tells_a_change_from_one_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ape-config.yaml").write_text((ROOT / "ape-config.yaml").read_text())
    (tmp_path / "Till.sol").write_bytes(TILL)
    compiler = Compiler(tmp_path, ROOT)
    wanted = {"Till": "Till.sol"}
    had = compiler.compile(wanted, {})

    def compiled(had: str, then: str) -> object:
        text = TILL.decode()
        assert had in text
        return compiler.compile(wanted, {"Till.sol": text.replace(had, then)})

    assert had is not None
    assert compiled("contract Till", "// said again\ncontract Till") == had
    assert compiled(" external once", " external ") == had  # that modifier does nothing
    assert compiled("amount <= MOST", "amount < MOST") not in (had, None)
    assert compiled("amount - fee;", "amount - fees;") is None
    compiler.close()


def test_python_operators__leave_texts_and_annotations_alone() -> None:
    mutants = python_operators.find_mutants("purse.py", PURSE)
    assert changes(mutants, PURSE, "comparison") == {
        "if not 0 <= amount <= held:",
        "if not 0 < amount < held:",
    }
    assert changes(mutants, PURSE, "number") == {
        *("MOST = 9", "MOST = 11"),
        *("if not 1 < amount <= held:", "if not (-1) < amount <= held:"),
    }
    assert changes(mutants, PURSE, "condition") == {"if True:", "if False:"}
    assert changes(mutants, PURSE, "logic") == {"if (0 < amount <= held):"}
    assert changes(mutants, PURSE, "arithmetic") == {"return held + amount"}
    assert changes(mutants, PURSE, "statement") == set()  # `if False` says it


def test_run__tells_the_killed_from_those_that_survive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    purse, stage = suspect(tmp_path), SpendingStage()
    Run(lambda _number, _ending: stage, math.inf).try_all(choose([purse], None, 1), 1)
    tried = purse.tried(Targets({}, []))
    survived = {one.after for one in tried if one.state is State.SURVIVED}
    assert survived == {"MOST = 9", "MOST = 11", "if not 0 < amount < held:"}
    assert all(one.verdict.by for one in tried if one.state is State.KILLED)
    printed = capsys.readouterr().out
    assert f"{len(tried)}/{len(tried)}, killed {len(tried) - 3}, survived 3" in printed
    assert "purse.py:8 survived: if not 0 < amount < held:" in printed


def test_run__that_was_stopped__goes_on_where_it_was(tmp_path: Path) -> None:
    stage = SpendingStage(most=4)
    with pytest.raises(SystemExit, match="stopped"):
        Run(lambda _number, _ending: stage, math.inf).try_all(
            choose([suspect(tmp_path)], None, 1), 1
        )
    again, purse = SpendingStage(), suspect(tmp_path)
    Run(lambda _number, _ending: again, math.inf).try_all(choose([purse], None, 1), 1)
    assert sorted(stage.judged + again.judged) == sorted(
        one.apply(PURSE).decode() for one in purse.mutants
    )
    assert choose([purse], None, 1) == []


def test_run__begins_nothing_after_its_deadline(tmp_path: Path) -> None:
    stage = SpendingStage()
    Run(lambda _number, _ending: stage, -math.inf).try_all(choose([suspect(tmp_path)], None, 1), 1)
    assert stage.judged == []


class FailingStage(SpendingStage):
    """The tests fail without a mutant, which shows only after the other worker's first verdict."""

    def __init__(self, patience_s: float) -> None:
        super().__init__()
        self.has_judged = threading.Event()
        self._patience_s = patience_s

    def check(self, path: str, folders: Sequence[str]) -> None:  # noqa: ARG002
        self.has_judged.wait(self._patience_s)
        raise SystemExit("they fail without a mutant")

    def judge(self, mutant: Mutant, source: bytes, folders: Sequence[str]) -> Verdict:
        verdict = super().judge(mutant, source, folders)
        self.has_judged.set()
        return verdict


class RunAsItWas(Run):
    """Planted: a file counts as checked as soon as its check begins."""

    def _pass(self, stage: Stage, suspect: Suspect) -> bool:
        with self._lock:
            is_second = suspect.path in self._passes
            self._passes[suspect.path] = True
        if not is_second:
            stage.check(suspect.path, suspect.folders)
        return True


@pytest.mark.parametrize(("kind", "patience_s"), [(Run, 0.05), (RunAsItWas, 20.0)])
def test_run__of_two_workers__judges_nothing_before_the_tests_pass_without_a_mutant(
    tmp_path: Path, kind: type[Run], patience_s: float
) -> None:
    purse, stage = suspect(tmp_path), FailingStage(patience_s)
    with pytest.raises(SystemExit, match="without a mutant"):
        kind(lambda _number, _ending: stage, math.inf).try_all(choose([purse], None, 1), 2)
    assert (stage.judged == []) == (kind is Run)
    assert (purse.tried(Targets({}, [])) == []) == (kind is Run)


def test_run__with_a_part_of_the_tests__remembers_only_the_killed(tmp_path: Path) -> None:
    purse, stage = suspect(tmp_path), SpendingStage()
    run = Run(lambda _number, _ending: stage, math.inf, lambda _suspect, _mutant: False)
    run.try_all(choose([purse], None, 1), 1)
    assert len(choose([purse], None, 1)) == 3


def test_record__holds_as_long_as_the_source_and_the_killer_are_the_same(tmp_path: Path) -> None:
    for name in ("a.sol", "test_1.py", "test_2.py"):
        (tmp_path / name).write_text(name)

    def read() -> Record:
        return Record(tmp_path, tmp_path / "known.json", ["a.sol"], ["test_1.py", "test_2.py"])

    killed, survived = Verdict(State.KILLED, "test_1.py::test_x"), Verdict(State.SURVIVED)
    record = read()
    record.put("1", killed)
    record.put("2", survived)
    record.put("3", Verdict(State.EQUIVALENT))
    assert (read().find("1"), read().find("2")) == (killed, survived)
    (tmp_path / "test_2.py").write_text("better")
    assert (read().find("1"), read().find("2")) == (killed, None)
    assert (read().find_survivor("1"), read().find_survivor("2")) == (None, survived)
    (tmp_path / "test_1.py").write_text("def test_w(): pass\n\ndef test_x():\n    assert 1\n")
    assert read().find("1") is None
    read().put("1", killed)
    (tmp_path / "test_1.py").write_text("def test_x():\n    assert 1\n\ndef test_z(): pass\n")
    assert read().find("1") == killed  # others came and went
    (tmp_path / "test_1.py").write_text("def test_x():\n    assert 2\n\ndef test_z(): pass\n")
    assert read().find("1") is None
    assert read().find("3") == Verdict(State.EQUIVALENT)
    (tmp_path / "a.sol").write_text("changed")
    assert read().find("3") is None


def test_choose__takes_the_same_sample_for_the_same_seed(tmp_path: Path) -> None:
    purse = suspect(tmp_path)
    assert choose([purse], 5, 7) == choose([purse], 5, 7) != choose([purse], 5, 8)
    assert len(choose([purse], 5, 7)) == 5


def test_report__counts_what_has_a_reason_apart(tmp_path: Path) -> None:
    purse, stage = suspect(tmp_path), SpendingStage()
    Run(lambda _number, _ending: stage, math.inf).try_all(choose([purse], None, 1), 1)
    reasons = [
        Reason("purse.py", "MOST = 10", "MOST = 11", same=True, why="nobody reads it"),
        Reason("purse.py", "MOST = 10", "MOST = 9", same=False, why="for another day"),
    ]
    tried = purse.tried(Targets({}, reasons))
    killed = len(tried) - 3
    assert percent_killed(tried) == pytest.approx(100 * killed / (killed + 2))
    assert [one.after for one in unexplained(tried)] == ["if not 0 < amount < held:"]
    page = write_report({"purse.py": len(purse.mutants)}, tried)
    assert f"| `purse.py` | {len(tried)} | {len(tried)} | 1 | {killed} | 2 |" in page
    assert "| 3 | `` MOST = 10 `` | `` MOST = 11 `` | nobody reads it (same) |" in page
    assert "**to be looked at**" in page


@pytest.mark.parametrize(
    ("status", "output", "verdict"),
    [
        (0, "3 passed", Verdict(State.SURVIVED)),
        (None, "", Verdict(State.KILLED, "out of time")),
        (
            1,
            "F\nFAILED a/test_x.py::test_y - AssertionError\n",
            Verdict(State.KILLED, "a/test_x.py::test_y"),
        ),
        (2, "ERROR a/test_x.py - ImportError: no", Verdict(State.KILLED, "a/test_x.py")),
        (-11, "", Verdict(State.KILLED, "signal 11")),
    ],
)
def test_verdict__of_what_pytest_did(status: int | None, output: str, verdict: Verdict) -> None:
    assert verdict_of(status, output) == verdict


def test_failed_test__is_found_among_what_forge_prints() -> None:
    results = '{"test_results":{"test_a()":{"status":"Success"},"%s":{"status":"%s"}}}'
    lines = '{"timestamp":17,"event":"pulse"}\nWarning: {old}\n'
    lines += '{"t/A.t.sol:ATest":' + results + "}\n"
    assert failed_test(lines % ("test_b(uint256)", "Failure")) == "t/A.t.sol::test_b"
    assert failed_test(lines % ("test_b(uint256)", "Success")) == ""


def test_verdict__of_a_runner_that_does_not_run__is_no_verdict() -> None:
    with pytest.raises(SystemExit, match="usage"):
        verdict_of(4, "usage: pytest")


def test_pytest_runs__replace_a_module_in_memory_only(tmp_path: Path) -> None:
    (tmp_path / "purse.py").write_bytes(PURSE)
    test = "import purse\n\ndef test_it():\n    assert purse.spend(3, 1) == 2\n"
    (tmp_path / "test_it.py").write_text(test)
    runs = PytestRuns(tmp_path, (), ("-p", "no:ape_test", "--rootdir", str(tmp_path)), 60)
    changed = PURSE.decode().replace("held - amount", "held + amount")
    assert runs.run(["test_it.py"], "purse", changed).by == "test_it.py::test_it"
    assert runs.run(["test_it.py"]) == Verdict(State.SURVIVED)
    assert (tmp_path / "purse.py").read_bytes() == PURSE
    runs.close()


def test_imports_and_contracts__are_read_from_the_text(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "A.sol").write_text(
        'import {\n    B\n} from "../B.sol";\ncontract A is B {}\n'
    )
    (tmp_path / "B.sol").write_text(
        'import {X} from "@open/X.sol";\nabstract contract B {}\nlibrary C {}\n'
    )
    assert imports_of(tmp_path, "a/A.sol") == {"a/A.sol", "B.sol"}
    assert contracts_in((tmp_path / "B.sol").read_text()) == {
        "B": "abstract contract",
        "C": "library",
    }
    quoted = '}\n/// Signed by "a". Both parties\n/// may agree on "b".\n'  # words of a comment
    (tmp_path / "B.sol").write_text(quoted + 'import "./D.sol";\n')
    (tmp_path / "D.sol").write_text("library D {}\n")
    assert imports_of(tmp_path, "B.sol") == {"B.sol", "D.sol"}


def test_the_list__names_lines_that_are_there() -> None:
    targets = read_targets(ROOT)
    for reason in targets.reasons:
        flat = " ".join((ROOT / reason.file).read_text().split())
        assert reason.before in flat, f"{reason.file} has no {reason.before}"
        assert reason.before != reason.after
        assert reason.file in targets.folders


def test_the_list__names_a_test_of_every_file_that_has_mutants() -> None:
    """One without ends a whole run, whenever it is drawn."""
    for path, folders in read_targets(ROOT).folders.items():
        if not concerned.tests_of(ROOT, path, folders):
            assert python_operators.find_mutants(path, (ROOT / path).read_bytes()) == [], path
