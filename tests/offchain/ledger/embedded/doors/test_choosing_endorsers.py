"""Which organisations are asked to endorse."""

from __future__ import annotations

import pytest

from edgemark.ledger.embedded.definitions import approval_key
from edgemark.ledger.embedded.doors.choosing import (
    find_approvers,
    find_layouts,
    find_namespaces,
    rules_of_approvers,
)
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import OutOf, Role, SignedBy, majority_of
from edgemark.ledger.fabric.wire.read_write_sets import (
    NamespaceSet,
    Read,
    Write,
    make_results,
)

A, B, C = (SignedBy(f"Org{each}MSP", Role.PEER) for each in "ABC")
ALL = ("OrgAMSP", "OrgBMSP", "OrgCMSP")


def names(layouts: list[frozenset[str]]) -> list[str]:
    return ["".join(sorted(each[3] for each in one)) for one in layouts]


def test_what_was_asked_counts_always__what_was_called_when_it_wrote() -> None:
    written = NamespaceSet("called", writes=(Write("k", b"v"),))
    read = NamespaceSet("looked", reads=(Read("k", None),))
    assert find_namespaces("asked", make_results([written, read])) == ["asked", "called"]
    assert find_namespaces("asked", b"") == ["asked"]


@pytest.mark.parametrize(
    ("rules", "available", "first", "expected"),
    [
        ([majority_of(ALL)], ALL, "OrgBMSP", ["AB", "BC", "AC"]),
        ([majority_of(ALL)], ALL, None, ["AB", "AC", "BC"]),
        ([majority_of(ALL)], ALL[:2], "OrgAMSP", ["AB"]),
        ([majority_of(ALL)], ALL[:1], "OrgAMSP", []),
        ([A, B], ALL, "OrgAMSP", ["AB"]),
        ([OutOf(1, (A, B)), C], ALL, "OrgAMSP", ["AC", "BC"]),
        ([OutOf(1, (A, B)), OutOf(1, (B, C))], ALL, "OrgBMSP", ["B", "AB", "BC", "AC"]),
        ([SignedBy("OrgAMSP", Role.ADMIN)], ALL, "OrgAMSP", []),
    ],
)
def test_layouts__satisfy_each_rule_and_begin_with_who_endorsed(
    rules: list[SignedBy | OutOf], available: tuple[str, ...], first: str, expected: list[str]
) -> None:
    assert names(find_layouts(rules, available, first)) == expected


def test_approvals_alone__need_their_own_organisation() -> None:
    def results(*keys: str) -> bytes:
        writes = tuple(Write(key, b"") for key in keys)
        return make_results([NamespaceSet(LIFECYCLE, writes=writes)])

    approval = approval_key("OrgAMSP", "shelf", 1)
    assert find_approvers(results(approval)) == {"OrgAMSP"}
    assert rules_of_approvers({"OrgAMSP"}) == [A]
    assert find_approvers(results(approval, "namespaces/metadata/shelf")) is None
    assert find_approvers(results()) is None
    assert find_approvers(b"") is None
