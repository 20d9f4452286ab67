"""Phases and times of a job as each party lives it; `protocol.life` says what follows what."""

from __future__ import annotations

from enum import Enum, IntEnum


class DevicePhase(Enum):
    """Life of a job at the device that ordered it."""

    UNKNOWN = "unknown"
    DRAFTED = "drafted"  # shared and journaled; nothing posted
    POSTED = "posted"  # on chain, acceptances come in
    STARTED = "started"  # all accepted; tasks go out, answers come in
    GATHERED = "gathered"  # no more answers are waited for
    VALID = "valid"  # decoded, liars and silent nodes known
    UNDECIDED = "undecided"  # more wrong or missing than can be named
    CHARGED = "charged"  # charges are filed
    EXPIRED = "expired"  # never started; to be cancelled
    SETTLED = "settled"  # every index has ended, every token of it is paid out
    CANCELLED = "cancelled"
    FAILED = "failed"  # posting was refused; nothing was locked


class NodePhase(Enum):
    """Life of one task at the compute node that was named for it."""

    UNKNOWN = "unknown"
    OFFERED = "offered"  # offer checked, acceptance to be put on chain
    ACCEPTED = "accepted"  # stake locked, waiting for the task
    HOLDING = "holding"  # task checked, to be computed
    COMPUTED = "computed"  # answer and salt journaled, commitment to be put on chain
    SERVING = "serving"  # committed; the device may fetch the answer
    SUMMONED = "summoned"  # charged without having the task
    DEFENDING = "defending"  # charged, has the task, computing
    ANSWERING = "answering"  # charged, has an answer for the judges
    ENDED = "ended"


class JudgePhase(Enum):
    """Life of one charge at one judge."""

    UNKNOWN = "unknown"
    FILED = "filed"  # charge seen on chain, task not seen
    HOLDING = "holding"  # task checked, `served` to be signed
    SERVED = "served"  # `served` is on chain, verdict to be found
    RULED = "ruled"  # own verdict signed, k of them to be brought
    ENDED = "ended"


class Refusing(IntEnum):
    """Why a node has not taken an offer; the more a reason explains, the higher it is."""

    NOT_HEARD = 0  # out of reach, or it has not seen the posting, or the time is over
    NOT_NOW = 1  # it has as much to do as it takes
    REFUSED = 2  # as things are now
    FOR_GOOD = 3  # asked again it says the same


class JobTime(Enum):
    """Chain times that parties wait for; each is over one second later."""

    BRINGING = "bringing"  # half of the window, for which a node leaves its acceptance to others
    ACCEPT = "accept"  # `accept_by`
    GATHERING = "gathering"  # for which the device waits for answers
    COMPUTE = "compute"  # `compute_by`
    LAST_CHARGES = "last charges"  # when an undecided job's last charges are chosen
    COLLECT = "collect"  # `collect_by`: anyone may pay out
    SERVE = "serve"  # `served_by`: an unserved charge is void
    ANSWER = "answer"  # `answer_by`, and the judges' margin for passing answers on
    VERDICT = "verdict"  # `verdict_by`: a charge without verdict lapses, and the bond returns
