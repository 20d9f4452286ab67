"""What `edgemark doctor` says of one thing that it looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgemark.errors import EdgemarkError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        fine: whether it is as it should be.
        needed: whether the command fails when it is not.
        seen: what there is.
        remedy: what to do when it is not fine.
    """

    name: str
    fine: bool
    needed: bool
    seen: str
    remedy: str = ""


def look(name: str, needed: bool, sight: Callable[[], str]) -> Finding:
    """Look, and turn an error of ours into a finding with its remedy.

    Args:
        name: what is looked at.
        needed: see `Finding`.
        sight: what there is; raises when it is not as it should be.
    """
    try:
        return Finding(name, True, needed, sight())
    except EdgemarkError as error:
        return refused(name, needed, error)


def refused(name: str, needed: bool, error: EdgemarkError) -> Finding:
    """An error as a finding: what there is, and the remedy apart from it."""
    text = str(error)
    if error.remedy:
        text = text.removesuffix(error.remedy).rstrip(". ")
    return Finding(name, False, needed, text, error.remedy)
