"""The three standard streams, as whoever starts a process may leave them: closed, full, torn off.

A file that is opened while one of them is closed would get its number, and what is printed to the
stream would end up in that file: a journal, say. So a closed one is opened on nothing first. What
cannot be said, because nobody takes it, changes no exit status.
"""

from __future__ import annotations

import contextlib
import os
import sys

import click

STREAMS = ("stdin", "stdout", "stderr")


def open_closed_streams() -> None:
    """Open on nothing whichever of the three is closed: what is said there is said to nobody."""
    for number, name in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


def say(text: str, *, is_error: bool = True) -> None:
    """Say the last words of a program, to standard error or output, if anybody takes them."""
    with contextlib.suppress(OSError):
        click.echo(text, err=is_error)
