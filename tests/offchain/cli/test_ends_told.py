"""What ends a server is a line of its log, in the form of all the others, and is said once."""

from __future__ import annotations

import io
import json

import pytest

from edgemark.cli.main import complain
from edgemark.cli.terminal.exits import Exit
from edgemark.errors import Unrecoverable
from edgemark.logs import configure_logs
from edgemark.loop.threads import is_notable
from edgemark.party.running import telling_end


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_end__is_a_line_of_the_log(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configure_logs("info", stream, form=form)
    with pytest.raises(Unrecoverable) as ended, telling_end("node"):
        raise Unrecoverable("another block stands there", who="chain")
    configure_logs("info", io.StringIO())
    (line,) = stream.getvalue().splitlines()
    if form == "json":
        told = json.loads(line)
        assert (told["level"], told["part"], told["event"]) == ("error", "node", "ended")
        assert told["error"]["what"] == "another block stands there"
    assert complain(ended.value, []) is Exit.UNRECOVERABLE
    said = capsys.readouterr().err
    assert said == ("" if form == "json" else "Unrecoverable: chain: another block stands there\n")


def test_what_fails_again_and_again__is_told_when_the_number_has_doubled() -> None:
    assert [tries for tries in range(1, 50) if is_notable(tries)] == [3, 6, 12, 24, 48]
