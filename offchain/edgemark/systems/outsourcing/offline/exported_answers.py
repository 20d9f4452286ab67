"""Answers that one party fetched and another decodes: a file of R_j, decoded without a chain.

Who has dt + 1 answers in clear has F(x): the file is for the owner of the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate, pairwise
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import check_signature
from edgemark.crypto.sharing.reed_solomon import Undecided
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, ShareIndex, parse_address, parse_share_index
from edgemark.systems.outsourcing.contract.hashes import compute_task_id
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.identifiers import JobId, TaskId, parse_job_id
from edgemark.systems.outsourcing.limits import (
    MAX_ANSWERS_FILE_BYTES,
    MAX_NODES,
    MAX_OUTPUT_BYTES,
)
from edgemark.systems.outsourcing.offline.local import checking_key_of
from edgemark.systems.outsourcing.offline.sharing import OwnerSecret
from edgemark.systems.outsourcing.protocol.events import FoundResultUndecided, FoundResultValid
from edgemark.systems.outsourcing.protocol.messages import SALT_BYTES, SIGNATURE_BYTES, Answer
from edgemark.systems.outsourcing.steps.decode import (
    check_outputs,
    find_result,
    list_silent,
    read_values,
)
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.canonical_json import (
    NotThatFormat,
    items,
    number,
    octets,
    text,
)
from edgemark.untrusted.checksum import CHANGED, RESTORE
from edgemark.words import count

FORMAT, VERSION, OLDER = "edgemark-answers", 3, 2  # of 2, damage made a node look silent


class AnswersRefused(RefusedInput):
    """A file that holds no answers of this version."""


FORM = FileForm(
    FORMAT,
    VERSION,
    "answers",
    MAX_ANSWERS_FILE_BYTES,
    AnswersRefused,
    has_checksum=True,
    older=OLDER,
)


@dataclass(frozen=True)
class ExportedAnswers:
    """Verified answers of one job.

    Attributes:
        nodes: account of index j at position j - 1.
        answers: (index, outputs, salt, signature), ascending.
    """

    chain_id: int
    settlement: Address
    job: JobId
    nodes: tuple[Address, ...]
    answers: tuple[tuple[ShareIndex, bytes, bytes, bytes], ...] = field(repr=False)

    def to_bytes(self) -> bytes:
        """The one encoding: a line of canonical JSON, then the outputs as they are."""
        outputs = b"".join(each for _, each, _, _ in self.answers)
        return FORM.write(self._facts(VERSION)) + outputs

    def _facts(self, version: int) -> dict[str, Any]:
        """What the line says; its checksum covers the outputs by their hash."""
        facts: dict[str, Any] = {
            "chain_id": self.chain_id,
            "settlement": self.settlement,
            "job": self.job.hex(),
            "nodes": list(self.nodes),
            "answers": [
                {
                    "index": int(index),
                    "outputs": len(outputs),
                    "salt": salt.hex(),
                    "signature": signature.hex(),
                }
                for index, outputs, salt, signature in self.answers
            ],
        }
        if version != OLDER:
            outputs = sha256(b"".join(each for _, each, _, _ in self.answers))
            facts["outputs_hash"] = outputs.hexdigest()
        return facts

    @staticmethod
    def from_bytes(raw: bytes) -> ExportedAnswers:
        """Parse.

        Raises:
            AnswersRefused: not the one encoding of such a file.
        """
        end = raw.find(b"\n") + 1 or len(raw)
        version = VERSION

        def parse(facts: Mapping[str, Any]) -> ExportedAnswers:
            nonlocal version
            version = facts["version"]
            if version != OLDER and facts["outputs_hash"] != sha256(raw[end:]).hexdigest():
                raise AnswersRefused(CHANGED, who="answers, outputs", remedy=RESTORE)
            return _exported_of(facts, raw, end)

        return FORM.read(raw[:end], parse, lambda exported: exported._facts(version))


def _exported_of(facts: Mapping[str, Any], raw: bytes, start: int) -> ExportedAnswers:
    nodes = items(facts["nodes"], most=MAX_NODES, least=1)
    listed = items(facts["answers"], most=len(nodes))
    lengths = [number(each["outputs"]) for each in listed]
    if max(lengths, default=0) > MAX_OUTPUT_BYTES or start + sum(lengths) != len(raw):
        raise NotThatFormat("outputs of another length")
    ends = list(accumulate(lengths, initial=start))
    answers = tuple(
        (
            parse_share_index(number(each["index"]), len(nodes)),
            raw[begin:end],
            octets(each["salt"], SALT_BYTES, exactly=True),
            octets(each["signature"], SIGNATURE_BYTES, exactly=True),
        )
        for each, (begin, end) in zip(listed, pairwise(ends), strict=True)
    )
    order = [answer[0] for answer in answers]
    if order != sorted(set(order)):
        raise NotThatFormat("answers are out of order")
    return ExportedAnswers(
        chain_id=number(facts["chain_id"]),
        settlement=parse_address(text(facts["settlement"])),
        job=parse_job_id(text(facts["job"])),
        nodes=tuple(parse_address(text(node)) for node in nodes),
        answers=answers,
    )


def decode_exported(
    exported: ExportedAnswers, secret: OwnerSecret, challenge: bytes
) -> tuple[FoundResultValid | FoundResultUndecided, dict[int, str]]:
    """Decode with nothing but the owner's secret.

    Args:
        exported: as somebody handed it over; nothing in it is believed.
        secret: of the sharing.
        challenge: random packed elements, batch * n of them.

    Returns:
        What was found, and why answers do not count, by index.

    Raises:
        AnswersRefused: the job had another number of nodes, or is over another sharing.
    """
    made = secret.announcement
    if len(exported.nodes) != made.node_count:
        raise AnswersRefused(
            "are of another job", who="answers", had=len(exported.nodes), needed=made.node_count
        )
    counted: list[Answer] = []
    refused: dict[int, str] = {}
    for index, outputs, salt, signature in exported.answers:
        try:
            task_id, share_hash = _task_id(exported, secret, index), made.share_hashes[index - 1]
            answer = Answer(exported.job, index, task_id, share_hash, outputs, salt, signature)
            _check_answer(exported, secret, answer)
        except (PeerFault, RefusedInput) as fault:
            refused[int(index)] = fault.what
        else:
            counted.append(answer)
    if refused and not counted:  # of a job over this sharing, one at least would be its own
        why = " or ".join(sorted(set(refused.values())))
        raise AnswersRefused(
            "fit no task of this sharing",
            who="answers",
            had=f"{count(len(refused), 'answer')}, each {why}",
            needed=f"a job over sharing {made.id.hex()}",
            remedy="Take the secret.json of the sharing that this job was ordered from.",
        )
    values = read_values(counted)
    try:
        return find_result(made, checking_key_of(secret), values, challenge), refused
    except Undecided as undecided:
        return FoundResultUndecided(str(undecided), (), list_silent(made, values)), refused


def _task_id(exported: ExportedAnswers, secret: OwnerSecret, index: ShareIndex) -> TaskId:
    made = secret.announcement
    return compute_task_id(index, made.function_hash, made.share_hashes[index - 1], exported.job)


def _check_answer(exported: ExportedAnswers, secret: OwnerSecret, answer: Answer) -> None:
    """Check outputs and signature; it is this task's, for its place was put in here."""
    check_outputs(answer, secret.announcement)
    domain = SettlementDomain(exported.chain_id, exported.settlement)
    node = exported.nodes[answer.index - 1]
    check_signature(answer.digest(domain, node), answer.signature, node)
