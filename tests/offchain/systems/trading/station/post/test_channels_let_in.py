"""A channel that its controller has not seen yet is no warning, unless that goes on."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.post.session import UNSEEN_TILL_TOLD, Session, _Standing
from edgemark.transport.faults import PeerRefused

CHANNEL = ChannelId(bytes(32))


def refuse(error: str, times: int) -> list[str]:
    """The levels of the lines that so many refusals make."""
    levels: list[str] = []
    log = SimpleNamespace(
        debug=lambda *_, **__: levels.append("debug"),
        warning=lambda *_, **__: levels.append("warning"),
    )
    session: Any = SimpleNamespace(
        _guard=threading.Lock(), _channels={CHANNEL: _Standing()}, _log=log
    )
    for _ in range(times):
        refused = PeerRefused(404, {"error": error}, who="controller")
        Session._refuse(cast(Session, session), CHANNEL, refused)
    return levels


def test_a_channel_that_is_not_seen_yet__is_a_warning_only_when_that_goes_on() -> None:
    few = UNSEEN_TILL_TOLD - 1
    assert refuse("ChannelUnknown", few) == ["debug"] * few
    assert refuse("ChannelUnknown", 2 * UNSEEN_TILL_TOLD).count("warning") == 1


def test_any_other_refusal__is_a_warning_once() -> None:
    assert refuse("LoginRefused", 3) == ["warning", "debug", "debug"]
