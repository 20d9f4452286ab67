"""Evidence of settlements on a consortium ledger: the chaincode `trading`, by a Gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.agreement import Agreement, Saying
from edgemark.systems.trading.contract.consortium.kept import AnchoredRoot, Kept
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.consortium.requests import NOTHING, parse, tell
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import (
    Recorded,
    RootProof,
    SettlementPiece,
)
from edgemark.systems.trading.contract.evidence.records import MAX_PIECES, EvidenceKind
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.station.ledgers.ledger import Written

CHAINCODE = "trading"  # as channels know it


class ConsortiumEvidence:
    """The registry of a consortium ledger; see `EvidenceLedger`.

    Args:
        door: to the chaincode.
    """

    def __init__(self, door: ChaincodeDoor) -> None:
        self.door = door
        self._parameters: Parameters | None = None

    @property
    def place(self) -> str:
        """Chaincode and channel."""
        return f"chaincode {self.door.chaincode} on channel {self.door.channel}"

    @property
    def parameters(self) -> Parameters:
        """Those that stand, for good; asked once."""
        if self._parameters is None:
            raw = self.door.evaluate(requests.PARAMETERS)
            self._parameters = parse(Parameters, raw.decode(), who="parameters")
        return self._parameters

    def agree(self, parameters: Parameters) -> Agreement:
        """Say, as an admin, what the parameters are to be; whose word is missing yet.

        Raises:
            ChaincodeRefused: others stand, or it is no admin's to say.
        """
        done = self.door.submit(None, requests.INIT, tell(Parameters, parameters).decode())
        found: Agreement = parse(Agreement, done.response.decode(), who="agreement")
        return found

    def proposed(self) -> Sequence[Saying]:
        """What each organisation said that the parameters are to be."""
        raw = self.door.evaluate(requests.PROPOSED)
        said: tuple[Saying, ...] = parse(tuple[Saying, ...], raw.decode(), who="proposed")
        return said

    def domains(self) -> Sequence[EvmDomains]:
        """Those that the parameters name."""
        return self.parameters.domains

    def record_settlements(self, domains: EvmDomains, pieces: Sequence[SettlementPiece]) -> Written:
        """Record settlements in one transaction, sent once or again the same."""
        function, *said = call_of(domains, pieces)
        done = self.door.submit(name_of(function, *said), function, *said)
        return Written(int(done.response), done.transaction_id, done.block)

    def recorded(self, evidence: Sequence[Hash32]) -> list[Recorded]:
        """What the ledger keeps of these; times are what the recorders' clients told."""
        return [_recorded_of(self.find(each)) for each in evidence]

    def find(self, evidence: Hash32) -> Kept | None:
        """All that is kept of a piece of evidence; None of what never was recorded."""
        raw = self.door.evaluate(requests.EVIDENCE_OF, evidence.hex())
        return None if raw == NOTHING else parse(Kept, raw.decode(), who="evidence")

    def anchor_root(self, root: Hash32, leaves: int, cid: str) -> AnchoredRoot:
        """Anchor the root of many settlements, for the controller that the certificate names.

        Raises:
            TransactionInvalid: where the parameters name an end of anchoring, the tick of a clock
                may have come between. By a door without retries the same root is told the same
                from then on; by one with retries it is proposed anew.
        """
        said = (root.hex(), str(leaves), cid)
        done = self.door.submit(name_of(requests.ANCHOR_ROOT, *said), requests.ANCHOR_ROOT, *said)
        kept: AnchoredRoot = parse(AnchoredRoot, done.response.decode(), who="root")
        return kept

    def root(self, msp_id: str, controller: Address, root: Hash32) -> AnchoredRoot | None:
        """What is kept of a root, by who anchored it; None of one that never was."""
        raw = self.door.evaluate(requests.ROOT_OF, msp_id, controller, root.hex())
        return None if raw == NOTHING else parse(AnchoredRoot, raw.decode(), who="root")

    def verify(
        self, msp_id: str, domains: EvmDomains, proof: RootProof, piece: SettlementPiece
    ) -> tuple[Address, ...]:
        """Payer, seller and controller, recovered, of a settlement under an anchored root.

        Raises:
            ChaincodeRefused: it does not stand there, or the controller did not sign it.
        """
        shown = tell(RootProof, proof).decode(), tell(SettlementPiece, piece).decode()
        raw = self.door.evaluate(requests.VERIFY, msp_id, domains.name, *shown)
        signers: tuple[Address, ...] = parse(tuple[Address, ...], raw.decode(), who="signers")
        return signers


@contextmanager
def open_evidence(
    settings: Settings, *, is_dry: bool = False, looks: bool = False
) -> Iterator[ConsortiumEvidence]:
    """The registry as a party of the settings' identity asks it.

    Args:
        settings: with ledger, channel and identity.
        is_dry: what would be written is endorsed, and never ordered.
        looks: nothing will be written, and no journal is opened.

    Raises:
        RefusedInput: as `ConsortiumStation.open`.
    """
    opening = ConsortiumStation.look if looks or is_dry else ConsortiumStation.open
    with opening(settings) as station:
        door = station.door(CHAINCODE)
        yield ConsortiumEvidence(door.rehearsed() if is_dry else door)


def call_of(domains: EvmDomains, pieces: Sequence[SettlementPiece]) -> tuple[str, str, str]:
    """Function and arguments that record these settlements.

    Raises:
        RefusedInput: no pieces, or more than 100.
    """
    check_list(requests.RECORD_SETTLEMENTS, pieces, MAX_PIECES)
    said = tell(tuple[SettlementPiece, ...], tuple(pieces)).decode()
    return requests.RECORD_SETTLEMENTS, domains.name, said


def name_of(*call: str) -> str:
    """What a submission of this call is called: the same call is the same submission."""
    digest = sha256("\0".join(call).encode()).hexdigest()
    return f"{call[0]}-{digest[:32]}"


def _recorded_of(kept: Kept | None) -> Recorded:
    if kept is None:
        return Recorded(EvidenceKind.NONE, Timestamp(0))
    return Recorded(kept.found.kind, kept.told_at)
