"""T22: a controller's recorder carries evidence to a development ledger by itself, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.ledger.embedded.served import ORG1, ORG2
from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.station.ledgers.carried_office import Office, id_of, settle
from tests.offchain.systems.trading.station.ledgers.evidence_ledger import (
    EvidenceGround,
    evidence_ground,
    registry_of,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import LedgerUnavailable
from edgemark.ledger.fabric.faults import LedgerSilent, TransactionInvalid
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, PROFILE
from edgemark.systems.trading.contract.evidence.pieces import RootProof
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.controller.recording.firsts import FirstPiece, FirstRecorder
from edgemark.systems.trading.controller.recording.lists import Piece, plant
from edgemark.systems.trading.controller.recording.recorder import REFUSED_S
from edgemark.systems.trading.controller.recording.waiting import Form
from edgemark.systems.trading.demo.consortium.trade import piece_of
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.settings import EVM, ControllerSettings
from edgemark.systems.trading.station.ledgers.consortium import ConsortiumEvidence

pytestmark = [pytest.mark.lasts(4)]


class Killed(Exception):
    """The process ends here."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvidenceGround]:
    with evidence_ground(tmp_path_factory.mktemp("carried")) as made:
        yield made


@pytest.fixture(scope="module")
def registry(ground: EvidenceGround) -> ConsortiumEvidence:
    ground.begin()
    return registry_of(ground.enter("looking", ORG2))


@pytest.fixture
def offices(ground: EvidenceGround) -> Iterator[Callable[..., Office]]:
    opened: list[Office] = []

    def make(*given: Any, **named: Any) -> Office:
        opened.append(Office(ground, *given, **named))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_evidence__waits_until_the_organisations_have_agreed_and_goes_on_then(
    ground: EvidenceGround, offices: Callable[..., Office], request: pytest.FixtureRequest
) -> None:
    office = offices("waits")
    recorder = office.open()
    piece, issued = settle(ground, "waits")
    recorder.offer(piece)
    office.run(recorder)
    assert (office.told, recorder.read().under_way, len(office.files)) == ([], 1, 1)
    registry = request.getfixturevalue("registry")
    office.run(recorder)
    assert office.told == []  # it is asked again after a while, and not at every turn
    office.now += REFUSED_S
    office.run(recorder)
    assert (office.told, office.files) == ([piece.index], [])
    assert registry.recorded([id_of(ground, issued)])[0].kind is EvidenceKind.SETTLEMENT


@pytest.mark.parametrize("form", [Form.SINGLE, Form.BATCH])
def test_t22_evidence__is_recorded_by_itself_and_found_by_another_organisation(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office], form: Form
) -> None:
    office = offices(f"itself-{form.value}", form)
    recorder = office.open()
    made = [settle(ground, f"{form.value} {number}") for number in range(3)]
    for piece, _ in (*made, *made):
        recorder.offer(piece)
    before = registry.door.client.height()
    office.run(recorder)
    assert sorted(office.told) == sorted(piece.index for piece, _ in made)
    found = registry.recorded([id_of(ground, issued) for _, issued in made])
    assert [each.kind for each in found] == [EvidenceKind.SETTLEMENT] * 3
    assert registry.door.client.height() - before == (3 if form is Form.SINGLE else 1)
    assert office.files == []


@pytest.mark.parametrize("form", list(Form))
def test_killed_recorder__goes_on_with_the_same_transaction(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office], form: Form
) -> None:
    """It dies when the ledger has it, and nobody has written down that it has."""

    def die(_: Sequence[Piece]) -> None:
        raise Killed

    user = "User1"
    if form is Form.ANCHORED:
        user = "anchoring"
        ground.issue(ORG1, user, edgemark_anchor=ground.trade.controller.address)
    office = offices(f"killed-{form.value}", form, user)
    recorder = office.open(die)
    piece, issued = settle(ground, f"killed {form.value}")
    recorder.offer(piece)
    with pytest.raises(Killed):
        office.run(recorder)
    assert len(office.files) == 1
    height = registry.door.client.height()
    again = office.open()
    again.offer(piece)  # the desk owes it still
    office.run(again)
    assert (office.told, office.files) == ([piece.index], [])
    assert registry.door.client.height() == height, "nothing was sent a second time"
    if form is not Form.ANCHORED:
        return
    domains = ground.trade.domains
    tree = plant([piece], domains.of_vouchers, domains.of_issuances)
    proof = RootProof(ground.trade.controller.address, tree.root, 0, tree.branch(0))
    signers = registry.verify(ORG1, domains, proof, piece_of(issued))
    assert signers[2] == ground.trade.controller.address


def test_what_somebody_else_recorded__is_there_and_keeps_nothing_back(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office]
) -> None:
    theirs, mine = settle(ground, "theirs"), settle(ground, "mine")
    registry.record_settlements(ground.trade.domains, [piece_of(theirs[1])])
    for form, some in ((Form.SINGLE, [theirs]), (Form.BATCH, [theirs, mine])):
        office = offices(f"after-{form.value}", form)
        recorder = office.open()
        for piece, _ in some:
            recorder.offer(piece)
        office.run(recorder)
        assert sorted(office.told) == sorted(piece.index for piece, _ in some)
    assert registry.recorded([id_of(ground, mine[1])])[0].kind is EvidenceKind.SETTLEMENT


def test_initiations__go_there_too(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office]
) -> None:
    office, trade = offices("initiations"), ground.trade
    recorder = FirstRecorder(
        office.carrier(), ground.folder / "firsts", 5.0, office.note, lambda: office.now
    )
    channel, credential = ChannelId(keccak256(b"begun")), keccak256(b"the first")
    digest = trade.domains.of_evidence.initiation(channel, credential)
    words = trade.payer.sign(digest), trade.seller.sign(digest)
    recorder.offer(FirstPiece(channel, credential, *words))
    office.run(recorder)
    assert office.told == [1]
    signers = [trade.payer.address, trade.seller.address]
    (found,) = registry.recorded([compute_evidence_id(digest, signers)])
    assert found.kind is EvidenceKind.INITIATION


