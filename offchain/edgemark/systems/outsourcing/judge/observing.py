"""What a view of the chain tells a judge; see `device.observing`."""

from __future__ import annotations

from edgemark.systems.outsourcing.contract.records import IndexPhase, IndexView
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.phases import JudgePhase


def observe_as_judge(
    state: JudgeCase, view: IndexView, *, lock_over: bool = False
) -> list[on.JudgeEvent]:
    """What the judge has not heard yet of a charge that it follows; no place of the lock is its."""
    if state.is_finished or state.phase is JudgePhase.UNKNOWN:
        return []
    if view.phase.is_end or lock_over:
        return [on.SawEnded()]
    if view.phase is IndexPhase.SERVED and not state.served_on_chain:
        return [on.SawServed(view.answer_by, view.verdict_by)]
    return []
