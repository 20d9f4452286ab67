"""Keys of this system's matters in journals and logs, and what logs say of what happens to them.

A device has one matter a job; nodes and judges have one an index of a job. Every line names the
job, and what happens in several places has the same words there: one search finds it everywhere.
"""

from __future__ import annotations

from enum import Enum

from edgemark.loop.machine import Facts, Line
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.protocol import events as on

JOB_ID_BYTES = 32


def key_of(job: bytes, index: int) -> bytes:
    """Key of one index (0 .. 255) of a job; the key of a job as a whole is its id."""
    return job + index.to_bytes(1, "big")


def job_of(key: bytes) -> bytes:
    """Id of the job that a key is about."""
    return key[:JOB_ID_BYTES]


def facts_of(key: bytes) -> Facts:
    """What logs and errors say of a key: the job, and the index where there is one."""
    facts: dict[str, object] = {"job": job_of(key)}
    if len(key) > JOB_ID_BYTES:
        facts["index"] = int.from_bytes(key[JOB_ID_BYTES:], "big")
    return facts


def subject_of(event: object) -> bytes | None:
    """Key of what an event of the chain is about; None where it names no job."""
    job, index = getattr(event, "job", None), getattr(event, "index", None)
    if job is None:
        return None
    return bytes(job) if index is None else key_of(bytes(job), index)


# Words of an event, and which of its fields are told.
WORDS: dict[type, tuple[str, tuple[str, ...]]] = {
    on.AskedSubmit: ("job ordered", ()),
    on.SawPosted: ("job posted", ()),
    on.FoundPostingRefused: ("posting refused", ("reason",)),
    on.SawStarted: ("job started", ()),
    on.SawCancelled: ("job cancelled", ()),
    on.SawIndexPhase: ("index", ("index",)),  # and its phase
    on.SawChargesFiled: ("charges filed", ()),
    on.SawCharged: ("index charged", ("kind",)),
    on.SawServed: ("index served", ()),
    on.SawLockOver: ("lock expired", ()),
    on.SawEnded: ("ended", ()),
    on.SawAccepted: ("index accepted", ()),
    on.SawCommitted: ("index committed", ()),
    on.HeardOfferTaken: ("offer taken", ("index",)),
    on.HeardOfferRefused: ("offer refused", ("index", "reason")),
    on.HeardAcceptance: ("acceptance received", ("acceptance",)),
    on.FoundAcceptancesRefused: ("acceptances refused", ("reason",)),
    on.HeardTaskTaken: ("task handed over", ("index",)),
    on.HeardAnswer: ("answer received", ("answer",)),
    on.HeardStrayAnswer: ("stray answer received", ("answer",)),
    on.HeardEvidenceTaken: ("evidence handed over", ("index", "judge")),
    on.FoundResultEarly: ("result found", ("right",)),
    on.FoundResultValid: ("result found", ("liars", "silent")),
    on.FoundResultUndecided: ("result undecided", ("reason", "suspects", "silent")),
    on.HeardOffer: ("offer taken", ()),
    on.HeardTask: ("task received", ()),
    on.FoundAnswer: ("answer computed", ()),
    on.HeardAnswerTaken: ("answer handed over", ("judge",)),
    on.SawCase: ("charge seen", ("kind", "node")),
    on.HeardEvidence: ("evidence received", ()),
    on.HeardOpinion: ("opinion received", ("judge",)),
    on.FoundVerdict: ("verdict found", ("finding",)),
    on.HeardPassedOn: ("passed on", ("judge", "what")),
}
DETAILS = (on.HeardOpinion, on.HeardPassedOn)  # each judge to each other, several times a charge
OF_AN_INDEX = ("answer", "acceptance")  # whose index is told of them


def words_of(event: object) -> Line:
    """What the log says of an event; nothing of an input, a share, an answer or a key."""
    words, told = WORDS[type(event)]
    facts = {}
    for name in told:
        value = getattr(event, name)
        if name in OF_AN_INDEX:
            facts["index"] = value.index
        else:
            facts[name] = value.name.lower() if isinstance(value, Enum) else value
    if isinstance(event, on.SawIndexPhase):
        words = tell_phase(event.phase)
    return Line(words, facts, isinstance(event, DETAILS))


def tell_phase(phase: IndexPhase) -> str:
    """Words for what became of an index on the chain: accepted, committed, paid, convicted ..."""
    return f"index {phase.name.lower()}"
