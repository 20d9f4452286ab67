"""Whom each effect waits for: what is short and urgent never stands behind what is long.

What a party signs or finds out alone waits for nobody, and what it submits for the chain only: a
thread is held until the transaction is sent, not until it is final (`lane.push`). What costs
somebody when it is late has a lane of its own, the earliest deadline first. All in it is of jobs
that are paid for; what anybody can make a party owe for nothing, as acceptances that a device has
and does not bring, is in another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

from edgemark.identifiers import Address
from edgemark.loop.errands import Errand
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.protocol import effects as do

CHAIN = "chain"
OWN_ACCEPTANCES = "acceptances"
EXITS = "exits"  # they end or pay what may as well end or be paid later


def errand_of(  # noqa: PLR0911 - one line a kind
    effect: do.Effect, nodes: Sequence[Address] = (), by: float = math.inf
) -> Errand | None:
    """The errand of an effect; None when it waits for nobody.

    Args:
        effect: of any party.
        nodes: of the job, for a device.
        by: its deadline.
    """
    match effect:
        case do.SendEvidence(_, judge) | do.PassEvidence(judge):
            return Errand("evidence", judge, by)
        case do.PassOpinion(judge, _):
            return Errand("opinions", judge, by)
        case do.PassAnswer(judge, _) | do.SendAnswer(judge):
            return Errand("answers", judge, by)
        case do.SendOffer(index):
            return Errand("offers", nodes[index - 1], by)
        case do.SendTask(index):
            return Errand("tasks", nodes[index - 1], by)
        case do.FetchAnswer(index):
            return Errand("answers", nodes[index - 1], by)
        case do.FetchTask() | do.FetchAnswerFromJudges():
            return Errand("inquiries", by=by)  # of several peers, who do not wait for one another
        case do.Decode() | do.DecodeEarly():
            return Errand("decoding", by=by)  # after a last round to several
        case do.ComputeAnswer() | do.SignServed() | do.Reexecute() | do.FindMissing():
            return None
        case _:
            return _submitting(effect, by)


Submitting = (
    do.SubmitPosting
    | do.SubmitAcceptances
    | do.SubmitAcceptance
    | do.SubmitCommitment
    | do.SubmitServed
    | do.SubmitVerdict
    | do.SubmitExpiry
    | do.Ending
)


def _submitting(effect: Submitting, by: float) -> Errand:
    match effect:
        case do.SubmitAcceptance():
            return Errand(OWN_ACCEPTANCES, by=by)
        case do.SubmitPosting() | do.SubmitAcceptances() | do.SubmitCommitment():
            return Errand(CHAIN, by=by)
        case do.SubmitCharge() | do.SubmitServed() | do.SubmitVerdict():
            return Errand(CHAIN, by=by)
        case do.SubmitApproval() | do.SubmitCancel() | do.SubmitCollect() | do.SubmitVoid():
            return Errand(EXITS)
        case do.SubmitLapse() | do.SubmitExpiry():
            return Errand(EXITS)
        case _:
            assert_never(effect)


def deadline_of(terms: Terms | None, effect: do.DeviceEffect | do.NodeEffect) -> float:
    """By when a device or a node has to carry out an effect, in the chain's time; infinite if ever.

    What goes to peers is here for the order in which it goes. Evidence goes first of what a device
    has to send: it has W, and `compute_by` of its job is over, or will be before others are.

    Args:
        terms: of the job; None before it is known.
        effect: of a device or a node.
    """
    if terms is None:
        return math.inf
    match effect:
        case do.SubmitPosting() | do.SubmitAcceptances() | do.SubmitAcceptance() | do.SendOffer():
            return float(terms.accept_by)
        case do.SubmitCommitment() | do.SendTask() | do.SendEvidence():
            return float(terms.compute_by)
        case do.SubmitCharge():
            return float(terms.collect_by)
        case _:
            return math.inf
