"""Evidence of settlements on a ledger, ours or Fabric's, over real gRPC and TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.offchain.ledger.embedded.served import (
    ORG1,
    ORG2,
    development_ledger,
    fabric_ledger,
)
from tests.offchain.systems.trading.station.ledgers.evidence_ledger import (
    EvidenceGround,
    evidence_ground,
    registry_of,
    tick_all,
)

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Timestamp
from edgemark.ledger.fabric.client.events import ChaincodeEvent
from edgemark.ledger.fabric.faults import ChaincodeRefused, NotEndorsed, TransactionInvalid
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.kept import Kept
from edgemark.systems.trading.contract.evidence.pieces import RootProof
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.controller.recording.lists import EvidencePiece, plant
from edgemark.systems.trading.credentials.settlement import Issued
from edgemark.systems.trading.demo.consortium.trade import piece_of
from edgemark.systems.trading.station.ledgers.consortium import (
    CHAINCODE,
    ConsortiumEvidence,
    call_of,
)

pytestmark = [pytest.mark.lasts(12)]
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


@pytest.fixture(
    scope="module", params=["development", pytest.param("fabric", marks=pytest.mark.fabric)]
)
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EvidenceGround]:
    begins = development_ledger if request.param == "development" else fabric_ledger
    with evidence_ground(tmp_path_factory.mktemp("evidence"), begins=begins) as made:
        made.begin()
        yield made


@pytest.fixture(scope="module")
def recorder(ground: EvidenceGround) -> ConsortiumEvidence:
    return registry_of(ground.enter("recorder"))


@pytest.fixture(scope="module")
def other(ground: EvidenceGround) -> ConsortiumEvidence:
    return registry_of(ground.enter("other", ORG2))


def id_of(ground: EvidenceGround, issued: Issued) -> bytes:
    trade = ground.trade
    signers = [each.address for each in (trade.payer, trade.seller, trade.controller)]
    return compute_evidence_id(issued.issuance, signers)


def test_settlements__are_recorded_and_found_by_the_other_organisation(
    ground: EvidenceGround, recorder: ConsortiumEvidence, other: ConsortiumEvidence
) -> None:
    domains = ground.trade.domains
    issued = [ground.trade.settle() for _ in range(2)]
    began = int(time.time())
    done = recorder.record_settlements(domains, [piece_of(each) for each in issued])
    assert done.new == 2 and len(done.transaction) == 64
    ids = [id_of(ground, each) for each in issued]
    found = other.recorded([*ids, bytes(32)])
    assert [each.kind for each in found] == [EvidenceKind.SETTLEMENT] * 2 + [EvidenceKind.NONE]
    assert began <= found[0].recorded_at <= time.time() and found[2].recorded_at == 0
    assert list(other.domains()) == [domains]
    assert "trading" in other.place


def test_same_settlement__is_refused_alone_and_passed_over_in_a_list(
    ground: EvidenceGround, recorder: ConsortiumEvidence, other: ConsortiumEvidence
) -> None:
    issued, more = ground.trade.settle(), ground.trade.settle()
    domains = ground.trade.domains
    recorder.record_settlements(domains, [piece_of(issued)])
    before = other.find(id_of(ground, issued))
    with pytest.raises((ChaincodeRefused, NotEndorsed), match="EvidenceExists"):
        other.record_settlements(domains, [piece_of(issued)])
    assert other.record_settlements(domains, [piece_of(issued), piece_of(more)]).new == 1
    assert recorder.find(id_of(ground, issued)) == before


def test_same_call_again__is_the_same_transaction(
    ground: EvidenceGround, recorder: ConsortiumEvidence
) -> None:
    piece = piece_of(ground.trade.settle())
    first = recorder.record_settlements(ground.trade.domains, [piece])
    assert recorder.record_settlements(ground.trade.domains, [piece]) == first


def test_endorsed_by_one_organisation_alone__does_not_count(
    ground: EvidenceGround, recorder: ConsortiumEvidence
) -> None:
    issued = ground.trade.settle()
    door = recorder.door
    endorsed = door.endorse(
        *call_of(ground.trade.domains, [piece_of(issued)]), organisations=[ORG1]
    )
    with pytest.raises(TransactionInvalid) as invalid:
        door.order(endorsed)
    assert invalid.value.code is Code.ENDORSEMENT_POLICY_FAILURE
    assert recorder.find(id_of(ground, issued)) is None


def test_a59_parallel_recordings__never_conflict(
    ground: EvidenceGround, recorder: ConsortiumEvidence, other: ConsortiumEvidence
) -> None:
    pieces = [piece_of(ground.trade.settle()) for _ in range(24)]
    domains = ground.trade.domains
    with ThreadPoolExecutor(8) as threads:
        done = list(
            threads.map(
                lambda each: each[0].record_settlements(domains, [each[1]]),
                zip([recorder, other] * 12, pieces, strict=True),
            )
        )
    assert [each.new for each in done] == [1] * 24
    assert len({each.block for each in done}) < 24  # several in one block


def test_same_settlement_at_once__counts_once_and_conflicts_once(
    ground: EvidenceGround, recorder: ConsortiumEvidence, other: ConsortiumEvidence
) -> None:
    said = call_of(ground.trade.domains, [piece_of(ground.trade.settle())])
    endorsed = [each.door.endorse(*said) for each in (recorder, other)]
    recorder.door.order(endorsed[0])
    with pytest.raises(TransactionInvalid) as invalid:
        other.door.order(endorsed[1])
    assert invalid.value.code is Code.MVCC_READ_CONFLICT and invalid.value.is_conflict


def test_root__is_anchored_by_who_may_and_verified_by_anybody(
    ground: EvidenceGround, recorder: ConsortiumEvidence, other: ConsortiumEvidence
) -> None:
    trade = ground.trade
    issued = [trade.settle() for _ in range(3)]
    leaves = [EvidencePiece(each.claim, each.signatures) for each in issued]
    tree = plant(leaves, trade.domains.of_vouchers, trade.domains.of_issuances)
    with pytest.raises((ChaincodeRefused, NotEndorsed), match="MayNotAnchor"):
        recorder.anchor_root(tree.root, 3, CID)
    ground.issue(ORG1, "anchorer", edgemark_anchor=trade.controller.address)
    anchorer = registry_of(ground.enter("anchorer", user="anchorer"))
    kept = anchorer.anchor_root(tree.root, 3, CID)
    assert (kept.controller, kept.organisation) == (trade.controller.address, ORG1)
    assert (kept.leaves, kept.cid, kept.anchored_at) == (3, CID, Timestamp(0))
    assert other.root(ORG1, trade.controller.address, tree.root) == kept
    assert other.root(ORG2, trade.controller.address, tree.root) is None
    proof = RootProof(trade.controller.address, tree.root, 2, tree.branch(2))
    signers = other.verify(ORG1, trade.domains, proof, piece_of(issued[2]))
    assert signers == (trade.payer.address, trade.seller.address, trade.controller.address)
    with pytest.raises(EdgemarkError, match="LeafNotUnderRoot"):
        other.verify(ORG1, trade.domains, proof, piece_of(issued[1]))


def test_rehearsed_recording__changes_nothing(
    ground: EvidenceGround, recorder: ConsortiumEvidence
) -> None:
    issued = ground.trade.settle()
    dry = ConsortiumEvidence(recorder.door.rehearsed())
    assert dry.record_settlements(ground.trade.domains, [piece_of(issued)]).new == 1
    assert recorder.find(id_of(ground, issued)) is None


def test_events__come_once_each_and_go_on_behind_the_cursor(
    ground: EvidenceGround, recorder: ConsortiumEvidence, other: ConsortiumEvidence
) -> None:
    seen: list[Kept] = []

    def handle(event: ChaincodeEvent) -> None:
        assert event.event.name == requests.RECORDED
        seen.extend(requests.parse(tuple[Kept, ...], event.event.payload.decode(), who="event"))

    other.door.listen("watch", handle, wait_s=0.5 * ground.slower)
    recorded = []
    for _ in range(2):
        issued = ground.trade.settle()
        recorder.record_settlements(ground.trade.domains, [piece_of(issued)])
        recorded.append(id_of(ground, issued))
        other.door.listen("watch", handle, wait_s=1.0 * ground.slower)
    assert [each.found.evidence for each in seen] == recorded


def test_a08_root_endorsed_in_time_and_held_back__dies_with_the_next_tick(
    ground: EvidenceGround,
) -> None:
    with evidence_ground(ground.folder / "deadlines", begins=ground.begins) as late:
        until = int(time.time() + 2 * ground.slower)
        drafted = late.drafted(until)
        assert late.admin(ORG1).agree(drafted).named == (ORG2,)  # one alone: nothing stands
        early = registry_of(late.enter("early"))
        with pytest.raises(EdgemarkError, match="NoParameters"):
            early.record_settlements(late.trade.domains, [piece_of(late.trade.settle())])
        assert [(each.organisation, each.parameters) for each in early.proposed()] == [
            (ORG1, drafted)
        ]
        late.begin(until)
        clocks = [late.clock(each) for each in (ORG1, ORG2)]
        late.issue(ORG1, "anchorer", edgemark_anchor=late.trade.controller.address)
        station = late.enter("anchorer", user="anchorer")
        anchorer = registry_of(station)
        asked = (requests.ANCHOR_ROOT, "ab" * 32, "3", CID)
        with pytest.raises(EdgemarkError, match="NoTime"):
            anchorer.door.endorse(*asked)
        assert [each.error for each in tick_all(*clocks)] == [None, None]
        held = anchorer.door.endorse(*asked)  # in time
        said = call_of(late.trade.domains, [piece_of(late.trade.settle())])
        recording = anchorer.door.endorse(*said)  # no deadline decides it
        while station.now(CHAINCODE) <= until:
            time.sleep(0.2)
            assert [each.error for each in tick_all(*clocks)] == [None, None]
        with pytest.raises(TransactionInvalid) as invalid:
            anchorer.door.order(held)
        assert invalid.value.code is Code.MVCC_READ_CONFLICT
        with pytest.raises(EdgemarkError, match="TooLate"):
            anchorer.door.endorse(*asked)
        assert anchorer.root(ORG1, late.trade.controller.address, bytes.fromhex("ab" * 32)) is None
        assert anchorer.door.order(recording).code is Code.VALID


def test_clock__of_who_has_none_or_ahead_of_its_transaction__does_not_count(
    ground: EvidenceGround,
) -> None:
    ahead = ground.clock(ORG2, ahead_s=60)
    (ticked,) = ahead.turn()
    assert ticked.error is not None and "ahead" in str(ticked.error)
    fair = ground.clock(ORG2)
    assert fair.turn()[0].error is None
    with pytest.raises(EdgemarkError, match="attribute"):
        ground.stations[0].door(CHAINCODE).submit(None, "clock/tick", str(int(time.time())))
