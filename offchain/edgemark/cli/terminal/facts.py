"""What a command found out, once for programs and once for people.

| kind     | `--json`                                             | for people                |
|----------|------------------------------------------------------|---------------------------|
| `Amount` | whole smallest units, as a string of digits          | `9,702.5 MTC`             |
| `Moment` | Unix seconds, and beside them `NAME_utc` to be read  | `2026-11-28 19:46:57 UTC` |

A time that there is not is `null` in both fields, and `-` for people.

No program takes an amount out of prose, and none loses digits of one to a float.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgemark.amounts import Amount
from edgemark.identifiers import Moment, format_time
from edgemark.words import printable

NOTHING = str(Moment(0))  # for people, wherever there is no value


def for_programs(value: Any) -> Any:
    """The value as JSON has it: amounts as strings, times as seconds with a twin."""
    match value:
        case Amount():
            return str(value.tokens)
        case Moment():
            return value.second or None
        case Mapping():
            facts: dict[str, Any] = {}
            for name, part in value.items():
                facts[str(name)] = for_programs(part)
                if isinstance(part, Moment):
                    facts[f"{name}_utc"] = format_time(part.second) if part.second else None
            return facts
        case str() | bytes():
            return value
        case Sequence():
            return [for_programs(each) for each in value]
        case _:
            return value


def in_columns(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> str:
    """A line of names, then one a row; nothing is cut or folded: ids are there to be copied."""
    table = [list(names), *([str(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(printable("  ".join(map(str.ljust, line, widths)).rstrip()) for line in table)
