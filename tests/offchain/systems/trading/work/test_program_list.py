"""The seller's list of programs is read strictly, and an id covers all that decides a run."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.work_cast import LIMITS, entry, write_list

from edgemark.errors import RefusedInput
from edgemark.systems.trading.work.programs import parse_programs

FILE = {"path": "/srv/model", "digest": "11" * 32}


def test_a_list__is_read_by_the_ids_of_its_programs() -> None:
    found = parse_programs(write_list(entry("count", "wc -c"), entry("copy", "cat", files=[FILE])))
    assert [program.name for program in found.values()] == ["count", "copy"]
    assert all(key == program.id for key, program in found.items())
    assert parse_programs(write_list()) == {}


def test_an_id__covers_everything_that_decides_a_run() -> None:
    others = [
        entry("count", "wc -c"),
        entry("count-2", "wc -c"),
        entry("count", "wc -l"),
        entry("count", "wc -c", digest="00" * 32),
        entry("count", "wc -c", executable="/usr/bin/true"),
        entry("count", "wc -c", files=[FILE]),
        entry("count", "wc -c", files=[FILE | {"digest": "22" * 32}]),
        entry("count", "wc -c", folders=["/srv"]),
        entry("count", "wc -c", data_bytes=7),
        *(
            entry("count", "wc -c", limits=asdict(LIMITS) | {name: value})
            for name, value in (
                ("cpu_s", 9), ("wall_s", 11), ("memory_bytes", 2**28), ("output_bytes", 1),
                ("files_bytes", 2**21), ("processes", 9), ("open_files", 65), ("cores", 2),
            )
        ),
    ]  # fmt: skip
    assert len({next(iter(parse_programs(write_list(each)))) for each in others}) == len(others)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Count"}, {"name": ""}, {"name": "x" * 41}, {"name": 7},
        {"executable": "bin/sh"}, {"executable": "/bin/../bin/sh"}, {"executable": "/bin//sh"},
        {"executable": "/bin/sh\0"}, {"executable": "/" + "x" * 600}, {"executable": "/\ud800"},
        {"digest": "00"}, {"digest": "zz" * 32},
        {"argv": "x"}, {"argv": ["x" * 513]}, {"argv": ["\0"]}, {"argv": ["\ud800"]},
        {"argv": ["x"] * 33}, {"argv": [1]},
        {"files": [{"path": "/x"}]}, {"files": [FILE | {"more": 1}]}, {"files": [FILE] * 33},
        {"folders": ["here"]}, {"data_bytes": -1}, {"data_bytes": 2**24 + 1}, {"data_bytes": True},
        {"limits": {}}, {"limits": asdict(LIMITS) | {"cpu_s": 0}},
        {"limits": asdict(LIMITS) | {"cpu_s": 1.0}}, {"limits": asdict(LIMITS) | {"more": 1}},
        {"unheard-of": 1},
    ],
)  # fmt: skip
def test_a_bad_entry__is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedInput) as caught:
        parse_programs(write_list(entry("count", "wc -c", **changes)))
    assert caught.value.who is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 5000, b" " * 2**19,
        write_list(entry("same", "cat"), entry("same", "wc")),
        write_list(*[entry(f"program-{number}", "cat") for number in range(65)]),
        json.dumps({"format": "edgemark-programs", "version": 2, "programs": []}).encode(),
        json.dumps({"format": "other", "version": 1, "programs": []}).encode(),
        json.dumps({"format": "edgemark-programs", "version": 1, "programs": {}}).encode(),
        json.dumps(
            {"format": "edgemark-programs", "version": 1, "programs": [], "more": 1}
        ).encode(),
    ],
)  # fmt: skip
def test_a_bad_list__is_refused_whole(raw: bytes) -> None:
    with pytest.raises(RefusedInput):
        parse_programs(raw)


@given(st.binary(max_size=60), st.integers(0, 400))
def test_a_list_with_other_bytes_in_it__is_refused_or_read(part: bytes, at: int) -> None:
    raw = write_list(entry("count", "wc -c"))
    with contextlib.suppress(RefusedInput):
        parse_programs(raw[:at] + part + raw[at + len(part) :])
