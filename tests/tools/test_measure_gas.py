"""Gas is what the committed file says, for every function, and the page shows the file."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
from tools.gas_lab import key_of, open_lab
from tools.gas_market import LARGEST, SMALL, Size
from tools.measure_gas import (
    FILE,
    HARDFORKS,
    PAGE,
    REMEDY,
    STEP,
    Gas,
    compare,
    find_unmeasured,
    honest_job,
    load,
    main,
    make_page,
    measure,
)

from edgemark.cli.catalogue import CONTRACTS

pytestmark = [pytest.mark.lasts(17), pytest.mark.patient]

MOST_GAS = 8_000_000  # of any call, at the largest sizes that the contracts take


@pytest.fixture(
    scope="module",
    params=[
        HARDFORKS[-1],
        *(pytest.param(each, marks=pytest.mark.soak) for each in HARDFORKS[:-1]),
    ],
)
def hardfork(request: pytest.FixtureRequest) -> str:
    """The newest; what was before it is measured by `make soak`."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def measured(hardfork: str) -> Gas:
    return measure([hardfork])


def load_of(hardfork: str) -> Gas:
    """The file's figures of one hard fork."""
    return {
        function: {case: {hardfork: used[hardfork]} for case, used in cases.items()}
        for function, cases in load().items()
    }


@pytest.mark.chain
def test_gas__of_every_function__is_not_above_the_file(measured: Gas, hardfork: str) -> None:
    differences = compare(load_of(hardfork), measured)
    for better in (each for each in differences if not each.is_failure):
        warnings.warn(f"uses less gas than the file says: {better}. {REMEDY}", stacklevel=1)
    worse = [str(each) for each in differences if each.is_failure]
    assert worse == [], REMEDY


@pytest.mark.chain
def test_every_function_of_the_contracts__is_measured(measured: Gas) -> None:
    assert find_unmeasured(measured) == [], STEP


def test_every_function_of_the_contracts__is_in_the_file() -> None:
    assert find_unmeasured(load()) == [], STEP


def test_a_function_without_a_step__is_told_where_its_step_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = {name: cases for name, cases in load().items() if name != "MetaCoin.transfer"}
    monkeypatch.setattr("tools.measure_gas.measure", lambda: measured)
    assert main([]) == 1
    printed = capsys.readouterr().out
    assert "MetaCoin.transfer: no step calls it. Add a step to tools/gas_of_NAME.py" in printed


def test_every_call__at_the_largest_sizes__fits_a_block_several_times() -> None:
    most = {
        f"{function} ({case})": max(used.values())
        for function, cases in load().items()
        if not function.endswith(".constructor")
        for case, used in cases.items()
    }
    assert {place: gas for place, gas in most.items() if gas > MOST_GAS} == {}
    assert any("m = 64" in place for place in most)


@pytest.mark.parametrize(("size", "most"), [(SMALL, 1_250_000), (LARGEST, 9_000_000)])
def test_honest_job__of_everybody_together__stays_below_its_target(size: Size, most: int) -> None:
    for hardfork in HARDFORKS:
        assert honest_job(load(), size, hardfork) <= most


def test_page__shows_the_file() -> None:
    assert PAGE.read_text() == make_page(load()), "run `make gas`"


SOME: Gas = {"Token.move": {"first": {"prague": 10_000, "osaka": 20_000}}}


def changed(gas: int) -> Gas:
    other = copy.deepcopy(SOME)
    other["Token.move"]["first"]["osaka"] = gas
    return other


@pytest.mark.parametrize("gas", [19_600, 20_000, 20_400])
def test_compare__within_two_percent__is_the_same(gas: int) -> None:
    assert compare(SOME, changed(gas)) == []


def test_compare__more_than_two_percent_above__fails_and_says_by_how_much() -> None:
    (worse,) = compare(SOME, changed(20_401))
    assert worse.is_failure
    assert str(worse) == "Token.move (first), osaka: 20000 -> 20401 (+2.0%)"


def test_compare__more_than_two_percent_below__is_told_and_no_failure() -> None:
    (better,) = compare(SOME, changed(19_599))
    assert not better.is_failure
    assert "(-2.0%)" in str(better)


def test_compare__a_case_without_its_like__fails() -> None:
    more = {**SOME, "Token.stop": {"": {"prague": 1}}}
    (new,), (gone,) = compare(SOME, more), compare(more, SOME)
    assert new.is_failure
    assert gone.is_failure
    assert str(new) == "Token.stop, prague: not in the file, uses 1"
    assert str(gone) == "Token.stop, prague: in the file, not measured"


def test_find_unmeasured__of_a_file_without_a_function__names_it() -> None:
    without = {name: cases for name, cases in load().items() if name != "JobSettlement.collect"}
    assert find_unmeasured(without) == ["JobSettlement.collect"]
    assert len(find_unmeasured({})) > len(CONTRACTS)


def test_file__has_every_hard_fork_in_every_row() -> None:
    assert FILE.exists()
    rows = [used for cases in load().values() for used in cases.values()]
    assert {tuple(used) for used in rows} == {HARDFORKS}


@pytest.mark.chain
def test_send__whose_answer_was_lost__counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_lab(tmp_path, "prague") as lab:
        ask = lab.chain.rpc

        def ask_twice(method: str, *params: object) -> Any:
            if method == "eth_sendTransactionSync":
                ask(method, *params)  # the answer is lost, so the request is sent again
            return ask(method, *params)

        # A connection cannot be made to break at this moment at will.
        monkeypatch.setattr(lab.chain, "rpc", ask_twice)
        judges = [key_of(f"judge {j}").address for j in range(1, 5)]
        made = lab.make("lost", key_of("owner"), "EnclaveManager", judges)
        assert made.block == 1
        assert int(ask("eth_blockNumber"), 16) == 1
