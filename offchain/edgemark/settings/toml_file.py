"""The file edgemark.toml: its text, and the values in it.

A number with a point is read as `Decimal`: an amount has more digits than a float.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any

from edgemark.settings.section import SettingInvalid

FILE_NAME = "edgemark.toml"
MAX_FILE_BYTES = 64 * 1024


def is_there(path: Path) -> bool:
    """Whether there is such a file.

    Raises:
        SettingInvalid: nobody can say.
    """
    try:
        return path.exists()
    except OSError as error:
        raise SettingInvalid(
            "cannot be looked for",
            who=f"{str(path)[:80]} ...",
            had=error.strerror,
            remedy="Name another --home.",
        ) from error


def read_text(path: Path) -> str:
    """The whole of it, ends of lines as they are.

    Raises:
        SettingInvalid: no such file, too long, or no text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingInvalid(
            "cannot be read", who=path, had=error.strerror, remedy="Name another --config."
        ) from error
    if len(raw) > MAX_FILE_BYTES:
        raise SettingInvalid("is too large", who=path, needed=f"<= {MAX_FILE_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _is_none(path, "no UTF-8") from None


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The values.

    Raises:
        SettingInvalid: it is no TOML.
    """
    try:
        return tomllib.loads(text, parse_float=_read_number)
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid("is not TOML", who=path, had=str(error)) from error
    except RecursionError:
        raise _is_none(path, "nested too deeply") from None
    except ValueError:
        raise _is_none(path, "a number that is too long") from None


def _read_number(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except DecimalException:  # of an exponent that no number needs
        return float(text)


def _is_none(path: Path, had: str) -> SettingInvalid:
    return SettingInvalid("is not TOML", who=path, had=had, needed="NAME = VALUE lines")
