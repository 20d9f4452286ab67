"""Pages as a browser shows them: nothing is pushed sideways, nothing is too faint to be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.offchain.receipt.sample_receipts import SAMPLES
from tests.stage.browser import Browser, check_look, open_browser

from edgemark.receipt.page import write_page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.mark.parametrize("name", SAMPLES)
def test_r26_a_page__fits_telephone_and_desk_and_can_be_read(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    page = tmp_path / "page.html"
    page.write_text(write_page(SAMPLES[name]))
    check_look(browser, page)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<div style="width:600px">wide</div>', "width"),
        ('<div style="overflow-x:auto"><div style="width:600px">wide</div></div>', "too_wide"),
        ('<div style="position:relative;left:-40px">cut</div>', "too_wide"),
        ('<p style="color:#999">faint</p>', "complaints"),
        ("<script>console.error(1)</script>", "errors"),
        ("<script>nothing()</script>", "errors"),
        ('<img alt="" src="missing.png">', "errors"),
    ],
)
def test_what_is_wrong_with_a_page__is_seen(
    browser: Browser, tmp_path: Path, body: str, said: str
) -> None:
    page = tmp_path / "page.html"
    head = '<!doctype html><html lang="en"><title>t</title><style>body{background:#fff}</style>'
    page.write_text(f"{head}<main><h1>t</h1>{body}</main>")
    seen = browser.look(page, 390, examined=True)
    assert seen.width > 390 if said == "width" else getattr(seen, said)
