"""How long somebody who ordered a job stays with it."""

from __future__ import annotations

from enum import Enum

from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol.phases import DevicePhase


class Until(Enum):
    """How long a user waits for a job."""

    DELIVERED = "delivered"  # all tasks are handed out: the nodes can work without the device
    RESULT = "result"  # decoded, or known to be undecided
    SETTLED = "settled"  # and paid, charged, evidence handed over: the device may leave
    CLOSED = "closed"  # and every token of the job is paid out

    def is_reached(self, state: DeviceJob) -> bool:
        """Whether the job is as far."""
        if state.is_finished:
            return True
        decided = state.result is not None or bool(state.undecided_because)
        match self:
            case Until.DELIVERED:
                handed_out = bool(state.indices) and len(state.delivered) == len(state.indices)
                return decided or handed_out or state.phase in _WITHOUT_TASKS
            case Until.RESULT:
                return decided
            case Until.SETTLED:
                charged = state.phase is DevicePhase.CHARGED
                return decided and not state.owed() and (charged or not _has_to_charge(state))
            case Until.CLOSED:
                return False


# Nodes that have none yet will not get one any more.
_WITHOUT_TASKS = (
    DevicePhase.GATHERED,
    DevicePhase.VALID,
    DevicePhase.UNDECIDED,
    DevicePhase.CHARGED,
)


def _has_to_charge(state: DeviceJob) -> bool:
    return bool(state.wrong or state.silent)
