"""What no file may say: places of one machine, registries, debts, invented people."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT, find_files, relative

THIS_FILE = Path(__file__).resolve()
CODE = (".py", ".pyi", ".c", ".h", ".sol", ".cjs", ".sh", ".md")
# and files without a suffix: Makefile, .ci/run, .npmrc
TEXT = (*CODE, ".toml", ".yaml", ".json", ".txt", ".in", ".lock", ".csv", "")

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
REGISTRY = re.compile(
    r"\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|pypi\.org|files\.pythonhosted\.org"
    r"|proxy\.golang\.org|crates\.io|binaries\.soliditylang\.org)\b"
)
DEBT = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
INVENTED_PERSON = re.compile(r"(?i)(?<![a-z])(?:alice|bob|carol|mallory)(?![a-z])")


def find_lines(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """`path:line` of every line that matches; this file, which names them all, is left out."""
    return [
        f"{relative(path)}:{number}"
        for path in paths
        if path != THIS_FILE
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_place_on_one_machine() -> None:
    assert find_lines(MACHINE_PATH, find_files(*TEXT)) == []


def test_no_file_names_a_package_registry() -> None:
    assert find_lines(REGISTRY, find_files(*TEXT)) == []


def test_no_source_carries_a_debt() -> None:
    assert find_lines(DEBT, find_files(*CODE)) == []


def test_actors_are_roles() -> None:
    # published vectors keep their authors' words
    paths = [path for path in find_files(".py", ".sol", ".md") if "vectors" not in path.parts]
    assert find_lines(INVENTED_PERSON, paths) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "see /home/somebody/x"),
        (MACHINE_PATH, 'open("/work/main")'),
        (REGISTRY, "https://registry.npmjs.org/solc"),
        (REGISTRY, "--index-url https://pypi.org/simple"),
        (DEBT, "# TODO: later"),
        (INVENTED_PERSON, "def test_pays(alice_account)"),
    ],
)
def test_a_planted_line__is_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_the_npm_lock_has_hashes_and_no_addresses() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"]
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


@pytest.mark.parametrize("name", ["dev", "run", "uv"])
def test_a_python_lock_has_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    assert "://" not in text
    assert "--index" not in text
    for requirement in text.replace("\\\n", "").splitlines():
        if requirement and not requirement.lstrip().startswith("#"):
            assert re.match(r"[a-z0-9.\-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement)


def pins(name: str) -> dict[str, str]:
    """Package -> version of a requirements file."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"(?m)^([a-z0-9.\-]+)==([^\s\\]+)", text))


@pytest.mark.parametrize("name", ["dev", "run", "uv"])
def test_a_python_lock_holds_what_was_asked_for(name: str) -> None:
    assert pins(f"{name}.in").items() <= pins(f"{name}.lock").items()


def test_users_and_developers_have_the_same_versions() -> None:
    assert pins("run.lock").items() <= pins("dev.lock").items()


def test_the_package_asks_for_exactly_what_the_lock_file_serves() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[<>=!~ \[]", line)[0] for line in project["dependencies"]}
    assert asked == set(pins("run.in"))


def test_every_contract_names_its_licence() -> None:
    for path in [*find_files(".sol", under="contracts"), *find_files(".sol", under="tests")]:
        first = path.read_text().partition("\n")[0]
        assert first == "// SPDX-License-Identifier: Apache-2.0", relative(path)
