"""What can happen to a job: a verdict is one event type each, never a flag.

`Saw...` on chain, `Heard...` from a peer, `Asked...` by the user, `Found...` by own checks. Times
that pass stand in no journal (`edgemark.loop.moves.TimeOver`). What can happen to each party is a
union, at the end: its state leaves none of them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.identifiers import NO_TIME, Address, Hash32, ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.messages import Acceptance, Answer, Opinion, Task
from edgemark.systems.outsourcing.protocol.phases import Refusing


@dataclass(frozen=True)
class Order:
    """All that the device fixes before it posts, secrets included.

    Attributes:
        nodes: account of index j at position j - 1.
        judges: accounts of all judges.
        tasks: T_j at position j - 1.
        alpha: the checking key; secret.
        job_secret: key that reads the answers; its public part stands in the terms.
        gather_until: chain time until which answers are waited for.
        last_charges_at: chain time at which all charges that are left are filed, whatever is still
            awaited: some of the window has to be left for the transaction.
    """

    job: JobId
    nonce: int
    terms: Terms
    root: Hash32
    nodes: tuple[Address, ...]
    judges: tuple[Address, ...]
    tasks: tuple[Task, ...] = field(repr=False)
    alpha: int = field(repr=False)
    job_secret: bytes = field(repr=False)
    gather_until: Timestamp
    last_charges_at: Timestamp


@dataclass(frozen=True)
class AskedSubmit:
    """The user orders a job."""

    order: Order


@dataclass(frozen=True)
class SawPosted:
    """The job stands on chain, deep enough."""


@dataclass(frozen=True)
class FoundPostingRefused:
    """The contract refused the posting; nothing was locked."""

    reason: str


@dataclass(frozen=True)
class SawStarted:
    """All m acceptances are on chain."""

    started_at: Timestamp


@dataclass(frozen=True)
class SawCancelled:
    """The job was ended before it started."""


@dataclass(frozen=True)
class SawIndexPhase:
    """An index is in a new phase on chain; `verdict_by` is the deadline of a served charge."""

    index: ShareIndex
    phase: IndexPhase
    verdict_by: Timestamp = NO_TIME


@dataclass(frozen=True)
class SawChargesFiled:
    """Charges of the device are on chain; others may follow, e in all."""


@dataclass(frozen=True)
class SawCharged:
    """The node's own index is charged on chain."""

    kind: ChargeKind
    served_by: Timestamp


@dataclass(frozen=True)
class SawServed:
    """k judges signed that they hold a well-formed task."""

    answer_by: Timestamp
    verdict_by: Timestamp


@dataclass(frozen=True)
class SawEnded:
    """Nothing of the job (device) or index (node, judge) is held on chain any more."""


@dataclass(frozen=True)
class SawLockOver:
    """The job's lock has expired: no step of the job is taken any more, each place goes back."""


@dataclass(frozen=True)
class SawAccepted:
    """The node's own acceptance is on chain."""


@dataclass(frozen=True)
class SawCommitted:
    """The node's own commitment is on chain, deep enough to serve the answer."""


@dataclass(frozen=True)
class HeardOfferTaken:
    """The node of `index` checked the offer, and brings its acceptance itself."""

    index: ShareIndex


@dataclass(frozen=True)
class HeardOfferRefused:
    """The node of `index` does not take the offer, in its own words; or nothing was heard of it."""

    index: ShareIndex
    why: Refusing
    reason: str


@dataclass(frozen=True)
class HeardAcceptance:
    """A node checked the offer and leaves its signed acceptance to the device."""

    acceptance: Acceptance


@dataclass(frozen=True)
class FoundAcceptancesRefused:
    """The contract refused the acceptances that were brought together: nobody's was recorded.

    One that it does not take is enough; from now on each node brings its own.
    """

    reason: str


@dataclass(frozen=True)
class HeardTaskTaken:
    """The node of `index` has journaled its task."""

    index: ShareIndex


@dataclass(frozen=True)
class HeardAnswer:
    """An answer that verifies for its task and opens what its node committed to, if anything."""

    answer: Answer


@dataclass(frozen=True)
class HeardStrayAnswer:
    """Signed by its node for its task, and opens another commitment than the node's: no answer.

    It displaces none; but with other outputs than an answer has, the two are a lie.
    """

    answer: Answer


@dataclass(frozen=True)
class HeardEvidenceTaken:
    """`judge` has journaled the evidence for `index`."""

    index: ShareIndex
    judge: Address


