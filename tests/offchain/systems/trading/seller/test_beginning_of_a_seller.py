"""What a seller does before it answers anybody."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.party.service import PartyService
from edgemark.systems.trading.seller.seller import Seller


def test_strays__leave_before_a_quote_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote is on the disk before it is in the journal: whoever looked between would drop it."""
    happened: list[str] = []
    seller: Any = object.__new__(Seller)
    ready = threading.Event()

    def forget(keys: list[bytes], account: str) -> None:
        assert (keys, account) == ([b"known"], "seller")
        happened.append("answering" if ready.is_set() else "strays left")

    monkeypatch.setattr(PartyService, "start", lambda _: happened.append("replayed"))
    monkeypatch.setattr(Seller, "_announce", lambda _: None)
    station = SimpleNamespace(address="seller", check_answering=lambda *_: None)
    parts: dict[str, Any] = {
        "_watching": SimpleNamespace(start=lambda: None),
        "_tidying": SimpleNamespace(forget_strays=forget),
        "_ready": ready,
        "http": SimpleNamespace(start=lambda: happened.append("listens"), url=""),
        "runtime": SimpleNamespace(all_keys=lambda: [b"known"]),
        "station": station,
        "_taken": SimpleNamespace(min_window_s=60),
        "log": SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None),
        "serving": SimpleNamespace(
            engine=SimpleNamespace(status=lambda: SimpleNamespace(why_not=""))
        ),
        "wares": SimpleNamespace(offer=b"", initiation=SimpleNamespace(label="")),
    }
    for name, part in parts.items():
        monkeypatch.setattr(seller, name, part, raising=False)
    seller.start()
    assert happened == ["listens", "replayed", "strays left"]
    assert ready.is_set()
