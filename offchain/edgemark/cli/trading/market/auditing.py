"""`edgemark trading qualification record`: an auditor's word for a seller, on chain."""

from __future__ import annotations

import click

from edgemark.cli.credentials.places import credential_argument, find_credential
from edgemark.cli.spending.command import Spending, spends
from edgemark.systems.trading.station.market.auditing import Audited, record_qualification
from edgemark.systems.trading.station.station import TradingStation


@click.command("record")
@spends()
@credential_argument
def record(spending: Spending, credential: str) -> None:
    """Record evidence that you signed CREDENTIAL, so that offers can name it.

    CREDENTIAL is a file, or the beginning of a digest of this home: what this home's identity
    issued with `edgemark credential issue --type QualificationCredential`.
    """
    signed = find_credential(spending.invocation.settings(), credential)

    def act(station: TradingStation) -> Audited:
        return record_qualification(station, signed)

    def tell(station: TradingStation, done: Audited) -> dict[str, object]:
        digest = done.credential_hash.hex()
        return {
            "credential": digest,
            "auditor": station.address,
            "seller": str(done.said.seller),
            "services": list(done.said.services),
            "evidence": done.evidence.hex(),
            "named_by": f"--qualification {station.address}:{digest}",
        }

    spending.carry_out(TradingStation, act, tell)
