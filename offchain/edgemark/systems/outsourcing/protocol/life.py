"""Life of one outsourced job, with no clock, socket, chain or randomness in sight.

Every phase and every legal move is in `LIFE`; what follows from a table of moves is the same in
every system (`edgemark.loop.moves`). What a party remembers and owes is in its room.
"""

from __future__ import annotations

from edgemark.loop.moves import Moves, Table, stays
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.phases import (
    DevicePhase,
    JobTime,
    JudgePhase,
    NodePhase,
)

_STARTED = stays(on.SawIndexPhase, JobTime.COMPUTE, JobTime.LAST_CHARGES, JobTime.COLLECT)

_DEVICE: Table = {
    DevicePhase.UNKNOWN: {on.AskedSubmit: DevicePhase.DRAFTED},
    DevicePhase.DRAFTED: {
        on.SawPosted: DevicePhase.POSTED,
        on.FoundPostingRefused: DevicePhase.FAILED,
    },
    DevicePhase.POSTED: {
        on.SawStarted: DevicePhase.STARTED,
        JobTime.ACCEPT: DevicePhase.EXPIRED,
        on.SawCancelled: DevicePhase.CANCELLED,
        **stays(
            on.SawIndexPhase,
            on.HeardOfferTaken,
            on.HeardOfferRefused,
            on.HeardAcceptance,
            on.FoundAcceptancesRefused,
        ),
    },
    DevicePhase.EXPIRED: {
        on.SawStarted: DevicePhase.STARTED,
        on.SawCancelled: DevicePhase.CANCELLED,
        on.SawEnded: DevicePhase.CANCELLED,
        **stays(on.SawIndexPhase, on.SawLockOver),
    },
    DevicePhase.STARTED: {
        JobTime.GATHERING: DevicePhase.GATHERED,
        on.FoundResultValid: DevicePhase.VALID,
        on.FoundResultUndecided: DevicePhase.UNDECIDED,
        **stays(on.HeardTaskTaken, on.HeardAnswer, on.FoundResultEarly),
        **_STARTED,
    },
    DevicePhase.GATHERED: {
        on.FoundResultValid: DevicePhase.VALID,
        on.FoundResultUndecided: DevicePhase.UNDECIDED,
        **stays(on.HeardAnswer, on.FoundResultEarly),
        **_STARTED,
    },
    DevicePhase.VALID: {
        on.SawChargesFiled: DevicePhase.CHARGED,
        on.SawEnded: DevicePhase.SETTLED,
        **stays(on.SawLockOver),
        **_STARTED,
    },
    DevicePhase.UNDECIDED: {
        on.SawChargesFiled: DevicePhase.CHARGED,
        on.SawEnded: DevicePhase.SETTLED,
        **stays(on.SawLockOver),
        **_STARTED,
    },
    DevicePhase.CHARGED: {
        on.SawEnded: DevicePhase.SETTLED,
        **stays(
            on.HeardEvidenceTaken,
            on.HeardAnswer,
            on.FoundResultValid,
            on.FoundResultUndecided,
            on.SawLockOver,
            JobTime.VERDICT,
        ),
        **_STARTED,
    },
}

_UNCHARGED = stays(on.SawStarted, on.SawLockOver, JobTime.ACCEPT, JobTime.COMPUTE, JobTime.COLLECT)
_CHARGED = stays(
    on.SawServed,
    on.SawLockOver,
    JobTime.COMPUTE,
    JobTime.COLLECT,
    JobTime.SERVE,
    JobTime.VERDICT,
)

_NODE: Table = {
    NodePhase.UNKNOWN: {on.HeardOffer: NodePhase.OFFERED},
    NodePhase.OFFERED: {
        on.SawAccepted: NodePhase.ACCEPTED,
        on.SawEnded: NodePhase.ENDED,
        **stays(JobTime.BRINGING, JobTime.ACCEPT),
    },
    NodePhase.ACCEPTED: {
        on.HeardTask: NodePhase.HOLDING,
        on.SawCharged: NodePhase.SUMMONED,
        on.SawEnded: NodePhase.ENDED,
        **_UNCHARGED,
    },
    NodePhase.HOLDING: {
        on.FoundAnswer: NodePhase.COMPUTED,
        on.SawCharged: NodePhase.DEFENDING,
        on.SawEnded: NodePhase.ENDED,
        **_UNCHARGED,
    },
    NodePhase.COMPUTED: {
        on.SawCommitted: NodePhase.SERVING,
        on.SawCharged: NodePhase.ANSWERING,
        on.SawEnded: NodePhase.ENDED,
        **_UNCHARGED,
    },
    NodePhase.SERVING: {
        on.SawCharged: NodePhase.ANSWERING,
        on.SawEnded: NodePhase.ENDED,
        **_UNCHARGED,
    },
    NodePhase.SUMMONED: {
        on.HeardTask: NodePhase.DEFENDING,
        on.SawEnded: NodePhase.ENDED,
        **_CHARGED,
    },
    NodePhase.DEFENDING: {
        on.FoundAnswer: NodePhase.ANSWERING,
        on.SawEnded: NodePhase.ENDED,
        **_CHARGED,
    },
    NodePhase.ANSWERING: {
        on.SawEnded: NodePhase.ENDED,
        **stays(on.HeardAnswerTaken),
        **_CHARGED,
    },
}

_HEARING = stays(on.HeardAnswer, on.HeardStrayAnswer, on.HeardOpinion, on.HeardPassedOn)

_JUDGE: Table = {
    JudgePhase.UNKNOWN: {on.SawCase: JudgePhase.FILED},
    JudgePhase.FILED: {
        on.HeardEvidence: JudgePhase.HOLDING,
        on.SawServed: JudgePhase.SERVED,
        on.SawEnded: JudgePhase.ENDED,
        **stays(on.HeardOpinion, JobTime.SERVE),
    },
    JudgePhase.HOLDING: {
        on.SawServed: JudgePhase.SERVED,
        on.SawEnded: JudgePhase.ENDED,
        **stays(JobTime.SERVE),
        **_HEARING,
    },
    JudgePhase.SERVED: {
        on.FoundVerdict: JudgePhase.RULED,
        on.SawEnded: JudgePhase.ENDED,
        **stays(on.HeardEvidence, JobTime.ANSWER, JobTime.VERDICT),
        **_HEARING,
    },
    JudgePhase.RULED: {
        on.SawEnded: JudgePhase.ENDED,
        **stays(on.FoundVerdict, JobTime.ANSWER, JobTime.VERDICT),
        **_HEARING,
    },
}

LIFE = Moves({**_DEVICE, **_NODE, **_JUDGE})
step, reach_time = LIFE.step, LIFE.reach_time
