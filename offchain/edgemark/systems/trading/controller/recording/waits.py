"""What is under way at a controller, and after how long it is looked at again."""

from __future__ import annotations

from edgemark.loop.machine import UnderWay

SENT_S, AWAY_S = 2.0, 10.0  # until a credential is sent again, to who is there and who is not
EVIDENCE_S = 60.0  # until evidence is offered anew; what became of it is told before


class Sent(UnderWay):
    """A credential is on its way; it is sent again until its party has it."""

    after_s = SENT_S


class PartyAway(Sent):
    """Its party is not there."""

    after_s = AWAY_S


class Queued(UnderWay):
    """Evidence waits for the chain."""

    after_s = EVIDENCE_S
