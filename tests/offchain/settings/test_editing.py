"""R24: a setting is written into edgemark.toml, and no other line of it changes."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.cli.sections import list_sections
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.editing import Change, change_file, change_text
from edgemark.settings.section import SettingInvalid
from edgemark.settings.toml_file import FILE_NAME

KNOWN = Catalogue(list_sections())
PATH = Path(FILE_NAME)
FILE = """\
# node 1
max_open_jobs = 7\t# of before

[server]  # where it is
listen_port = 9101  # the "port"
  listen_host = '127.0.0.1'

# prices
[outsourcing.node]
min_fee = 0.25

[logs]
"""


def change(name: str, value: object | None) -> Change:
    found = KNOWN.find(name)
    assert found is not None
    return Change(found, value)


def changed(text: str, name: str, value: object | None) -> str:
    return change_text(text, change(name, value), PATH)


@pytest.mark.parametrize(
    ("name", "value", "before", "after"),
    [
        ("server.listen_port", 9102, "9101  # the", "9102  # the"),
        ("server.listen_host", "::1", "  listen_host = '127.0.0.1'", '  listen_host = "::1"'),
        ("outsourcing.max_open_jobs", 8, "max_open_jobs = 7\t#", "max_open_jobs = 8\t#"),
        ("outsourcing.node.min_fee", 1, "min_fee = 0.25", "min_fee = 1"),
        ("outsourcing.node.max_queued_s", 9.5, "0.25\n", "0.25\nmax_queued_s = 9.5\n"),
        ("logs.level", "debug", "[logs]\n", '[logs]\nlevel = "debug"\n'),
        ("metrics.port", 1, "[logs]\n", "[logs]\n\n[metrics]\nport = 1\n"),
        ("home", "/x", "# of before\n", '# of before\nhome = "/x"\n'),
        ("outsourcing.max_open_jobs", None, "max_open_jobs = 7\t# of before\n", ""),
        ("server.listen_port", None, 'listen_port = 9101  # the "port"\n', ""),
        ("metrics.port", None, "", ""),
    ],
)
def test_change__of_one_setting__leaves_every_other_line(
    name: str, value: object | None, before: str, after: str
) -> None:
    assert changed(FILE, name, value) == FILE.replace(before, after, 1)
    assert changed(changed(FILE, name, value), name, value) == changed(FILE, name, value)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "[server]\nlisten_port = 1\n"),
        ("[logs]", "[logs]\n\n[server]\nlisten_port = 1\n"),
        ("server.listen_port = 7", "server.listen_port = 1"),
        ("[ 'server' ]\n\"listen_port\" = 7 # x\n", "[ 'server' ]\n\"listen_port\" = 1 # x\n"),
        (
            "[server]\r\nlisten_host = 'a'\r\n",
            "[server]\r\nlisten_host = 'a'\r\nlisten_port = 1\r\n",
        ),
        ("listen_port = 5\n[server]\nlisten_port = 6\n", "listen_port = 1\n[server]\n"),
        ("[server]\nlisten_host = 'a # b'", "[server]\nlisten_host = 'a # b'\nlisten_port = 1\n"),
    ],
)
def test_change__in_a_file_that_is_written_otherwise__is_as_exact(text: str, after: str) -> None:
    assert changed(text, "server.listen_port", 1) == after


@pytest.mark.parametrize(
    "text",
    [
        "server = {listen_port = 7}\n",
        "server.listen_host = 'a'\n",
        "[server]\nlisten_port = '''\n7'''\n",
        "note = '''\n[server]\n'''\n",
        "[server.listen_port]\nx = 1\n",
        "[[server]]\nlisten_port = 7\n",
    ],
)
def test_change__that_would_say_more_or_less__is_left_to_hands(text: str) -> None:
    with pytest.raises(SettingInvalid, match="only hands") as refused:
        changed(text, "server.listen_port", 1)
    assert "`listen_port = 1`" in refused.value.remedy


def test_change__of_what_is_no_toml__is_refused() -> None:
    with pytest.raises(SettingInvalid, match="is not TOML"):
        changed("[server\n", "server.listen_port", 1)


def leaves(values: dict[str, Any], above: str = "") -> dict[str, object]:
    """What a file says, by name."""
    found: dict[str, object] = {}
    for key, value in values.items():
        part = leaves(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
        found |= part
    return found


@given(
    name=st.sampled_from([each.name for each in KNOWN.settings]),
    value=st.integers() | st.text() | st.floats(allow_nan=False),
    lines=st.lists(st.sampled_from([*FILE.splitlines(), "", "[party]", "workers = 3"]), max_size=9),
)
def test_any_change_of_any_file__says_the_change_and_nothing_else(
    name: str, value: object, lines: list[str]
) -> None:
    text = "\n".join(lines)
    try:
        before = tomllib.loads(text)
        after = tomllib.loads(changed(text, name, value))
    except (SettingInvalid, tomllib.TOMLDecodeError):
        return
    names = {name, change(name, value).setting.rule.flat}
    said, said_before = leaves(after), leaves(before)
    assert [said[each] for each in names & said.keys()] == [value]
    for each in names:
        said.pop(each, None)
        said_before.pop(each, None)
    assert said == said_before


def test_change_file__writes_a_whole_file_and_keeps_who_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert change_file(path, [change("party.workers", 3), change("metrics.port", 1)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    assert change_file(path, [change("party.workers", 4)])
    assert not change_file(path, [change("party.workers", 4)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "[party]\nworkers = 4\n\n[metrics]\nport = 1\n"
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_change_file__of_several__makes_all_or_none(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(before := "party.workers = 3\nserver = {listen_port = 7}\n")
    with pytest.raises(SettingInvalid, match="only hands"):
        change_file(path, [change("party.workers", 4), change("server.listen_port", 8)])
    assert path.read_text() == before


def test_change_file__behind_a_link__leaves_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("")
    (tmp_path / FILE_NAME).symlink_to("real.toml")
    change_file(tmp_path / FILE_NAME, [change("party.workers", 4)])
    assert (tmp_path / FILE_NAME).is_symlink()
    assert (tmp_path / "real.toml").read_text() == "[party]\nworkers = 4\n"


def test_change_file__to_what_is_no_text__is_refused_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "edgemark.toml"
    with pytest.raises(SettingInvalid, match="no text"):
        change_file(path, [change("chain.url", "http://a/\udcff")])
    assert not list(tmp_path.iterdir())


def test_change_file__behind_a_link_to_itself__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edgemark.toml"
    path.symlink_to(path)
    with pytest.raises(SettingInvalid, match="leads nowhere"):
        change_file(path, [change("chain.id", 5)])
