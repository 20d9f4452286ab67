"""Every implementation of F_q computes what the definition says, and refuses what it refuses."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.offchain.crypto.elements import EDGES, elements, seeded, vectors

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic, Evaluator, MonomialTable
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, NotAnElement, Q, WrongLength
from edgemark.crypto.field.plain import PlainArithmetic, quadratic_terms
from edgemark.crypto.polynomial import SparsePolynomial
from edgemark.errors import RefusedInput

PLAIN = PlainArithmetic()
NOT_ELEMENT = Q.to_bytes(ELEMENT_BYTES, "big")
ONE = FIELD.pack([1])

# The fixture holds no state, so that one of it serves all examples.
each_example = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_native_kernel__where_a_compiler_is__is_there() -> None:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    headers = Path(sysconfig.get_path("include"), "Python.h").is_file()
    assert "native/portable-128" in kernel.available() or not (compiler and headers)


def test_python_kernel__is_always_there() -> None:
    assert kernel.available()[-1] == "python"


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
def test_every_pair_of_edges__is_as_defined(arithmetic: Arithmetic, operation: str) -> None:
    left = FIELD.pack(a for a in EDGES for _ in EDGES)
    right = FIELD.pack(b for _ in EDGES for b in EDGES)
    expected = {
        "add": [(a + b) % Q for a in EDGES for b in EDGES],
        "subtract": [(a - b) % Q for a in EDGES for b in EDGES],
        "multiply": [a * b % Q for a in EDGES for b in EDGES],
    }[operation]
    assert FIELD.unpack(getattr(arithmetic, operation)(left, right)) == expected


@each_example
@given(a=vectors(5), b=vectors(5), scalar=elements)
def test_elementwise__equals_plain(arithmetic: Arithmetic, a: bytes, b: bytes, scalar: int) -> None:
    assert arithmetic.add(a, b) == PLAIN.add(a, b)
    assert arithmetic.subtract(a, b) == PLAIN.subtract(a, b)
    assert arithmetic.multiply(a, b) == PLAIN.multiply(a, b)
    assert arithmetic.scale(a, scalar) == PLAIN.scale(a, scalar)


MOST_DRAWN = 255 * Q  # the largest multiple of q in 17 bytes
drawn_numbers = st.one_of(
    st.integers(0, 2**136 - 1),
    st.builds(lambda high, low: high << 128 | low, st.integers(0, 255), st.integers(0, 2**14)),
    st.builds(lambda part, off: max(0, part * Q + off), st.integers(0, 255), st.integers(-2, 2)),
    st.sampled_from([MOST_DRAWN - 1, MOST_DRAWN, 2**136 - 1]),
)


@each_example
@given(numbers=st.lists(drawn_numbers, max_size=9))
def test_select__reduces_what_is_below_the_largest_multiple(
    arithmetic: Arithmetic, numbers: list[int]
) -> None:
    drawn = b"".join(number.to_bytes(ELEMENT_BYTES, "big") for number in numbers)
    kept = FIELD.pack(number % Q for number in numbers if number < MOST_DRAWN)
    assert arithmetic.select(drawn) == kept == PLAIN.select(drawn)


@each_example
@given(
    data=st.data(),
    rows=st.integers(0, 4),
    count=st.integers(1, 5),
    width=st.sampled_from([0, 1, 3, 7, 8, 9, 17]),
)
def test_combine__equals_plain(
    arithmetic: Arithmetic, data: st.DataObject, rows: int, count: int, width: int
) -> None:
    matrix, values = data.draw(vectors(rows * count)), data.draw(vectors(count * width))
    assert arithmetic.combine(matrix, values, count) == PLAIN.combine(matrix, values, count)


def test_combine__of_many_largest_elements__carries_right(arithmetic: Arithmetic) -> None:
    count = 3000
    for number, width in product((2**128 - 1, 2**128, Q - 1), (1, 9)):
        row, columns = FIELD.pack([number] * count), FIELD.pack([number] * count * width)
        sums = FIELD.unpack(arithmetic.combine(row, columns, count))
        assert sums == [count * number * number % Q] * width


@each_example
@given(data=st.data(), length=st.sampled_from([1, 2, 7, 8, 9, 17]), degree=st.integers(0, 4))
def test_share__equals_plain(
    arithmetic: Arithmetic, data: st.DataObject, length: int, degree: int
) -> None:
    secret, coefficients = data.draw(vectors(length)), data.draw(vectors(length * degree))
    points = data.draw(st.lists(elements, max_size=4))
    shares = arithmetic.share(secret, coefficients, points)
    assert shares == PLAIN.share(secret, coefficients, points)


@each_example
@given(
    data=st.data(),
    inputs=st.integers(1, 5),
    outputs=st.integers(1, 3),
    batch=st.sampled_from([0, 1, 2, 7, 8, 33]),
)
def test_quadratic__equals_plain(
    arithmetic: Arithmetic, data: st.DataObject, inputs: int, outputs: int, batch: int
) -> None:
    coefficients = data.draw(vectors(outputs * quadratic_terms(inputs)))
    some = data.draw(vectors(inputs))
    x = (some + seeded(batch).elements(batch * inputs))[: batch * inputs * ELEMENT_BYTES]
    fast = arithmetic.prepare_quadratic(coefficients, inputs, outputs).evaluate(x)
    assert fast == PLAIN.prepare_quadratic(coefficients, inputs, outputs).evaluate(x)


# With the constant 8, 16, 17, 24, 25 and 34 columns: one to five strips of 8, the last full or not.
@each_example
@given(
    data=st.data(),
    inputs=st.sampled_from([7, 15, 16, 23, 24, 33]),
    outputs=st.integers(1, 2),
    batch=st.integers(1, 3),
)
def test_quadratic_of_several_strips__equals_plain(
    arithmetic: Arithmetic, data: st.DataObject, inputs: int, outputs: int, batch: int
) -> None:
    edges, draw = data.draw(vectors(inputs)), seeded(data.draw(st.integers(0, 2**32)))
    some = edges + draw.elements(outputs * quadratic_terms(inputs))
    coefficients = some[: outputs * quadratic_terms(inputs) * ELEMENT_BYTES]
    x = (edges + draw.elements(batch * inputs))[: batch * inputs * ELEMENT_BYTES]
    fast = arithmetic.prepare_quadratic(coefficients, inputs, outputs).evaluate(x)
    assert fast == PLAIN.prepare_quadratic(coefficients, inputs, outputs).evaluate(x)


@pytest.mark.parametrize("number", [2**128 - 1, 2**128, Q - 1])
def test_quadratic__of_largest_elements__carries_right(arithmetic: Arithmetic, number: int) -> None:
    inputs = 300
    function = arithmetic.prepare_quadratic(
        FIELD.pack([number] * quadratic_terms(inputs)), inputs, 1
    )
    x = FIELD.pack([number] * inputs)
    # number * (1 + k number + k(k+1)/2 number^2)
    total = number * (1 + inputs * number + inputs * (inputs + 1) // 2 * number**2) % Q
    assert FIELD.unpack(function.evaluate(x * 9)) == [total] * 9


monomials = st.lists(st.integers(0, 3), max_size=9).map(lambda numbers: tuple(sorted(numbers)))


@each_example
@given(
    terms=st.dictionaries(monomials, st.tuples(elements, elements), max_size=12),
    x=vectors(12),
)
def test_sparse__equals_plain_and_its_own_formula(
    arithmetic: Arithmetic, terms: dict[tuple[int, ...], tuple[int, int]], x: bytes
) -> None:
    function = SparsePolynomial.from_terms(4, 2, terms)
    expected = []
    for start in range(0, 12, 4):
        row = FIELD.unpack(x)[start : start + 4]
        for output in range(2):
            total = 0
            for monomial, coefficients in terms.items():
                product = coefficients[output]
                for variable in monomial:
                    product = product * row[variable] % Q
                total += product
            expected.append(total % Q)
    assert FIELD.unpack(function.evaluate(x, arithmetic)) == expected
    assert function.evaluate(x, PLAIN) == FIELD.pack(expected)


CALLS_WITH_A_BAD_ELEMENT: list[Callable[[Arithmetic], object]] = [
    lambda a: a.check(NOT_ELEMENT),
    lambda a: a.check(b"\x02" + bytes(16)),
    lambda a: a.add(NOT_ELEMENT, ONE),
    lambda a: a.subtract(ONE, NOT_ELEMENT),
    lambda a: a.multiply(ONE, NOT_ELEMENT),
    lambda a: a.scale(NOT_ELEMENT, 1),
    lambda a: a.scale(ONE, Q),
    lambda a: a.scale(ONE, -1),
    lambda a: a.combine(NOT_ELEMENT, ONE, 1),
    lambda a: a.combine(ONE, NOT_ELEMENT, 1),
    lambda a: a.share(NOT_ELEMENT, ONE, [1]),
    lambda a: a.share(ONE, NOT_ELEMENT, [1]),
    lambda a: a.share(ONE, ONE, [Q]),
    lambda a: a.prepare_quadratic(NOT_ELEMENT + ONE + ONE, 1, 1),
    lambda a: a.prepare_quadratic(ONE * 3, 1, 1).evaluate(NOT_ELEMENT),
    lambda a: a.prepare_quadratic(ONE * 3, 1, 1).evaluate(ONE * 9 + NOT_ELEMENT),
    lambda a: a.prepare_sparse(MonomialTable(1, 1, b"\0", b"", NOT_ELEMENT)),
    lambda a: a.prepare_sparse(MonomialTable(1, 1, b"\0", b"", ONE)).evaluate(NOT_ELEMENT),
]


@pytest.mark.parametrize("call", CALLS_WITH_A_BAD_ELEMENT)
def test_number_of_q_or_more__is_refused(
    arithmetic: Arithmetic, call: Callable[[Arithmetic], object]
) -> None:
    with pytest.raises(NotAnElement):
        call(arithmetic)


CALLS_OF_WRONG_LENGTH: list[Callable[[Arithmetic], object]] = [
    lambda a: a.check(ONE[:-1]),
    lambda a: a.check(ONE, count=2),
    lambda a: a.add(ONE, ONE + ONE),
    lambda a: a.subtract(ONE + b"\0", ONE),
    lambda a: a.multiply(b"", ONE),
    lambda a: a.scale(ONE[1:], 1),
    lambda a: a.select(ONE[1:]),
    lambda a: a.combine(ONE * 3, ONE * 2, 2),
    lambda a: a.combine(ONE * 2, ONE * 3, 2),
    lambda a: a.combine(ONE, ONE, 0),
    lambda a: a.share(b"", b"", [1]),
    lambda a: a.share(ONE * 2, ONE * 3, [1]),
    lambda a: a.prepare_quadratic(ONE * 4, 1, 1),
    lambda a: a.prepare_quadratic(ONE * 6, 2, 1).evaluate(ONE * 3),
    lambda a: a.prepare_sparse(MonomialTable(1, 1, b"\1", b"", ONE)),
    lambda a: a.prepare_sparse(MonomialTable(1, 1, b"\1", b"\0\1\1", ONE)),
    lambda a: a.prepare_sparse(MonomialTable(1, 1, b"\1", b"\0\0\0", ONE)),
    lambda a: a.survey(MonomialTable(1, 1, b"\1", b"", ONE)),
    lambda a: a.survey(MonomialTable(1, 2, b"\0", b"", ONE)),
    lambda a: a.prepare_sparse(MonomialTable(1, 2, b"\0", b"", ONE)),
    lambda a: a.prepare_sparse(MonomialTable(2, 1, b"\1", b"\0\1\1", ONE)).evaluate(ONE),
]


@pytest.mark.parametrize("call", CALLS_OF_WRONG_LENGTH)
def test_vector_of_another_length__is_refused(
    arithmetic: Arithmetic, call: Callable[[Arithmetic], object]
) -> None:
    with pytest.raises(WrongLength):
        call(arithmetic)


def test_prepared_function__used_by_several_threads__answers_all_alike(
    arithmetic: Arithmetic,
) -> None:
    draw = seeded("threads")
    function = arithmetic.prepare_quadratic(draw.elements(4 * quadratic_terms(20)), 20, 4)
    x = draw.elements(20 * 9)
    answers: list[bytes] = []
    workers = [
        threading.Thread(target=lambda: answers.append(function.evaluate(x))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 4
    assert len(set(answers)) == 1


def test_load__unknown_name__is_refused() -> None:
    for name in ("fastest", "native/abacus", "native/", "flint/portable-128", ""):
        with pytest.raises(RefusedInput) as caught:
            kernel.load(name)
        assert "native or flint or python" in str(caught.value)


@pytest.fixture
def chosen_anew() -> Iterator[None]:
    """No kernel is in use yet, and none is afterwards."""
    kernel.active.cache_clear()
    yield
    kernel.active.cache_clear()


@pytest.mark.parametrize("name", kernel.available())
@pytest.mark.usefixtures("chosen_anew")
def test_environment__chooses_the_kernel(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(kernel.ENVIRONMENT_VARIABLE, name)
    assert kernel.path() == kernel.load(name).name
    assert kernel.path().startswith(name)


@pytest.mark.usefixtures("chosen_anew")
def test_environment__unknown_kernel__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel.ENVIRONMENT_VARIABLE, "abacus")
    with pytest.raises(RefusedInput):
        kernel.active()


def test_without_native_and_flint__plain_python_serves() -> None:
    program = (
        "import sys\n"
        "sys.modules['edgemark.crypto._native._kernel'] = None\n"
        "sys.modules['flint'] = None\n"
        "from edgemark.crypto.field import kernel\n"
        "from edgemark.errors import RefusedInput\n"
        "assert kernel.available() == ['python'], kernel.available()\n"
        "assert kernel.path() == 'python'\n"
        "try:\n"
        "    kernel.load('native')\n"
        "except RefusedInput as error:\n"
        "    assert 'not installed' in str(error)\n"
        "else:\n"
        "    raise SystemExit('a kernel that is not there was loaded')\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != kernel.ENVIRONMENT_VARIABLE}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


class Mallinfo(ctypes.Structure):
    """What glibc says of the heap of this process."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def memory_in_use() -> int:
    """Bytes that are allocated now; the most that there ever were would hide a small leak."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo
    found = mallinfo2()
    return found.uordblks + found.hblkhd


def test_functions_and_refused_calls__give_their_memory_back(arithmetic: Arithmetic) -> None:
    inputs, rounds = 200, 8
    coefficients = ONE * quadratic_terms(inputs)  # 0.35 MB, more once it is prepared
    wide = ONE * 20_000

    def leave(kept: deque[Evaluator]) -> int:
        """What is in use after as many rounds more than before them."""
        before = memory_in_use()
        for _ in range(rounds):
            kept.append(arithmetic.prepare_quadratic(coefficients, inputs, 1))
            kept[-1].evaluate(ONE * inputs)
            with pytest.raises(NotAnElement):
                arithmetic.check(wide + NOT_ELEMENT)
        return memory_in_use() - before

    leak = rounds * len(coefficients) / 4  # Python keeps half a coefficient's bytes, kernels more
    one = arithmetic.prepare_quadratic(coefficients, inputs, 1)
    assert leave(deque([one], maxlen=1)) < leak
    assert leave(deque()) > leak  # a planted leak is seen
