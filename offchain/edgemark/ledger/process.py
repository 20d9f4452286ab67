"""Telling one operating-system process from another that got the same number later (Linux)."""

from __future__ import annotations

from pathlib import Path

STATE_FIELD, START_FIELD = 0, 19  # after the command's name, which ends with the last bracket


def _fields_of(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def start_ticks(pid: int) -> int | None:
    """When the process started, in kernel ticks since boot; None when there is none."""
    found = _fields_of(pid)
    return None if found is None else int(found[START_FIELD])


def is_running(pid: int, started: int) -> bool:
    """Does the process `pid` that started at `started` ticks still run?"""
    found = _fields_of(pid)
    return (
        found is not None and found[STATE_FIELD] not in "ZX" and int(found[START_FIELD]) == started
    )
