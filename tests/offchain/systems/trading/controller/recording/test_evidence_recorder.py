"""T19: evidence in its three forms on a real chain, once each, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.recording.evidence_cast import channel_of

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32, Tokens
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.sending.intent import Call
from edgemark.storage.cid import parse_cid
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded, RootAnchored
from edgemark.systems.trading.contract.evidence.pieces import RootProof
from edgemark.systems.trading.contract.evidence.records import Claim, EvidenceKind, Signatures
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.controller.recording.lists import (
    EvidencePiece,
    plant,
    read_anchored,
)
from edgemark.systems.trading.controller.recording.recorder import (
    AT_ONCE,
    REFUSED_S,
    Recorder,
)
from edgemark.systems.trading.controller.recording.waiting import Form
from edgemark.systems.trading.station.station import TradingStation

__all__ = ["house"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(15)]

PAYER, SELLER = key_of("a payer"), key_of("a seller")


@pytest.fixture(scope="module")
def station(house: ControllerHouse) -> Any:
    settings = house.settings("recording")
    house.admit(settings)
    with house.open(settings) as opened:
        yield opened


def sign(station: TradingStation, number: int, index: int = 1, by: SecretKey | None = None) -> Any:
    """A piece that all three signed, of the channel of this number."""
    key, channel = by or station.keys.account, channel_of(number)
    voucher = Voucher(index, Tokens(index), Hash32(bytes(32)), station.address)
    claim = Claim(channel, voucher, keccak256(b"%d %d" % (number, index)))
    digest = station.domain.voucher(channel, voucher)
    issuance = station.controllers_domain.issuance(claim, digest)
    signed = PAYER.sign(digest), SELLER.sign(digest), key.sign(issuance)
    return EvidencePiece(claim, Signatures(*signed))


class Prompt:
    """The station, with a lane that waits for what it sends: looks of its keeper cost seconds."""

    def __init__(self, station: TradingStation) -> None:
        self.station, self.is_away = station, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.station, name)

    def push(self, call: Call) -> Receipt:
        if self.is_away:
            raise LedgerUnavailable("is away")
        return self.station.lane.send(call)


@dataclass
class Office:
    """A recorder with a clock of its own, and what it said."""

    station: TradingStation
    folder: Path
    form: Form = Form.BATCH
    told: list[tuple[bytes, int]] = field(default_factory=list)
    now: float = 0.0
    on_recorded: Callable[[Sequence[EvidencePiece]], None] | None = None

    def __post_init__(self) -> None:
        self.chain = Prompt(self.station)

    def open(self, chain: Any = None) -> Recorder:
        told = self.on_recorded or self.note
        return Recorder(chain or self.chain, self.folder, self.form, 5.0, told, lambda: self.now)

    def note(self, pieces: Sequence[EvidencePiece]) -> None:
        self.told += [(each.channel, each.index) for each in pieces]

    def run(self, recorder: Recorder, turns: int = 60) -> None:
        """Until nothing is owed."""
        for _ in range(turns):
            recorder.turn()
            reading = recorder.read()
            if not (reading.waiting or reading.under_way):
                return
        raise AssertionError(f"still owed: {recorder.read()}")

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*"))


def events_of(station: TradingStation, kind: type[Any], since: int) -> list[Any]:
    return [each for each in station.follow(since).poll() if isinstance(each, kind)]


def evidence_id(station: TradingStation, piece: EvidencePiece) -> Hash32:
    digest = piece.issuance(station.domain, station.controllers_domain)
    return compute_evidence_id(digest, [PAYER.address, SELLER.address, station.address])


@pytest.mark.parametrize(("form", "many"), [(Form.SINGLE, 3), (Form.BATCH, 1)])
def test_t19_evidence__is_verified_on_chain_and_names_its_signers(
    station: TradingStation, tmp_path: Path, form: Form, many: int
) -> None:
    office = Office(station, tmp_path / "evidence", form)
    recorder, since = office.open(), station.chain.head() + 1
    first = 100 if form is Form.SINGLE else 200
    pieces = [sign(station, first + number) for number in range(3)]
    for each in (*pieces, *pieces):
        recorder.offer(each)
    office.now = 6.0
    office.run(recorder)
    assert sorted(office.told) == sorted((each.channel, each.index) for each in pieces)
    recorded = station.evidence.recorded([evidence_id(station, each) for each in pieces])
    assert [each.kind for each in recorded] == [EvidenceKind.SETTLEMENT] * 3
    found = events_of(station, EvidenceRecorded, since)
    assert {each.subject for each in found} == {each.channel for each in pieces}
    signers = {tuple(each.signers) for each in found}
    assert signers == {(PAYER.address, SELLER.address, station.address)}
    assert len({each.at.tx_hash for each in found}) == many
    assert office.files == []
    recorder.offer(pieces[0])  # once more, as an effect that was begun before
    office.now = 20.0
    office.run(recorder)
    assert len(events_of(station, EvidenceRecorded, since)) == 3


def test_t19_an_anchored_root__has_its_list_in_the_store_and_each_leaf_verifies(
    station: TradingStation, tmp_path: Path
) -> None:
    office = Office(station, tmp_path / "evidence", Form.ANCHORED)
    recorder, since = office.open(), station.chain.head() + 1
    pieces = [sign(station, 300 + number) for number in range(7)]
    for each in pieces:
        recorder.offer(each)
    office.now = 6.0
    office.run(recorder)
    (anchored,) = events_of(station, RootAnchored, since)
    domains = station.domain, station.controllers_domain
    head, back = read_anchored(parse_cid(anchored.cid), station.content.get, *domains)
    assert (head.root, head.leaves, head.controller) == (anchored.root, 7, station.address)
    assert set(back) == set(pieces)
    tree, signers = plant(back, *domains), (PAYER.address, SELLER.address, station.address)
    for position, each in enumerate(back):
        proof = RootProof(station.address, head.root, position, tree.branch(position))
        assert tuple(station.evidence.verify(proof, each.claim, each.signatures)) == signers
    assert events_of(station, EvidenceRecorded, since) == [], "anchored, not verified"


@pytest.mark.parametrize("form", list(Form))
def test_a_killed_recorder__goes_on_with_the_same_transaction(
    station: TradingStation, tmp_path: Path, form: Form
) -> None:
    """It dies between sending and the word that it is there; before, and after it was mined."""

    class Killed(Exception):
        """The process ends here."""

    def die(_: Sequence[EvidencePiece]) -> None:
        raise Killed

    base = {Form.SINGLE: 400, Form.BATCH: 410, Form.ANCHORED: 420}[form]
    office = Office(station, tmp_path / "evidence", form, on_recorded=die)
    recorder, since = office.open(station), station.chain.head() + 1
    piece = sign(station, base)
    recorder.offer(piece)
    office.now = 6.0
    recorder.turn()
    assert (len(office.files), recorder.read().under_way) == (1, 1), "no thread waits for it"
    with pytest.raises(Killed):
        office.run(office.open())
    assert len(office.files) == 1, "what was sent is on the disk until somebody knows"
    office.on_recorded = None
    again = office.open()
    again.offer(piece)  # the desk owes it still
    office.run(again)
    assert (office.told, office.files) == ([(piece.channel, 1)], [])
    kind = RootAnchored if form is Form.ANCHORED else EvidenceRecorded
    assert len(events_of(station, kind, since)) == 1


def test_what_somebody_else_recorded__is_there_and_keeps_nothing_back(
    house: ControllerHouse, station: TradingStation, tmp_path: Path
) -> None:
    outsider = house.ground["outsider"]
    pieces = [sign(station, 500 + number) for number in range(3)]
    theirs = Office(outsider, tmp_path / "theirs", Form.SINGLE)
    first = theirs.open()
    first.offer(pieces[0])
    theirs.run(first)
    for form, some in ((Form.SINGLE, pieces[:1]), (Form.BATCH, pieces)):
        office = Office(station, tmp_path / form.value, form)
        recorder = office.open()
        for each in some:
            recorder.offer(each)
        office.now = 6.0
        office.run(recorder)
        assert len(office.told) == len(some)


def test_a_list_with_one_that_is_refused__loses_only_that_one(
    station: TradingStation, tmp_path: Path
) -> None:
    office = Office(station, tmp_path / "evidence")
    recorder = office.open()
    good = [sign(station, 600 + number) for number in range(3)]
    bad = sign(station, 650, by=PAYER)  # another key than that of the controller it names
    for each in (good[0], bad, *good[1:]):
        recorder.offer(each)
    office.now = 6.0
    for _ in range(20):
        recorder.turn()
    assert sorted(office.told) == sorted((each.channel, 1) for each in good)
    assert recorder.read().waiting == 1
    office.now += REFUSED_S / 2
    recorder.turn()
    assert recorder.read().under_way == 0, "it is not tried again at once"


def test_a_damaged_file__is_left_out_and_its_evidence_goes_anew(
    station: TradingStation, tmp_path: Path
) -> None:
    office = Office(station, tmp_path / "evidence")
    office.folder.mkdir(mode=0o700)
    for name, raw in (("a", b""), ("b", b"\0" * 500), ("c", b"x" * 64)):
        (office.folder / f"{name}.pieces").write_bytes(raw)
    recorder = office.open()
    assert (office.files, recorder.read().under_way) == ([], 0)


def test_t25_a_chain_that_is_away__keeps_everything_and_n_rises(
    station: TradingStation, tmp_path: Path
) -> None:
    """Also evidence of more channels than go out at once; when it is back, all of it is there."""

    office = Office(station, tmp_path / "evidence", Form.SINGLE)
    away = office.chain
    recorder = office.open()
    recorder.offer(sign(station, 699))
    for _ in range(3):
        office.now += 0.5
        recorder.turn()
    for second in range(60):
        office.now = 2.0 + second
        for _ in range(4):
            recorder.note_issued()
    before = recorder.read().paces.least
    away.is_away = True
    for number in range(3 * AT_ONCE):
        recorder.offer(sign(station, 700 + number))
    with pytest.raises(LedgerUnavailable):
        recorder.turn()
    office.now += 30.0
    reading = recorder.read()
    assert reading.waiting + reading.pieces == 3 * AT_ONCE
    assert reading.late == reading.waiting
    assert reading.paces.least > before
    away.is_away = False
    office.run(recorder)
    assert len(office.told) == 3 * AT_ONCE + 1
