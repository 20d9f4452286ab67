"""What a party owes to do next. Each is idempotent: done twice, it changes nothing more.

`Submit...` puts a transaction on chain, `Send...`, `Pass...` and `Fetch...` talk to a peer, the
rest computes or signs. A state says by `owed` which effects it still needs; an effect that is owed
no longer is dropped.

What each party may owe is a union, at the end: whoever performs them leaves none out. `Ending` says
all that its transaction needs; it is the same for whichever party brings it.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, ShareIndex
from edgemark.systems.outsourcing.identifiers import JobId


@dataclass(frozen=True)
class SubmitPosting:
    """Post the job and lock m * f."""


@dataclass(frozen=True)
class SendOffer:
    """Offer the job to the node of `index`, with the function if it lacks it."""

    index: ShareIndex


@dataclass(frozen=True)
class SubmitAcceptances:
    """Bring the acceptances of all nodes that are still awaited, in one call."""


@dataclass(frozen=True)
class SendTask:
    """Hand the node of `index` its task."""

    index: ShareIndex


@dataclass(frozen=True)
class FetchAnswer:
    """Ask the node of `index` for its answer, once its commitment is on chain."""

    index: ShareIndex


@dataclass(frozen=True)
class FetchAnswerFromJudges:
    """Ask the judges for the answer that a node charged as silent handed in to them."""

    index: ShareIndex


@dataclass(frozen=True)
class Decode:
    """Decode and check the answers that are there, when these indices were chosen for charges."""

    answered: tuple[ShareIndex, ...]
    chosen: tuple[ShareIndex, ...]


@dataclass(frozen=True)
class DecodeEarly:
    """Look whether these answers give the result, while others are awaited."""

    answered: tuple[ShareIndex, ...]


@dataclass(frozen=True)
class SendEvidence:
    """Give `judge` the charged task, and the signed answer when charged as wrong."""

    index: ShareIndex
    judge: Address


@dataclass(frozen=True)
class SubmitAcceptance:
    """Bring one's own acceptance, alone."""


@dataclass(frozen=True)
class ComputeAnswer:
    """Compute c_j and b_j, sign them with the salt that was written down."""


@dataclass(frozen=True)
class SubmitCommitment:
    """Commit to the answer on chain."""


@dataclass(frozen=True)
class FetchTask:
    """Ask the judges for the task this node is charged over."""


@dataclass(frozen=True)
class SendAnswer:
    """Hand `judge` the answer of a node charged as silent."""

    judge: Address


@dataclass(frozen=True)
class SignServed:
    """Sign that the task is held and well formed."""


@dataclass(frozen=True)
class Reexecute:
    """Compute the charged task again and sign what was found."""


@dataclass(frozen=True)
class FindMissing:
    """Sign that no answer came in time."""


@dataclass(frozen=True)
class PassEvidence:
    """Hand the evidence to another judge."""

    judge: Address


@dataclass(frozen=True)
class PassAnswer:
    """Hand the charged node's answer (0, or 1 when it signed two) to another judge."""

    judge: Address
    number: int


@dataclass(frozen=True)
class PassOpinion:
    """Hand one's own signature to another judge."""

    judge: Address
    finding: int


@dataclass(frozen=True)
class SubmitServed:
    """Bring k signatures under `served` to the chain."""


@dataclass(frozen=True)
class SubmitVerdict:
    """Bring k signatures under one finding to the chain."""

    finding: int


@dataclass(frozen=True)
class SubmitApproval:
    """Pay the nodes of these indices."""

    job: JobId
    indices: tuple[ShareIndex, ...]


@dataclass(frozen=True)
class SubmitCharge:
    """File the charges that were chosen and are not on chain yet; a job may have several calls."""

    job: JobId
    wrong: tuple[ShareIndex, ...]
    silent: tuple[ShareIndex, ...]


@dataclass(frozen=True)
class SubmitCancel:
    """End a job that never started."""

    job: JobId


@dataclass(frozen=True)
class SubmitCollect:
    """End these uncharged indices after `collect_by`."""

    job: JobId
    indices: tuple[ShareIndex, ...]


@dataclass(frozen=True)
class SubmitVoid:
    """End a charge that was not served in time."""

    job: JobId
    index: ShareIndex


@dataclass(frozen=True)
class SubmitLapse:
    """End a charge that got no verdict in time: stake and bond return."""

    job: JobId
    index: ShareIndex


@dataclass(frozen=True)
class SubmitExpiry:
    """Return what one's own place of the job's expired lock still holds."""

    job: JobId
    place: int


Ending = SubmitApproval | SubmitCharge | SubmitCancel | SubmitCollect | SubmitVoid | SubmitLapse
"""What the settlement takes from whoever may bring it, and refuses when it is too late."""

DeviceEffect = (
    SubmitPosting
    | SendOffer
    | SubmitAcceptances
    | SendTask
    | FetchAnswer
    | FetchAnswerFromJudges
    | DecodeEarly
    | Decode
    | SendEvidence
    | SubmitApproval
    | SubmitCharge
    | SubmitCancel
    | SubmitCollect
    | SubmitLapse
    | SubmitExpiry
)
NodeEffect = (
    SubmitAcceptance
    | ComputeAnswer
    | SubmitCommitment
    | FetchTask
    | SendAnswer
    | SubmitCancel
    | SubmitCollect
    | SubmitVoid
    | SubmitLapse
    | SubmitExpiry
)
JudgeEffect = (
    SignServed
    | Reexecute
    | FindMissing
    | PassEvidence
    | PassAnswer
    | PassOpinion
    | SubmitServed
    | SubmitVerdict
    | SubmitVoid
    | SubmitLapse
)
Effect = DeviceEffect | NodeEffect | JudgeEffect
