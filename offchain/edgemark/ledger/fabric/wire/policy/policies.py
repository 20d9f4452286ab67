"""Who has to endorse: a tree of "so many of these", whose leaves are roles of organisations.

An endorser stands for one leaf at most: each identity counts once. Leaves are filled from left to
right with whoever fits first, as Fabric fills them: where one endorser fits two leaves, the order
of leaves and of endorsements decides, and nothing is tried again.

A chaincode's policy is such a tree, or names a policy of its channel: the default is the majority
of the channel's organisations, each by one of its peers.

Source: `SignaturePolicyEnvelope` and `ApplicationPolicy` of `fabric-protos`; Fabric's documentation
"Endorsement policies".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import Any, Protocol

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import policy_pb2

from edgemark.ledger.fabric.faults import PolicyRefused
from edgemark.ledger.fabric.wire.limits import (
    MAX_LEAST_SETS,
    MAX_NAME,
    MAX_POLICY_BYTES,
    MAX_POLICY_DEPTH,
    MAX_POLICY_RULES,
    MAX_SETS_TRIED,
)
from edgemark.ledger.fabric.wire.messages import parse

WHO = "policy"


class Role(StrEnum):
    """What a leaf asks of an endorser's certificate; everybody of an organisation is a member."""

    MEMBER = "member"
    ADMIN = "admin"
    CLIENT = "client"
    PEER = "peer"
    ORDERER = "orderer"


@dataclass(frozen=True)
class SignedBy:
    """A leaf: somebody of that organisation in that role."""

    msp_id: str
    role: Role


@dataclass(frozen=True)
class OutOf:
    """`needed` of `rules`, 1 .. their number."""

    needed: int
    rules: tuple[Rule, ...]


Rule = SignedBy | OutOf


@dataclass(frozen=True)
class OfChannel:
    """Whatever the channel says under this name."""

    name: str


Policy = SignedBy | OutOf | OfChannel

ENDORSEMENT = OfChannel("/Channel/Application/Endorsement")
LIFECYCLE_ENDORSEMENT = OfChannel("/Channel/Application/LifecycleEndorsement")


class Signatory(Protocol):
    """Who endorsed; `identities.members.Member` is one."""

    @property
    def msp_id(self) -> str:
        """Of its organisation."""

    @property
    def role(self) -> str:
        """Of its certificate, a word of `Role` other than member."""


