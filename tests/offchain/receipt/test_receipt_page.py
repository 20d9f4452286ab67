"""The page of a receipt says what the receipt says, needs nothing, and does nothing."""

from __future__ import annotations

import re
from dataclasses import fields
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.receipt.sample_receipts import (
    FROM_THE_RIGHT,
    HOSTILE,
    full_receipt,
    wide_receipt,
)

from edgemark.receipt import Check, Receipt
from edgemark.receipt.exhibits import MatterShown, Place
from edgemark.receipt.page import write_page

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
    assert "".join(page.words).count(HOSTILE) >= 25


@given(word=st.text(max_size=40))
def test_any_text__leaves_the_page_whole(word: str) -> None:
    page = outline(write_page(full_receipt(word)))
    assert page.tags <= ALLOWED
    assert page.handlers == []


def test_every_part_of_a_receipt__is_on_the_page() -> None:
    assert {each.name for each in fields(Receipt)} == {
        *("system", "checks", "parties", "tokens_before", "tokens_after", "seconds"),
        *("about", "caveats", "evidence", "balance_columns", "exhibits"),
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
    assert ("1 of 1 check failed: the name of it" in page) is not passed


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


def folded(page: str) -> str:
    """What nobody sees before he opens a fold."""
    return "".join(re.findall(r"<details>.*?</details>", page))


def test_r26_an_end_that_cost_somebody_something__is_in_no_fold() -> None:
    page = write_page(wide_receipt(16))
    assert page.count("The payer lost 2.5 of its own.") == 2
    assert "lost" not in folded(page)
    assert "Nobody was convicted, but not all went well" in page
    assert "<summary>The other 14 nodes</summary>" in page
    assert "2 of 16" in page


@pytest.mark.parametrize(("nodes", "quiet"), [(3, "The other node"), (4, "The other 2 nodes")])
def test_r26_a_fold__says_how_many_are_in_it(nodes: int, quiet: str) -> None:
    assert f"<summary>{quiet}</summary>" in write_page(wide_receipt(nodes))


@pytest.mark.parametrize(("places", "quiet"), [(1, "The node"), (6, "All 6 nodes")])
def test_r26_a_fold_of_all__speaks_of_no_others(places: int, quiet: str) -> None:
    receipt = Receipt("x")
    shown = [Place(index, "a", (), "paid") for index in range(places, 0, -1)]
    receipt.exhibits.add_matter("matters", MatterShown("One", "", places=tuple(shown)))
    page = write_page(receipt)
    assert f"<h3>Nobody was convicted</h3><details><summary>{quiet}</summary>" in page
    indices = re.findall(r'data-name="index"><div>(\d+)<', page)
    assert indices == [str(index) for index in range(1, places + 1)]


def test_r26_a_column_in_which_nothing_stands__is_not_there() -> None:
    page = write_page(wide_receipt(3))
    assert ">account</th>" in page
    assert ">role</th>" not in page
    assert ">plain model&#x27;s</th>" in page
    assert ">truth</th>" not in page


def test_r26_what_is_said_first__stands_above_everything_else() -> None:
    page = write_page(full_receipt("word"))
    order = ("verdict", "caveat", "facts", "about")
    places = [page.index(f'class="{name}') for name in order]
    assert places == sorted(places)
    assert places[-1] < page.index("</header>")


def test_text_that_does_not_print__is_shown_as_such_and_can_be_written() -> None:
    page = write_page(full_receipt(FROM_THE_RIGHT))
    assert not [letter for letter in page.replace("\n", "") if not letter.isprintable()]
    page.encode()
