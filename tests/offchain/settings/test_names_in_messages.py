"""R24: every name of a setting that a message of the code has is one that exists now."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.checkout import ROOT, find_files, relative

from edgemark.cli.sections import list_sections
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.loading import NOT_SETTINGS, PREFIX

KNOWN = Catalogue(list_sections())
NAMES = {each.name for each in KNOWN.settings}
SECTIONS = {each.NAME for each in KNOWN.sections if each.NAME}
# Names of before that are no words of anything else.
OLDER = {each.rule.flat for each in KNOWN.settings if "_" in each.rule.flat}
OLDER |= {"min_fee", "max_fee"} & OLDER
SAYING = {"what", "who", "had", "needed", "remedy", "help"}  # arguments that people read
OTHERWISE = {"chain_id"}  # a field of files and of answers as well


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Texts that people may read: prose, and whatever an error or an option says."""
    tree = ast.parse(path.read_text())
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    said = {
        id(part)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg in SAYING
        for part in ast.walk(keyword.value)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_prose = " " in node.value.strip() and "\n" not in node.value
            if id(node) not in silent and (is_prose or id(node) in said):
                yield node.lineno, node.value


def faults_of(text: str) -> list[str]:
    """What a message calls a setting and is none."""
    found = [
        name
        for name in re.findall(r"(?<![\w./-])([a-z]+(?:\.[a-z]+)*\.[a-z_]+)(?![\w/(-])", text)
        if name.rpartition(".")[0] in SECTIONS and name not in NAMES | SECTIONS
    ]
    found += [
        name
        for name in re.findall(r"\bsettings? ([a-z_.]+[a-z])", text)
        if "_" in name and name not in NAMES
    ]
    found += [
        word
        for word in re.findall(r"(?<![\w.{-])[a-z]+(?:_[a-z]+)+(?![\w(])", text)
        if word in OLDER - OTHERWISE
    ]
    found += [
        word
        for word in re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", text)
        if word not in NOT_SETTINGS and f"{word[len(PREFIX) :].lower()}" not in VARIABLES
    ]
    found += [
        word for word in re.findall(r"config (?:un)?set ([a-z][\w.]*)", text) if word not in NAMES
    ]
    return found


VARIABLES = {each.variable for each in KNOWN.settings}


def test_every_setting_that_a_message_names__exists_under_that_name() -> None:
    faults = [
        f"{relative(path)}:{line}: {fault}"
        for path in find_files(".py", under="offchain")
        for line, text in messages(path)
        for fault in faults_of(text)
    ]
    assert faults == []


def test_every_variable_that_a_page_names__exists_under_that_name() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    kept = {"EDGEMARK_MIN_FEE"}  # a name of before, as an example of one
    for page in pages:
        named = (
            set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", page.read_text())) - NOT_SETTINGS - kept
        )
        assert {name for name in named if name[len(PREFIX) :].lower() not in VARIABLES} == set()


def test_planted_names__are_found() -> None:
    assert faults_of("Correct the setting chain.url or chain.id.") == []
    assert faults_of("Set listen_port to another one") == ["listen_port"]
    assert faults_of("Set server.listen_prt to another one") == ["server.listen_prt"]
    assert faults_of("Set provider, or EDGEMARK_PROVIDER.") == ["EDGEMARK_PROVIDER"]
    assert faults_of("Correct the setting of_nobody.") == ["of_nobody"]
    assert faults_of("`edgemark config set deposit 7`") == ["deposit"]
    assert faults_of("needed <= outsourcing.node.max_accept_s = 7 s") == []
