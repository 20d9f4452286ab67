"""What a demonstration says of a command that failed: words for people, and no log."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.cli.options.demonstrations import naming_logs
from edgemark.demo.commands import MOST_SAID, find_reason
from edgemark.errors import Unrecoverable

LOG = '{"level": "warning", "event": "broker is away"}'


def test_lines_of_a_log__are_left_out() -> None:
    said = find_reason("", f"{LOG}\nchannel 12 is open\n{LOG}\nedgemark: nobody answered\n")
    assert said == "channel 12 is open; edgemark: nobody answered"


def test_much_or_nothing__is_a_line() -> None:
    assert len(find_reason("x" * 5000, "")) == MOST_SAID
    assert find_reason("", LOG) == "nothing"


def test_a_demonstration_that_fails__names_the_folder_that_was_kept(tmp_path: Path) -> None:
    with pytest.raises(Unrecoverable) as failed, naming_logs(tmp_path):
        raise Unrecoverable("command failed", who="edgemark trading buy of buyer-1")
    assert f"Its logs are in {tmp_path}." in str(failed.value)
