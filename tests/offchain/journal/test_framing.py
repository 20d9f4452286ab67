"""Empty sectors are counted by where zeros stand; this is the plain rule, sector by sector."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgemark.journal import framing
from edgemark.journal.framing import DIGEST_BYTES, HEADER_BYTES, SECTOR_BYTES

parts = st.one_of(
    st.integers(0, 3 * SECTOR_BYTES).map(bytes),
    st.binary(min_size=1, max_size=3),
    st.integers(1, 2 * SECTOR_BYTES).map(lambda length: b"\x07" * length),
)


def count_plainly(offset: int, digest: bytes, payload: bytes) -> int:
    record = b"\1" * (HEADER_BYTES - DIGEST_BYTES) + digest + payload
    start, empty = 0, 0
    while start < len(record):
        end = start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES
        empty += not any(record[start:end])
        start = end
    return empty


@given(
    st.integers(8, 8 + 2 * SECTOR_BYTES),
    st.sampled_from([bytes(DIGEST_BYTES), b"\x07" * DIGEST_BYTES]),
    st.lists(parts, max_size=8).map(b"".join),
)
def test_empty_sectors__are_counted_as_by_the_plain_rule(
    offset: int, digest: bytes, payload: bytes
) -> None:
    assert framing._count_empty_sectors(offset, digest, payload) == count_plainly(
        offset, digest, payload
    )


def test_many_zeros__are_counted_as_by_the_plain_rule() -> None:
    for length in (64 * 1024 - 1, 200_000, 2**20):
        for payload in (
            bytes(length),
            bytes(length) + b"\1" + bytes(length),
            b"\1" + bytes(length),
        ):
            for offset in (8, 492, 511, 512):
                got = framing._count_empty_sectors(offset, bytes(DIGEST_BYTES), payload)
                assert got == count_plainly(offset, bytes(DIGEST_BYTES), payload)
