"""Whom each effect waits for: what is short and urgent never stands behind what is long.

What a party signs or finds out alone waits for nobody, and what it submits for the chain only.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.errands import Errand
from edgemark.identifiers import Address
from edgemark.systems.outsourcing import effects as do

CHAIN = "chain"


def errand_of(effect: object, nodes: Sequence[Address] = ()) -> Errand | None:  # noqa: PLR0911
    """The errand of an effect; None when it waits for nobody.

    Args:
        effect: of any party.
        nodes: of the job, for a device.
    """
    match effect:
        case do.SendEvidence(_, judge) | do.PassEvidence(judge):
            return Errand("evidence", judge)
        case do.PassOpinion(judge, _):
            return Errand("opinions", judge)
        case do.PassAnswer(judge, _) | do.SendAnswer(judge):
            return Errand("answers", judge)
        case do.SendOffer(index):
            return Errand("offers", nodes[index - 1])
        case do.SendTask(index):
            return Errand("tasks", nodes[index - 1])
        case do.FetchAnswer(index):
            return Errand("answers", nodes[index - 1])
        case do.FetchTask() | do.FetchAnswerFromJudges():
            return Errand("inquiries")  # of several peers, who do not wait for one another
        case do.Decode():
            return Errand("decoding")  # after a last round to several
        case _:
            return Errand(CHAIN) if type(effect).__name__.startswith("Submit") else None
