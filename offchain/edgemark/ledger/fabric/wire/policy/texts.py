"""Policies as people write them: `AND('Org1MSP.peer', OutOf(2, 'Org2MSP.member', ...))`.

    policy    = gate "(" rule {"," rule} ")"          AND: all of them, OR: one
              | "OutOf" "(" number {"," rule} ")"
    rule      = policy | "'" organisation "." role "'"

or `majority`: whatever the channel calls its endorsement.

Gates are written so, in capitals or in small letters; quotes are single or double.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.faults import PolicyRefused
from edgemark.ledger.fabric.wire.limits import MAX_POLICY_DEPTH, MAX_POLICY_TEXT
from edgemark.ledger.fabric.wire.names import MSP_ID
from edgemark.ledger.fabric.wire.policy.policies import (
    ENDORSEMENT,
    WHO,
    OfChannel,
    OutOf,
    Policy,
    Role,
    Rule,
    SignedBy,
    check_size,
    parse_policy,
)

_TOKEN = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|([A-Za-z]+)|([0-9]{1,6})|([(),]))""")
_LEAF = re.compile(r"(.+)\.(member|admin|client|peer|orderer)")
_GATES = {
    written: gate
    for gate in ("And", "Or", "OutOf")
    for written in (gate, gate.lower(), gate.upper())
}
MAJORITY = "majority"
MOST_SHOWN = 64  # bytes of a policy that is none
EXAMPLE = "AND('Org1MSP.peer', 'Org2MSP.peer')"


def parse_policy_text(text: str) -> Rule:
    """The tree of a policy.

    Raises:
        PolicyRefused: it is none; `had` shows where.
    """
    if len(text) > MAX_POLICY_TEXT:
        needed = f"<= {MAX_POLICY_TEXT} characters"
        raise PolicyRefused("is too long", who=WHO, had=len(text), needed=needed)
    parser = _Parser(text)
    rule = parser.read_gate(1)
    parser.expect_end()
    check_size(rule)
    return rule


def parse_policy_words(text: str) -> Policy:
    """A chaincode's policy: a tree, or `majority` for the channel's own.

    Raises:
        PolicyRefused: it is none; `had` shows where.
    """
    return ENDORSEMENT if text.lower() == MAJORITY else parse_policy_text(text)


def describe_policy(raw: bytes) -> str:
    """The text of an `ApplicationPolicy`, of any ledger; its bytes where it has none."""
    try:
        policy = parse_policy(raw)
    except EdgemarkError:
        return f"0x{raw[:MOST_SHOWN].hex()}{'...' if len(raw) > MOST_SHOWN else ''}"
    if isinstance(policy, OfChannel):
        return MAJORITY if policy == ENDORSEMENT else policy.name
    return write_policy(policy)


def write_policy(rule: Rule) -> str:
    """The text of a tree; `parse_policy_text` gives it back, but for a tree that is one leaf."""
    if isinstance(rule, SignedBy):
        return f"'{rule.msp_id}.{rule.role}'"
    inner = ", ".join(map(write_policy, rule.rules))
    if rule.needed == len(rule.rules):
        return f"AND({inner})"
    return f"OR({inner})" if rule.needed == 1 else f"OutOf({rule.needed}, {inner})"


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = [*_tokens_of(text), ("end", "", len(text))]
        self._text = text
        self._next = 0

    def read_gate(self, depth: int) -> Rule:
        kind, word, _ = self._tokens[self._next]
        if kind != "word" or word not in _GATES or depth > MAX_POLICY_DEPTH:
            raise self._refuse("AND, OR or OutOf" if depth <= MAX_POLICY_DEPTH else "fewer levels")
        self._next += 1
        self._expect("(")
        number = self._read_number() if _GATES[word] == "OutOf" else 0
        rules = [self._read_rule(depth)]
        while self._take(","):
            rules.append(self._read_rule(depth))
        self._expect(")")
        needed = {"And": len(rules), "Or": 1, "OutOf": number}[_GATES[word]]
        if not 1 <= needed <= len(rules):
            raise self._refuse(f"a number 1 .. {len(rules)}")
        return OutOf(needed, tuple(rules))

    def _read_rule(self, depth: int) -> Rule:
        kind, word, _ = self._tokens[self._next]
        if kind != "leaf":
            return self.read_gate(depth + 1)
        found = _LEAF.fullmatch(word)
        if found is None or not MSP_ID.fits(found[1]):
            raise self._refuse("'ORGANISATION.ROLE'")
        self._next += 1
        return SignedBy(found[1], Role(found[2]))

    def _read_number(self) -> int:
        kind, word, _ = self._tokens[self._next]
        if kind != "number":
            raise self._refuse("a number")
        self._next += 1
        self._expect(",")
        return int(word)

    def _take(self, sign: str) -> bool:
        is_there = self._tokens[self._next][:2] == ("sign", sign)
        self._next += is_there
        return is_there

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refuse(f"'{sign}'")

    def expect_end(self) -> None:
        if self._tokens[self._next][0] != "end":
            raise self._refuse("its end")

    def _refuse(self, needed: str) -> PolicyRefused:
        place = self._tokens[self._next][2]
        had = self._text[place : place + 40] or "its end"
        return PolicyRefused(
            "cannot be read", who=WHO, had=had, needed=needed, remedy=f"Write it as {EXAMPLE}."
        )


def _tokens_of(text: str) -> Iterator[tuple[str, str, int]]:
    place, whole = 0, text.rstrip()
    while place < len(whole):
        found = _TOKEN.match(whole, place)
        if found is None:
            yield "unknown", "", place
            return
        single, double, word, number, sign = found.groups()
        leaf = single if single is not None else double
        kinds = (("leaf", leaf), ("word", word), ("number", number), ("sign", sign))
        kind, said = next((kind, said) for kind, said in kinds if said is not None)
        yield kind, said, place
        place = found.end()
