"""The evidence bundle: why nodes of a job were charged, in one file that a stranger can replay.

Canonical JSON, version 2: keys sorted, no spaces, bytes as lower-case hexadecimal, amounts and
other numbers as integers, one newline at the end. One bundle has one encoding, and a file that is
not exactly it is refused, so that nothing in it can be changed without being seen.

A bundle holds the tasks of charged indices and nothing else of the job's secrets. Each task is one
share: t of them together say nothing about the input, t + 1 are the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, TypeVar

from edgemark.errors import RefusedInput
from edgemark.identifiers import (
    Address,
    Hash32,
    ShareIndex,
    Timestamp,
    parse_address,
    parse_hash32,
    parse_share_index,
)
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.terms import JOB_KEY_BYTES, Terms
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import (
    MAX_ANSWERS,
    MAX_BUNDLE_BYTES,
    MAX_ERRORS,
    MAX_FUNCTION_BYTES,
    MAX_JUDGES,
    MAX_NODES,
    MAX_OUTPUT_BYTES,
    MAX_SHARE_BYTES,
)
from edgemark.systems.outsourcing.protocol.messages import (
    MAX_BRANCH,
    SALT_BYTES,
    SIGNATURE_BYTES,
    Answer,
    Task,
)
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.canonical_json import (
    NotThatFormat,
    items,
    number,
    octets,
    text,
)

FORMAT, VERSION = "edgemark-evidence", 2
HASHES = frozenset({"function_hash"})
E = TypeVar("E", bound=IntEnum)


class MalformedBundle(RefusedInput):
    """A file that is no evidence bundle of this version."""


FORM = FileForm(FORMAT, VERSION, "bundle", MAX_BUNDLE_BYTES, MalformedBundle)


@dataclass(frozen=True)
class Case:
    """One charged index that has ended, with all that its judges saw and said.

    Attributes:
        task: T_j.
        answers: R_j; two when the node signed different ones, none when it was silent.
        commitment: what the node put on chain; zeros when nothing.
        acceptance, valid_until: the node's signature under terms and root.
        end: how the index ended.
        finding: of the judges; NONE without a verdict.
        served, verdict: signatures of judges, as the chain took them; empty when another contract
            brought them.
    """

    index: ShareIndex
    node: Address
    kind: ChargeKind
    task: Task
    answers: tuple[Answer, ...]
    commitment: Hash32
    acceptance: bytes
    valid_until: Timestamp
    end: IndexPhase
    finding: Finding
    served: tuple[bytes, ...]
    verdict: tuple[bytes, ...]


@dataclass(frozen=True)
class Bundle:
    """Evidence about charged indices of one job.

    Attributes:
        function: canonical bytes of F; empty when only its hash is given, in the terms.
        cases: ascending by index.
    """

    chain_id: int
    settlement: Address
    job: JobId
    root: Hash32
    terms: Terms
    judges: tuple[Address, ...]
    threshold: int
    function: bytes = field(repr=False)
    cases: tuple[Case, ...]

    @property
    def reveals(self) -> str:
        """What whoever reads the bundle learns, in words that the bundle carries."""
        count, threshold = len(self.cases), self.terms.threshold
        left = threshold - count
        return (
            f"{count} of the {self.terms.node_count} shares of this job's secret input. "
            f"By themselves they say nothing about it (t = {threshold}); with this bundle any "
            f"{left + 1} further nodes of the job together know the input, instead of any "
            f"{threshold + 1}."
        )

    def to_json(self) -> bytes:
        """The one encoding."""
        return FORM.write(self.facts())

    def facts(self) -> dict[str, Any]:
        """What the file says beside what it is."""
        return {
            "reveals": self.reveals,
            "chain_id": self.chain_id,
            "settlement": self.settlement,
            "job": self.job.hex(),
            "root": self.root.hex(),
            "terms": _terms_facts(self.terms),
            "judges": list(self.judges),
            "threshold": self.threshold,
            "function": self.function.hex() or None,
            "cases": [_case_facts(case) for case in self.cases],
        }

    @staticmethod
    def from_json(raw: bytes) -> Bundle:
        """Parse and check the form; what it says is checked by `retrial.py`.

        Raises:
            MalformedBundle: not the one encoding of a bundle of this version.
        """
        return FORM.read(raw, _bundle_of, Bundle.facts)


def _terms_facts(terms: Terms) -> dict[str, object]:
    values = {item.name: getattr(terms, item.name) for item in fields(Terms)}
    return {k: v.hex() if isinstance(v, bytes) else int(v) for k, v in values.items()}


def _terms_of(facts: Mapping[str, Any]) -> Terms:
    values: dict[str, Any] = {}
    for item in fields(Terms):
        value = facts[item.name]
        if item.name in HASHES:
            values[item.name] = parse_hash32(text(value), who=item.name)
        elif item.name == "job_key":
            values[item.name] = octets(value, JOB_KEY_BYTES, exactly=True)
        else:
            values[item.name] = number(value)
    return Terms(**values)


def _case_facts(case: Case) -> dict[str, object]:
    return {
        "index": int(case.index),
        "node": case.node,
        "kind": case.kind.name.lower(),
        "task": {
            "share": case.task.share.hex(),
            "branch": [sibling.hex() for sibling in case.task.branch],
        },
        "answers": [
            {
                "outputs": answer.outputs.hex(),
                "salt": answer.salt.hex(),
                "signature": answer.signature.hex(),
            }
            for answer in case.answers
        ],
        "commitment": case.commitment.hex(),
        "acceptance": {
            "signature": case.acceptance.hex(),
            "valid_until": int(case.valid_until),
        },
        "end": case.end.name.lower(),
        "finding": case.finding.name.lower(),
        "served": [signature.hex() for signature in case.served],
        "verdict": [signature.hex() for signature in case.verdict],
    }


def _bundle_of(facts: Mapping[str, Any]) -> Bundle:
    job, terms = JobId(parse_hash32(text(facts["job"]), who="job")), _terms_of(facts["terms"])
    function = facts["function"]
    cases = tuple(
        _case_of(each, job, terms) for each in items(facts["cases"], most=MAX_ERRORS, least=1)
    )
    order = [case.index for case in cases]
    if order != sorted(set(order)):
        raise MalformedBundle("cases are out of order", who="bundle", had=order, needed="ascending")
    return Bundle(
        chain_id=number(facts["chain_id"]),
        settlement=parse_address(text(facts["settlement"]), who="settlement"),
        job=job,
        root=parse_hash32(text(facts["root"]), who="root"),
        terms=terms,
        judges=tuple(
            parse_address(text(each), who="judge")
            for each in items(facts["judges"], most=MAX_JUDGES, least=1)
        ),
        threshold=number(facts["threshold"]),
        function=b"" if function is None else octets(function, MAX_FUNCTION_BYTES),
        cases=cases,
    )


def _case_of(facts: Mapping[str, Any], job: JobId, terms: Terms) -> Case:
    index = parse_share_index(number(facts["index"]), MAX_NODES)
    task = Task(
        job,
        index,
        terms.function_hash,
        octets(facts["task"]["share"], MAX_SHARE_BYTES),
        tuple(
            parse_hash32(text(each), who="branch")
            for each in items(facts["task"]["branch"], most=MAX_BRANCH)
        ),
    )
    answers = tuple(_answer_of(each, task) for each in items(facts["answers"], most=MAX_ANSWERS))
    if len({answer.outputs_hash for answer in answers}) != len(answers):
        raise NotThatFormat("two answers say the same")
    accepted = facts["acceptance"]
    return Case(
        index=index,
        node=parse_address(text(facts["node"]), who="node"),
        kind=_member(ChargeKind, facts["kind"]),
        task=task,
        answers=answers,
        commitment=parse_hash32(text(facts["commitment"]), who="commitment"),
        acceptance=octets(accepted["signature"], SIGNATURE_BYTES),
        valid_until=Timestamp(number(accepted["valid_until"])),
        end=_member(IndexPhase, facts["end"]),
        finding=_member(Finding, facts["finding"]),
        served=_signatures(facts["served"]),
        verdict=_signatures(facts["verdict"]),
    )


def _answer_of(facts: Mapping[str, Any], task: Task) -> Answer:
    return Answer(
        job=task.job,
        index=task.index,
        task_id=task.task_id,
        share_hash=task.share_hash,
        outputs=octets(facts["outputs"], MAX_OUTPUT_BYTES),
        salt=octets(facts["salt"], SALT_BYTES, exactly=True),
        signature=octets(facts["signature"], SIGNATURE_BYTES, exactly=True),
    )


def _signatures(value: Any) -> tuple[bytes, ...]:
    return tuple(
        octets(each, SIGNATURE_BYTES, exactly=True) for each in items(value, most=MAX_JUDGES)
    )


def _member(kind: type[E], value: Any) -> E:
    found = kind.__members__.get(text(value).upper())
    if found is None:
        raise NotThatFormat(f"name of a {kind.__name__} needed")
    return found
