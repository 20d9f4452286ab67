"""Who is on the stage of this demonstration, and what all scenes need."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemark.crypto.field.randomness import Randomness
from edgemark.demo.consortium.stage import ConsortiumStage
from edgemark.demo.patience import BUSY, NotInTime
from edgemark.demo.progress import awaiting
from edgemark.errors import EdgemarkError, LedgerUnavailable
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.fabric.client.events import ChaincodeEvent
from edgemark.ledger.fabric.faults import TransactionInvalid
from edgemark.ledger.fabric.identities.layout import ADMIN
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.kept import Kept
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.controller.recording.lists import Anchored
from edgemark.systems.trading.credentials.settlement import Issued
from edgemark.systems.trading.demo.consortium.trade import SignedTrade
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE, ConsortiumEvidence
from edgemark_chaincode.trading.rules import ANCHOR

FIRST, SECOND = "Org1MSP", "Org2MSP"
RECORDER, ANCHORER, RIVAL, VISITOR = "recorder", "anchorer", "rival", "visitor"
LOOK_S = 0.2
RETRIES = 3  # of a word that was said at once with another's
WAIT_S = 120.0  # for what takes seconds on an idle machine
EVENTS_S = 60.0
ANCHOR_WAIT_S = 20.0  # for a moment between two ticks; below the time in which roots are anchored
RANDOM = Randomness()
BEHIND_S = 5.0  # in which what was told twice would come again


@dataclass
class Scene:
    """The stage with its ledger, its registry and whoever asks it.

    Attributes:
        stage: that is set.
        trade: whose settlements are recorded.
        anchor_until: last second at which roots are anchored.
        recorder, anchorer: clients of the first organisation; the second may anchor.
        rival: a client of the other.
        station: of the recorder.
        own: MSP id of the recorder's organisation.
        begun: number of the first block that may tell of what is recorded here.
        counted: ids of evidence whose recording was reported committed, in that order.
    """

    stage: ConsortiumStage
    trade: SignedTrade
    anchor_until: int
    recorder: ConsortiumEvidence
    rival: ConsortiumEvidence
    anchorer: ConsortiumEvidence
    station: ConsortiumStation
    own: str = FIRST
    begun: int = 0
    counted: list[Hash32] = field(default_factory=list)

    @classmethod
    def open(cls, stage: ConsortiumStage, anchor_s: int) -> Scene:
        """Deploy the registry, agree to its parameters, let everybody in.

        Args:
            stage: that is set.
            anchor_s: seconds from now on in which roots are anchored.
        """
        stage.deploy(CHAINCODE, CHAINCODE)
        now = int(time.time())
        trade, until = SignedTrade.begin(now), now + anchor_s
        begin_registry(stage, CHAINCODE, trade, until)
        stage.start_clocks(CHAINCODE)
        stage.issue(FIRST, ANCHORER, {ANCHOR: trade.controller.address})
        stations = [
            stage.enter(home, msp_id, user)
            for home, msp_id, user in (
                (RECORDER, FIRST, "User1"),
                (RIVAL, SECOND, "User1"),
                (ANCHORER, FIRST, ANCHORER),
            )
        ]
        recorder, rival, anchorer = (ConsortiumEvidence(each.door(CHAINCODE)) for each in stations)
        return cls(stage, trade, until, recorder, rival, anchorer, stations[0])

    @property
    def files(self) -> Path:
        """Where the parties keep settlements."""
        return self.stage.folder / "settlements"

    def id_of(self, issued: Issued) -> Hash32:
        """Of the evidence of a settlement: what its controller signed, and who signed."""
        keys = (self.trade.payer, self.trade.seller, self.trade.controller)
        return compute_evidence_id(issued.issuance, [key.address for key in keys])

    def await_time(self, second: int) -> None:
        """Wait until the organisations' clocks say a later time than this."""
        self.wait(f"the clocks are past {second}", lambda: self.station.now(CHAINCODE) > second)

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until something holds; a ledger that does not answer says no.

        Raises:
            NotInTime: it never did.
        """
        until = time.monotonic() + WAIT_S
        with awaiting(what):
            while not self._asks(holds):
                if time.monotonic() > until:
                    raise NotInTime.after(WAIT_S, what, "no")
                time.sleep(LOOK_S)

    @staticmethod
    def _asks(holds: Callable[[], bool]) -> bool:
        try:
            return holds()
        except LedgerUnavailable:
            return False


def begin_registry(stage: ConsortiumStage, name: str, trade: SignedTrade, until: int) -> None:
    """Agree to the parameters of a registry, by an admin of each organisation."""
    said = Parameters((trade.domains,), tuple(stage.ledger.msp_ids), Timestamp(until))
    for msp_id in stage.ledger.msp_ids:
        with_admin = stage.enter(f"admin-{name}-{msp_id}", msp_id, ADMIN)
        ConsortiumEvidence(with_admin.door(name, retries=RETRIES)).agree(said)


def anchor_between_ticks(registry: ConsortiumEvidence, head: Anchored, tick_s: float) -> int:
    """Anchor a root, anew where a clock's tick came between; when, by the organisations' clocks.

    Args:
        registry: by a client that may.
        head: of the list of leaves.
        tick_s: seconds between two ticks of a clock: pauses are a part of them, by chance, for
            whoever asks in step with a clock meets it each time.

    Raises:
        LedgerUnavailable: it conflicted for ANCHOR_WAIT_S.
    """
    # A name that met a conflict is told the same for ever, but by a door that may propose anew.
    asking = ConsortiumEvidence(replace(registry.door, retries=1))
    until, conflicts = time.monotonic() + ANCHOR_WAIT_S, 0
    while True:
        try:
            return asking.anchor_root(head.root, head.leaves, str(head.cid)).anchored_at
        except TransactionInvalid as invalid:
            if not invalid.is_conflict:
                raise
            conflict, conflicts = invalid, conflicts + 1
        pause_s = tick_s * int.from_bytes(RANDOM.octets(2)) / 2**16
        if time.monotonic() + pause_s >= until:
            raise LedgerUnavailable(
                "conflicts with the ticks of clocks",
                who="root",
                had=f"{conflicts} times in {ANCHOR_WAIT_S:g} s, the last: {conflict.had}",
                needed="a moment between two ticks",
                remedy=BUSY,
            ) from conflict
        time.sleep(pause_s)


def refusal_of(act: Callable[[], object]) -> EdgemarkError | None:
    """What an act is refused with; None when it is not."""
    try:
        act()
    except EdgemarkError as error:
        return error
    return None


def hear(scene: Scene, first: int, wanted: set[Hash32]) -> list[Hash32]:
    """Ids of evidence that the ledger tells of, until all wanted ones and those behind are told."""
    found = list[tuple[int, Hash32]]()
    controller = scene.trade.controller.address  # others may record on the same ledger
    until, last = time.monotonic() + EVENTS_S, first
    for event in scene.rival.door.list_events(wait_s=EVENTS_S, first=first):
        found += [(event.block, each) for each in _evidence_in(event, controller)]
        last = event.block
        if wanted <= {each for _, each in found} or time.monotonic() > until:
            break
    behind = [  # the last block whole, and what comes after it
        each
        for event in scene.rival.door.list_events(wait_s=BEHIND_S, first=last)
        for each in _evidence_in(event, controller)
    ]
    return [each for block, each in found if block < last] + behind


def _evidence_in(event: ChaincodeEvent, controller: Address) -> list[Hash32]:
    if event.event.name != requests.RECORDED:
        return []
    kept = requests.parse(tuple[Kept, ...], event.event.payload.decode(), who="event")
    return [each.found.evidence for each in kept if controller in each.found.signers]
