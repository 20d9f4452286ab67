"""Tables of a user: CSV in, rows of real numbers out; and answers as CSV.

RFC 4180 with a header, in UTF-8. The rows are a secret: whatever is refused is named by
row and column, and its value is not shown. Row 1 is the first one after the header. How names are
compared stands in `names`.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NoReturn

from edgemark.amounts import is_number
from edgemark.errors import RefusedInput
from edgemark.models.names import find_columns, find_other_case
from edgemark.models.signature import Answer, Decision, Signature
from edgemark.words import count

MAX_TABLE_BYTES = 64 * 2**20
MAX_COLUMNS = 4096  # those that are left out included
MAX_SHOWN = 8  # names in one error

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)


@dataclass(frozen=True)
class TableLimits:
    """How much one batch may be.

    Args:
        rows: of a table, at most.
        values: rows times columns that are kept, at most.
    """

    rows: int
    values: int


class BadTable(RefusedInput):
    """A table that is no table, or that does not fit the model."""


class BadCell(BadTable):
    """A cell that is no number; its content is not shown."""


def parse_table(
    raw: bytes,
    signature: Signature,
    limits: TableLimits,
    *,
    who: str = "table",
    drop: Sequence[str] = (),
) -> list[list[float]]:
    """Read the rows of a batch from a CSV file.

    Args:
        raw: the file.
        signature: of the model; columns are matched by name when it has names, else by position.
        limits: of the batch.
        who: what the file is called in errors.
        drop: names of columns to leave out.

    Returns:
        B rows of k numbers, in the model's order.

    Raises:
        BadTable: not CSV, no header, columns missing or left over, no rows or too many.
        BadCell: a cell that is missing, not finite or no number, by row and column.
    """
    lines = _read_lines(raw, who)
    header = _read_header(lines, who, signature.inputs if signature.is_named else ())
    positions = _match_columns(header, _kept(header, who, drop), signature, who)
    return _read_rows(lines, header, positions, limits, who)


def find_bounds(
    raw: bytes, limits: TableLimits, *, who: str = "table", drop: Sequence[str] = ()
) -> tuple[float, ...]:
    """The largest magnitude in each column of a table, in the table's order.

    Raises:
        BadTable, BadCell: see `parse_table`.
    """
    lines = _read_lines(raw, who)
    header = _read_header(lines, who, ())
    rows = _read_rows(lines, header, _kept(header, who, drop), limits, who)
    return tuple(max(map(abs, column)) for column in zip(*rows, strict=True))


def _read_rows(
    lines: Iterator[list[str]],
    header: list[str],
    positions: Sequence[int],
    limits: TableLimits,
    who: str,
) -> list[list[float]]:
    most = min(limits.rows, limits.values // max(1, len(positions)))
    rows: list[list[float]] = []
    empty: int | None = None
    for number, cells in enumerate(lines, start=1):
        if not cells:
            empty = empty or number  # fine at the end of the file, nowhere else
            continue
        if empty is not None:
            raise BadTable("has an empty line", who=f"{who}, row {empty}")
        if number > most:
            raise BadTable(
                "has too many rows for one batch", who=who, needed=f"<= {most}", remedy="Split it."
            )
        rows.append(_read_row(cells, header, positions, f"{who}, row {number}"))
    if not rows:
        raise BadTable("has no rows", who=who, needed="a header and at least one row")
    return rows


def _read_lines(raw: bytes, who: str) -> Iterator[list[str]]:
    if len(raw) > MAX_TABLE_BYTES:
        raise BadTable("is too large", who=who, had=len(raw), needed=f"<= {MAX_TABLE_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTable(
            "is not UTF-8", who=who, had=f"byte {error.start}", remedy="Save it as CSV in UTF-8."
        ) from error
    if "\r" in text and "\n" not in text:
        raise BadTable(
            "ends its lines as old Macs did",
            who=who,
            had="carriage returns alone",
            needed="line feeds",
            remedy="Save it as CSV in UTF-8.",
        )
    # not splitlines: that would also end a line at characters which only Unicode calls line ends
    lines = (f"{line}\n" for line in text.removesuffix("\n").split("\n"))
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    try:
        yield from reader
    except csv.Error as error:
        raise BadTable(
            "is not CSV", who=f"{who}, line {reader.line_num}", had=str(error)
        ) from error


def _read_header(lines: Iterator[list[str]], who: str, known: Sequence[str]) -> list[str]:
    """The names in the first line, each once; `known` are those of a model."""
    header = [name.strip() for name in next(lines, [])]
    if not any(header):
        raise BadTable("has no header", who=who, needed="a line of column names")
    if len(header) > MAX_COLUMNS:
        raise BadTable("has too many columns", who=who, had=len(header), needed=MAX_COLUMNS)
    names = Counter(header)
    found = find_columns(header, known)
    twins = {position for position, name in enumerate(header) if names[name] > 1}
    if known and len(found) == len(known) and twins <= set(found.values()):
        return header  # also where names are numbers, or pandas told columns of one name apart
    if twins:
        twice = [_tell(name) for name, count in names.items() if count > 1]
        raise BadTable("has columns of one name", who=f"{who}, header", had=_list(twice))
    counted = [str(position) for position in range(len(header))]
    if header != counted and all(is_number(name) for name in header):
        raise BadTable(
            "has no header", who=who, had="a first line of numbers", needed="a line of column names"
        )
    return header


def _tell(name: str) -> str:
    """A column's name; not a number, which may be an input of a table that has no header."""
    if not name:
        return '""'
    return "a number" if is_number(name) else name


