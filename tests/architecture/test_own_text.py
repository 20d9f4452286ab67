"""What no file may say: places of one machine, registries, debts, invented people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.architecture.checkout import find_files, relative

THIS_FILE = Path(__file__).resolve()
CODE = (".py", ".pyi", ".c", ".h", ".sol", ".cjs", ".sh", ".md")
# and files without a suffix: Makefile, .ci/run, .npmrc
TEXT = (*CODE, ".toml", ".yaml", ".json", ".txt", ".in", ".lock", ".csv", "")

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
REGISTRY = re.compile(
    r"\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|pypi\.org|files\.pythonhosted\.org"
    r"|proxy\.golang\.org|crates\.io|binaries\.soliditylang\.org)\b"
)
# In brackets, so that the pattern is not itself one of the marks.
DEBT = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
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


def find_foreign(paths: list[Path]) -> list[Path]:
    """Files that are no text (the vectors' old journals apart), and stamps of a build."""
    return [
        path
        for path in paths
        if "vectors" not in path.parts
        and (path.name == ".ready" or not _is_text(path.read_bytes()))
    ]


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def test_no_file_is_a_binary_or_a_stamp_of_a_build() -> None:
    assert find_foreign(find_files()) == []


def test_a_planted_wheel_and_stamp__are_found(tmp_path: Path) -> None:
    planted = [tmp_path / "click-8.1.8-py3-none-any.whl", tmp_path / ".ready"]
    planted[0].write_bytes(b"PK\x03\x04\x14\x00\x00")
    planted[1].touch()
    assert find_foreign(planted) == planted


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
        (MACHINE_PATH, "see " + "/home" + "/somebody/x"),
        (MACHINE_PATH, 'open("' + "/root" + '/file")'),
        (REGISTRY, "https://" + "registry.npmjs" + ".org/solc"),
        (REGISTRY, "--index-url https://" + "pypi" + ".org/simple"),
        (DEBT, "# " + "TO" + "DO: later"),
        (INVENTED_PERSON, "def test_pays(" + "ali" + "ce_account)"),
    ],
)
def test_a_planted_line__is_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_every_contract_names_its_licence() -> None:
    for path in [*find_files(".sol", under="contracts"), *find_files(".sol", under="tests")]:
        first = path.read_text().partition("\n")[0]
        assert first == "// SPDX-License-Identifier: Apache-2.0", relative(path)
