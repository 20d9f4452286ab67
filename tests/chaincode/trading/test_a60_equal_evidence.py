"""Threat A60 for the evidence registry: two unlike processes write and say the same."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from tests.chaincode.scripted_peer import SECONDS, ScriptedPeer
from tests.chaincode.trading.callers_of_evidence import (
    ADMINS,
    ANCHORER,
    CID,
    CLIENT,
    CLOCKS,
    parameters_until,
    pieces_of,
)
from tests.chaincode.trading.chaincode_trade import (
    CONTROLLER,
    DOMAINS,
    initiation,
    qualification,
    settlement,
)
from tests.chaincode.two_processes import compare

from edgemark.systems.trading.contract.consortium.requests import tell
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    SettlementPiece,
)

pytestmark = [pytest.mark.processes, pytest.mark.lasts(5)]


def calls_of_evidence(peer: ScriptedPeer, chance: Random, count: int) -> list[Any]:
    """`init`, and then calls at random, many of them with a character that is wrong."""
    text = parameters_until(SECONDS + 5)
    made = [peer.make_call("init", text, creator=each) for each in ADMINS.values()]
    clocks = list(CLOCKS.values())
    signed = tell(SettlementPiece, settlement()).decode()

    def listed(kind: type, make: Any) -> list[str]:
        return [DOMAINS.name, pieces_of(kind, *(make() for _ in range(chance.randrange(1, 4))))]

    arguments = {
        "recordSettlements": lambda: listed(
            SettlementPiece, lambda: settlement(chance.randrange(9), chance.randrange(1, 4))
        ),
        "recordInitiations": lambda: listed(
            InitiationPiece, lambda: initiation(chance.randrange(5))
        ),
        "recordQualifications": lambda: listed(QualificationPiece, qualification),
        "anchorRoot": lambda: [chance.randbytes(32).hex(), str(chance.randrange(9)), CID],
        "evidenceOf": lambda: [chance.randbytes(32).hex()],
        "rootOf": lambda: ["Org1MSP", CONTROLLER.address, chance.randbytes(32).hex()],
        "verify": lambda: ["Org1MSP", DOMAINS.name, "{}", signed],
        "parameters": list,
        "proposed": list,
        "init": lambda: [parameters_until(chance.randrange(2))],
        "clock/tick": lambda: [str(SECONDS + chance.randrange(-5, 9))],
        "clock/list": list,
    }
    for position in range(count):
        name = chance.choice(list(arguments))
        given: list[bytes | str] = [name, *arguments[name]()]
        if chance.random() < 0.3:
            place = chance.randrange(len(given))
            given[place] = spoil(chance, str(given[place]))
        creator = chance.choice(clocks) if name == "clock/tick" else CLIENT
        creator = ANCHORER if name == "anchorRoot" else creator
        creator = chance.choice(list(ADMINS.values())) if name == "init" else creator
        made.append(peer.make_call(*given, creator=creator, seconds=SECONDS + position // 20))
    return made


def spoil(chance: Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(["", "0", "z", "\u0131", "\x00"]) + text[place + 1 :]


def compare_evidence(count: int, seed: int) -> Sequence[bytes]:
    return compare("trading", lambda peer: calls_of_evidence(peer, Random(seed), count))


def test_a60_two_unlike_processes__record_the_same_evidence() -> None:
    assert compare_evidence(200, 60) == []


@pytest.mark.soak
def test_a60_two_unlike_processes__record_the_same_evidence_ten_thousand_times() -> None:
    for seed in range(10):
        assert compare_evidence(1_000, seed) == []
