"""Files that commands write with `-o`: one option, one writer."""

from __future__ import annotations

import stat
from pathlib import Path

import click
import pytest

from edgemark.cli.outsourcing.aftermath import export_evidence
from edgemark.cli.outsourcing.sharing import export_answers
from edgemark.cli.terminal.outputs import write_output
from edgemark.cli.trading.evidence.exporting import export_channel
from edgemark.errors import RefusedInput
from edgemark.files import OWNER_ONLY_FILE


@pytest.mark.parametrize("command", [export_evidence, export_answers, export_channel])
def test_a_file_that_is_written__is_named_alike_and_has_to_be(command: click.Command) -> None:
    (option,) = [each for each in command.params if each.name == "output"]
    assert option.opts == ["-o", "--output"]
    assert option.required


def test_what_is_written__is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    write_output(path, b"all of it")
    assert path.read_bytes() == b"all of it"
    assert stat.S_IMODE(path.stat().st_mode) == OWNER_ONLY_FILE


def test_what_is_there_already__stays_and_the_refusal_names_it(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(b"another")
    with pytest.raises(RefusedInput) as refused:
        write_output(path, b"all of it")
    assert refused.value.who == path
    assert path.read_bytes() == b"another"
