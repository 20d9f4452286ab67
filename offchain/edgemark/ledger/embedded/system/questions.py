"""How `qscc` and `cscc` are asked: a function and a channel, by somebody who may read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.simulation import rights
from edgemark.ledger.embedded.simulation.calls import FAILED, Call, Completion
from edgemark.ledger.embedded.simulation.ground import Ground


class NotAnswered(Exception):
    """A question is refused.

    Attributes:
        completion: what is answered instead.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.completion = Completion(FAILED, why)


def read_question(call: Call, who: str, parts: Sequence[str]) -> list[str]:
    """The first arguments of a call, as text.

    Args:
        call: of a client; no chaincode is answered.
        who: is asked.
        parts: what the arguments are, in words.

    Raises:
        NotAnswered: another chaincode asks, or one is missing.
    """
    if call.above:
        raise NotAnswered(
            f"{who} answers no chaincode, and {call.above[-1][1]} is one that calls it"
        )
    had = len(call.arguments)
    if had < len(parts):
        needed = " and ".join(f"a {each}" for each in parts)
        raise NotAnswered(f"Incorrect number of arguments, {had}: {who} needs {needed}")
    return [each.decode(errors="replace") for each in call.arguments[: len(parts)]]


def find_ground(
    channels: Mapping[str, Ground], call: Call, name: str, channel: str, unknown: str
) -> Ground:
    """The channel that somebody asks about.

    Args:
        channels: by name.
        call: of who asks.
        name: of the function.
        channel: name of it.
        unknown: Fabric's words for one that is not known.

    Raises:
        NotAnswered: it is not known at this peer, or who asks may not read it.
    """
    msp_id = call.asked.msp_id
    ground = channels.get(channel)
    if ground is None or msp_id not in ground.organisations:
        known = sorted(each for each, of in channels.items() if msp_id in of.organisations)
        where = f"{msp_id} is on {', '.join(known) or 'none'}"
        raise NotAnswered(f"{unknown}, {channel[:64]}: {where}")
    try:
        rights.check_reader(ground, call.asked.proposal.creator)
    except EdgemarkError as error:
        raise NotAnswered(f"access denied for [{name[:64]}][{channel}]: [{error}]") from error
    return ground
