"""What is asked before a job, and who is chosen: pure."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens
from edgemark.systems.outsourcing.limits import MAX_SMALL_BYTES
from edgemark.systems.outsourcing.offline.drafting import check_named
from edgemark.systems.outsourcing.steps.inquire import (
    MOST_NAMED,
    Candidate,
    Inquiry,
    Readiness,
    choose,
    find_barred,
)

ORDER = cast.small_order()
INQUIRY = Inquiry(ORDER.terms)
READY = Readiness(Tokens(1003), 3, 256, 3600, 600, 2**29, has_function=True)
ACCOUNTS = [Address(f"0x{number:040x}") for number in range(1, 300)]
CANDIDATES = st.lists(
    st.builds(Candidate, st.sampled_from(ACCOUNTS[:40]), st.sampled_from(ACCOUNTS[:9])),
    unique_by=lambda one: one.account,
)


@given(
    least_fee=st.integers(0, 2**96 - 1).map(Tokens),
    numbers=st.tuples(*[st.integers(0, 2**32 - 1)] * 4),
    most=st.integers(0, 2**64 - 1),
    has_function=st.booleans(),
)
def test_from_wire__of_every_readiness__gives_the_same(
    least_fee: Tokens, numbers: tuple[int, int, int, int], most: int, has_function: bool
) -> None:
    ready = Readiness(least_fee, *numbers, most, has_function=has_function)
    assert Readiness.from_wire(ready.to_wire()) == ready


@pytest.mark.parametrize("message", [INQUIRY, Inquiry(), READY])
def test_from_wire__cut_or_longer_or_changed__is_refused_or_another(
    message: Inquiry | Readiness,
) -> None:
    wire, kind = message.to_wire(), type(message)
    assert kind.from_wire(wire) == message
    assert len(wire) <= MAX_SMALL_BYTES
    for length in range(len(wire)):
        with pytest.raises(MalformedMessage):
            kind.from_wire(wire[:length])
    with pytest.raises(MalformedMessage):
        kind.from_wire(wire + b"\0")
    for place in range(len(wire)):
        changed = wire[:place] + bytes([wire[place] ^ 0x81]) + wire[place + 1 :]
        try:
            assert kind.from_wire(changed) != message
        except MalformedMessage:
            continue


def test_an_inquiry__has_the_terms_and_nothing_else() -> None:
    """Law 1: whoever is asked gets no byte of a share, and no key that is used later."""
    assert {item.name for item in fields(Inquiry)} == {"terms"}
    wire = INQUIRY.to_wire()
    for task in ORDER.tasks:
        assert task.share not in wire
    assert ORDER.job not in wire
    assert ORDER.job_secret not in wire


def test_a_readiness__that_wants_a_higher_fee__is_a_contradiction() -> None:
    READY.check_fee(1003, who="node")
    with pytest.raises(RefusedInput, match="fee too low"):
        READY.check_fee(1002, who="node")


@given(willing=CANDIDATES, count=st.integers(1, 10))
def test_choose__takes_who_stands_earlier_and_no_provider_twice(
    willing: list[Candidate], count: int
) -> None:
    chosen = choose(willing, count)
    providers = [one.provider for one in chosen]
    assert len(set(providers)) == len(providers) <= count
    assert len(chosen) == min(count, len({one.provider for one in willing}))
    assert chosen == sorted(chosen, key=willing.index)
    last = willing.index(chosen[-1]) if len(chosen) == count else len(willing)
    assert all(one in chosen or one.provider in providers for one in willing[:last])


@given(willing=CANDIDATES, at=st.integers(0, 40), count=st.integers(1, 10))
def test_choose__again_with_those_that_answered_later__is_as_if_all_had_answered_at_once(
    willing: list[Candidate], at: int, count: int
) -> None:
    assert choose([*choose(willing[:at], count), *willing[at:]], count) == choose(willing, count)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ""),
        ({"is_node": False}, "is no compute node"),
        ({"is_good": False}, "is not in good standing"),
        ({"provider": ACCOUNTS[1]}, "works for a judge's provider"),
    ],
)
def test_who_the_contract_would_not_take__is_not_asked(
    changed: dict[str, object], words: str
) -> None:
    usual = {"is_node": True, "is_good": True, "provider": ACCOUNTS[0]}
    found = find_barred(**{**usual, **changed}, judges_providers={ACCOUNTS[1]})  # type: ignore[arg-type]
    assert found == words


@pytest.mark.parametrize("count", [5, 6, MOST_NAMED])
def test_check_named__of_m_or_more__takes_them(count: int) -> None:
    check_named(ACCOUNTS[:count], 5)


@pytest.mark.parametrize("count", [0, 4, MOST_NAMED + 1])
def test_check_named__of_too_few_or_too_many__is_refused(count: int) -> None:
    with pytest.raises(RefusedInput, match=f"had {count}; needed 5, or up to 256"):
        check_named(ACCOUNTS[:count], 5)


def test_check_named__of_one_twice__is_refused() -> None:
    with pytest.raises(RefusedInput, match="named twice"):
        check_named([*ACCOUNTS[:6], ACCOUNTS[0]], 5)


def test_an_inquiry_without_terms__is_one_byte() -> None:
    assert Inquiry().to_wire() == b"\0"
    assert replace(INQUIRY, terms=None) == Inquiry()
