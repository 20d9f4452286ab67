"""Tables of users: what is taken, and what is refused by row and column without its value."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.models import table
from edgemark.models.signature import (
    Answer,
    Decision,
    Signature,
)
from edgemark.models.table import (
    BadCell,
    BadTable,
    TableLimits,
    find_bounds,
    format_answers,
    parse_table,
)

LIMITS = TableLimits(rows=4096, values=2**18)
NAMED = Signature(("age", "bmi"), True, (100.0, 60.0), ("risk",))
COUNTED = Signature(("x_0", "x_1"), False, (100.0, 60.0), ("risk",))
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=5), st.booleans())
def test_table__that_csv_wrote__comes_back_to_the_bit(
    rows: list[tuple[float, float]], quoted: bool
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([("bmi", "age"), *rows])
    assert parse_table(file.getvalue().encode(), NAMED, LIMITS) == [[age, bmi] for bmi, age in rows]


@pytest.mark.parametrize(
    "text",
    [
        "age,bmi\n1,2\n",
        "age,bmi\n1,2",
        "age,bmi\r\n1,2\r\n",
        "\ufeffage,bmi\n1,2\n",
        ' age , "bmi"\n 1 ,"2"\n\n\n',
        "bmi,age\n2.0,+1e0\n",
        '"age","bmi"\n"1","2."\n',
    ],
)
def test_table__in_any_usual_form__is_read(text: str) -> None:
    assert parse_table(text.encode(), NAMED, LIMITS) == [[1.0, 2.0]]


def test_table_of_a_model_without_names__is_matched_by_position() -> None:
    assert parse_table(b"bmi,age\n1,2\n", COUNTED, LIMITS) == [[1.0, 2.0]]
    assert parse_table(b"0,1\n1,2\n", COUNTED, LIMITS) == [[1.0, 2.0]]  # as pandas counts columns


def test_columns_to_leave_out__are_left_out_whatever_they_hold() -> None:
    raw = b"id,age,name,bmi\na1,1,x,2\n,3,,4\n"
    assert parse_table(raw, NAMED, LIMITS, drop=["id", "name"]) == [[1.0, 2.0], [3.0, 4.0]]
    assert parse_table(raw, COUNTED, LIMITS, drop=["id", "name"]) == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(BadTable, match=r"lacks a column to leave out; needed weight"):
        parse_table(raw, NAMED, LIMITS, drop=["weight"])


NAMES = {
    "blanks, as pandas keeps them": ("age, bmi\n1,2\n", ("age", " bmi")),
    "blanks on the other side": (" age ,bmi\t\n1,2\n", ("age", "bmi")),
    "blanks that only Unicode knows": ("age\u00a0,\u2003bmi\n1,2\n", ("age", "bmi")),
    "quotes after a blank": ('age, "bmi"\n1,2\n', ("age", ' "bmi"')),
    "letters in parts": ("a\u0308ge,bmi\n1,2\n", ("\u00e4ge", "bmi")),
    "columns of one name": ("a,a,b\n1,2,3\n", ("a", "a.1", "b")),
    "columns of one name, and of its number": ("a,a,a.1\n1,2,3\n", ("a", "a.2", "a.1")),
    "a column without a name": (",b\n1,2\n", ("Unnamed: 0", "b")),
    "years": ("2024,2025\n1,2\n", ("2024", "2025")),
}


@pytest.mark.parametrize("name", NAMES)
def test_table_that_a_model_was_trained_on__is_matched_by_the_names_that_pandas_read(
    name: str,
) -> None:
    text, names = NAMES[name]
    count = len(names)
    frame = pd.read_csv(io.StringIO(text))
    if "parts" not in name and "other side" not in name and "Unicode" not in name:
        assert sorted(frame.columns) == sorted(names)
    signature = Signature(names, True, (100.0,) * count, ("risk",))
    (row,) = parse_table(text.encode(), signature, LIMITS)
    assert sorted(row) == [1.0, 2.0, 3.0][:count]
    if name != "columns of one name, and of its number":
        assert row == [1.0, 2.0, 3.0][:count]


def test_columns_to_leave_out__are_named_alike_too() -> None:
    raw = b",age , bmi\n0,1,2\n1,3,4\n"
    for drop in ("", "Unnamed: 0"):
        assert parse_table(raw, NAMED, LIMITS, drop=[drop]) == [[1.0, 2.0], [3.0, 4.0]]
    assert find_bounds(raw, LIMITS, drop=["", "bmi "]) == (3.0,)


def test_inputs_that_differ_by_blanks_alone__are_not_told_apart() -> None:
    signature = Signature(("age", " age"), True, (1.0, 1.0), ("risk",))
    with pytest.raises(BadTable, match="one column for two inputs"):
        parse_table(b"age\n1\n", signature, LIMITS)


CELLS = {
    "": "is missing",
    "  ": "is missing",
    "NaN": "is missing",
    "NA": "is missing",
    "null": "is missing",
    "inf": "is not finite",
    "-Infinity": "is not finite",
    "1e999": "is not finite",
    "twelve": "is no number",
    "1_000": "is no number",
    "1.000,5": "is no number",
    "0x10": "is no number",
    "1 2": "is no number",
    "\u0661": "is no number",
    "--1": "is no number",
    "=1+1": "is no number",
    "1;2": "is no number",
}


@pytest.mark.parametrize("cell", CELLS)
def test_cell_that_is_no_number__is_refused_by_row_and_column(cell: str) -> None:
    raw = f'age,bmi\n1,2\n3,"{cell}"\n'.encode()
    with pytest.raises(BadCell) as caught:
        parse_table(raw, NAMED, LIMITS, who="people.csv")
    assert str(caught.value).startswith(f"people.csv, row 2, column bmi: {CELLS[cell]}")
    if len(cell) > 3 and CELLS[cell] != "is missing":
        assert cell not in str(caught.value)  # what stands in the table is secret


TABLES = {
    b"": "has no header",
    b"\n1,2\n": "has no header",
    b"1,2\n3,4\n": "had a first line of numbers",
    b"age,bmi\n": "has no rows",
    b"age,bmi\n\n\n": "has no rows",
    b"age\n1\n": "had no column bmi",
    b"age,weight\n1,2\n": "had no column bmi",
    b"age,bmi,weight\n1,2,3\n": "had also weight; needed age, bmi. Leave columns out",
    b",age,bmi\n0,1,2\n": 'had also ""; needed age, bmi. Leave the column without a name, perhaps '
    'an index, out with --drop "".',
    b"AGE,Bmi\n1,2\n": "had no column age, bmi, but AGE, Bmi; needed age, bmi. Write the names as",
    b"age,bmi,age\n1,2,3\n": "has columns of one name; had age",
    b"4.711,M,4.711\n1,F,3\n": "has columns of one name; had a number",  # no header: inputs
    b"age;bmi\n1;2\n": "Separate with commas",
    b"age,bmi\n1,2,3\n": "row 1: has another number of cells; had 3; needed 2",
    b"age,bmi\n1,2\n3\n": "row 2: has another number of cells; had 1; needed 2",
    b"age,bmi\n1,2\n\n3,4\n": "row 2: has an empty line",
    b'age,bmi\n1,"2\n': "line 2: is not CSV",
    b'age,bmi\n1,"2"3\n': "line 2: is not CSV",
    b"age,bmi\n\xff,2\n": "is not UTF-8; had byte 8",
    b"age,bmi\n" + b"1" * 200_000 + b",2\n": "is not CSV; had field larger than field limit",
}


@pytest.mark.parametrize("raw", TABLES, ids=range(len(TABLES)))
def test_table_that_does_not_fit__is_refused_with_the_place(raw: bytes) -> None:
    with pytest.raises(BadTable, match=r"^people\.csv") as caught:
        parse_table(raw, NAMED, LIMITS, who="people.csv")
    assert TABLES[raw] in str(caught.value)


def test_table_with_another_number_of_columns_than_an_unnamed_model__is_refused() -> None:
    with pytest.raises(BadTable, match="had 3 columns; needed 2"):
        parse_table(b"a,b,c\n1,2,3\n", COUNTED, LIMITS)
    with pytest.raises(BadTable, match='perhaps an index, out with --drop ""'):
        parse_table(b",b,c\n1,2,3\n", COUNTED, LIMITS)


def test_table_with_more_rows_than_a_job_takes__is_refused() -> None:
    raw = b"age,bmi\n" + b"1,2\n" * LIMITS.rows
    assert len(parse_table(raw, NAMED, LIMITS)) == LIMITS.rows
    with pytest.raises(BadTable, match=f"too many rows for one batch; needed <= {LIMITS.rows}"):
        parse_table(raw + b"1,2\n", NAMED, LIMITS)


def test_table_that_is_too_large__is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_TABLE_BYTES", 11)
    assert parse_table(b"age,bmi\n1,2", NAMED, LIMITS) == [[1.0, 2.0]]
    with pytest.raises(BadTable, match="is too large; had 12; needed <= 11 bytes"):
        parse_table(b"age,bmi\n1,23", NAMED, LIMITS)


def test_table_with_too_many_columns__is_refused() -> None:
    raw = ",".join(f"c{i}" for i in range(table.MAX_COLUMNS + 1)).encode()
    with pytest.raises(BadTable, match="too many columns"):
        parse_table(raw, NAMED, LIMITS)


@given(st.binary(max_size=60))
def test_any_bytes__are_a_table_or_refused(raw: bytes) -> None:
    try:
        rows = parse_table(b"age,bmi\n" + raw, NAMED, LIMITS)
    except BadTable:
        return
    assert all(len(row) == 2 for row in rows)


def test_bounds_of_a_table__are_its_largest_magnitudes() -> None:
    assert find_bounds(b"a,id,b\n1,x,-5\n-3,y,2\n", LIMITS, drop=["id"]) == (3.0, 5.0)


def test_answers_of_a_regressor__are_written_with_every_digit() -> None:
    answers = [Answer((0.1 + 0.2,), None, True), Answer((-1e-9,), None, True)]
    text = format_answers(NAMED, answers)
    assert text == "row,risk\n1,0.30000000000000004\n2,-1e-09\n"


def test_answers_of_a_classifier__have_label_and_whether_it_is_sure() -> None:
    signature = Signature(
        ("x",), False, (1.0,), ("score a", "score b"), Decision.LARGEST, ('say "a"', "b,c")
    )
    answers = [Answer((1.0, 0.5), 'say "a"', True), Answer((0.5, 0.5), "b,c", False)]
    read = list(csv.reader(io.StringIO(format_answers(signature, answers))))
    assert read == [
        ["row", "label", "sure", "score a", "score b"],
        ["1", 'say "a"', "yes", "1.0", "0.5"],
        ["2", "b,c", "no", "0.5", "0.5"],
    ]
