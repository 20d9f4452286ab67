"""Arguments of the registry are read as a plain reader reads them, over thousands that are spoilt.

The plain reader looks at each type anew; that of the registry has found out once what reads it.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import is_dataclass
from enum import Enum
from random import Random
from typing import Any

import pytest
from tests.chaincode.trading.chaincode_trade import (
    CONTROLLER,
    DOMAINS,
    initiation,
    qualification,
    settlement,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, parse_address
from edgemark.systems.trading.contract.consortium.agreement import Agreement, Difference, Saying
from edgemark.systems.trading.contract.consortium.kept import AnchoredRoot, Kept
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.consortium.requests import tell, tell_all
from edgemark.systems.trading.contract.evidence.facts import value_of
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    RootProof,
    SettlementPiece,
)
from edgemark.untrusted.canonical_json import NotThatFormat, items, octets, text
from edgemark_chaincode.trading import rules

PARAMETERS = Parameters((DOMAINS,), ("Org1MSP", "Org2MSP"), Timestamp(9))
FOUND = rules.find_settlement(DOMAINS, settlement())
ROOT = keccak256(b"root")
SAID: list[tuple[Any, Any]] = [
    (tuple[SettlementPiece, ...], (settlement(1), settlement(2))),
    (tuple[InitiationPiece, ...], (initiation(),)),
    (tuple[QualificationPiece, ...], (qualification(),)),
    (Parameters, PARAMETERS),
    (Kept, Kept(FOUND, DOMAINS.name, Timestamp(3))),
    (RootProof, RootProof(CONTROLLER.address, ROOT, 2, (ROOT, ROOT))),
    (
        AnchoredRoot,
        AnchoredRoot(ROOT, 3, "cid", CONTROLLER.address, "Org1MSP", Timestamp(0), Timestamp(1)),
    ),
    (Agreement, Agreement(("a",), (), 1, (Difference("b", ("domains",)),))),
    (tuple[Saying, ...], (Saying("Org1MSP", PARAMETERS),)),
    (tuple[Address, ...], (CONTROLLER.address,)),
]
ODD = [None, True, 1.5, -1, 2**256, "", "0", "zz", "\ud800", [], {}, [[]], 0, "0x" + "00" * 20]


def plain(hint: Any, facts: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - a line each
    base = hint
    while hasattr(base, "__supertype__"):
        base = base.__supertype__
    if hint is Address:
        account = parse_address(text(facts))
        if account != facts:
            raise NotThatFormat("capitals")
        return account
    if base is bytes:
        return octets(facts, 65) if hint is bytes else octets(facts, 32, exactly=True)
    if base is int:
        if type(facts) is not int or not 0 <= facts < 2**256:
            raise NotThatFormat("number")
        return facts
    if hint is str:
        if len(text(facts)) > 128:
            raise NotThatFormat("long")
        return facts
    if typing.get_origin(hint) is tuple:
        return tuple(plain(typing.get_args(hint)[0], each) for each in items(facts, most=2**16))
    assert typing.get_origin(hint) not in (types.UnionType, typing.Union)
    if issubclass(hint, Enum):
        for each in hint:
            if each.name.lower() == text(facts):
                return each
        raise NotThatFormat("no member")
    assert is_dataclass(hint)
    parts = typing.get_type_hints(hint)
    if not isinstance(facts, dict) or sorted(facts) != sorted(parts):
        raise NotThatFormat("parts")
    return hint(**{name: plain(parts[name], facts[name]) for name in facts})


def outcome(read: Any, hint: Any, facts: Any) -> Any:
    try:
        return read(hint, facts)
    except (NotThatFormat, RefusedInput):
        return "refused"


def spoil(chance: Random, facts: Any) -> Any:
    """Somewhere in it something else."""
    if isinstance(facts, list | dict) and facts and chance.random() < 0.9:
        places = list(facts) if isinstance(facts, dict) else list(range(len(facts)))
        place, what = chance.choice(places), chance.random()
        if what < 0.8:
            facts[place] = spoil(chance, facts[place])
        elif what < 0.9:
            del facts[place]
        elif isinstance(facts, dict):
            facts[str(place) + "x"] = facts[place]
        else:
            facts.append(facts[place])
        return facts
    if isinstance(facts, str) and facts and chance.random() < 0.5:
        at = chance.randrange(len(facts))
        return facts[:at] + chance.choice(["", "f", "F", "g", "00", "é"]) + facts[at + 1 :]
    return chance.choice(ODD)


def compare_readers(count: int, seed: int) -> set[bool]:
    chance, seen = Random(seed), set[bool]()
    for _ in range(count):
        hint, value = chance.choice(SAID)
        facts = json.loads(tell(hint, value))
        assert outcome(value_of, hint, facts) == value
        facts = spoil(chance, facts)
        had, needed = outcome(value_of, hint, facts), outcome(plain, hint, facts)
        assert (had, type(had)) == (needed, type(needed)), (hint, facts)
        seen.add(had == "refused")
    return seen


def test_arguments__are_read_as_a_plain_reader_reads_them() -> None:
    assert compare_readers(300, 3) == {True, False}


@pytest.mark.soak
def test_arguments__are_read_as_a_plain_reader_reads_them_a_hundred_thousand_times() -> None:
    assert compare_readers(100_000, 4) == {True, False}


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_list__of_what_was_told__is_the_encoding_of_the_list(count: int) -> None:
    kept = tuple(Kept(FOUND, DOMAINS.name, Timestamp(each)) for each in range(count))
    assert tell_all([tell(Kept, each) for each in kept]) == tell(tuple[Kept, ...], kept)
