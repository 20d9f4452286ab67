"""A recorder of a controller that carries its evidence to a consortium ledger.

Why its station is a stand-in: where evidence goes to a ledger no chain is asked, and what it takes
of a station are four values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.offchain.ledger.embedded.served import ORG1
from tests.offchain.systems.trading.station.ledgers.evidence_ledger import EvidenceGround

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.identifiers import Hash32
from edgemark.ledger.fabric.settings import PROFILE
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.controller.recording.lists import EvidencePiece, Piece
from edgemark.systems.trading.controller.recording.recorder import Recorder
from edgemark.systems.trading.controller.recording.waiting import Form
from edgemark.systems.trading.credentials.settlement import Issued
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.ledgers.carrying import Carrier, open_carrier


def station_of(ground: EvidenceGround, home: str, domains: EvmDomains, user: str) -> Any:
    settings = ground.settings(home, ORG1, user)
    settings.home.mkdir(parents=True, exist_ok=True)
    return SimpleNamespace(
        settings=settings,
        home=settings.home,
        content=LocalStore(settings.home / "content"),
        address=ground.trade.controller.address,
        chain=SimpleNamespace(chain_id=domains.chain_id),
        escrow=SimpleNamespace(address=domains.escrow),
        controllers=SimpleNamespace(address=domains.controllers),
        evidence=SimpleNamespace(address=domains.registry),
        domain=domains.of_vouchers,
        controllers_domain=domains.of_issuances,
    )


@dataclass
class Office:
    """A recorder with a clock of its own, its ledger, and what it said."""

    ground: EvidenceGround
    home: str
    form: Form = Form.BATCH
    user: str = "User1"
    domains: EvmDomains | None = None
    told: list[int] = field(default_factory=list)
    now: float = 0.0
    carriers: list[Carrier] = field(default_factory=list)

    def carrier(self) -> Carrier:
        for each in self.carriers:
            each.close()
        domains = self.domains or self.ground.trade.domains
        station = station_of(self.ground, self.home, domains, self.user)
        self.carriers.append(open_carrier(station, PROFILE))
        return self.carriers[-1]

    def open(self, on_recorded: Callable[[Sequence[Piece]], None] | None = None) -> Recorder:
        return Recorder(
            self.carrier(),
            self.ground.folder / self.home / "evidence",
            self.form,
            5.0,
            on_recorded or self.note,
            lambda: self.now,
        )

    def note(self, pieces: Sequence[Piece]) -> None:
        self.told += [each.index for each in pieces]

    def run(self, recorder: Recorder, turns: int = 5) -> None:
        self.now += 6.0
        for _ in range(turns):
            recorder.turn()

    @property
    def files(self) -> list[Path]:
        return sorted((self.ground.folder / self.home / "evidence").glob("*"))

    def close(self) -> None:
        for each in self.carriers:
            each.close()


def settle(ground: EvidenceGround, channel: str) -> tuple[EvidencePiece, Issued]:
    """A settlement of another channel: of one channel the newest piece stands for all."""
    ground.trade.channel = ChannelId(keccak256(channel.encode()))
    issued = ground.trade.settle()
    return EvidencePiece(issued.claim, issued.signatures), issued


def id_of(ground: EvidenceGround, issued: Issued) -> Hash32:
    trade = ground.trade
    keys = (trade.payer, trade.seller, trade.controller)
    return compute_evidence_id(issued.issuance, [key.address for key in keys])
