"""Policies: text, bytes, who satisfies them, and the least sets of organisations that do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import policy_pb2
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.fabric.faults import MessageMalformed, PolicyRefused
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENDORSEMENTS,
    MAX_LEAST_SETS,
    MAX_ORGANISATIONS,
    MAX_POLICY_DEPTH,
    MAX_POLICY_RULES,
    MAX_POLICY_TEXT,
)
from edgemark.ledger.fabric.wire.policy.policies import (
    ENDORSEMENT,
    OfChannel,
    OutOf,
    Role,
    Rule,
    SignedBy,
    check_size,
    is_satisfied,
    least_sets,
    majority_of,
    make_policy,
    organisations_of,
    parse_policy,
    resolve,
)
from edgemark.ledger.fabric.wire.policy.texts import (
    describe_policy,
    parse_policy_text,
    parse_policy_words,
    write_policy,
)

ORGANISATIONS = ("Org1MSP", "Org2MSP", "Org3MSP")
LEAVES = st.builds(SignedBy, st.sampled_from(ORGANISATIONS), st.sampled_from(Role))


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> OutOf:
    rules = st.lists(LEAVES if depth == 1 else LEAVES | trees(depth - 1), min_size=1, max_size=3)
    found = draw(rules)
    return OutOf(draw(st.integers(1, len(found))), tuple(found))


@dataclass(frozen=True)
class Somebody:
    msp_id: str
    role: str


def peers(*msp_ids: str) -> list[Somebody]:
    return [Somebody(each, "peer") for each in msp_ids]


@given(trees())
def test_policy__comes_back_from_its_text_and_its_bytes(rule: OutOf) -> None:
    assert parse_policy_text(write_policy(rule)) == rule
    assert parse_policy(make_policy(rule)) == rule


def test_text__is_read_as_fabric_reads_it() -> None:
    rule = parse_policy_text("""or ("Org1MSP.peer",OutOf(2, 'Org2MSP.member' , 'a-b.c.admin'))""")
    assert rule == OutOf(
        1,
        (
            SignedBy("Org1MSP", Role.PEER),
            OutOf(2, (SignedBy("Org2MSP", Role.MEMBER), SignedBy("a-b.c", Role.ADMIN))),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'Org1MSP.peer'",
        "AND()",
        "AND('Org1MSP.peer'",
        "AND('Org1MSP.peer',)",
        "AND('Org1MSP.peer') OR('Org1MSP.peer')",
        "NOT('Org1MSP.peer')",
        "AND('Org1MSP.judge')",
        "AND('.peer')",
        "AND(Org1MSP.peer)",
        "AND('Org1MSP.peer'; 'Org2MSP.peer')",
        "OutOf('Org1MSP.peer')",
        "OutOf(0, 'Org1MSP.peer')",
        "OutOf(2, 'Org1MSP.peer')",
        "OutOf(1.5, 'Org1MSP.peer')",
        "OutOf(9999999, 'Org1MSP.peer')",
        f"AND('{'x' * 65}.peer')",
        "AND('Org1\u00e4MSP.peer')",
    ],
)
def test_text_that_is_no_policy__is_refused_with_what_was_there(text: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        parse_policy_text(text)
    assert refused.value.needed


@given(st.text(max_size=40) | st.text("ANDORoutf'(), .12peer", max_size=40))
def test_any_text__is_a_policy_or_refused_typed(text: str) -> None:
    try:
        rule = parse_policy_text(text)
    except PolicyRefused:
        return
    assert parse_policy_text(write_policy(rule)) == rule


@given(st.binary(max_size=80))
def test_any_bytes__are_a_policy_or_refused_typed(raw: bytes) -> None:
    try:
        parse_policy(raw)
    except (MessageMalformed, PolicyRefused):
        return


def nest(depth: int) -> Rule:
    rule: Rule = SignedBy("Org1MSP", Role.PEER)
    for _ in range(depth - 1):
        rule = OutOf(1, (rule,))
    return rule


def test_largest_trees__are_taken__and_larger_ones_are_refused() -> None:
    deepest = nest(MAX_POLICY_DEPTH)
    assert parse_policy(make_policy(deepest)) == deepest == parse_policy_text(write_policy(deepest))
    with pytest.raises(PolicyRefused):
        make_policy(nest(MAX_POLICY_DEPTH + 1))
    with pytest.raises(PolicyRefused):
        parse_policy_text(write_policy(nest(MAX_POLICY_DEPTH + 1)))
    leaves = tuple(SignedBy(f"Org{each}MSP", Role.PEER) for each in range(MAX_POLICY_RULES))
    broadest = OutOf(MAX_POLICY_RULES - 1, leaves[:-1])
    assert parse_policy(make_policy(broadest)) == broadest
    with pytest.raises(PolicyRefused):
        make_policy(OutOf(1, leaves))
    with pytest.raises(PolicyRefused):
        parse_policy_text("OR('Org1MSP.peer'" + " " * MAX_POLICY_TEXT + ")")


def test_bytes_deeper_than_trees_may_be__are_refused() -> None:
    message = policies_pb2.SignaturePolicyEnvelope()
    message.identities.add(
        principal=msp_principal_pb2.MSPRole(msp_identifier="a").SerializeToString()
    )
    rule = message.rule
    for _ in range(MAX_POLICY_DEPTH):
        rule.n_out_of.n = 1
        rule = rule.n_out_of.rules.add()
    rule.signed_by = 0
    raw = policy_pb2.ApplicationPolicy(signature_policy=message).SerializeToString()
    with pytest.raises(PolicyRefused):
        parse_policy(raw)


@pytest.mark.parametrize(("needed", "signed_by"), [(0, 0), (2, 0), (1, 1), (1, -1)])
def test_bytes_that_contradict_themselves__are_refused(needed: int, signed_by: int) -> None:
    message = policies_pb2.SignaturePolicyEnvelope()
    message.identities.add(
        principal=msp_principal_pb2.MSPRole(msp_identifier="a").SerializeToString()
    )
    message.rule.n_out_of.n = needed
    message.rule.n_out_of.rules.add(signed_by=signed_by)
    raw = policy_pb2.ApplicationPolicy(signature_policy=message).SerializeToString()
    with pytest.raises(PolicyRefused):
        parse_policy(raw)


def test_each_endorser__stands_for_one_leaf() -> None:
    both = parse_policy_text("AND('Org1MSP.peer', 'Org1MSP.member')")
    assert not is_satisfied(both, peers("Org1MSP"))
    assert is_satisfied(both, peers("Org1MSP", "Org1MSP"))


def test_leaves__are_filled_from_left_to_right__and_nothing_is_tried_again() -> None:
    client = Somebody("Org1MSP", "client")
    peer = Somebody("Org1MSP", "peer")
    rule = parse_policy_text("AND('Org1MSP.member', 'Org1MSP.peer')")
    assert is_satisfied(rule, [client, peer])
    assert not is_satisfied(rule, [peer, client])


def test_branch_that_is_not_satisfied__uses_nobody() -> None:
    rule = parse_policy_text("OR(AND('Org1MSP.peer', 'Org2MSP.peer'), AND('Org1MSP.peer'))")
    assert is_satisfied(rule, peers("Org1MSP"))


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_default__is_more_than_half_of_the_organisations(count: int, needed: int) -> None:
    names = [f"Org{each}MSP" for each in range(count)]
    rule = resolve(parse_policy(make_policy(ENDORSEMENT)), names)
    assert is_satisfied(rule, peers(*names[:needed]))
    assert not is_satisfied(rule, peers(*names[: needed - 1]))
    assert not is_satisfied(rule, [Somebody(each, "client") for each in names])


def test_policy_of_the_channel_that_it_has_not__is_refused() -> None:
    with pytest.raises(PolicyRefused):
        resolve(OfChannel("/Channel/Application/Judges"), ORGANISATIONS)
    with pytest.raises(PolicyRefused):
        resolve(ENDORSEMENT, ())


@given(trees(), st.sets(st.sampled_from(ORGANISATIONS)))
def test_least_sets__are_exactly_those_that_trying_all_sets_finds(
    rule: OutOf, available: set[str]
) -> None:
    tried: list[frozenset[str]] = []
    for size in range(len(available) + 1):
        for some in combinations(sorted(available), size):
            if is_satisfied(rule, peers(*some)) and not any(set(one) <= set(some) for one in tried):
                tried.append(frozenset(some))
    assert set(least_sets(rule, available)) == set(tried)
    assert all(each <= organisations_of(rule) for each in tried)


def test_least_sets__of_the_largest_channel__are_found_at_once() -> None:
    names = [f"Org{each:02}MSP" for each in range(MAX_ORGANISATIONS)]
    found = least_sets(majority_of(names), names)
    assert len(found) == MAX_LEAST_SETS
    assert {len(each) for each in found} == {MAX_ORGANISATIONS // 2 + 1}
    assert least_sets(majority_of(names), names[: MAX_ORGANISATIONS // 2]) == ()


def hard_policies() -> dict[str, Rule]:
    """Trees whose leaves can be combined in more ways than anybody can try."""
    peer = SignedBy("Org1MSP", Role.PEER)
    others = [SignedBy(f"Org{each:02}MSP", Role.PEER) for each in range(2 * MAX_ORGANISATIONS)]
    twelve = OutOf(5, tuple(others[:12]))
    return {
        "equal leaves": OutOf(12, (peer,) * 24),
        "all equal": OutOf(MAX_POLICY_RULES // 2, (peer,) * (MAX_POLICY_RULES - 1)),
        "equal branches": OutOf(9, (twelve,) * 19),
        "two alike": OutOf(20, (*others, *reversed(others))),
        "nested": OutOf(2, tuple(OutOf(3, (twelve,) * 5) for _ in range(3))),
        "wide": OutOf(4, tuple(OutOf(4, tuple(others[k : k + 8])) for k in range(0, 25, 1))),
    }


@pytest.mark.parametrize("name", hard_policies())
def test_least_sets__of_trees_with_endless_ways__end_soon_and_satisfy(name: str) -> None:
    rule = hard_policies()[name]
    check_size(rule)
    began = time.process_time()
    found = least_sets(rule, organisations_of(rule))
    assert time.process_time() - began < 5
    assert all(is_satisfied(rule, peers(*sorted(each))) for each in found)
    assert bool(found) == (name in ("two alike", "wide"))


def test_largest_tree__is_evaluated_at_once() -> None:
    leaves = tuple(SignedBy(f"Org{each}MSP", Role.PEER) for each in range(MAX_POLICY_RULES - 1))
    endorsers = peers(*(f"Org{each}MSP" for each in range(MAX_ENDORSEMENTS)))
    began = time.process_time()
    assert is_satisfied(OutOf(MAX_ENDORSEMENTS, leaves), endorsers)
    assert time.process_time() - began < 1


def test_a_policy_in_words__is_read_back_whatever_it_is() -> None:
    assert parse_policy_words("Majority") == ENDORSEMENT
    for words in ("majority", "OR('A.peer', 'B.member')", "OutOf(2, 'A.peer', 'B.peer', 'C.peer')"):
        assert describe_policy(make_policy(parse_policy_words(words))) == words
    assert describe_policy(make_policy(OfChannel("/Channel/Mine"))) == "/Channel/Mine"
    assert describe_policy(b"\xff" * 65) == f"0x{'ff' * 64}..."
    with pytest.raises(PolicyRefused, match="cannot be read"):
        parse_policy_words("")
