"""Life of one outsourced job, with no clock, socket, chain or randomness in sight.

Every phase and every legal move is in `MOVES`; what follows from a table of moves is the same in
every system (`edgemark.loop.moves`). What a party remembers and owes is in its room.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from edgemark.loop.moves import Moves
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, JudgePhase, NodePhase


def _stays(phase: Enum, *events: type) -> dict[tuple[Enum, type], Enum]:
    """Events that tell something without ending the phase."""
    return {(phase, event): phase for event in events}


_DEVICE_TIMES = (on.SawIndexPhase, on.SawComputeOver, on.SawLastCharges, on.SawCollectOver)

_DEVICE: dict[tuple[Enum, type], Enum] = {
    (DevicePhase.UNKNOWN, on.AskedSubmit): DevicePhase.DRAFTED,
    (DevicePhase.DRAFTED, on.SawPosted): DevicePhase.POSTED,
    (DevicePhase.DRAFTED, on.FoundPostingRefused): DevicePhase.FAILED,
    (DevicePhase.POSTED, on.SawStarted): DevicePhase.STARTED,
    (DevicePhase.POSTED, on.SawAcceptOver): DevicePhase.EXPIRED,
    (DevicePhase.POSTED, on.SawCancelled): DevicePhase.CANCELLED,
    **_stays(
        DevicePhase.POSTED,
        on.SawIndexPhase,
        on.HeardOfferTaken,
        on.HeardAcceptance,
        on.FoundAcceptancesRefused,
    ),
    (DevicePhase.EXPIRED, on.SawStarted): DevicePhase.STARTED,
    (DevicePhase.EXPIRED, on.SawCancelled): DevicePhase.CANCELLED,
    (DevicePhase.EXPIRED, on.SawEnded): DevicePhase.CANCELLED,
    **_stays(DevicePhase.EXPIRED, on.SawIndexPhase, on.SawLockOver),
    (DevicePhase.STARTED, on.SawGatheringOver): DevicePhase.GATHERED,
    (DevicePhase.STARTED, on.FoundResultValid): DevicePhase.VALID,
    (DevicePhase.STARTED, on.FoundResultUndecided): DevicePhase.UNDECIDED,
    **_stays(
        DevicePhase.STARTED,
        on.HeardTaskTaken,
        on.HeardAnswer,
        *_DEVICE_TIMES,
    ),
    (DevicePhase.GATHERED, on.FoundResultValid): DevicePhase.VALID,
    (DevicePhase.GATHERED, on.FoundResultUndecided): DevicePhase.UNDECIDED,
    **_stays(DevicePhase.GATHERED, on.HeardAnswer, *_DEVICE_TIMES),
    (DevicePhase.VALID, on.SawChargesFiled): DevicePhase.CHARGED,
    (DevicePhase.VALID, on.SawEnded): DevicePhase.CLOSED,
    **_stays(DevicePhase.VALID, on.SawLockOver, *_DEVICE_TIMES),
    (DevicePhase.UNDECIDED, on.SawChargesFiled): DevicePhase.CHARGED,
    (DevicePhase.UNDECIDED, on.SawEnded): DevicePhase.CLOSED,
    **_stays(DevicePhase.UNDECIDED, on.SawLockOver, *_DEVICE_TIMES),
    (DevicePhase.CHARGED, on.SawEnded): DevicePhase.CLOSED,
    **_stays(
        DevicePhase.CHARGED,
        on.HeardEvidenceTaken,
        on.HeardAnswer,
        on.FoundResultValid,
        on.FoundResultUndecided,
        on.SawLapseDue,
        on.SawLockOver,
        *_DEVICE_TIMES,
    ),
}

_NODE: dict[tuple[Enum, type], Enum] = {
    (NodePhase.UNKNOWN, on.HeardOffer): NodePhase.OFFERED,
    (NodePhase.OFFERED, on.SawAccepted): NodePhase.ACCEPTED,
    (NodePhase.OFFERED, on.SawEnded): NodePhase.ENDED,
    **_stays(NodePhase.OFFERED, on.SawBringingDue, on.SawAcceptOver),
    (NodePhase.ACCEPTED, on.HeardTask): NodePhase.HOLDING,
    (NodePhase.ACCEPTED, on.SawCharged): NodePhase.SUMMONED,
    (NodePhase.HOLDING, on.FoundAnswer): NodePhase.COMPUTED,
    (NodePhase.HOLDING, on.SawCharged): NodePhase.DEFENDING,
    (NodePhase.COMPUTED, on.SawCommitted): NodePhase.SERVING,
    (NodePhase.COMPUTED, on.SawCharged): NodePhase.ANSWERING,
    (NodePhase.SERVING, on.SawCharged): NodePhase.ANSWERING,
    (NodePhase.SUMMONED, on.HeardTask): NodePhase.DEFENDING,
    (NodePhase.DEFENDING, on.FoundAnswer): NodePhase.ANSWERING,
    **{
        move: stays
        for phase in (
            NodePhase.ACCEPTED,
            NodePhase.HOLDING,
            NodePhase.COMPUTED,
            NodePhase.SERVING,
        )
        for move, stays in _stays(
            phase,
            on.SawStarted,
            on.SawAcceptOver,
            on.SawComputeOver,
            on.SawCollectOver,
            on.SawLockOver,
        ).items()
    },
    **{
        move: stays
        for phase in (NodePhase.SUMMONED, NodePhase.DEFENDING, NodePhase.ANSWERING)
        for move, stays in _stays(
            phase,
            on.SawServed,
            on.SawComputeOver,
            on.SawCollectOver,
            on.SawServeOver,
            on.SawVerdictOver,
            on.SawLockOver,
        ).items()
    },
    **_stays(NodePhase.ANSWERING, on.HeardAnswerTaken),
    **{
        (phase, on.SawEnded): NodePhase.ENDED
        for phase in NodePhase
        if phase not in (NodePhase.UNKNOWN, NodePhase.ENDED)
    },
}

_JUDGE: dict[tuple[Enum, type], Enum] = {
    (JudgePhase.UNKNOWN, on.SawCase): JudgePhase.FILED,
    (JudgePhase.FILED, on.HeardEvidence): JudgePhase.HOLDING,
    (JudgePhase.FILED, on.SawServed): JudgePhase.SERVED,
    **_stays(JudgePhase.FILED, on.HeardOpinion, on.SawServeOver),
    (JudgePhase.HOLDING, on.SawServed): JudgePhase.SERVED,
    **_stays(
        JudgePhase.HOLDING,
        on.HeardAnswer,
        on.HeardStrayAnswer,
        on.HeardOpinion,
        on.HeardPassedOn,
        on.SawServeOver,
    ),
    (JudgePhase.SERVED, on.FoundVerdict): JudgePhase.RULED,
    **_stays(JudgePhase.SERVED, on.HeardEvidence),
    **_stays(JudgePhase.RULED, on.FoundVerdict),
    **{
        move: stays
        for phase in (JudgePhase.SERVED, JudgePhase.RULED)
        for move, stays in _stays(
            phase,
            on.HeardAnswer,
            on.HeardStrayAnswer,
            on.HeardOpinion,
            on.HeardPassedOn,
            on.SawAnswerOver,
            on.SawVerdictOver,
        ).items()
    },
    **{
        (phase, on.SawEnded): JudgePhase.ENDED
        for phase in JudgePhase
        if phase not in (JudgePhase.UNKNOWN, JudgePhase.ENDED)
    },
}

MOVES: Mapping[tuple[Enum, type], Enum] = {**_DEVICE, **_NODE, **_JUDGE}


LIFE = Moves(MOVES)
is_legal, step, reach_time = LIFE.is_legal, LIFE.step, LIFE.reach_time
