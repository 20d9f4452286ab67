"""Tries the cases of an evidence bundle again: every statement checked, the task re-executed.

| what is checked                              | against                                    |
|----------------------------------------------|--------------------------------------------|
| terms, root, index, stake                    | the node's own signature (acceptance)      |
| F                                            | H(F) and the sizes in the terms            |
| T_j                                          | leaf j under the root                      |
| R_j                                          | the node's signature for this very task    |
| `served` and verdict                         | signatures of k different judges           |
| the verdict                                  | re-execution of F on the share             |
| chain, contract, job, commitment, end        | the chain's own story of the job, if given |

Without a chain it takes the bundle's word for who the judges are and how the index ended; all that
is signed, the kind of the charge among it, is checked all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from edgemark.crypto.ethereum.secp256k1 import check_signature, recover
from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import PeerFault
from edgemark.identifiers import NO_HASH, Hash32
from edgemark.receipt import Receipt
from edgemark.receipt.trial import Trial
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import check_terms
from edgemark.systems.outsourcing.evidence.bundle import Bundle, Case
from edgemark.systems.outsourcing.steps.accuse import find, is_answer
from edgemark.systems.outsourcing.steps.compute import check_function, check_task
from edgemark.systems.outsourcing.steps.decode import (
    check_opens,
    check_outputs,
    check_signed_answer,
)
from edgemark.systems.outsourcing.story.story import JobStory

# How an index ends, by what was charged and what was found.
ENDS: dict[tuple[ChargeKind, Finding], frozenset[IndexPhase]] = {
    (ChargeKind.WRONG, Finding.RIGHT): frozenset({IndexPhase.REFUTED}),
    (ChargeKind.WRONG, Finding.WRONG): frozenset({IndexPhase.CONVICTED}),
    (ChargeKind.WRONG, Finding.NONE): frozenset({IndexPhase.VOID, IndexPhase.LAPSED}),
    (ChargeKind.SILENT, Finding.RIGHT): frozenset({IndexPhase.ANSWERED}),
    (ChargeKind.SILENT, Finding.WRONG): frozenset({IndexPhase.CONVICTED}),
    (ChargeKind.SILENT, Finding.MISSING): frozenset({IndexPhase.CONVICTED}),
    (ChargeKind.SILENT, Finding.NONE): frozenset({IndexPhase.VOID, IndexPhase.LAPSED}),
}


class Outcome(Enum):
    """What a replay comes to."""

    AGREES = "agrees"
    UNSOUND = "unsound"  # something in the bundle is not what it says
    OPEN = "open"  # all of it is sound, and what decides is with others, who are named
    CONTRADICTS = "contradicts"  # all of it is sound, and the verdict is another than found here


@dataclass(kw_only=True)
class Retrial(Trial):
    """What came out.

    Attributes:
        has_chain: whether the chain's story was there to compare with.
        findings: own finding by index.
        contradictions: names of the failed checks that compare a verdict with the own finding.
        lacks: charged indices whose answer, on which there is a verdict, is with others.
    """

    receipt: Receipt = field(default_factory=lambda: Receipt("outsourcing replay"))
    has_chain: bool
    findings: dict[int, Finding] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    lacks: list[int] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """A verdict is contradicted by sound evidence only."""
        if not self.failed:
            return Outcome.OPEN if self.lacks else Outcome.AGREES
        return Outcome.CONTRADICTS if self.failed == self.contradictions else Outcome.UNSOUND

    def miss(self, name: str, why: str) -> None:
        """Something is not in the bundle: nothing to check if the chain does not have it either."""
        if self.has_chain:
            self.leave(name, why)
        else:
            self.receipt.require(name, False, "nothing", why)


def retry_bundle(bundle: Bundle, function: Polynomial, story: JobStory | None = None) -> Retrial:
    """Try every case again.

    Args:
        bundle: well formed; nothing in it is believed.
        function: F, from the bundle or from elsewhere.
        story: what the chain says of the job; None when there is no chain to ask.
    """
    trial, terms, count = Retrial(has_chain=story is not None), bundle.terms, len(bundle.cases)
    can_run = trial.check("terms keep the rules", lambda: check_terms(terms), "terms of a job")
    can_run &= trial.check("F is the posted one", lambda: check_function(function, terms), "H(F)")
    trial.receipt.require("cases within e", count <= terms.errors, count, f"<= {terms.errors}")
    trial.receipt.compare(
        "number of judges who decide", bundle.threshold, compute_judge_threshold(len(bundle.judges))
    )
    if story is None:
        trial.not_checked.append(
            "that judges, charge and end are those on chain: no chain was asked"
        )
    else:
        _compare_jobs(trial, bundle, story)
    for case in bundle.cases:
        _retry_case(trial, bundle, case, story)
        if can_run and _check_task(trial, bundle, case):
            _compare_verdict(trial, bundle, case, function)
    return trial


def _compare_jobs(trial: Retrial, bundle: Bundle, story: JobStory) -> None:
    for name, seen, expected in (
        ("chain id", bundle.chain_id, story.chain_id),
        ("contract", bundle.settlement, story.settlement),
        ("job", bundle.job.hex(), story.job.hex()),
        ("root", bundle.root.hex(), story.root.hex()),
        ("terms", bundle.terms.hash.hex(), story.terms_hash.hex()),
        ("judges", bundle.judges, story.judges),
        ("judges who decide", bundle.threshold, story.threshold),
    ):
        trial.receipt.compare(f"{name} as on chain", seen, expected)


def _retry_case(trial: Retrial, bundle: Bundle, case: Case, story: JobStory | None) -> None:
    if story is not None:
        _compare_places(trial, case, story)
    _check_acceptance(trial, bundle, case)
    _check_judges(trial, bundle, case)
    ends = ENDS.get((case.kind, case.finding), frozenset())
    shown = " or ".join(sorted(end.name.lower() for end in ends)) or "no such verdict"
    trial.receipt.require(
        f"index {case.index}: end follows from finding",
        case.end in ends,
        case.end.name.lower(),
        shown,
    )


def _check_task(trial: Retrial, bundle: Bundle, case: Case) -> bool:
    """Whether there is a task to be computed again; its answers are checked with it."""
    is_there = trial.check(
        f"index {case.index}: task opens its leaf",
        lambda: check_task(case.task, bundle.terms, bundle.root),
        f"leaf {case.index} of the root",
    )
    if is_there:
        _check_answers(trial, bundle, case)
    return is_there


def _compare_places(trial: Retrial, case: Case, story: JobStory) -> None:
    if not 1 <= case.index <= len(story.indices):
        trial.receipt.require(
            f"index {case.index}: on chain", False, case.index, f"1..{len(story.indices)}"
        )
        return
    place = story.at(case.index)
    charge = place.charge
    kind = ChargeKind.NONE if charge is None else charge.kind
    finding = Finding.NONE if charge is None else charge.finding
    served = () if charge is None else charge.served_signatures
    verdict = () if charge is None else charge.verdict_signatures
    for name, seen, expected in (
        ("node", case.node, place.node),
        ("charge", case.kind, kind),
        ("commitment", case.commitment.hex(), place.commitment.hex()),
        ("acceptance", case.acceptance.hex(), place.acceptance.hex()),
        ("acceptance time", case.valid_until, place.valid_until),
        ("end", case.end, place.phase),
        ("finding", case.finding, finding),
        ("signatures under served", [s.hex() for s in case.served], [s.hex() for s in served]),
        ("signatures under finding", [s.hex() for s in case.verdict], [s.hex() for s in verdict]),
    ):
        trial.receipt.compare(f"index {case.index}: {name} as on chain", seen, expected)


def _check_acceptance(trial: Retrial, bundle: Bundle, case: Case) -> None:
    name = f"index {case.index}: node signed terms and root"
    if not case.acceptance:
        trial.miss(name, "another contract brought the signature")
        return
    digest = domain_of(bundle).acceptance(
        bundle.job,
        case.index,
        bundle.root,
        bundle.terms.hash,
        bundle.terms.stake,
        case.valid_until,
    )
    trial.check(name, lambda: check_signature(digest, case.acceptance, case.node), case.node)


def _check_answers(trial: Retrial, bundle: Bundle, case: Case) -> None:
    domain, place = domain_of(bundle), f"index {case.index}: "
    for number, answer in enumerate(case.answers, start=1):
        which = f"answer {number}" if len(case.answers) > 1 else "answer"
        trial.check(
            f"{place}{which} was signed by the node for this task",
            lambda answer=answer: check_signed_answer(answer, case.task, case.node, domain),  # type: ignore[misc]
            case.node,
        )
        trial.check(
            f"{place}{which} is well formed",
            lambda answer=answer: check_outputs(answer, bundle.terms),  # type: ignore[misc]
            "packed outputs",
        )
    if _has_to_open(case):
        trial.check(
            f"{place}answer opens the commitment",
            lambda: check_opens(case.answers[0], case.node, case.commitment, domain),
            case.commitment.hex(),
        )


def _has_to_open(case: Case) -> bool:
    """An answer that does not open is a reason for a verdict, but never one for `right`."""
    if len(case.answers) != 1:
        return False
    if case.kind is ChargeKind.WRONG:
        return True
    return case.finding is Finding.RIGHT and case.commitment != NO_HASH


def _check_judges(trial: Retrial, bundle: Bundle, case: Case) -> None:
    domain, place = domain_of(bundle), f"index {case.index}: "
    charge = (bundle.job, case.index, bundle.root, case.node, int(case.kind))
    served, verdict = domain.served(*charge), domain.verdict(*charge, int(case.finding))
    was_served = bool(case.served) or case.end is not IndexPhase.VOID
    for name, digest, signatures, is_needed in (
        ("judges signed served", served, case.served, was_served),
        ("judges signed their finding", verdict, case.verdict, case.finding is not Finding.NONE),
    ):
        if not is_needed:
            trial.receipt.compare(f"{place}nobody: {name}", len(signatures), 0)
            continue
        if not signatures:
            trial.miss(place + name, "another contract brought the signatures")
            continue
        signers = list(_signers(digest, signatures))
        known = [signer for signer in signers if signer in bundle.judges]
        enough = len(known) == len(set(signers)) == len(signers) >= bundle.threshold
        numbers = ", ".join(str(bundle.judges.index(signer) + 1) for signer in known)
        trial.receipt.require(
            place + name,
            enough,
            f"judges {numbers}" if known else "no judge",
            f"{bundle.threshold} different judges and nobody else",
        )


def _signers(digest: Hash32, signatures: tuple[bytes, ...]) -> Iterator[str]:
    for signature in signatures:
        try:
            yield recover(digest, signature)
        except PeerFault as fault:
            yield str(fault)


def _compare_verdict(trial: Retrial, bundle: Bundle, case: Case, function: Polynomial) -> None:
    name = f"index {case.index}: verdict is what re-execution finds"
    is_judged = case.finding in (Finding.RIGHT, Finding.WRONG)
    if is_judged and not case.answers and case.kind is ChargeKind.SILENT:
        # A node that was silent to the device answers to the judges; the device never has it.
        trial.lacks.append(int(case.index))
        trial.not_checked.append(
            f"{name}: the answer reached the judges only; the charged node and each judge have it"
        )
        return
    own = compute_finding(bundle, case, function)
    trial.findings[int(case.index)] = own
    if case.finding is Finding.NONE:
        trial.not_checked.append(f"{name}: the judges gave none; here it is {own.name.lower()}")
    elif case.finding is Finding.MISSING:
        # What did not come leaves no trace: a right answer that is here may have been late.
        if own is Finding.RIGHT:
            trial.not_checked.append(f"{name}: the answer is right, but it may have been late")
        else:
            trial.not_checked.append(f"{name}: nothing shows that no answer came in time")
    elif not case.answers:
        trial.receipt.require(f"index {case.index}: signed answer is here", False, "none", "R_j")
    elif not trial.receipt.compare(name, case.finding.name.lower(), own.name.lower()):
        trial.contradictions.append(name)


def compute_finding(bundle: Bundle, case: Case, function: Polynomial) -> Finding:
    """What a judge who holds this evidence finds; MISSING without an answer that counts."""
    if len({answer.outputs_hash for answer in case.answers}) > 1:
        return Finding.WRONG
    domain = domain_of(bundle)
    for answer in case.answers:
        if is_answer(answer, case.kind, case.node, case.commitment, domain):
            return find(case.task, answer, function=function, terms=bundle.terms)
    return Finding.MISSING


def domain_of(bundle: Bundle) -> SettlementDomain:
    """Chain and contract that the bundle's signatures are for."""
    return SettlementDomain(bundle.chain_id, bundle.settlement)
