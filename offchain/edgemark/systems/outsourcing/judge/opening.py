"""What a judge takes up: a charge that stands on chain, with all that is known of it from there."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.identifiers import NO_HASH, ShareIndex
from edgemark.systems.outsourcing.contract.committed import Allowance
from edgemark.systems.outsourcing.contract.records import IndexPhase, IndexView, JobView
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.events import SawCase

Charge = tuple[JobId, ShareIndex]
ChargeView = tuple[JobView, IndexView]
_CHARGED = (IndexPhase.CHARGED, IndexPhase.SERVED)


def read_charges(
    settlement: SettlementContract, charges: Sequence[Charge], block: int
) -> list[ChargeView]:
    """Jobs and indices as of one block, in as few messages as may be."""
    wanted = [(job, [index]) for job, index in charges]
    return [(stored, view) for stored, (view,) in settlement.views(wanted, block=block)]


def case_of(
    settlement: SettlementContract, charge: Charge, seen: ChargeView, allowance: Allowance
) -> SawCase | None:
    """The case of a charge; None when the index is not charged, or not any more.

    Raises:
        NotCommitted: the node has committed, and that was not read yet.
        LedgerUnavailable: the chain does not answer.
    """
    (job, index), (stored, view) = charge, seen
    if view.phase not in _CHARGED:
        return None
    committed = settlement.commitment(job, index, allowance) if view.committed else NO_HASH
    return SawCase(
        job=job,
        index=index,
        root=stored.root,
        kind=view.kind,
        node=view.node,
        commitment=committed,
        served_by=view.served_by,
        judges=settlement.judges,
        threshold=settlement.judge_threshold,
    )
