"""A client that is killed between Submit and its answer: `python -m ...dying HOME FILE`.

Its envelope is in its journal and has reached the ledger; of what the ledger answered it knows
nothing. Whoever makes the same call in the same home goes on with the same transaction.
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgemark.files import read_limited
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.flows import Ask
from edgemark.ledger.fabric.client.refusals import Asking
from edgemark.party.consortium.station import ConsortiumStation
from edgemark.seam import kill_self
from edgemark.settings.loading import load_settings
from edgemark.settings.settings import Settings
from edgemark.settings.toml_file import FILE_NAME
from edgemark.systems.trading.credentials.kept import FORM, read_kept
from edgemark.systems.trading.station.ledgers.consortium import CHAINCODE, ConsortiumEvidence
from edgemark.systems.trading.station.ledgers.settlement import find_settlement, record_all


class DyingClient(GatewayClient):
    """Dies once the ledger has taken an envelope, before it hears so."""

    def _ask(self, wish: Ask) -> bytes:
        answer = super()._ask(wish)
        if wish.asking is Asking.SUBMIT:
            kill_self()
        return answer


def settings_of(home: Path) -> Settings:
    """Those of the file in a home, and nothing of the environment."""
    sections, told = ConsortiumStation.SECTIONS, {"home": home}
    return load_settings(file=home / FILE_NAME, environ={}, overrides=told, sections=sections)


def main(home: Path, path: Path) -> None:
    """Record the settlement of a file, and die on the way."""
    with ConsortiumStation.open(settings_of(home)) as station:
        station.gateway.__class__ = DyingClient
        evidence = ConsortiumEvidence(station.door(CHAINCODE))
        kept = read_kept(read_limited(path, FORM.most))
        record_all(evidence, [find_settlement(evidence, kept)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