def test_evidence__of_a_chain_that_the_registry_does_not_take_or_of_no_right__waits(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office]
) -> None:
    other = replace(ground.trade.domains, chain_id=5)
    for office in (
        offices("elsewhere", domains=other),
        offices("no-right", Form.ANCHORED),
    ):
        recorder = office.open()
        recorder.offer(settle(ground, office.home)[0])
        office.run(recorder)
        assert (office.told, recorder.read().under_way) == ([], 1)


def test_list_with_one_that_is_refused__loses_only_that_one(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office]
) -> None:
    office = offices("spoilt")
    recorder = office.open()
    good, bad = settle(ground, "good")[0], settle(ground, "bad")[0]
    issuance = bad.issuance(ground.trade.domains.of_vouchers, ground.trade.domains.of_issuances)
    stolen = replace(bad.signatures, controller=key_of("a thief").sign(issuance))
    recorder.offer(replace(bad, signatures=stolen))
    recorder.offer(good)
    office.run(recorder)
    assert (office.told, recorder.read().waiting) == ([good.index], 1)


def test_transaction_that_came_behind_another__is_asked_anew_and_is_there(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office]
) -> None:
    """Its own was endorsed, somebody else's came first, and it died between both."""
    office = offices("behind")
    recorder = office.open()
    piece, issued = settle(ground, "behind")
    call = recorder.call_for([piece])
    door = office.carriers[-1]._door
    held = door.endorse(call.function, *call.arguments)
    registry.record_settlements(ground.trade.domains, [piece_of(issued)])
    with pytest.raises(TransactionInvalid):
        door.order(held, call.name)
    recorder.offer(piece)
    office.run(recorder)
    assert (office.told, office.files) == ([piece.index], [])


class Invalidating:
    """A door whose first submissions stand in blocks and never count.

    Why a stand-in: no policy of this ledger makes an honest transaction invalid twice.
    """

    def __init__(self, times: int) -> None:
        self.names: list[str] = []
        self.times = times

    def submit(self, name: str, *_said: object, **_named: object) -> None:
        self.names.append(name)
        if len(set(self.names)) <= self.times:
            raise TransactionInvalid("does not count")


def test_transaction_that_never_counts__goes_out_by_another_name_and_no_other_does(
    ground: EvidenceGround,
    registry: ConsortiumEvidence,
    offices: Callable[..., Office],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = offices("invalid")
    recorder = office.open()
    piece, _ = settle(ground, "invalid")
    name = recorder.call_for([piece]).name
    door = Invalidating(2)
    monkeypatch.setattr(office.carriers[-1], "_door", door)
    recorder.offer(piece)
    office.run(recorder)
    assert door.names == [name]  # and not at each turn
    for _ in range(2):
        assert (office.told, len(office.files)) == ([], 1)
        office.now += REFUSED_S
        office.run(recorder)
    assert (office.told, door.names) == ([piece.index], [name, f"{name}-1", f"{name}-2"])


class Silent:
    """A door behind which nobody answers: a ledger that is killed comes back in its own tests."""

    def submit(self, *_said: object, **_named: object) -> None:
        raise LedgerSilent("does not answer")


def test_ledger_that_is_away__keeps_everything(
    ground: EvidenceGround,
    registry: ConsortiumEvidence,
    offices: Callable[..., Office],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = offices("away")
    recorder = office.open()
    piece, _ = settle(ground, "away")
    carrier = office.carriers[-1]
    there = carrier._door
    monkeypatch.setattr(carrier, "_door", Silent())
    recorder.offer(piece)
    office.now += 6.0
    with pytest.raises(LedgerUnavailable):
        recorder.turn()
    assert (office.told, len(office.files)) == ([], 1)
    monkeypatch.setattr(carrier, "_door", there)
    office.run(recorder)
    assert office.told == [piece.index]


def test_setting__names_each_kind_of_ledger() -> None:
    for kind in (EVM, DEVELOPMENT, FABRIC, PROFILE):
        assert ControllerSettings(ledger=kind).ledger == kind


def test_chaincode_whose_processes_are_away__refuses_nothing_and_keeps_nobody_from_ending(
    ground: EvidenceGround, registry: ConsortiumEvidence, offices: Callable[..., Office]
) -> None:
    """They are stopped for two turns, and a list of many is one transaction all the same."""
    office, ledger = offices("stopped"), ground.served
    recorder = office.open()
    pieces = [settle(ground, f"stopped {number}")[0] for number in range(20)]
    for each in pieces:
        recorder.offer(each)
    before, office.now = registry.door.client.height(), 6.0
    ledger.stop_servers()
    try:
        with pytest.raises(LedgerUnavailable):
            recorder.turn()
        assert (recorder.read().under_way, recorder.read().waiting, len(office.files)) == (1, 0, 1)
        recorder.end()
        recorder.turn()  # asks nothing
        ending = office.open()  # another life, which ends while the ledger looks for a process
        with ThreadPoolExecutor(1) as thread:
            turn = thread.submit(ending.turn)
            time.sleep(0.3)
            ending.end()
            office.carriers[-1].interrupt()
            assert turn.result(10.0) is None, "else it would say that the ledger is away"
    finally:
        ledger.start_servers()
    recorder = office.open()
    office.run(recorder)
    assert sorted(office.told) == sorted(each.index for each in pieces)
    assert (registry.door.client.height() - before, office.files) == (1, [])
