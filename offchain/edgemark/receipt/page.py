"""A receipt as one page of HTML that needs nothing else: no script, no font, no request.

Every value is escaped; the page carries a policy that forbids fetching and running anything, so
that text of strangers in it can do nothing either.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from edgemark.amounts import format_tokens
from edgemark.receipt import Receipt
from edgemark.receipt.exhibits import Answer, MatterShown
from edgemark.receipt.flow import draw_flow
from edgemark.receipt.pictures import show_image
from edgemark.receipt.places import show_places
from edgemark.receipt.style import STYLE
from edgemark.receipt.tables import frame_row, frame_table, show_facts, show_table, show_text
from edgemark.words import count, printable, show_measured

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TICK = "M20 33l9 9 17-20"
CROSS = "M22 22l20 20M42 22l-20 20"
CHECK_HEAD = ("passed", "check", "seen", "expected")


def write_page(receipt: Receipt) -> str:
    """The whole page as text."""
    title = f"Receipt: {escape(printable(receipt.system))}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<header><h1>{title}</h1>{_verdict(receipt)}{_caveats(receipt)}{_facts(receipt)}",
        show_facts(receipt.about.items(), "about"),
        "</header><main>",
        *_matters(receipt),
        *_money(receipt),
        _section("Balances", _balances(receipt)),
        _section("Checks", _checks(receipt)),
        _section("Seconds", _seconds(receipt)),
        _section("Measured", _evidence(receipt)),
        "</main><footer>Amounts are in MTC and exact. A check compares what was measured with what",
        " was computed elsewhere. This page needs no network and runs no script.</footer>",
        "</body></html>\n",
    ]
    return "".join(parts)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{show_text(title)}</h2>{body}</section>" if body else ""


def _verdict(receipt: Receipt) -> str:
    failed = [check for check in receipt.checks if not check.passed]
    passed = len(receipt.checks) - len(failed)
    if receipt.ok:
        style, words, sign = "good", "Everything adds up", TICK
        more = f"{count(passed, 'check')}, every one passed."
    else:
        style, words, sign = "bad", "Something is wrong", CROSS
        more = f"{len(failed)} of {count(len(receipt.checks), 'check')} failed: "
        more += "; ".join(check.name for check in failed[:3]) or "there are none"
    drawn = (
        '<svg viewBox="0 0 64 64" aria-hidden="true" fill="none" stroke="currentColor"'
        f' stroke-width="5" stroke-linecap="round"><circle cx="32" cy="32" r="28"/>'
        f'<path d="{sign}"/></svg>'
    )
    said = f"<div>{words}<small>{show_text(more)}</small></div>"
    return f'<div class="verdict {style}">{drawn}{said}</div>'


def _caveats(receipt: Receipt) -> str:
    return "".join(f'<p class="caveat">{show_text(caveat)}</p>' for caveat in receipt.caveats)


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
        noted = sum(bool(place.notice) and not place.is_guilty for place in places)
        facts.append(("convicted, of all places", f"{guilty} of {len(places)}"))
        if noted:
            facts.append(("places with another loss, or open", f"{noted} of {len(places)}"))
    created = receipt.tokens_after - receipt.tokens_before
    facts.append(("tokens created or lost", format_tokens(created, sign=True)))
    if receipt.seconds:
        facts.append(("seconds in all", f"{sum(receipt.seconds.values()):.0f}"))
    return show_facts(facts, "facts")


def _matters(receipt: Receipt) -> Iterator[str]:
    for matter in receipt.exhibits.matters:
        shown = f"<p>{show_text(matter.summary)}</p>{_answers(matter)}{show_places(matter.places)}"
        yield _section(matter.name, shown)


def _answers(matter: MatterShown) -> str:
    if not matter.answers:
        return ""
    if all(answer.image is None for answer in matter.answers):
        numbered = enumerate(matter.answers, start=1)
        rows = [(str(number), a.seen, a.plain, a.truth) for number, a in numbered]
        return show_table(("row", "answer", "plain model's", "truth"), rows)
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
    mark += "" if same else f"{show_text(answer.plain)}</span>"
    truth = f"<span>truth {show_text(answer.truth)}</span>" if answer.truth else ""
    style = "" if same else ' class="off"'
    return (
        f'<li{style}><div class="pair">{pictures}</div>'
        f'<div class="answer"><b>{show_text(answer.seen)}</b>{mark}{truth}</div></li>'
    )


def _money(receipt: Receipt) -> Iterator[str]:
    links = receipt.exhibits.links
    if not links:
        return
    rows = [(link.source, link.target, format_tokens(link.amount)) for link in links]
    yield _section(
        "The way of the money",
        '<div class="drawn"><p>On the left what the contracts held, on the right who has it now; '
        "both are equally high, for nothing is created or lost.</p>"
        f"{draw_flow(links, format_tokens)}</div>"
        f"{show_table(('from', 'to', 'MTC'), rows, numbers={2})}",
    )


def _balances(receipt: Receipt) -> str:
    rows = [
        (
            party.name,
            party.role,
            party.account,
            format_tokens(party.before),
            format_tokens(party.after),
            format_tokens(party.after - party.before, sign=True),
        )
        for party in receipt.parties
    ]
    if not rows:
        return ""
    before, after = receipt.tokens_before, receipt.tokens_after
    total = ("all", "", "", format_tokens(before), format_tokens(after))
    rows.append((*total, format_tokens(after - before, sign=True)))
    head = ("party", "role", "account", *receipt.balance_columns, "change")
    return show_table(head, rows, numbers={3, 4, 5}, has_total=True)


def _checks(receipt: Receipt) -> str:
    rows = [
        frame_row(
            CHECK_HEAD,
            (
                f'<span class="mark {"yes" if c.passed else "no"}">'
                f"{'yes' if c.passed else 'NO'}</span>",
                *map(show_text, (c.name, c.seen, c.expected)),
            ),
        )
        for c in sorted(receipt.checks, key=lambda check: check.passed)
    ]
    return frame_table(CHECK_HEAD, rows) if rows else ""


def _seconds(receipt: Receipt) -> str:
    rows = [
        (part, f"{took:.6f}" if took < 0.01 else f"{took:.3f}")
        for part, took in receipt.seconds.items()
    ]
    return show_table(("part", "seconds"), rows, numbers={1}) if rows else ""


def _evidence(receipt: Receipt) -> str:
    measured = receipt.evidence.items()
    rows = [(what.replace("_", " "), show_measured(value)) for what, value in measured]
    return show_table(("what", "value"), rows) if rows else ""
