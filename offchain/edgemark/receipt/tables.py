"""Tables of a page: rows below each other where there is room, else each row as a card.

Every cell carries its column's name, which a narrow page shows beside it; so nothing has to be
pushed sideways. What is too long for a line is marked: only that may break within a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from edgemark.words import printable

MOST_BESIDE = 2  # columns that a narrow page has room for
LONG = re.compile(r"\S{16,}")  # an account, a digest, a path: no word that people write


def show_text(text: str) -> str:
    """Any text as HTML, without what does not print; what may break anywhere is marked."""
    shown, at = [], 0
    text = printable(" ".join(text.split()))
    for found in LONG.finditer(text):
        shown += [escape(text[at : found.start()]), f'<span class="long">{escape(found[0])}</span>']
        at = found.end()
    return "".join([*shown, escape(text[at:])])


def show_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    has_total: bool = False,
) -> str:
    """A table of plain text; columns in which nothing stands are left out.

    Args:
        head: names of the columns.
        rows: each as many texts.
        numbers: columns of numbers, from 0.
        has_total: the last row sums up the others.
    """
    listed = list(rows)
    kept = [at for at in range(len(head)) if any(row[at] for row in listed)]
    names = [head[at] for at in kept]
    styles = ["number" if at in set(numbers) else "" for at in kept]
    lines = [
        frame_row(
            names,
            [show_text(row[at]) for at in kept],
            styles,
            style="total" if has_total and number == len(listed) else "",
        )
        for number, row in enumerate(listed, start=1)
    ]
    return frame_table(names, lines, styles)


def frame_row(
    head: Sequence[str], cells: Sequence[str], styles: Sequence[str] = (), *, style: str = ""
) -> str:
    """One row of cells that are HTML already."""
    shown = ""
    for at, (name, cell) in enumerate(zip(head, cells, strict=True)):
        classes = " ".join(filter(None, (styles[at] if styles else "", "" if cell else "none")))
        shown += f'<td{_class(classes)} data-name="{_name(name)}"><div>{cell}</div></td>'
    return f"<tr{_class(style)}>{shown}</tr>"


def frame_table(head: Sequence[str], lines: Iterable[str], styles: Sequence[str] = ()) -> str:
    """A table of such rows."""
    titles = "".join(
        f'<th{_class(styles[at] if styles else "")} scope="col">{_name(name)}</th>'
        for at, name in enumerate(head)
    )
    body = "".join(lines)
    wide = ' class="rows"' if len(head) > MOST_BESIDE else ""
    table = f"<table{wide}><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="card">{table}</div>'


def show_facts(facts: Iterable[tuple[str, str]], style: str) -> str:
    """Names with their values; nothing when there are none."""
    cells = "".join(f"<div><dt>{_name(n)}</dt><dd>{show_text(v)}</dd></div>" for n, v in facts)
    return f'<dl class="{style}">{cells}</dl>' if cells else ""


def _name(text: str) -> str:
    return escape(printable(" ".join(text.split())))


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""
