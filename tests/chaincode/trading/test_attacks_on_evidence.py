"""The registry under attack: random calls by every role against a plain model, step by step.

Who plays: clients, admins, clocks and anchorers of three organisations, and those of a fourth that
the channel has not; each says whatever it likes, at the time that it likes, in another domain,
again, or with a character that is wrong. The peer is held by the hand, as no ledger shows what was
written by a call that it refused.

Laws, after every call:
1. nothing is written by a call that is refused, and no event is told of it;
2. nothing is recorded or anchored before parameters stand; once they do they never change;
3. they stand only with the same word of every organisation named and of most of the channel;
4. what was recorded or anchored is never written again;
5. a clock never goes back, never ahead of its transaction, and is its own organisation's alone;
6. a root is anchored only while the lower median of all clocks is not past the deadline;
7. whatever is answered, is answered in words, without a trace of the program.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from tests.chaincode.scripted_peer import SECONDS, Outcome, ScriptedPeer, peer_of
from tests.chaincode.trading.callers_of_evidence import CID, creator, pieces_of
from tests.chaincode.trading.chaincode_trade import (
    CONTROLLER,
    DOMAINS,
    THIEF,
    initiation,
    qualification,
    resigned,
    settlement,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Timestamp, parse_address
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.consortium.requests import tell
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    SettlementPiece,
)
from edgemark_chaincode.trading.contract import EvidenceRegistry

MEMBERS = ("Org1MSP", "Org2MSP", "Org3MSP")
EVERYBODY = (*MEMBERS, "Org4MSP")
UNTIL = SECONDS + 60
OTHER = replace(DOMAINS, escrow=parse_address("0x" + "77" * 20))
ROLES: dict[tuple[str, str], bytes] = {
    (role, name): creator(name, kind, **attributes)
    for name in EVERYBODY
    for role, kind, attributes in (
        ("client", MemberRole.CLIENT, {}),
        ("admin", MemberRole.ADMIN, {}),
        ("clock", MemberRole.CLIENT, {"edgemark_clock": "true"}),
        ("anchorer", MemberRole.CLIENT, {"edgemark_anchor": CONTROLLER.address}),
    )
}
FAIR = Parameters((DOMAINS,), MEMBERS, Timestamp(UNTIL))
PROPOSALS = [
    FAIR,
    FAIR,
    FAIR,
    Parameters((DOMAINS,), ("Org1MSP", "Org2MSP"), Timestamp(UNTIL)),
    *(Parameters((OTHER,), (name,), Timestamp(0)) for name in EVERYBODY),  # itself alone
    Parameters((DOMAINS, OTHER), MEMBERS, Timestamp(1)),
    Parameters((DOMAINS,), ("Org1MSP", "Org4MSP"), Timestamp(UNTIL)),
]


@dataclass
class Model:
    """What a plain reader of the rules expects of the state."""

    said: dict[str, str] = field(default_factory=dict)
    standing: str | None = None
    clocks: dict[str, int] = field(default_factory=dict)

    def now(self) -> int:
        names = self.organisations()
        return sorted(self.clocks.get(name, 0) for name in names)[(len(names) - 1) // 2]

    def organisations(self) -> tuple[str, ...]:
        return next(each.organisations for each in PROPOSALS if text_of(each) == self.standing)


def text_of(parameters: Parameters) -> str:
    return tell(Parameters, parameters).decode()


class Attack:
    """One run: calls at random, each compared with the model."""

    def __init__(self, peer: ScriptedPeer, chance: Random) -> None:
        self.peer, self.chance, self.model = peer, chance, Model()
        self.seconds = SECONDS
        self.silent = chance.choice([None, *MEMBERS])  # whose clock stands still for good
        self.taken = 0

    async def step(self) -> None:
        chance = self.chance
        self.seconds += chance.choice([0, 0, 1, 3])
        kind = chance.choice(["init", "tick", "tick", "record", "record", "anchor", "odd"])
        before = dict(self.peer.state)
        told = await getattr(self, f"_{kind}")()
        assert "Traceback" not in told.message and "site-packages" not in told.message
        if told.status != 200:
            assert told.message and self.peer.state == before and told.event is None
        self._check_kept(before)

    def _check_kept(self, before: dict[str, bytes]) -> None:
        state = self.peer.state
        for key, value in before.items():
            if key.startswith(("evidence/", "root/")) or key in ("parameters", "clocks"):
                assert state[key] == value, f"{key} was written again"
        if self.model.standing is None:
            assert not any(key.startswith(("evidence/", "root/", "clock")) for key in state)
        assert ("parameters" in state) is (self.model.standing is not None)

    async def _call(self, *words: str, by: bytes, seconds: int | None = None) -> Outcome:
        at = self.seconds if seconds is None else seconds
        return await self.peer.call(*words, creator=by, seconds=at)

    async def agree(self) -> None:
        """All say the fair ones; where others stand already, they are refused."""
        for name in MEMBERS:
            await self._say("admin", name, FAIR)

    async def _init(self) -> Outcome:
        role, name = self.chance.choice(["admin", "admin", "client"]), self._somebody()
        wanted = self.chance.choice(PROPOSALS)
        if self.chance.random() < 0.3:
            wanted = Parameters((OTHER,), (name,), Timestamp(0))
        return await self._say(role, name, wanted)

    async def _say(self, role: str, name: str, wanted: Parameters) -> Outcome:
        text = text_of(wanted)
        told = await self._call("init", text, by=ROLES[role, name])
        model = self.model
        is_fair = role == "admin" and {name, *wanted.organisations} <= set(MEMBERS)
        assert (told.status == 200) is (is_fair and model.standing in (None, text)), told.message
        if told.status == 200 and model.standing is None:
            model.said[name] = text
            same = {each for each, said in model.said.items() if said == text}
            if same >= set(wanted.organisations) and len(same) >= 2:
                model.standing = text
        return told

    async def _tick(self) -> Outcome:
        role = self.chance.choice(["clock", "clock", "clock", "client", "admin"])
        name = self._somebody()
        if name == self.silent:
            role = "client"
        at = self.seconds + self.chance.choice([0, 0, 0, -1, -900, 1, 900])
        told = await self._call("clock/tick", str(at), by=ROLES[role, name])
        model = self.model
        is_fair = role == "clock" and model.standing is not None
        is_fair = is_fair and name in model.organisations() and at <= self.seconds
        assert (told.status == 200) is (is_fair and at >= model.clocks.get(name, 0)), told.message
        if told.status == 200:
            model.clocks[name] = at
        return told

    async def _record(self) -> Outcome:
        chance = self.chance
        piece = settlement(chance.randrange(12), chance.randrange(1, 3))
        domains, is_fair = chance.choice([DOMAINS, DOMAINS, OTHER]), True
        if spoilt := chance.random() < 0.3:
            thieves = chance.choice(["payer", "seller", "controller"])
            piece = resigned(piece, **{thieves: THIEF.sign(keccak256(b"nothing"))})
            is_fair = thieves != "controller"  # by another signer it is another piece of evidence
        function, text = "recordSettlements", pieces_of(SettlementPiece, piece)
        if chance.random() < 0.2 and not spoilt:
            function, text = chance.choice(
                [
                    ("recordInitiations", pieces_of(InitiationPiece, initiation(3))),
                    ("recordQualifications", pieces_of(QualificationPiece, qualification())),
                ]
            )
        before = sum(key.startswith("evidence/") for key in self.peer.state)
        by = ROLES[chance.choice(["client", "admin", "clock"]), self._somebody()]
        told = await self._call(function, domains.name, text, by=by)
        after = sum(key.startswith("evidence/") for key in self.peer.state)
        assert after - before == (told.status == 200)
        if (domains is OTHER and function == "recordSettlements") or not is_fair:
            assert told.status == 500  # what was signed for one domain counts in no other
        self.taken += told.status == 200
        return told

    async def _anchor(self) -> Outcome:
        chance, model = self.chance, self.model
        role, name = chance.choice(["anchorer", "anchorer", "client"]), self._somebody()
        root = keccak256(b"root %d" % chance.randrange(40)).hex()
        key = f"root/{root}/{CONTROLLER.address.lower()}/{name}"
        was_there = key in self.peer.state
        # its client says that it is earlier: that moves no deadline
        at = self.seconds - chance.choice([0, 900])
        told = await self._call("anchorRoot", root, "3", CID, by=ROLES[role, name], seconds=at)
        is_fair = role == "anchorer" and not was_there and model.standing is not None
        if is_fair:
            until = next(x for x in PROPOSALS if text_of(x) == model.standing).anchor_until
            is_fair = until == 0 or 0 < model.now() <= until
        assert (told.status == 200) is is_fair, told.message
        return told

    async def _odd(self) -> Outcome:
        chance = self.chance
        words: list[Any] = chance.choice(ODD_CALLS)
        by = ROLES[chance.choice(["client", "admin", "anchorer", "clock"]), self._somebody()]
        before = dict(self.peer.state)
        told = await self.peer.call(*words, creator=by, seconds=self.seconds)
        assert self.peer.state == before and (told.status == 500) is bool(told.message)
        return told

    def _somebody(self) -> str:
        return self.chance.choice([*MEMBERS, *MEMBERS, "Org4MSP"])


ODD_CALLS: list[list[Any]] = [
    ["evidenceOf", "0" * 63],
    ["evidenceOf", "0x" + "0" * 64],
    ["evidenceOf", "٣" * 64],
    ["rootOf", "Org1MSP", CONTROLLER.address[:-1], "00" * 32],
    ["rootOf", "Org1MSP/../..", CONTROLLER.address, "00" * 32],
    ["anchorRoot", "0" * 63, "3", CID],
    ["anchorRoot", "00" * 32, "0" * 30, CID],
    ["recordSettlements", "eip155:31337:0x" + "77" * 19, "[]"],
    ["recordSettlements", DOMAINS.name.upper(), "[]"],
    ["recordSettlements", DOMAINS.name, '[{"claim": null, "signatures": null}]'],
    ["recordSettlements", DOMAINS.name, "NaN"],
    ["recordSettlements", DOMAINS.name, "9" * 5000],
    ["recordSettlements", DOMAINS.name, '"\\ud800"'],
    ["verify", "Org1MSP", DOMAINS.name, "[]", "[]"],
    ["clock/tick", "-1"],
    ["clock/tick", "1e9"],
    ["clock/tick", "9" * 30],
    ["init", '{"anchor_until": 0, "domains": [], "organisations": ["Org1MSP"]}'],
    ["init", text_of(FAIR) + "]"],
    [b"\xff\xfe"],
    ["evidenceOf", b"\xff" * 64],
    ["recordSettlements", b"\xc3\x28", b"\xc3\x28"],
    ["init", b"\xff"],
    ["parameters", "more"],
]


async def attack(seed: int, steps: int) -> Attack:
    async with peer_of(EvidenceRegistry()) as peer:
        peer.organisations = MEMBERS
        played = Attack(peer, Random(seed))
        for position in range(steps):
            if position == steps // 3:
                await played.agree()
            await played.step()
        return played


def test_random_calls_of_every_role__break_no_law() -> None:
    ends = [asyncio.run(attack(seed, 90)) for seed in range(4)]
    assert any(each.model.standing for each in ends) and any(each.taken for each in ends)


@pytest.mark.soak
def test_random_calls_of_every_role__break_no_law_in_a_thousand_runs() -> None:
    for seed in range(100, 1_100):
        asyncio.run(attack(seed, 120))


@pytest.mark.parametrize("silent", MEMBERS)
def test_time__goes_on_though_one_of_three_is_silent_and_none_alone_moves_it(silent: str) -> None:
    async def run() -> None:
        async with peer_of(EvidenceRegistry()) as peer:
            peer.organisations = MEMBERS
            for name in MEMBERS:
                told = await peer.call("init", text_of(FAIR), creator=ROLES["admin", name])
                assert told.status == 200, told.message
            talking = [name for name in MEMBERS if name != silent]

            async def tick(name: str, at: int) -> Outcome:
                return await peer.call(
                    "clock/tick", str(at), creator=ROLES["clock", name], seconds=at
                )

            async def now() -> int:
                return int((await peer.call("clock/now", creator=ROLES["client", silent])).payload)

            await tick(talking[0], SECONDS + 900)  # one alone, as far ahead as peers let it
            assert await now() == 0
            await tick(talking[1], SECONDS)
            assert await now() == SECONDS  # the slower of those who talk
            root = ("anchorRoot", "ab" * 32, "3", CID)
            told = await peer.call(*root, creator=ROLES["anchorer", silent])
            assert told.status == 200, told.message
            await tick(talking[1], UNTIL + 1)
            late = ("anchorRoot", "cd" * 32, "3", CID)
            told = await peer.call(*late, creator=ROLES["anchorer", silent], seconds=SECONDS)
            assert "TooLate" in told.message

    asyncio.run(run())