@dataclass(frozen=True)
class FoundResultValid:
    """Decoded and checked: psi(0) = alpha * phi(0).

    Attributes:
        result: packed phi(0), batch * n elements.
        liars: indices outside the code or with b_j != c_j * w(j).
        silent: indices without an answer.
        answered, chosen: answers it was found from, charges that were chosen before; ascending.
    """

    result: bytes = field(repr=False)
    liars: tuple[ShareIndex, ...]
    silent: tuple[ShareIndex, ...]
    answered: tuple[ShareIndex, ...] = ()
    chosen: tuple[ShareIndex, ...] = ()


@dataclass(frozen=True)
class FoundResultEarly:
    """Decoded and checked while answers are awaited: all of them give the same result.

    Attributes:
        result: as in `FoundResultValid`.
        right: indices whose answers were found right.
    """

    result: bytes = field(repr=False)
    right: tuple[ShareIndex, ...]


@dataclass(frozen=True)
class FoundResultUndecided:
    """More wrong or missing answers than can be named.

    Attributes:
        suspects, silent: to be charged next, as wrong and as silent.
        answered, chosen: answers it was found from, charges that were chosen before; ascending.
    """

    reason: str
    suspects: tuple[ShareIndex, ...]
    silent: tuple[ShareIndex, ...]
    answered: tuple[ShareIndex, ...] = ()
    chosen: tuple[ShareIndex, ...] = ()


@dataclass(frozen=True)
class HeardOffer:
    """An offer that the node checked against chain, function and its own limits.

    Attributes:
        waits_until: last second for which the node leaves its acceptance to the device;
            `NO_TIME` when it gave it none.
    """

    job: JobId
    index: ShareIndex
    terms: Terms
    root: Hash32
    nodes: tuple[Address, ...]
    judges: tuple[Address, ...]
    waits_until: Timestamp = NO_TIME


@dataclass(frozen=True)
class HeardTask:
    """A task whose branch opens the posted root.

    Attributes:
        salt: drawn for its answer, and written down with the task: a node that was killed signs
            what it signed before, never the same outputs with another salt.
    """

    task: Task
    salt: bytes = field(repr=False)


@dataclass(frozen=True)
class FoundAnswer:
    """The node computed and signed its answer."""

    answer: Answer


@dataclass(frozen=True)
class HeardAnswerTaken:
    """`judge` has journaled this node's answer."""

    judge: Address


@dataclass(frozen=True)
class SawCase:
    """A charge on chain, as a judge takes it up.

    Attributes:
        root: of the job; with node and kind it stands in all that judges sign about the charge.
        commitment: of the node, zeros when it made none; nobody commits to a charged index.
    """

    job: JobId
    index: ShareIndex
    root: Hash32
    kind: ChargeKind
    node: Address
    commitment: Hash32
    served_by: Timestamp
    judges: tuple[Address, ...]
    threshold: int


@dataclass(frozen=True)
class HeardEvidence:
    """A task that opens its leaf, with the signed answer when the charge is `wrong`."""

    terms: Terms
    task: Task
    answer: Answer | None


@dataclass(frozen=True)
class HeardOpinion:
    """A judge's valid signature, one's own included."""

    judge: Address
    opinion: Opinion


@dataclass(frozen=True)
class FoundVerdict:
    """This judge's own verdict."""

    finding: Finding


@dataclass(frozen=True)
class HeardPassedOn:
    """`judge` took what this judge passed on: evidence, answer or opinion (by name)."""

    judge: Address
    what: str


DeviceEvent = (
    AskedSubmit
    | SawPosted
    | FoundPostingRefused
    | SawStarted
    | SawCancelled
    | SawIndexPhase
    | HeardOfferTaken
    | HeardOfferRefused
    | HeardAcceptance
    | FoundAcceptancesRefused
    | HeardTaskTaken
    | HeardAnswer
    | FoundResultEarly
    | FoundResultValid
    | FoundResultUndecided
    | SawChargesFiled
    | HeardEvidenceTaken
    | SawLockOver
    | SawEnded
)
NodeEvent = (
    HeardOffer
    | SawAccepted
    | SawStarted
    | HeardTask
    | FoundAnswer
    | SawCommitted
    | SawCharged
    | SawServed
    | HeardAnswerTaken
    | SawLockOver
    | SawEnded
)
JudgeEvent = (
    SawCase
    | HeardEvidence
    | HeardAnswer
    | HeardStrayAnswer
    | HeardOpinion
    | HeardPassedOn
    | SawServed
    | FoundVerdict
    | SawEnded
)
