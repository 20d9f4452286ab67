"""How long somebody who ordered a job stays with it."""

from __future__ import annotations

from enum import Enum

from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.phases import DevicePhase


class Until(Enum):
    """How long a user waits for a job."""

    RESULT = "result"  # decoded, or known to be undecided
    SETTLED = "settled"  # and paid, charged, evidence handed over: the device may leave
    CLOSED = "closed"  # and every token of the job is paid out

    def is_reached(self, state: DeviceJob) -> bool:
        """Whether the job is as far."""
        if state.is_finished:
            return True
        decided = state.result is not None or bool(state.undecided_because)
        match self:
            case Until.RESULT:
                return decided
            case Until.SETTLED:
                charged = state.phase is DevicePhase.CHARGED
                return decided and not state.owed() and (charged or not _has_to_charge(state))
            case Until.CLOSED:
                return False


def _has_to_charge(state: DeviceJob) -> bool:
    return bool(state.wrong or state.silent)
