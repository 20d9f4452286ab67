"""The page of a receipt says what the receipt says, needs nothing, and does nothing."""

from __future__ import annotations

import re
from dataclasses import fields
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.identifiers import TOKEN_UNIT
from edgemark.receipt import Check, PartyBalance, Receipt
from edgemark.receipt.exhibits import Answer, Exhibits, Image, Link, MatterShown, Place
from edgemark.receipt.page import write_page

HOSTILE = '"><script>alert(1)</script><img src=x onerror="alert(2)">'
VOID = {"meta", "img"}
ALLOWED = VOID | {
    *("path", "rect", "circle"),
    *("html", "head", "title", "style", "body", "header", "main", "footer", "section"),
    *("h1", "h2", "h3", "p", "div", "span", "small", "b", "dl", "dt", "dd", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "text", "tspan", "details", "summary"),
}


class Outline(HTMLParser):
    """Checks that every element is closed; collects elements, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.places: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.places += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def full_receipt(word: str) -> Receipt:
    """A receipt with this word wherever a word can stand."""
    image = Image(((0, 255), (128, 1)))
    job = MatterShown(
        word,
        word,
        (Answer(word, "other", word, image, image), Answer("1", "1")),
        (Place(1, word, (word, word), word), Place(2, word, (word,), word, is_guilty=True)),
    )
    table = MatterShown(word, word, (Answer(word, word, word),))
    exhibits = Exhibits(links=[Link(word, word, 5), Link("a", word, TOKEN_UNIT)])
    exhibits.add_matter(word, job)
    exhibits.add_matter(word, table)
    return Receipt(
        system=word,
        checks=[Check(word, False, word, word), Check("fine", True, "1", "1")],
        parties=[PartyBalance(word, word, 5, 7)],
        tokens_before=5,
        tokens_after=7,
        seconds={word: 0.5},
        evidence={word: word, "count": 1000},
        exhibits=exhibits,
    )


def test_the_page__needs_no_script_and_no_request() -> None:
    page = outline(write_page(full_receipt("word")))
    assert page.tags <= ALLOWED
    assert all(place.startswith("data:image/png;base64,") for place in page.places)
    assert "default-src 'none'" in write_page(Receipt("x"))
    assert not re.search(r"https?://|@import|url\(", write_page(full_receipt("word")))


def test_whatever_stands_in_a_receipt__is_text_on_the_page() -> None:
    page = outline(write_page(full_receipt(HOSTILE)))
    assert page.tags <= ALLOWED
    assert page.handlers == []
    assert "script" not in page.tags
    # system twice, every field of jobs, answers, places, links, checks, parties, seconds, evidence
    assert sum(HOSTILE in words for words in page.words) >= 20


@given(word=st.text(max_size=40))
def test_any_text__leaves_the_page_whole(word: str) -> None:
    page = outline(write_page(full_receipt(word)))
    assert page.tags <= ALLOWED
    assert page.handlers == []


def test_every_part_of_a_receipt__is_on_the_page() -> None:
    assert {each.name for each in fields(Receipt)} == {
        *("system", "checks", "parties", "tokens_before", "tokens_after", "seconds"),
        *("evidence", "balance_columns", "exhibits"),
    }
    receipt = full_receipt("word")
    receipt.balance_columns = ("put in", "got out")
    text = "".join(outline(write_page(receipt)).words)
    for part in ("put in", "got out", "0.500", "1,000", "+0.000000000000000002", "convicted"):
        assert part in text


@pytest.mark.parametrize(
    ("passed", "words"), [(True, "Everything adds up"), (False, "Something is wrong")]
)
def test_the_verdict__is_the_receipts(passed: bool, words: str) -> None:
    receipt = Receipt("x", checks=[Check("the name of it", passed, "1", "2")])
    page = write_page(receipt)
    assert words in page
    assert ("1 of 1 checks failed: the name of it" in page) is not passed


def test_no_checks_at_all__is_no_success() -> None:
    assert "Something is wrong" in write_page(Receipt("x"))


def test_failed_checks__come_first() -> None:
    receipt = full_receipt("word")
    receipt.checks.reverse()
    page = write_page(receipt)
    assert page.index(">NO<") < page.index(">yes<")


def test_an_answer_that_differs__is_marked_with_the_other() -> None:
    page = write_page(full_receipt("7"))
    assert '<li class="off">' in page
    assert "plain: other" in page
    assert "= plain" in page


def test_images__have_words_for_those_who_do_not_see_them() -> None:
    page = write_page(full_receipt("7"))
    alts = re.findall(r'<img class="pixels" alt="([^"]+)"', page)
    assert alts == ["input, in truth 7", "the same as one node got it: noise"]
