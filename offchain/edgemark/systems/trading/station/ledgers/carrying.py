"""Carries a controller's evidence to a consortium ledger, as its station carries it to a chain.

Law 1: a call has one name, computed from it: the same call is the same submission, also in a later
       life of the process, and the client's journal knows what became of it.
Law 2: a submission that stands in a block and does not count never will, and one that a revert took
       back is sent by nobody any more; only then the same call goes out by another name. Evidence
       that was there all the same is refused as there.
Law 3: nothing is submitted for a chain that the registry does not take.
Law 4: the registry alone refuses. Where nobody endorses, for want of a process, a peer, a channel
       or the right time, the ledger is away: the same call goes out again, by the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgemark.closing import Closing
from edgemark.errors import LedgerUnavailable, Overloaded, PeerFault
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.fabric.client.asking import Waits
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    NotEndorsed,
    SubmissionGone,
    TransactionInvalid,
)
from edgemark.ledger.fabric.opening import open_ledger
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.party.consortium.chaincode import ChaincodeDoor
from edgemark.party.consortium.station import CURSORS, close_gateway, connect
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import InitiationPiece, SettlementPiece
from edgemark.systems.trading.contract.evidence.records import MAX_PIECES
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.records import check_list
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.station.ledgers.chain import domains_of
from edgemark.systems.trading.station.ledgers.consortium import (
    CHAINCODE,
    ConsortiumEvidence,
    call_of,
    name_of,
)
from edgemark.systems.trading.station.ledgers.records import RegistryRefused
from edgemark.systems.trading.station.station import TradingStation

RETRIES = 3  # new proposals after a conflict: somebody recorded the same at once
WAIT_S = 15.0  # for one answer, and for one block: the recorder's thread asks again later
INVALID, DIFFER, NOT_TAKEN = "TransactionInvalid", "EndorsementsDiffer", "DomainNotTaken"
BROKEN = "ChaincodeFailed"  # it answered, and not in the registry's words


@dataclass(frozen=True)
class LedgerCall:
    """A call of the chaincode.

    Attributes:
        function: of it.
        arguments: of the function.
    """

    function: str
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of its submission."""
        return name_of(self.function, *self.arguments)


@dataclass(frozen=True)
class LedgerCalls:
    """Makes calls of the chaincode; see `records.EvidenceCalls`.

    Attributes:
        domains: for which everything is signed.
    """

    domains: EvmDomains

    def record_settlements(self, pieces: Sequence[SettlementPiece]) -> LedgerCall:
        """Of settlements.

        Raises:
            RefusedInput: no pieces, or more than 100.
        """
        function, *said = call_of(self.domains, pieces)
        return LedgerCall(function, tuple(said))

    def record_initiations(self, pieces: Sequence[InitiationPiece]) -> LedgerCall:
        """Of initiation credentials; raises as `record_settlements`."""
        check_list(requests.RECORD_INITIATIONS, pieces, MAX_PIECES)
        said = requests.tell(tuple[InitiationPiece, ...], tuple(pieces)).decode()
        return LedgerCall(requests.RECORD_INITIATIONS, (self.domains.name, said))

    def anchor_root(self, root: Hash32, leaves: int, cid: str) -> LedgerCall:
        """For the controller that the identity's certificate names."""
        return LedgerCall(requests.ANCHOR_ROOT, (root.hex(), str(leaves), cid))


class Carrier(Closing):
    """The registry of a consortium ledger, as a recorder asks it; for one thread.

    Args:
        station: of the controller.
        door: to the chaincode, by the identity of [ledger].

    Attributes:
        evidence: makes its calls, for the station's chain.
    """

    def __init__(self, station: TradingStation, door: ChaincodeDoor) -> None:
        self._station, self._door = station, door
        self._registry = ConsortiumEvidence(door)
        self.evidence = LedgerCalls(domains_of(station))
        self._invalid: dict[str, int] = {}  # submissions of a call that never count, or are gone

    @property
    def place(self) -> str:
        """Chaincode and channel."""
        return self._registry.place

    @property
    def content(self) -> LocalStore:
        """The station's."""
        return self._station.content

    @property
    def address(self) -> Address:
        """The station's."""
        return self._station.address

    @property
    def domain(self) -> EscrowDomain:
        """The chain's, for which everything is signed."""
        return self._station.domain

    @property
    def controllers_domain(self) -> ControllersDomain:
        """The same."""
        return self._station.controllers_domain

    def push(self, call: LedgerCall) -> None:
        """Have it counted once; see `records.EvidenceSink`."""
        try:
            self._check_taken()
            self._submit(call)
        except ChaincodeRefused as refused:
            raise _refusal(_error_of(refused), refused.what, refused) from refused
        except (NotEndorsed, Overloaded) as away:
            raise LedgerUnavailable(
                away.what, who=away.who, had=away.had, needed=away.needed, remedy=away.remedy
            ) from away
        except PeerFault as fault:
            raise _refusal(DIFFER, fault.what, fault) from fault

    def interrupt(self) -> None:
        """End the call in hand, whoever waits for it; what it submitted stays in the journal."""
        self._door.client.close()

    def close(self) -> None:
        """End the connection; the journal keeps what is open."""
        close_gateway(self._door.client)

    def _check_taken(self) -> None:
        """Check that the registry takes this chain's statements; asked until parameters stand."""
        if self.evidence.domains not in self._registry.domains():
            had = [each.name for each in self._registry.domains()]
            raise _refusal(NOT_TAKEN, "takes no statements of this chain", had)

    def _submit(self, call: LedgerCall) -> None:
        before = self._invalid.get(call.name, 0)
        name = f"{call.name}-{before}" if before else call.name
        try:
            self._door.submit(name, call.function, *call.arguments, wait_s=WAIT_S)
        except (TransactionInvalid, SubmissionGone) as over:
            self._invalid[call.name] = before + 1
            raise _refusal(INVALID, over.what, over.had) from over


def open_carrier(station: TradingStation, kind: str) -> Carrier:
    """The carrier to the ledger of the settings; raises as `open_records`."""
    settings = replace(station.settings.of(LedgerSettings), kind=kind)
    waits = Waits(evaluate_s=WAIT_S, submit_s=WAIT_S)
    gateway = connect(open_ledger(settings, station.home), submits=True, waits=waits)
    door = ChaincodeDoor(gateway, CHAINCODE, station.home / CURSORS, RETRIES)
    return Carrier(station, door)


def _refusal(name: str, what: str, had: object) -> RegistryRefused:
    refused = RegistryRefused(what, who=f"chaincode {CHAINCODE}", had=had)
    refused.error_name = name
    return refused


def _error_of(refused: ChaincodeRefused) -> str:
    """The registry's own name of it, which its message begins with; BROKEN for none of these."""
    words = " ".join([str(refused), *(each.message for each in refused.endorsers)])
    return next((name for name in requests.ERRORS if f"{name}: " in words), BROKEN)
