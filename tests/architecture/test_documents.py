"""What the documents say about the checkout is so."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.checkout import ROOT, find_files, relative

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
MAKE_TARGET = re.compile(r"`make ([a-z]+)`|^make ([a-z]+)(?= *(?:#|$))", re.MULTILINE)

# Pages that are written when the site is built; tests/docs checks that they are there.
MADE = {"reference/commands.md", "reference/settings.md"}


def make_targets() -> set[str]:
    """The targets that `make help` lists."""
    return set(re.findall(r"(?m)^([a-z]+):.*## ", (ROOT / "Makefile").read_text()))


def test_the_makefile_has_the_promised_targets() -> None:
    assert {"setup", "demo", "test", "soak", "lint", "bench", "clean"} <= make_targets()


def test_every_make_target_that_a_document_names_exists() -> None:
    for path in find_files(".md"):
        named = {first or second for first, second in MAKE_TARGET.findall(path.read_text())}
        assert named <= make_targets(), relative(path)


def test_every_link_between_documents_leads_somewhere() -> None:
    for path in find_files(".md"):
        for target in LINK.findall(path.read_text()):
            there = target in MADE or (path.parent / target).exists()
            assert there, f"{relative(path)} -> {target}"


def test_the_continuous_check_runs_the_tests_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands[0] == "set -euo pipefail"
    assert commands[1].startswith("cd ")
    assert commands[2:] == ["exec make test"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_changelog_speaks_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_contracts_are_listed() -> None:
    """In the page of all contracts, or in that of a system's folder."""
    common = (ROOT / "contracts" / "README.md").read_text()
    for path in find_files(".sol", under="contracts"):
        if not {"interfaces", "mocks"} & set(path.parts):
            own = path.with_name("README.md")
            text = common + (own.read_text() if own.is_file() else "")
            remedy = f"give it a line in {relative(own)}, or in contracts/README.md"
            assert path.stem in text, f"{relative(path)} is not listed: {remedy}"


def test_the_invariants_are_listed() -> None:
    text = (ROOT / "contracts" / "README.md").read_text()
    found = set()
    for path in find_files(".sol", under="tests/contracts/invariants"):
        found |= set(re.findall(r"function invariant_(\w+)\(", path.read_text()))
    assert {"every_token_in_is_held_or_paid", "every_locked_unit_has_an_exit"} <= found
    assert [name for name in found if name not in text] == []
