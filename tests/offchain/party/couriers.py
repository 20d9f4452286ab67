"""Courier and keeper as processes, on what every party stands on, and no chain anywhere.

    python -m tests.offchain.party.couriers ROLE HOME

The keeper serves HTTPS and watches nothing. The courier serves nothing: it watches a folder, whose
files are parcels and say until when, and asks the keeper with the key that `peer.json` names. What
time it is both read from a file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.offchain.party.parcels import (
    AskedBring,
    AskedRecall,
    Bring,
    Effect,
    FoundSeal,
    HeardParcel,
    HeardSealed,
    Parcel,
    Phase,
    Seal,
    key_of,
    make_machine,
)

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.identifiers import Address
from edgemark.logs import LogSettings, configure_logs
from edgemark.loop.machine import TryAgain
from edgemark.party.agenda import Agenda
from edgemark.party.rounds import Rounds
from edgemark.party.running import serve
from edgemark.party.server import PartyServer
from edgemark.party.service import PartyService
from edgemark.party.station import Station
from edgemark.settings.loading import load_settings
from edgemark.transport.faults import from_peer
from edgemark.transport.serving.server import Request, Response, Route

MOST_BYTES = 1024
OF_A_CHAIN = ("edgemark.ledger", "edgemark.deployment", "web3")
PEER_FILE, CLOCK_FILE, OUTBOX = "peer.json", "clock", "outbox"
PARCEL, RECALLED = ".parcel", ".recalled"  # suffixes of files


class ParcelStation(Station):
    """What both stand on."""

    MATTERS = "parcels"


class Keeper(PartyServer[Station]):
    """Signs for what couriers bring."""

    def __init__(self, station: Station) -> None:
        super().__init__(station, make_machine(), "keeper")

    def routes(self) -> Sequence[Route]:
        return [Route("PUT", "/v1/parcels/{key}", self._take, MOST_BYTES)]

    def status(self) -> dict[str, object]:
        states = self.runtime.states().values()
        return {"sealed": sorted(s.body.decode() for s in states if s.phase is Phase.SEALED)}

    def perform(self, state: Parcel, effect: Effect) -> Sequence[object]:
        match effect:
            case Seal():
                return [FoundSeal(self.station.keys.account.sign(sha256(state.body).digest()))]
            case Bring():
                raise TypeError("a keeper brings nothing")

    def _take(self, request: Request) -> Response:
        """Its seal; nothing while it has none."""
        key = bytes.fromhex(request.params["key"])
        state = self.runtime.state(key) or self.runtime.ask(key, HeardParcel(request.body))
        return Response(body=state.seal)


@dataclass(frozen=True)
class Filed:
    """A file of the outbox: a parcel that is to be brought, or one that is wanted back."""

    key: bytes
    asked: AskedBring | None


class Outbox:
    """News from a folder; each start tells all of them again."""

    def __init__(self, folder: Path) -> None:
        self.cursor = 0
        self._folder = folder
        self._seen: set[Path] = set()

    def poll(self) -> list[Filed]:
        """What was filed since."""
        paths = set(self._folder.iterdir()) - self._seen
        self._seen |= paths
        self.cursor = len(self._seen)
        return [_read(path) for path in sorted(paths)]

    def is_recalled(self, state: Parcel) -> bool:
        """Whether somebody wants it back."""
        return (self._folder / f"{state.body.decode()}{RECALLED}").exists()


def _read(path: Path) -> Filed:
    is_parcel = path.suffix == PARCEL
    asked = AskedBring(path.stem.encode(), int(path.read_text())) if is_parcel else None
    return Filed(key_of(path.stem), asked)


class Courier(PartyService[Station]):
    """Brings what is filed in its outbox."""

    def __init__(self, station: Station) -> None:
        super().__init__(station, make_machine(), "courier", look=self.look)
        self._peer = json.loads((station.home / PEER_FILE).read_text())
        self._outbox = Outbox(station.home / OUTBOX)
        self.agenda = Agenda(self._outbox, lambda filed: filed.key)
        self._rounds: Rounds[Parcel, bool] = Rounds(
            self, views_of=self._views_of, observe=observe, hear=self._hear
        )

    def look(self) -> None:
        """One round over the outbox."""
        self._rounds.look()

    def _hear(self, filed: Sequence[Filed]) -> None:
        for each in filed:
            if each.asked is not None:
                self.tell(each.key, [each.asked])

    def _views_of(self, states: Sequence[Parcel], _: int) -> list[bool]:
        return [self._outbox.is_recalled(state) for state in states]

    def perform(self, state: Parcel, effect: Effect) -> Sequence[object]:
        match effect:
            case Bring():
                return [HeardSealed(self._bring(state))]
            case Seal():
                raise TypeError("a courier seals nothing")

    def _bring(self, state: Parcel) -> bytes:
        peer, path = self._peer, f"/v1/parcels/{key_of(state.body.decode()).hex()}"
        pin = bytes.fromhex(peer["pin"])
        seal = self.station.client.request(
            peer["endpoint"], pin, "PUT", path, state.body, most_bytes=MOST_BYTES
        )
        if not seal:
            raise TryAgain("has not signed yet", who=peer["endpoint"])
        with from_peer(peer["endpoint"]):
            check_signature(sha256(state.body).digest(), seal, Address(peer["account"]))
        return seal


def observe(state: Parcel, is_recalled: bool) -> list[object]:
    """What the folder tells of a parcel."""
    return [AskedRecall()] if is_recalled and state.phase is Phase.CARRIED else []


def read_clock(stage: Path) -> int:
    """The time of this stage, Unix seconds."""
    return int((stage / CLOCK_FILE).read_text())


def main(role: str, home: Path) -> None:
    """Run one of the two until it is asked to leave."""
    overrides = {"home": home}
    settings = load_settings(file=None, environ={}, overrides=overrides, sections=Station.SECTIONS)
    configure_logs(settings.of(LogSettings).level)
    known = [name for name in sys.modules if name.startswith(OF_A_CHAIN)]
    if known:
        raise SystemExit(f"knows a chain: {known}")
    kinds: dict[str, Any] = {"keeper": Keeper, "courier": Courier}
    station = ParcelStation.open(settings, lambda: read_clock(home.parent))
    serve(station, kinds[role])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
