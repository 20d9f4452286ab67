"""docs/running.md: the short way to a first job is short, and every command of the page runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT
from tests.docs.pages import Block, read_page
from tests.docs.setups import type_page
from tests.docs.test_every_command import LONGEST

MOST_COMMANDS = 12  # from compiled contracts to the first result of one's own
HEREDOC = re.compile(r"<<'(\w+)'\n.*?^\1$", re.DOTALL | re.MULTILINE)


def count_commands(text: str) -> int:
    """What a reader types: lines, without comments; what a program is given is none."""
    lines = HEREDOC.sub("", text).replace("\\\n", " ").replace(";", "\n").splitlines()
    return sum(bool(line.partition("# ")[0].strip()) for line in lines)


def short_way() -> list[Block]:
    """The blocks of the page until a job has been submitted, that one included."""
    blocks = read_page(ROOT / LONGEST).to_run
    last = next(n for n, block in enumerate(blocks) if "outsourcing submit" in block.text)
    return list(blocks[: last + 1])


def test_first_job_of_ones_own__takes_few_commands() -> None:
    blocks = short_way()
    assert any("edgemark chain up --with-nodes 6" in block.text for block in blocks)
    assert not any("ape run deploy" in block.text for block in blocks)
    assert 1 + sum(count_commands(block.text) for block in blocks) <= MOST_COMMANDS  # and make


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a; b\n", 2),
        ("# c\n\na \\\n  b   # d\n", 1),
        ("python - <<'PY'\nimport os\nprint()\nPY\na\n", 2),
    ],
)
def test_commands__are_counted_as_they_are_typed(text: str, commands: int) -> None:
    assert count_commands(text) == commands


@pytest.mark.processes
@pytest.mark.timeout(900)
@pytest.mark.lasts(120)
def test_every_command_of_the_longest_page__runs(tmp_path: Path) -> None:
    type_page(LONGEST, tmp_path)
