"""A place of an expired lock goes back once, whoever returns it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.ledger.evm.faults import ContractRefused
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.station import OutsourcingStation

JOB = JobId(bytes(31) + b"\1")


def return_place(error_name: str = "") -> list[Any]:
    """The calls of a party whose anchor refuses by this error, or takes what it sends."""
    sent: list[Any] = []

    def send(call: Any) -> None:
        sent.append(call)
        if error_name:
            raise ContractRefused("AssetAnchor", "expire", error_name, {})

    station: Any = SimpleNamespace(
        accounts=SimpleNamespace(expire=lambda *arguments: arguments),
        settlement=SimpleNamespace(address="settlement"),
        push=send,
    )
    OutsourcingStation.return_place(station, JOB, 3)
    return sent


@pytest.mark.parametrize("error_name", ["", "LockUnknown", "PlaceEmpty"])
def test_place__that_is_or_was_returned__is_over(error_name: str) -> None:
    assert return_place(error_name) == [("settlement", JOB, 3)]


def test_place__of_a_lock_that_has_not_expired__is_tried_again() -> None:
    with pytest.raises(ContractRefused, match="LockNotExpired"):
        return_place("LockNotExpired")
