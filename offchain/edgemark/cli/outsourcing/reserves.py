"""What the jobs of a home folder may still lock of its account's tokens."""

from __future__ import annotations

from edgemark.party.evm.station import EvmStation
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.device.means import read_funds
from edgemark.systems.outsourcing.evidence.exporting import read_jobs, read_offered_stakes
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts


def read_reserved(station: EvmStation) -> int:
    """Smallest units for the jobs of its device, and for what its node offered to accept.

    Args:
        station: of the account; 0 where this system's contracts are not deployed.

    Raises:
        LedgerUnavailable: no answer.
    """
    deployment, home = station.deployment, station.settings.home
    if not deployment.has(OutsourcingContracts):
        return 0
    offered = read_offered_stakes(home)  # first: what locks meanwhile counts twice
    judges = deployment.group(OutsourcingContracts).judges
    settlement = SettlementContract(station.chain, deployment, judges)
    return offered + read_funds(station, settlement, read_jobs(home)).reserved
