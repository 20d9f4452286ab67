"""A receipt as one page of HTML that needs nothing else: no script, no font, no request.

Every value is escaped; the page carries a policy that forbids fetching and running anything, so
that text of strangers in it can do nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from edgemark.identifiers import format_tokens
from edgemark.receipt import Receipt
from edgemark.receipt.exhibits import Answer, MatterShown, Place
from edgemark.receipt.flow import draw_flow
from edgemark.receipt.pictures import show_image
from edgemark.receipt.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TICK = "M20 33l9 9 17-20"
CROSS = "M22 22l20 20M42 22l-20 20"


def write_page(receipt: Receipt) -> str:
    """The whole page as text."""
    title = f"Receipt: {escape(receipt.system)}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<header><h1>{title}</h1>{_verdict(receipt)}{_facts(receipt)}</header><main>",
        *_matters(receipt),
        *_money(receipt),
        _section("Balances", _balances(receipt)),
        _section("Checks", _checks(receipt)),
        _section("Seconds", _seconds(receipt)),
        _section("Measured, and where to look", _evidence(receipt)),
        "</main><footer>Amounts are in MTC and exact. A check compares what was measured with what",
        " was computed elsewhere. This page needs no network and runs no script.</footer>",
        "</body></html>\n",
    ]
    return "".join(parts)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _verdict(receipt: Receipt) -> str:
    failed = [check for check in receipt.checks if not check.passed]
    passed = len(receipt.checks) - len(failed)
    if receipt.ok:
        style, words, sign = "good", "Everything adds up", TICK
        more = f"{passed} checks, every one passed."
    else:
        style, words, sign = "bad", "Something is wrong", CROSS
        more = f"{len(failed)} of {len(receipt.checks)} checks failed: "
        more += "; ".join(check.name for check in failed[:3]) or "there are none"
    drawn = (
        '<svg viewBox="0 0 64 64" aria-hidden="true" fill="none" stroke="currentColor"'
        f' stroke-width="5" stroke-linecap="round"><circle cx="32" cy="32" r="28"/>'
        f'<path d="{sign}"/></svg>'
    )
    return (
        f'<div class="verdict {style}">{drawn}<div>{words}<small>{escape(more)}</small></div></div>'
    )


def _facts(receipt: Receipt) -> str:
    answers = [answer for matter in receipt.exhibits.matters for answer in matter.answers]
    places = [place for matter in receipt.exhibits.matters for place in matter.places]
    facts: list[tuple[str, str]] = []
    if receipt.exhibits.matters:
        facts.append((receipt.exhibits.called, str(len(receipt.exhibits.matters))))
    if any(answer.plain for answer in answers):
        same = sum(answer.seen == answer.plain for answer in answers)
        facts.append(("answers as the plain model's", f"{same} of {len(answers)}"))
    if places:
        guilty = sum(place.is_guilty for place in places)
        facts.append(("convicted, of all places", f"{guilty} of {len(places)}"))
    created = receipt.tokens_after - receipt.tokens_before
    facts.append(("tokens created or lost", format_tokens(created, sign=True)))
    if receipt.seconds:
        facts.append(("seconds in all", f"{sum(receipt.seconds.values()):.0f}"))
    cells = "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in facts)
    return f'<dl class="facts">{cells}</dl>'


def _matters(receipt: Receipt) -> Iterator[str]:
    for matter in receipt.exhibits.matters:
        shown = f"<p>{escape(matter.summary)}</p>{_answers(matter)}{_places(matter)}"
        yield _section(matter.name, shown)


def _answers(matter: MatterShown) -> str:
    if not matter.answers:
        return ""
    if all(answer.image is None for answer in matter.answers):
        if not any(answer.plain for answer in matter.answers):
            return _table(("answer",), [(answer.seen,) for answer in matter.answers])
        rows = [(a.seen, a.plain, a.truth) for a in matter.answers]
        return _table(("answer", "plain model's", "truth"), rows)
    items = "".join(_pictured(answer) for answer in matter.answers)
    return (
        "<h3>The private inputs, each beside what one node got of it</h3>"
        f'<ul class="gallery">{items}</ul>'
    )


def _pictured(answer: Answer) -> str:
    pictures = ""
    if answer.image is not None:
        pictures += show_image(answer.image, f"input, in truth {answer.truth or 'unknown'}")
    if answer.veiled is not None:
        pictures += show_image(answer.veiled, "the same as one node got it: noise")
    same = answer.seen == answer.plain
    mark = '<span class="yes">= plain</span>' if same else '<span class="no">plain: '
    mark += "" if same else f"{escape(answer.plain)}</span>"
    truth = f"<span>truth {escape(answer.truth)}</span>" if answer.truth else ""
    style = "" if same else ' class="off"'
    return (
        f'<li{style}><div class="pair">{pictures}</div>'
        f'<div class="answer"><b>{escape(answer.seen)}</b>{mark}{truth}</div></li>'
    )


def _places(matter: MatterShown) -> str:
    if not matter.places:
        return ""
    guilty = [place for place in matter.places if place.is_guilty]
    others = [place for place in matter.places if not place.is_guilty]
    said = "How the dishonest were found" if guilty else "Nobody was convicted"
    shown = f"<h3>{said}</h3>" + (_place_table(guilty) if guilty else "")
    if others:
        count = f"{len(others)} other node" + ("s" if len(others) > 1 else "")
        shown += f"<details><summary>The {count}</summary>{_place_table(others)}</details>"
    return shown


def _place_table(places: Sequence[Place]) -> str:
    rows = "".join(_place(place) for place in places)
    head = "<th>index</th><th>node</th><th>what happened</th><th>end</th>"
    return _framed(f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>")


def _place(place: Place) -> str:
    deeds = "".join(f"<li>{escape(deed)}</li>" for deed in place.deeds)
    style = ' class="guilty"' if place.is_guilty else ""
    mark = '<span class="mark no">convicted</span>' if place.is_guilty else escape(place.end)
    return (
        f"<tr{style}><td>{place.index}</td><td>{escape(place.node)}</td>"
        f"<td><ul>{deeds}</ul></td><td>{mark}</td></tr>"
    )


def _money(receipt: Receipt) -> Iterator[str]:
    links = receipt.exhibits.links
    if not links:
        return
    rows = [(link.source, link.target, format_tokens(link.amount)) for link in links]
    table = _table(("from", "to", "MTC"), rows, numbers={2})
    yield _section(
        "The way of the money",
        "<p>On the left what the contracts held, on the right who has it now; both are equally "
        "high, for nothing is created or lost.</p>"
        f'<div class="scroll">{draw_flow(links, format_tokens)}</div>'
        f"<details><summary>The same as a table</summary>{table}</details>",
    )


def _balances(receipt: Receipt) -> str:
    rows = [
        (
            party.name,
            party.role,
            format_tokens(party.before),
            format_tokens(party.after),
            format_tokens(party.after - party.before, sign=True),
        )
        for party in receipt.parties
    ]
    if not rows:
        return ""
    before, after = receipt.tokens_before, receipt.tokens_after
    total = ("all", "", format_tokens(before), format_tokens(after))
    rows.append((*total, format_tokens(after - before, sign=True)))
    head = ("party", "role", *receipt.balance_columns, "change")
    return _table(head, rows, numbers={2, 3, 4}, has_total=True)


def _checks(receipt: Receipt) -> str:
    rows = "".join(
        f'<tr><td class="mark {"yes" if c.passed else "no"}">{"yes" if c.passed else "NO"}</td>'
        f"<td>{escape(c.name)}</td>"
        f'<td class="wide">{escape(c.seen)}</td><td class="wide">{escape(c.expected)}</td></tr>'
        for c in sorted(receipt.checks, key=lambda check: check.passed)
    )
    head = "<th></th><th>check</th><th>seen</th><th>expected</th>"
    return _framed(f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>")


def _seconds(receipt: Receipt) -> str:
    rows = [
        (part, f"{took:.6f}" if took < 0.01 else f"{took:.3f}")
        for part, took in receipt.seconds.items()
    ]
    return _table(("part", "seconds"), rows, numbers={1}) if rows else ""


def _evidence(receipt: Receipt) -> str:
    rows = [
        (what.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
        for what, value in receipt.evidence.items()
    ]
    return _table(("what", "value"), rows) if rows else ""


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    has_total: bool = False,
) -> str:
    styles = [' class="number"' if at in set(numbers) else "" for at in range(len(head))]
    titles = "".join(
        f"<th{style}>{escape(name)}</th>" for name, style in zip(head, styles, strict=True)
    )
    lines = [
        "".join(
            f"<td{style or ' class=wide'}>{escape(cell)}</td>"
            for cell, style in zip(row, styles, strict=True)
        )
        for row in rows
    ]
    body = "".join(
        f'<tr class="total">{line}</tr>'
        if has_total and number == len(lines)
        else f"<tr>{line}</tr>"
        for number, line in enumerate(lines, start=1)
    )
    return _framed(f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>")


def _framed(content: str) -> str:
    return f'<div class="scroll"><table>{content}</table></div>'
