"""A remedy is typed as it stands: paths in its commands are quoted, whatever they have in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from edgemark.errors import Unrecoverable
from edgemark.files import check_private

ROOT = Path(__file__).resolve().parents[2]
# What stands before a path in a command, and the path as it is put into the text.
COMMANDS = re.compile(
    r"(?:chmod \S+|\b(?:rm|mv|cp|cat|cd)(?: -\S+)?"
    r"|--(?:home|config|manifest|keep|msp-folder|organisation-folder|ledger-profile|package))"
    r" \{([^{}]+)\}"
)


def unquoted(source: str) -> list[str]:
    """Paths in commands that a source does not quote, there or where they got their name."""
    found = [match[1] for match in COMMANDS.finditer(source)]
    return [
        each for each in found if "quote(" not in each and f"{each} = shlex.quote(" not in source
    ]


def test_paths_in_commands__are_quoted_everywhere() -> None:
    sources = [each for top in ("offchain", "chaincode") for each in (ROOT / top).rglob("*.py")]
    texts = {each: each.read_text() for each in sources}
    assert sum(len(COMMANDS.findall(text)) for text in texts.values()) > 5
    assert {each.name: bad for each, text in texts.items() if (bad := unquoted(text))} == {}


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ('f"chmod 600 {path}"', ["path"]),
        ('f"chmod {mode:o} {path}; or"', ["path"]),
        ('f"chmod 600 {quote(str(path))}"', []),
        ('f"edgemark x --home {home}"', ["home"]),
        ('home = shlex.quote(str(at))\nf"edgemark x --home {home}"', []),
    ],
)
def test_a_planted_path__is_found(source: str, bad: list[str]) -> None:
    assert unquoted(source) == bad


def test_the_remedy_of_a_key_that_others_read__is_typed_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "my own; rm 'all'"
    path.write_bytes(b"key")
    path.chmod(0o644)
    with pytest.raises(Unrecoverable) as told:
        check_private(path)
    command = told.value.remedy.partition(": ")[2].rpartition(";")[0]
    assert shlex.split(command) == ["chmod", "600", str(path)]
