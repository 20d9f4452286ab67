"""Changes of single settings in an edgemark.toml; every other line stays as it is.

What is changed is a line `KEY = VALUE`, in its table or with its section before the key, under any
name that the setting has; what stands behind it as a comment stays. TOML allows more than that,
and all of it is read: a changed text has to say what the old one said and the change, and nothing
else, or nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.files import OWNER_ONLY_FILE, hold_folder, write_whole
from edgemark.settings.section import Setting, SettingInvalid
from edgemark.settings.toml_file import MAX_FILE_BYTES, is_there, parse_toml, read_text
from edgemark.settings.writing import write_value

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_KEYS = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_END = r"[ \t]*(?:\#.*)?"
_HEADER = re.compile(rf"[ \t]*\[[ \t]*({_KEYS})[ \t]*\]{_END}")
_HEADER_OF_MANY = re.compile(r"[ \t]*\[\[.*")
_ASSIGNED = re.compile(
    rf"""([ \t]*({_KEYS})[ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\[{{\#][^\#]*?)({_END})"""
)
_NOWHERE = ("[[",)  # no key is called so

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What a setting is to be.

    Attributes:
        setting: which one.
        value: as a file has it; None: nobody sets it any more.
    """

    setting: Setting
    value: object | None

    @property
    def path(self) -> Path_:
        """Section and key, as it is written where it is new."""
        return tuple(self.setting.name.split("."))

    @property
    def paths(self) -> set[Path_]:
        """All that it may stand under."""
        flat = self.setting.rule.flat
        return {self.path, (flat,)} if flat else {self.path}


def change_file(path: Path, changes: Sequence[Change]) -> bool:
    """Make changes in a file, all or none; False when it says all of it already.

    Args:
        path: the file, in a folder that is there; a new one is for its owner only.
        changes: of different settings, each in order as its start would take it.

    Raises:
        SettingInvalid: it is no TOML, or written in a way that only hands can change.
        OSError: it cannot be written.
    """
    try:
        path = path.resolve()  # a link stays one
    except RuntimeError:
        raise SettingInvalid(
            "is a link that leads nowhere", who=path, remedy="Name another --config."
        ) from None
    if is_there(path) and not path.is_file():
        raise SettingInvalid(
            "is no file that keeps anything",
            who=path,
            needed="a file",
            remedy="Nothing was changed. Name another --config.",
        )
    with hold_folder(path.parent):
        is_old = is_there(path)
        before = read_text(path) if is_old else ""
        text = before
        for change in changes:
            text = change_text(text, change, path)
        if text == before:
            return False
        content = _encode(text, path)
        if len(content) > MAX_FILE_BYTES:
            raise SettingInvalid(
                "would be too large", who=path, needed=f"<= {MAX_FILE_BYTES} bytes"
            )
        mode = path.stat().st_mode & 0o777 if is_old else OWNER_ONLY_FILE
        write_whole(path, content, mode=mode)
    return True


def _encode(text: str, path: Path) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # of bytes on a command line that are no text
        raise SettingInvalid("would hold what is no text", who=path, needed="UTF-8") from None


def change_text(text: str, change: Change, path: Path) -> str:
    """The text with one setting changed.

    Raises:
        SettingInvalid: as `change_file`; `path` is named.
    """
    before = dict(_leaves(parse_toml(text, path)))
    lines = _split(text)
    places = [at for at, line in enumerate(lines) if line.path in change.paths and line.value]
    if places and change.value is not None:
        lines[places[0]] = lines[places[0]].having(write_value(change.value))
    elif change.value is not None:
        lines = _insert(lines, change)
    drop = places if change.value is None else places[1:]
    changed = "".join(line.text for at, line in enumerate(lines) if at not in drop)
    wanted = {place: value for place, value in before.items() if place not in change.paths}
    if change.value is not None:
        place = lines[places[0]].path if places else change.path
        wanted[place] = parse_toml(f"x = {write_value(change.value)}", path)["x"]
    if not _says(changed, wanted, path):
        raise _by_hand(path, change)
    return changed


@dataclass(frozen=True)
class _Line:
    """One line, its end included.

    Attributes:
        table: that it stands in, or begins.
        path: of the setting that it holds; empty for any other line.
        value: as it stands there; empty for any other line.
    """

    text: str
    table: Path_
    path: Path_ = ()
    value: str = ""
    before: str = ""
    after: str = ""

    def having(self, value: str) -> _Line:
        """The same with another value."""
        text = f"{self.before}{value}{self.after}"
        return _Line(text, self.table, self.path, value, self.before, self.after)


def _split(text: str) -> list[_Line]:
    lines: list[_Line] = []
    table: Path_ = ()
    for whole in re.findall(r"[^\n]*\n|[^\n]+", text):
        line = whole.rstrip("\r\n")
        if header := _HEADER.fullmatch(line):
            table = _keys_of(header[1])
        elif _HEADER_OF_MANY.fullmatch(line):
            table = _NOWHERE
        elif found := _ASSIGNED.fullmatch(line):
            path, end = (*table, *_keys_of(found[2])), whole[len(line) :]
            lines.append(_Line(whole, table, path, found[3], found[1], found[4] + end))
            continue
        lines.append(_Line(whole, table))
    return lines


def _keys_of(text: str) -> Path_:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, text))


def _insert(lines: list[_Line], change: Change) -> list[_Line]:
    """A new line behind the last one of its table, or with a table of its own at the end."""
    *table, key = change.path
    wanted = tuple(table)
    end = "\r\n" if lines and lines[0].text.endswith("\r\n") else "\n"
    new = _Line(f"{key} = {write_value(change.value)}{end}", wanted)
    of_table = [at for at, line in enumerate(lines) if line.table == wanted]
    holding = [at for at in of_table if lines[at].path]
    if not wanted:
        at = holding[-1] + 1 if holding else 0
    elif of_table:
        at = (holding[-1] if holding else of_table[0]) + 1
    else:
        gap = [_Line(end, ())] if lines else []
        header = _Line(f"[{'.'.join(wanted)}]{end}", wanted)
        return [*_ended(lines, end), *gap, header, new]
    return [*_ended(lines[:at], end), new, *lines[at:]]


def _ended(lines: list[_Line], end: str) -> list[_Line]:
    """The lines, the last one with its end."""
    if not lines or lines[-1].text.endswith("\n"):
        return lines
    last = lines[-1]
    return [*lines[:-1], _Line(last.text + end, last.table, last.path, last.value)]


def _leaves(values: Mapping[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _says(text: str, wanted: Mapping[Path_, Any], path: Path) -> bool:
    try:
        return dict(_leaves(parse_toml(text, path))) == wanted
    except SettingInvalid:
        return False


def _by_hand(path: Path, change: Change) -> SettingInvalid:
    *table, key = change.path
    place = f"[{'.'.join(table)}]" if table else "the lines before the first table"
    line = f"`{key} = {write_value(change.value)}`" if change.value is not None else "no such line"
    return SettingInvalid(
        "is written in a way that only hands can change",
        who=path,
        needed=f"lines KEY = VALUE in {place}",
        remedy=f"Nothing was changed. Open it, and see to it that {line} stands there.",
    )
