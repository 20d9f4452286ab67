"""What an actor is to do wrong: written and read, named or for all matters."""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.demo.script import SCRIPT_FILE, find_deed, read_script, write_script

ONE, OTHER = bytes(31) + b"\1", bytes(31) + b"\2"


def test_find_deed__without_a_script__is_none(tmp_path: Path) -> None:
    assert find_deed(tmp_path, ONE) is None
    assert read_script(tmp_path) == {}


def test_find_deed__of_a_matter_that_is_named__is_its_own(tmp_path: Path) -> None:
    write_script(tmp_path, {ONE: "lie"})
    assert find_deed(tmp_path, ONE) == "lie"
    assert find_deed(tmp_path, OTHER) is None


def test_find_deed__of_any_other_matter__is_what_all_others_have(tmp_path: Path) -> None:
    write_script(tmp_path, {ONE: "lie"}, otherwise="mute")
    assert [find_deed(tmp_path, matter) for matter in (ONE, OTHER)] == ["lie", "mute"]
    assert read_script(tmp_path) == {ONE: "lie"}


def test_write_script__again__takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_script(tmp_path, {ONE: "lie"}, otherwise="mute")
    write_script(tmp_path, {OTHER: "late"})
    assert json.loads((tmp_path / SCRIPT_FILE).read_text()) == {OTHER.hex(): "late"}
    assert [path.name for path in tmp_path.iterdir()] == [SCRIPT_FILE]
