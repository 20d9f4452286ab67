"""The registry as chaincode, called by a peer over real gRPC with certificates of a real CA.

Why a scripted peer: what is read and written, question by question, is seen with no other; whole
ledgers have their tests where they stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from fabric_protos.peer import chaincode_shim_pb2 as protocol
from tests.chaincode.scripted_peer import (
    SECONDS,
    Message,
    Outcome,
    ScriptedPeer,
    peer_of,
)
from tests.chaincode.trading.callers_of_evidence import (
    ADMIN,
    ADMINS,
    ANCHORER,
    CID,
    CLIENT,
    CLOCKS,
    ORGANISATIONS,
    ROOT,
    creator,
    parameters_until,
    pieces_of,
)
from tests.chaincode.trading.chaincode_trade import (
    CONTROLLER,
    DOMAINS,
    PAYER,
    SELLER,
    THIEF,
    initiation,
    qualification,
    settlement,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.merkle import MerkleTree
from edgemark.identifiers import Address, Timestamp
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.agreement import Agreement, Difference, Saying
from edgemark.systems.trading.contract.consortium.kept import AnchoredRoot, Kept
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.consortium.requests import parse, tell
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    RootProof,
    SettlementPiece,
)
from edgemark.systems.trading.contract.evidence.statements import compute_leaf
from edgemark_chaincode.clock import LIST, NOW, TICK
from edgemark_chaincode.trading import rules
from edgemark_chaincode.trading.contract import FUNCTIONS, EvidenceRegistry


def settlements(*pieces: SettlementPiece) -> tuple[str, str, str]:
    return requests.RECORD_SETTLEMENTS, DOMAINS.name, pieces_of(SettlementPiece, *pieces)


def touched(peer: ScriptedPeer, kind: int) -> list[str]:
    """Keys that were read, or written, since the test cleared the list."""
    parser = protocol.GetState if kind == Message.GET_STATE else protocol.PutState
    return [parser.FromString(each.payload).key for each in peer.asked if each.type == kind]


def play(scene: Callable[[ScriptedPeer], Awaitable[None]], until: int | None = 0) -> None:
    async def run() -> None:
        async with peer_of(EvidenceRegistry()) as peer:
            if until is not None:
                for admin in ADMINS.values():
                    told = await peer.call("init", parameters_until(until), creator=admin)
                    assert told.status == 200, told.message
                peer.asked.clear()
            await scene(peer)

    asyncio.run(run())


def refused(told: Outcome, error: str) -> bool:
    return told.status == 500 and error in told.message and not told.payload


def agreement_of(told: Outcome) -> Agreement:
    assert told.status == 200, told.message
    found: Agreement = parse(Agreement, told.payload.decode(), who="agreement")
    return found


def test_init__stands_when_every_organisation_named_has_said_the_same() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        text, recording = parameters_until(), settlements(settlement())
        assert refused(await peer.call("parameters", creator=CLIENT), "NoParameters")
        first = await peer.call("init", text, creator=ADMIN, kind=Message.INIT)
        assert agreement_of(first) == Agreement(("Org1MSP",), ("Org2MSP",), 0)
        assert set(peer.state) == {"said/Org1MSP"}
        assert refused(await peer.call(*recording, creator=CLIENT), "NoParameters")
        assert agreement_of(await peer.call("init", text, creator=ADMIN)).named == ("Org2MSP",)
        last = await peer.call("init", text, creator=ADMINS["Org2MSP"])
        assert agreement_of(last).stands and agreement_of(last).agreed == ORGANISATIONS
        shown = await peer.call("parameters", creator=CLIENT)
        assert parse(Parameters, shown.payload.decode(), who="it").domains == (DOMAINS,)
        before = dict(peer.state)
        for admin in ADMINS.values():
            assert agreement_of(await peer.call("init", text, creator=admin)).stands
            other = await peer.call("init", parameters_until(7), creator=admin)
            assert refused(other, "ParametersExist") and "anchor_until" in other.message
        assert peer.state == before
        assert (await peer.call(*recording, creator=CLIENT)).status == 200

    play(scene, until=None)


def test_init__that_differs__counts_for_its_organisation_and_names_what_differs() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        first, second = ADMINS.values()
        hostile = tell(
            Parameters,
            Parameters((replace(DOMAINS, escrow=THIEF.address),), ORGANISATIONS, Timestamp(7)),
        ).decode()
        await peer.call("init", hostile, creator=first)
        found = agreement_of(await peer.call("init", parameters_until(), creator=second))
        parts = ("domains[0].escrow", "anchor_until")
        assert found.differing == (Difference("Org1MSP", parts),) and not found.stands
        told = await peer.call("proposed", creator=CLIENT)
        said = parse(tuple[Saying, ...], told.payload.decode(), who="proposed")
        assert [each.organisation for each in said] == list(ORGANISATIONS)
        found = agreement_of(await peer.call("init", parameters_until(), creator=first))
        assert found.stands  # it said another, and what it said before counts no more

    play(scene, until=None)


def test_init__by_an_organisation_for_itself_alone__stands_for_nobody() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        peer.organisations = ("Org1MSP", "Org2MSP", "Org3MSP")
        alone = tell(Parameters, Parameters((DOMAINS,), ("Org1MSP",))).decode()
        found = agreement_of(await peer.call("init", alone, creator=ADMIN))
        assert (found.named, found.more, found.stands) == ((), 1, False)
        peer.asked.clear()
        text = parameters_until()  # of the other two, who never heard of it
        assert not agreement_of(await peer.call("init", text, creator=ADMINS["Org2MSP"])).stands
        third = creator("Org3MSP", MemberRole.ADMIN)
        others = tell(Parameters, Parameters((DOMAINS,), ("Org2MSP", "Org3MSP"))).decode()
        await peer.call("init", others, creator=ADMINS["Org2MSP"])
        peer.asked.clear()
        assert agreement_of(await peer.call("init", others, creator=third)).stands
        assert "said/Org1MSP" not in touched(peer, Message.GET_STATE)  # it can delay nobody
        assert refused(await peer.call("init", alone, creator=ADMIN), "ParametersExist")

    play(scene, until=None)


def test_init__by_nobody_who_may_or_of_strangers_or_in_another_form__writes_nothing() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        text = parameters_until()
        assert refused(await peer.call("init", text, creator=CLIENT), "another role")
        stranger = creator("Org3MSP", MemberRole.ADMIN)
        assert refused(await peer.call("init", text, creator=stranger), "NotAmongThem")
        more = tell(Parameters, Parameters((DOMAINS,), (*ORGANISATIONS, "Org9MSP"))).decode()
        assert refused(await peer.call("init", more, creator=ADMIN), "Org9MSP")
        for wrong in ("", "[", "{}", "[" * 100_000, text.replace("31337", "1.5"), "null"):
            assert refused(await peer.call("init", wrong, creator=ADMIN), "parameters")
        peer.organisations = ()
        assert refused(await peer.call("init", text, creator=ADMIN), "_lifecycle")
        assert not peer.state

    play(scene, until=None)


def test_settlements__are_kept_with_their_signers_and_told_by_one_event() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        pieces = [settlement(number) for number in (1, 2)]
        told = await peer.call(*settlements(*pieces), creator=CLIENT)
        assert (told.status, told.payload) == (200, b"2")
        assert told.event.event_name == requests.RECORDED
        said = parse(tuple[Kept, ...], told.event.payload.decode(), who="event")
        assert [each.found for each in said] == [
            rules.find_settlement(DOMAINS, piece) for piece in pieces
        ]
        assert {each.told_at for each in said} == {SECONDS}
        found = await peer.call("evidenceOf", said[0].found.evidence.hex(), creator=CLIENT)
        assert parse(Kept, found.payload.decode(), who="it") == said[0]
        signers = (PAYER.address, SELLER.address, CONTROLLER.address)
        assert said[0].found.signers == signers
        nothing = await peer.call("evidenceOf", "00" * 32, creator=CLIENT)
        assert nothing.payload == requests.NOTHING

    play(scene)


def test_same_settlement_again__is_refused_alone_and_passed_over_in_a_list() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        await peer.call(*settlements(settlement(1)), creator=CLIENT)
        before = dict(peer.state)
        again = await peer.call(*settlements(settlement(1)), creator=CLIENT, seconds=SECONDS + 9)
        assert refused(again, "EvidenceExists") and again.event is None
        assert peer.state == before
        told = await peer.call(*settlements(settlement(1), settlement(2)), creator=CLIENT)
        assert told.payload == b"1"
        assert {key: peer.state[key] for key in before} == before

    play(scene)


def test_initiations_and_qualifications__are_kept_too() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        first = pieces_of(InitiationPiece, initiation())
        said = pieces_of(QualificationPiece, qualification())
        for function, text in (("recordInitiations", first), ("recordQualifications", said)):
            told = await peer.call(function, DOMAINS.name, text, creator=CLIENT)
            assert (told.status, told.payload) == (200, b"1"), told.message

    play(scene)


def test_a59_recordings__read_and_write_no_key_that_another_writes_and_no_clock() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        seen: list[set[str]] = []
        for number in range(4):
            peer.asked.clear()
            await peer.call(*settlements(settlement(number)), creator=CLIENT)
            reads, writes = (touched(peer, kind) for kind in (Message.GET_STATE, Message.PUT_STATE))
            assert len(writes) == 1 and not any(key.startswith("clock") for key in reads)
            assert set(reads) - set(writes) == {"parameters"}  # written once, before all
            seen.append(set(writes))
        assert not set.intersection(*seen[:2]) and len(set.union(*seen)) == 4

    play(scene)


def test_a08_root_with_a_deadline__reads_every_clock_and_is_refused_after_it() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        anchor = ("anchorRoot", ROOT.hex(), "3", CID)
        assert refused(await peer.call(*anchor, creator=ANCHORER), "NoTime")
        for at in (SECONDS - 1, SECONDS):
            for clock in CLOCKS.values():
                told = await peer.call("clock/tick", str(at), creator=clock)
                assert told.status == 200, told.message
        peer.asked.clear()
        told = await peer.call(*anchor, creator=ANCHORER)
        assert told.status == 200, told.message
        kept = parse(AnchoredRoot, told.payload.decode(), who="root")
        assert (kept.anchored_at, kept.organisation) == (SECONDS, "Org1MSP")
        assert set(touched(peer, Message.GET_STATE)) >= {f"clock/{each}" for each in ORGANISATIONS}
        for clock in CLOCKS.values():
            told = await peer.call(
                "clock/tick", str(SECONDS + 1), creator=clock, seconds=SECONDS + 1
            )
            assert told.status == 200, told.message
        other = ("anchorRoot", keccak256(b"other").hex(), "3", CID)
        # its client says that it is a quarter of an hour earlier: that moves nothing
        late = await peer.call(*other, creator=ANCHORER, seconds=SECONDS - 900)
        assert refused(late, "TooLate")

    play(scene, until=SECONDS)


def test_root__without_a_deadline__reads_no_clock_and_needs_the_attribute() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        anchor = ("anchorRoot", ROOT.hex(), "3", CID)
        assert refused(await peer.call(*anchor, creator=CLIENT), "MayNotAnchor")
        told = await peer.call(*anchor, creator=ANCHORER)
        assert told.status == 200, told.message
        assert not any(key.startswith("clock") for key in touched(peer, Message.GET_STATE))
        assert refused(await peer.call(*anchor, creator=ANCHORER), "RootExists")
        rival = creator("Org2MSP", edgemark_anchor=CONTROLLER.address)
        assert (await peer.call(*anchor, creator=rival)).status == 200  # bars nobody
        asked = ("rootOf", "Org2MSP", CONTROLLER.address, ROOT.hex())
        kept = parse(AnchoredRoot, (await peer.call(*asked)).payload.decode(), who="root")
        assert (kept.organisation, kept.leaves, kept.cid) == ("Org2MSP", 3, CID)

    play(scene)


def test_leaf_under_a_root__is_verified_with_its_signers() -> None:
    async def scene(peer: ScriptedPeer) -> None:
        pieces = [settlement(number) for number in range(3)]
        digests = [rules.find_settlement(DOMAINS, each).digest for each in pieces]
        leaves = [
            compute_leaf(piece.claim, digest, piece.signatures)
            for piece, digest in zip(pieces, digests, strict=True)
        ]
        tree = MerkleTree(leaves)
        await peer.call("anchorRoot", tree.root.hex(), "3", CID, creator=ANCHORER)
        proof = RootProof(CONTROLLER.address, tree.root, 1, tree.branch(1))
        asked = ("verify", "Org1MSP", DOMAINS.name)
        shown = [tell(RootProof, proof).decode(), tell(SettlementPiece, pieces[1]).decode()]
        told = await peer.call(*asked, *shown)
        assert told.status == 200, told.message
        signers = parse(tuple[Address, ...], told.payload.decode(), who="signers")
        assert signers == (PAYER.address, SELLER.address, CONTROLLER.address)
        moved = tell(RootProof, replace(proof, position=0)).decode()
        assert refused(await peer.call(*asked, moved, shown[1]), "LeafNotUnderRoot")
        assert refused(await peer.call("verify", "Org2MSP", *asked[2:], *shown), "RootUnknown")

    play(scene)


@pytest.mark.parametrize(
    "call",
    [
        ("nothing",),
        ("",),
        ("recordSettlements", DOMAINS.name),
        ("recordSettlements", DOMAINS.name, "[]"),
        ("recordSettlements", "eip155:1:" + DOMAINS.escrow, "[]"),
        ("recordSettlements", DOMAINS.name, '[{"claim": 1}]'),
        ("recordSettlements", DOMAINS.name, "[" * 200_000),
        ("recordSettlements", DOMAINS.name, "x" * (requests.MAX_ARGUMENT_CHARACTERS + 1)),
        ("anchorRoot", "00", "3", CID),
        ("anchorRoot", "00" * 32, "٣", CID),
        ("anchorRoot", "00" * 32, "-1", CID),
        ("evidenceOf", "zz"),
        ("rootOf", "Org1MSP", "0x00", "00" * 32),
        ("clock/tick", "1"),
    ],
)
def test_odd_call__is_refused_in_words_and_writes_nothing(call: tuple[str, ...]) -> None:
    async def scene(peer: ScriptedPeer) -> None:
        before = dict(peer.state)
        told = await peer.call(*call, creator=ANCHORER)
        assert told.status == 500 and told.message and "Traceback" not in told.message
        assert len(told.message) <= 1000 and peer.state == before and told.event is None

    play(scene)


def test_every_function_that_writes__reads_a_key_that_it_writes_so_that_it_counts_once() -> None:
    """Fabric counts one endorsement under several ids, unless the first changes what it read."""
    only_read: dict[str, tuple[str, ...]] = {
        requests.EVIDENCE_OF: ("00" * 32,),
        requests.ROOT_OF: ("Org1MSP", CONTROLLER.address, ROOT.hex()),
        requests.VERIFY: ("Org1MSP", DOMAINS.name, "{}", "{}"),
        **dict.fromkeys((requests.PARAMETERS, requests.PROPOSED, NOW, LIST), ()),
    }
    first, second = ADMINS.values()
    begun = pieces_of(InitiationPiece, initiation())
    qualified = pieces_of(QualificationPiece, qualification())
    write: list[tuple[bytes, str, tuple[str, ...]]] = [
        (first, requests.INIT, (parameters_until(7),)),
        (first, requests.INIT, (parameters_until(),)),  # another word than before
        (second, requests.INIT, (parameters_until(),)),  # they stand
        (CLIENT, requests.RECORD_SETTLEMENTS, settlements(settlement(1), settlement(2))[1:]),
        (CLIENT, requests.RECORD_INITIATIONS, (DOMAINS.name, begun)),
        (CLIENT, requests.RECORD_QUALIFICATIONS, (DOMAINS.name, qualified)),
        (ANCHORER, requests.ANCHOR_ROOT, (ROOT.hex(), "3", CID)),
        (CLOCKS["Org1MSP"], TICK, (str(SECONDS - 1),)),
        (CLOCKS["Org1MSP"], TICK, (str(SECONDS),)),
    ]
    assert {name for _, name, _ in write} | set(only_read) == {*FUNCTIONS, TICK, NOW, LIST}

    async def scene(peer: ScriptedPeer) -> None:
        for who, name, arguments in write:
            peer.asked.clear()
            told = await peer.call(name, *arguments, creator=who)
            assert told.status == 200, told.message
            reads, writes = (touched(peer, kind) for kind in (Message.GET_STATE, Message.PUT_STATE))
            assert writes and set(reads) & set(writes), f"{name} can count twice"
        before = dict(peer.state)
        for name, more in only_read.items():
            await peer.call(name, *more, creator=CLIENT)
        assert peer.state == before

    play(scene, until=None)
