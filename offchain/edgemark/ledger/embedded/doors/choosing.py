"""Which organisations have to endorse: by the policies of what was asked and written. Pure.

The chaincode that was asked always counts, as validation counts it; one that it called counts when
something was written under its name. Each has a policy of its own, and each is satisfied apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice, product

from edgemark.ledger.embedded.definitions import approver_of
from edgemark.ledger.fabric.wire.limits import MAX_LEAST_SETS
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import Role, Rule, SignedBy, least_sets
from edgemark.ledger.fabric.wire.read_write_sets import parse_results

Organisations = frozenset[str]


def find_namespaces(chaincode: str, results: bytes) -> list[str]:
    """Namespaces whose policy counts, what was asked first.

    Raises:
        MessageMalformed: the results are none.
    """
    written = {each.namespace for each in parse_results(results) if each.writes}
    return [chaincode, *sorted(written - {chaincode})]


def find_approvers(results: bytes) -> frozenset[str] | None:
    """The organisations whose approvals alone `_lifecycle` wrote; None: it wrote other things too.

    Raises:
        MessageMalformed: the results are none.
    """
    keys = [
        write.key
        for each in parse_results(results)
        if each.namespace == LIFECYCLE
        for write in each.writes
    ]
    approvers = [approver_of(key) for key in keys]
    if not approvers or None in approvers:
        return None
    return frozenset(each for each in approvers if each is not None)


def rules_of_approvers(approvers: Iterable[str]) -> list[Rule]:
    """A peer of each."""
    return [SignedBy(each, Role.PEER) for each in sorted(approvers)]


def find_layouts(
    rules: Sequence[Rule], available: Collection[str], first: str | None
) -> list[Organisations]:
    """Sets of organisations of which a peer each satisfies all rules.

    Args:
        rules: each to be satisfied apart.
        available: organisations that can be asked.
        first: one that has endorsed already; sets with it come first. None for none.

    Returns:
        The smallest first, at most MAX_LEAST_SETS; none when the rules cannot be satisfied.
    """
    choices = [least_sets(rule, available) for rule in rules]
    joined = islice(product(*choices), MAX_LEAST_SETS)
    sets = {frozenset[str]().union(*each) for each in joined}
    return sorted(sets, key=lambda one: (first not in one, len(one), sorted(one)))
