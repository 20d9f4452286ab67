"""Drawings: ribbons as thick as their amounts, images that a PNG reader reads back."""

from __future__ import annotations

import re
import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.amounts import format_tokens
from edgemark.receipt.exhibits import Exhibits, Image, Link
from edgemark.receipt.flow import FULL, LEAST, draw_flow
from edgemark.receipt.pictures import encode_png

NAMES = st.sampled_from(["a", "b", "c & d", "<e>"])
LINKS = st.lists(st.builds(Link, NAMES, NAMES, st.integers(0, 10**27)), max_size=12)


def heights(drawn: str, x: int) -> list[float]:
    return [height for _, height in find_bars(drawn, x)]


def find_bars(drawn: str, x: int) -> list[tuple[float, float]]:
    """Upper edge and height of each bar of a column."""
    found = re.findall(rf'x="{x}" y="([\d.]+)" width="14" height="([\d.]+)"', drawn)
    return [(float(top), float(height)) for top, height in found]


@given(links=LINKS)
def test_both_sides__are_equally_high_and_no_amount_is_left_out(links: list[Link]) -> None:
    exhibits = Exhibits()
    exhibits.add_links(links)
    drawn = draw_flow(exhibits.links, format_tokens)
    if not any(link.amount for link in links):
        assert drawn == ""
        return
    left, right = heights(drawn, 210), heights(drawn, 550)
    assert sum(left) == pytest.approx(sum(right), abs=0.1 * (len(left) + len(right)))
    assert FULL - 1 <= sum(left) <= FULL + LEAST * len(exhibits.links) + 1
    assert drawn.count('class="ribbon') == len(exhibits.links)


@given(links=LINKS)
def test_links_of_the_same_ends__add_up(links: list[Link]) -> None:
    exhibits = Exhibits()
    for link in links:
        exhibits.add_links([link])
    assert sum(each.amount for each in exhibits.links) == sum(link.amount for link in links)
    ends = [(each.source, each.target) for each in exhibits.links]
    assert len(ends) == len(set(ends))


def test_a_small_amount__is_still_seen() -> None:
    drawn = draw_flow([Link("a", "b", 10**27), Link("c", "b", 1)], format_tokens)
    assert min(heights(drawn, 210)) == LEAST
    assert "c to b: 0.000000000000000001 MTC" in drawn


def test_bars__do_not_overlap() -> None:
    links = [Link(f"from {n}", f"to {n % 3}", 10**n) for n in range(8)]
    drawn = draw_flow(links, format_tokens)
    for x in (210, 550):
        for (top, height), (below, _) in pairwise(find_bars(drawn, x)):
            assert top + height < below


@given(
    image=st.integers(1, 9).flatmap(
        lambda width: st.lists(
            st.tuples(*[st.integers(0, 255)] * width), min_size=1, max_size=9
        ).map(lambda rows: Image(tuple(rows)))
    )
)
def test_an_image__is_read_back_as_it_was(image: Image) -> None:
    raw = encode_png(image)
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(raw):
        (length,) = struct.unpack(">I", raw[at : at + 4])
        kind, body = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", raw[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + body)
        chunks[kind], at = body, at + 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (height, depth, colour) == (len(image.rows), 8, 0)
    lines = zlib.decompress(chunks[b"IDAT"])
    stride = width + 1
    rows = tuple(tuple(lines[n * stride + 1 : (n + 1) * stride]) for n in range(height))
    assert rows == image.rows
    assert {lines[n * stride] for n in range(height)} == {0}
