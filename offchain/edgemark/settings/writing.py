"""The text of an edgemark.toml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal


def write_toml(values: Mapping[str, object]) -> str:
    """Settings by section, as the file has them.

    Args:
        values: by name, `chain.url`; numbers, or what is written as a text.
    """
    tables: dict[str, list[str]] = {"": []}  # what has no section stands first, or it has one
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        tables.setdefault(section, []).append(f"{key} = {write_value(value)}")
    texts = ["\n".join([f"[{name}]", *lines] if name else lines) for name, lines in tables.items()]
    return "\n\n".join(text for text in texts if text) + "\n"


def write_value(value: object) -> str:
    """A number as it is, everything else in quotes."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