def majority_of(msp_ids: Collection[str]) -> OutOf:
    """More than half of these organisations, each by one of its peers.

    Raises:
        PolicyRefused: there are none.
    """
    if not msp_ids:
        raise PolicyRefused("is a majority of nobody", who=WHO, needed="an organisation")
    rules = tuple(SignedBy(each, Role.PEER) for each in sorted(msp_ids))
    return OutOf(len(rules) // 2 + 1, rules)


def resolve(policy: Policy, msp_ids: Collection[str]) -> Rule:
    """The tree of a policy, on a channel of these organisations.

    Raises:
        PolicyRefused: it names a policy that no channel here has.
    """
    if not isinstance(policy, OfChannel):
        return policy
    if policy not in (ENDORSEMENT, LIFECYCLE_ENDORSEMENT):
        needed = f"{ENDORSEMENT.name} or {LIFECYCLE_ENDORSEMENT.name}"
        raise PolicyRefused("is unknown", who=WHO, had=policy.name[:128], needed=needed)
    return majority_of(msp_ids)


def is_satisfied(rule: Rule, signatories: Sequence[Signatory]) -> bool:
    """Whether these satisfy it, who are all different."""
    return _fill(rule, signatories, frozenset()) is not None


def _fill(
    rule: Rule, signatories: Sequence[Signatory], used: frozenset[int]
) -> frozenset[int] | None:
    """Those who stand for a leaf once `rule` is satisfied; None when it is not."""
    if isinstance(rule, SignedBy):
        for place, each in enumerate(signatories):
            if place not in used and _fits(each, rule):
                return used | {place}
        return None
    satisfied = 0
    for one in rule.rules:
        found = _fill(one, signatories, used)
        if found is not None:
            satisfied, used = satisfied + 1, found
    return used if satisfied >= rule.needed else None


def _fits(signatory: Signatory, leaf: SignedBy) -> bool:
    return signatory.msp_id == leaf.msp_id and leaf.role in (Role.MEMBER, signatory.role)


def organisations_of(rule: Rule) -> frozenset[str]:
    """All organisations that it names."""
    if isinstance(rule, SignedBy):
        return frozenset({rule.msp_id})
    return frozenset().union(*map(organisations_of, rule.rules))


@dataclass(frozen=True)
class _Peer:
    msp_id: str
    role: Role = Role.PEER


def least_sets(rule: Rule, available: Collection[str]) -> tuple[frozenset[str], ...]:
    """The sets of organisations of which one peer each satisfies it, none holding another.

    Args:
        rule: to satisfy.
        available: organisations that can be asked.

    Returns:
        The smallest first, at most MAX_LEAST_SETS of them; none when it cannot be satisfied so.
    """
    return _least_sets(rule, frozenset(available))


@lru_cache(maxsize=256)
def _least_sets(rule: Rule, available: frozenset[str]) -> tuple[frozenset[str], ...]:
    tries = iter(range(MAX_SETS_TRIED))
    found = tuple(each for each in _sets_of(rule, available, tries) if _satisfy(rule, each))
    if found or not _satisfy(rule, available):
        return found
    # None of those that were tried; all together do, and so do fewer.
    fewer = available
    for each in sorted(available):
        if _satisfy(rule, fewer - {each}):
            fewer -= {each}
    return (fewer,)


def _satisfy(rule: Rule, msp_ids: frozenset[str]) -> bool:
    return is_satisfied(rule, [_Peer(one) for one in sorted(msp_ids)])


def _sets_of(rule: Rule, available: frozenset[str], tries: Iterator[int]) -> list[frozenset[str]]:
    """Sets that may satisfy it, as long as there are `tries`, and at most MAX_LEAST_SETS."""
    if isinstance(rule, SignedBy):
        is_asked = rule.role in (Role.PEER, Role.MEMBER) and rule.msp_id in available
        return [frozenset({rule.msp_id})] if is_asked else []
    # By how many of the rules so far they satisfy. Equal sets are one: without that, so many equal
    # leaves would be as many ways.
    found: list[dict[frozenset[str], None]] = [{frozenset(): None}]
    for one in rule.rules:
        choices = _sets_of(one, available, tries)
        if choices and len(found) <= rule.needed:
            found.append({})
        for more, fewer in zip(found[:0:-1], found[-2::-1], strict=True):
            _join(fewer, choices, more, tries)
    return _least(found[rule.needed]) if rule.needed < len(found) else []


def _join(
    some: Iterable[frozenset[str]],
    others: Iterable[frozenset[str]],
    joined: dict[frozenset[str], None],
    tries: Iterator[int],
) -> None:
    for one, other in product(some, others):
        if len(joined) >= MAX_LEAST_SETS or next(tries, None) is None:
            return
        if one.isdisjoint(other):
            joined[one | other] = None


def _least(sets: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    kept: list[frozenset[str]] = []
    for each in sorted(set(sets), key=lambda one: (len(one), sorted(one))):
        if not any(smaller <= each for smaller in kept):
            kept.append(each)
    return kept


def make_policy(policy: Policy) -> bytes:
    """`ApplicationPolicy`: as a chaincode's definition has it."""
    message = policy_pb2.ApplicationPolicy()
    if isinstance(policy, OfChannel):
        message.channel_config_policy_reference = policy.name
    else:
        message.signature_policy.CopyFrom(message_of(policy))
    made: bytes = message.SerializeToString()
    return made


def message_of(rule: Rule) -> Any:
    """`SignaturePolicyEnvelope` of a tree."""
    check_size(rule)
    leaves = list(dict.fromkeys(_leaves_of(rule)))
    message = policies_pb2.SignaturePolicyEnvelope()
    for leaf in leaves:
        principal = msp_principal_pb2.MSPRole(
            msp_identifier=leaf.msp_id,
            role=msp_principal_pb2.MSPRole.MSPRoleType.Value(leaf.role.name),
        ).SerializeToString()
        message.identities.add(
            principal_classification=msp_principal_pb2.MSPPrincipal.ROLE, principal=principal
        )
    _write_rule(message.rule, rule, leaves)
    return message


def _leaves_of(rule: Rule) -> list[SignedBy]:
    if isinstance(rule, SignedBy):
        return [rule]
    return [leaf for one in rule.rules for leaf in _leaves_of(one)]


def _write_rule(message: Any, rule: Rule, leaves: list[SignedBy]) -> None:
    if isinstance(rule, SignedBy):
        message.signed_by = leaves.index(rule)
        return
    message.n_out_of.n = rule.needed
    for one in rule.rules:
        _write_rule(message.n_out_of.rules.add(), one, leaves)


@lru_cache(maxsize=64)
def parse_policy(raw: bytes) -> Policy:
    """A policy out of `ApplicationPolicy`.

    Raises:
        MessageMalformed: it is none.
        PolicyRefused: it is empty, too large, or asks for another thing than roles.
    """
    if len(raw) > MAX_POLICY_BYTES:
        raise _too_large("bytes", len(raw), MAX_POLICY_BYTES)
    message = parse(policy_pb2.ApplicationPolicy, raw, WHO)
    kind = message.WhichOneof("Type")
    if kind == "channel_config_policy_reference":
        return OfChannel(message.channel_config_policy_reference)
    if kind == "signature_policy":
        return rule_of(message.signature_policy)
    raise PolicyRefused("says nothing", who=WHO, needed="a tree, or the name of a channel's policy")


def rule_of(message: Any) -> Rule:
    """The tree of a `SignaturePolicyEnvelope`.

    Raises:
        PolicyRefused: it is too large, contradicts itself, or asks for another thing than roles.
    """
    if len(message.identities) > MAX_POLICY_RULES:
        raise _too_large("principals", len(message.identities), MAX_POLICY_RULES)
    rule = _read_rule(message.rule, [_read_leaf(each) for each in message.identities], 1)
    check_size(rule)
    return rule


def _read_leaf(message: Any) -> SignedBy:
    if message.principal_classification != msp_principal_pb2.MSPPrincipal.ROLE:
        needed = "roles of organisations"
        raise PolicyRefused("asks for another thing than roles", who=WHO, needed=needed)
    asked = parse(msp_principal_pb2.MSPRole, message.principal, WHO)
    names = {
        value.number: value.name
        for value in msp_principal_pb2.MSPRole.MSPRoleType.DESCRIPTOR.values
    }
    if asked.role not in names:
        raise PolicyRefused("asks for an unknown role", who=WHO, had=asked.role)
    return SignedBy(asked.msp_identifier, Role[names[asked.role]])


def _read_rule(message: Any, leaves: list[SignedBy], depth: int) -> Rule:
    if depth > MAX_POLICY_DEPTH:
        raise _too_large("depth", f"> {MAX_POLICY_DEPTH}", MAX_POLICY_DEPTH)
    kind = message.WhichOneof("Type")
    if kind == "signed_by" and 0 <= message.signed_by < len(leaves):
        place: int = message.signed_by
        return leaves[place]
    if kind != "n_out_of":
        raise PolicyRefused("has a leaf that names nobody", who=WHO)
    rules = tuple(_read_rule(each, leaves, depth + 1) for each in message.n_out_of.rules)
    return OutOf(message.n_out_of.n, rules)


def check_size(rule: Rule) -> None:
    """Check that a tree can be satisfied at all, and is no larger than trees may be.

    Raises:
        PolicyRefused: it is not so.
    """
    if _check_rule(rule, 1) > MAX_POLICY_RULES:
        raise _too_large("number of rules", f"> {MAX_POLICY_RULES}", MAX_POLICY_RULES)


def _check_rule(rule: Rule, depth: int) -> int:
    if depth > MAX_POLICY_DEPTH:
        raise _too_large("depth", f"> {MAX_POLICY_DEPTH}", MAX_POLICY_DEPTH)
    if isinstance(rule, SignedBy):
        if not 0 < len(rule.msp_id) <= MAX_NAME:
            had, needed = rule.msp_id[:MAX_NAME], f"a name of 1 .. {MAX_NAME} characters"
            raise PolicyRefused("names no organisation", who=WHO, had=had, needed=needed)
        return 1
    if not 1 <= rule.needed <= len(rule.rules):
        needed = f"1 .. {len(rule.rules)}"
        raise PolicyRefused("asks for too few or too many", who=WHO, had=rule.needed, needed=needed)
    return 1 + sum(_check_rule(one, depth + 1) for one in rule.rules)


def _too_large(what: str, had: object, most: int) -> PolicyRefused:
    return PolicyRefused(f"{what} is too large", who=WHO, had=had, needed=f"<= {most}")
