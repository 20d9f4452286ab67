"""What is refused of an input is told by its place and its kind, never by its value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgemark.crypto.field.field import FIELD, Q
from edgemark.errors import RefusedInput
from edgemark.models.files import read_inputs

WIDTH = 2
SECRETS = [1.5, "s3cret", [4711], {"s3cret": 4711}, Q + 4711, -Q - 4711, float("inf")]


def write(folder: Path, rows: object) -> Path:
    path = folder / "inputs.json"
    path.write_text(json.dumps(rows))
    return path


def show_as_it_was(value: object) -> str:
    """The rule before: the value itself, as far as it is short."""
    return repr(value)[:40]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_value_that_is_refused__is_told_by_row_column_and_type(
    tmp_path: Path, secret: object
) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_inputs(write(tmp_path, [[0, 1], [2, secret]]), WIDTH)
    said = str(refused.value)
    assert "input 1, value 1" in said
    assert show_as_it_was(secret) not in said
    assert not any(part in said for part in ("s3cret", "4711", "1.5"))
    if isinstance(secret, int):
        assert "needed |x| <= q/2" in said
    else:
        assert f"had {type(secret).__name__}; needed a whole number" in said


@pytest.mark.parametrize("rows", [[4711], ["s3cret"], [[4711]], [[1, 2], [4711, 2, 3]], 4711])
def test_another_shape__is_told_without_its_values(tmp_path: Path, rows: object) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_inputs(write(tmp_path, rows), WIDTH)
    assert not any(part in str(refused.value) for part in ("s3cret", "4711"))


def test_values_of_the_field__are_taken_with_their_sign(tmp_path: Path) -> None:
    most = Q // 2
    packed = read_inputs(write(tmp_path, [[0, -1], [most, -most]]), WIDTH)
    assert FIELD.unpack(packed) == [0, Q - 1, most, Q - most]
