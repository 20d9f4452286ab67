"""What a demonstration says of a command that failed: words for people, and no log."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.cli.options.demonstrations import naming_logs
from edgemark.demo.commands import MOST_SAID, find_reason, run_command
from edgemark.demo.patience import NotInTime
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


def test_a_demonstration_that_fails__whose_logs_go__says_how_to_keep_them() -> None:
    with pytest.raises(Unrecoverable, match="--keep FOLDER") as failed, naming_logs(None):
        raise NotInTime.after(9, "overdraft")
    assert "9 s" in str(failed.value)
    assert "run it again" in str(failed.value)


def test_a_command_that_takes_too_long__is_ended_and_told_by_name(tmp_path: Path) -> None:
    words = ["trading", "buy", "--home", str(tmp_path / "buyer-1")]
    with pytest.raises(NotInTime, match="edgemark trading buy of buyer-1") as late:
        run_command(tmp_path, words, limit_s=0.01)
    assert "run it again" in late.value.remedy
