"""The seller's list of programs: what a buyer may have run, and nothing else. Pure.

A list is JSON that its seller writes: `format` "edgemark-programs", `version` 1, and `programs`,
each of them

| field        | meaning                                                                       |
|--------------|-------------------------------------------------------------------------------|
| `name`       | a-z, 0-9 and -, for people                                                    |
| `executable` | whole path of a program of the machine's own format; a script is named with   |
|              | its interpreter, and stands among `files`                                     |
| `digest`     | SHA-256 of the executable, 64 hexadecimal digits                              |
| `argv`       | arguments behind its name                                                     |
| `files`      | `path` and `digest` of whatever else decides what it does                     |
| `folders`    | paths that it may read as well; what stands there is not checked              |
| `data_bytes` | most of a buyer's data                                                        |
| `limits`     | by name, as in `confinement.limits.Limits`, all of them                       |

Nothing of it comes from a buyer: data are the program's standard input, whatever they hold.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, fields
from functools import cached_property

from edgemark.confinement.limits import Limits
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import Writer
from edgemark.errors import about
from edgemark.identifiers import Hash32, parse_hash32
from edgemark.systems.trading.work.messages import MAX_PART_BYTES
from edgemark.untrusted.fields import BadFile, Fields, parse_json

FORMAT, VERSION = "edgemark-programs", 1
MAX_LIST_BYTES = 2**18
MAX_PROGRAMS = 64
MAX_ARGUMENTS, MAX_ARGUMENT_LETTERS = 32, 512
MAX_FILES = 32
MAX_PATH_LETTERS = 512
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PATH = re.compile(r"(?:/[^/\0]+)+")


class BadProgramList(BadFile):
    """A list of programs that is none; nothing of it is offered."""


@dataclass(frozen=True)
class ListedFile:
    """A file that decides what a program does.

    Args:
        path: whole, without links to other folders in it.
        digest: SHA-256 of its bytes.
    """

    path: str
    digest: Hash32


@dataclass(frozen=True)
class ListedProgram:
    """One program of a list; see the table of the module."""

    name: str
    executable: ListedFile
    argv: tuple[str, ...]
    files: tuple[ListedFile, ...]
    folders: tuple[str, ...]
    data_bytes: int
    limits: Limits

    @cached_property
    def id(self) -> Hash32:
        """SHA-256 over every field: what a buyer orders is this program, under these limits."""
        writer = Writer().text(FORMAT).integer(VERSION, 1).text(self.name)
        writer.integer(len(self.argv), 2)
        for argument in self.argv:
            writer.text(argument)
        writer.integer(len(self.files), 2)
        for file in (self.executable, *self.files):
            writer.text(file.path).fixed(file.digest, 32)
        writer.integer(len(self.folders), 2)
        for folder in self.folders:
            writer.text(folder)
        for number in (self.data_bytes, *astuple(self.limits)):
            writer.integer(number, 8)
        return hash_long(writer.finish())

    def describe(self) -> dict[str, object]:
        """What a buyer has to know of it, for a status: its digest, and most of what it takes."""
        return {
            "name": self.name,
            "digest": self.id.hex(),
            "data_bytes": self.data_bytes,
            "output_bytes": self.limits.output_bytes,
            "cpu_s": self.limits.cpu_s,
        }


def parse_programs(raw: bytes, who: str = "list of programs") -> dict[Hash32, ListedProgram]:
    """Read a list; the programs by their ids.

    Args:
        raw: the file.
        who: what it is called in errors.

    Raises:
        BadProgramList: no list, a field that is missing, left over, out of bounds or twice there;
            it says of which program.
    """
    if len(raw) > MAX_LIST_BYTES:
        needed = f"<= {MAX_LIST_BYTES} bytes"
        raise BadProgramList("is too large", who=who, had=f"{len(raw)} bytes", needed=needed)
    facts = parse_json(raw, who, BadProgramList)
    had = facts.text("format"), facts.whole("version")
    if had != (FORMAT, VERSION):
        needed = f"{FORMAT}, version {VERSION}"
        raise BadProgramList("is of another format", who=who, had=str(had)[:80], needed=needed)
    listed = [_parse_program(part) for part in facts.parts("programs", MAX_PROGRAMS)]
    facts.finish()
    names = [program.name for program in listed]
    for name in names:
        if names.count(name) > 1:
            raise BadProgramList("has a program twice", who=who, had=name, needed="one of a name")
    return {program.id: program for program in listed}


def _parse_program(part: Fields) -> ListedProgram:
    name = part.text("name")
    if not NAME.fullmatch(name):
        raise BadProgramList("is no name", who=part.who, had=name[:80], needed=NAME.pattern)
    data_bytes = part.whole("data_bytes")
    if not 0 <= data_bytes <= MAX_PART_BYTES:
        needed = f"0..{MAX_PART_BYTES}"
        raise BadProgramList(
            "is out of range", who=f"{name}, data_bytes", had=data_bytes, needed=needed
        )
    argv = part.texts("argv", MAX_ARGUMENTS)
    for argument in argv:
        if len(argument) > MAX_ARGUMENT_LETTERS or not _is_text(argument):
            needed = f"<= {MAX_ARGUMENT_LETTERS} letters, and no zero"
            raise BadProgramList("has a bad argument", who=name, had=argument[:80], needed=needed)
    files = part.parts("files", MAX_FILES)
    program = ListedProgram(
        name=name,
        executable=ListedFile(
            _path(part.text("executable"), name), parse_hash32(part.text("digest"), who=name)
        ),
        argv=argv,
        files=tuple(_parse_file(file, name) for file in files),
        folders=tuple(_path(path, name) for path in part.texts("folders", MAX_FILES)),
        data_bytes=data_bytes,
        limits=_parse_limits(part.part("limits"), name),
    )
    part.finish()
    return program


def _parse_file(part: Fields, name: str) -> ListedFile:
    file = ListedFile(_path(part.text("path"), name), parse_hash32(part.text("digest"), who=name))
    part.finish()
    return file


def _parse_limits(part: Fields, name: str) -> Limits:
    numbers = {each.name: part.whole(each.name) for each in fields(Limits)}
    part.finish()
    with about(name):
        return Limits(**numbers)


def _is_text(text: str) -> bool:
    """Whether the system can be told it: no zero, and no half of a pair of surrogates."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _path(path: str, name: str) -> str:
    """A whole path, without `..` and without a link that its kernel would follow elsewhere."""
    steps = path.split("/")
    if (
        not PATH.fullmatch(path)
        or {".", ".."} & set(steps)
        or len(path) > MAX_PATH_LETTERS
        or not _is_text(path)
    ):
        needed = f"a whole path without . and .., at most {MAX_PATH_LETTERS} letters"
        raise BadProgramList("is no path", who=name, had=path[:80], needed=needed)
    return path