def _kept(header: list[str], who: str, drop: Sequence[str]) -> list[int]:
    """Positions of the columns that nobody leaves out."""
    found = find_columns(header, drop)
    unknown = [name for name in drop if name not in found and name not in header]
    if unknown:
        raise BadTable("lacks a column to leave out", who=who, needed=_list(unknown))
    left_out = set(found.values()) | {i for i, name in enumerate(header) if name in drop}
    return [position for position in range(len(header)) if position not in left_out]


def _match_columns(
    header: list[str], kept: Sequence[int], signature: Signature, who: str
) -> list[int]:
    """For each input of the model, the position of its column."""
    if not signature.is_named:
        if len(kept) != len(signature.inputs):
            had, needed = count(len(kept), "column"), str(len(signature.inputs))
            _refuse_columns(who, header, had, needed, _remedy(header, kept))
        return list(kept)
    there = set(kept)
    places = {n: at for n, at in find_columns(header, signature.inputs).items() if at in there}
    missing = [name for name in signature.inputs if name not in places]
    needed = _list(signature.inputs)
    if missing:
        others = [find_other_case([header[at] for at in kept], name) for name in missing]
        had = f"no column {_list(missing)}"
        if any(others):
            had += f", but {_list([other for other in others if other])}"
            _refuse_columns(who, header, had, needed, "Write the names as the model has them.")
        _refuse_columns(who, header, had, needed, "Name the columns as the model does.")
    positions = [places[name] for name in signature.inputs]
    extra = [at for at in kept if at not in positions]
    if extra:
        had = f"also {_list([_tell(header[at]) for at in extra])}"
        _refuse_columns(who, header, had, needed, _remedy(header, extra))
    if len(set(positions)) < len(positions):
        _refuse_columns(who, header, "one column for two inputs", needed, "Name them apart.")
    return positions


def _remedy(header: Sequence[str], extra: Sequence[int]) -> str:
    """How to get rid of columns; an index that pandas wrote has no name."""
    if any(not header[at] for at in extra):
        return 'Leave the column without a name, perhaps an index, out with --drop "".'
    return "Leave columns out with --drop NAME."


def _refuse_columns(who: str, header: list[str], had: str, needed: str, remedy: str) -> NoReturn:
    other = next((mark for mark in ";\t|" if len(header) == 1 and mark in header[0]), None)
    raise BadTable(
        "has other columns than the model",
        who=f"{who}, header",
        had=had,
        needed=needed,
        remedy=remedy if other is None else "Separate with commas.",
    )


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MAX_SHOWN])
    return shown if len(names) <= MAX_SHOWN else f"{shown} and {len(names) - MAX_SHOWN} more"


def _read_row(
    cells: list[str], header: list[str], positions: Sequence[int], where: str
) -> list[float]:
    if len(cells) != len(header):
        raise BadTable("has another number of cells", who=where, had=len(cells), needed=len(header))
    return [_read_cell(cells[at], f"{where}, column {header[at]}") for at in positions]


def _read_cell(cell: str, where: str) -> float:
    text = cell.strip()
    if is_number(text):
        value = float(text)
        if math.isfinite(value):
            return value
    if text.lower() in _MISSING:
        raise BadCell("is missing", who=where, needed="a number")
    if _INFINITE.fullmatch(text) or is_number(text):
        raise BadCell("is not finite", who=where, needed="a finite number")
    raise BadCell(
        "is no number", who=where, needed="digits with a decimal point, without separators"
    )


def format_answers(signature: Signature, answers: Sequence[Answer]) -> str:
    """Answers as CSV: the row's number, the label and whether it is sure, then the outputs."""
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\n")
    has_labels = signature.decision is not Decision.VALUES
    writer.writerow(["row", *(["label", "sure"] if has_labels else []), *signature.outputs])
    for number, answer in enumerate(answers, start=1):
        label = [answer.label, "yes" if answer.is_sure else "no"] if has_labels else []
        writer.writerow([number, *label, *(repr(value) for value in answer.values)])
    return "".join(lines)
